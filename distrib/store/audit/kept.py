"""What is kept beside the ledger so that pages are found and months not added up: it tells all, and nothing else.

Worked out again from transfers, settlements and payments alone. Nothing is repaired here.
"""

from __future__ import annotations

from distrib.store.audit.pages import By
from distrib.store.audit.questions import Question

# A row that no block tells of would be on no page that asks for its kind, month or day.
_BLOCKS = Question(
    "blocks_tell_all",
    "SELECT count(*) FROM transfers WHERE program_id = %(program)s AND cause_no IN %(page)s",
    """
    SELECT 'transfers' AS rows_of, d.block * 128 AS first_no, d.kind::text AS kind, d.period, d.day FROM (
        SELECT DISTINCT cause_no >> 7 AS block, kind, period, (occurred_at AT TIME ZONE 'UTC')::date AS day,
               (available_at AT TIME ZONE 'UTC')::date AS available_on
        FROM transfers WHERE program_id = %(program)s AND cause_no IN %(page)s) d
    WHERE NOT EXISTS (SELECT 1 FROM transfer_blocks k
                      WHERE k.program_id = %(program)s AND k.block = d.block AND k.kind = d.kind AND k.period = d.period
                        AND k.occurred_on = d.day AND k.available_on = d.available_on)
    UNION ALL
    SELECT 'orders', d.block * 128, NULL, NULL, d.day FROM (
        SELECT order_no >> 7 AS block, (paid_at AT TIME ZONE 'UTC')::date AS day FROM settlements
        WHERE program_id = %(program)s AND order_no IN %(page)s
        UNION
        SELECT order_no >> 7, (paid_at AT TIME ZONE 'UTC')::date FROM paid_orders
        WHERE program_id = %(program)s AND order_no IN %(page)s) d
    WHERE NOT EXISTS (SELECT 1 FROM order_blocks k
                      WHERE k.program_id = %(program)s AND k.block = d.block AND k.paid_on = d.day)
    """,
    By.ORDERS,
)
# Each order and each refund once, whatever number of shops it moved something for.
_ONCE = """
(SELECT count(DISTINCT o.{number}) FROM transfers o
 WHERE o.program_id = %(program)s AND o.period = k.period AND o.posting_no <= k.through_posting AND o.shop_no > 0
   AND o.kind = '{kind}')
"""
# Of each kept row, what the postings up to its own come to. `period` 0 is of all months together, without shops.
_TOTALS = Question(
    "kept_totals_add_up",
    "SELECT count(*) FROM statement_totals WHERE program_id = %(program)s",
    f"""
    SELECT k.period, ARRAY[k.shops, k.opening_minor, k.earned_minor, k.reversed_minor, k.adjusted_minor, k.paid_minor,
                           k.tax_minor, k.held_minor, k.orders, k.refunds] AS kept, t.figures AS posted
    FROM statement_totals k CROSS JOIN LATERAL (
        SELECT ARRAY[count(*) FILTER (WHERE k.period > 0 AND (opening, earned, reversed, adjusted, paid, tax, orders,
                                      refunds) <> (0, 0, 0, 0, 0, 0, 0, 0)),
                     COALESCE(sum(opening), 0), COALESCE(sum(earned), 0), COALESCE(sum(reversed), 0),
                     COALESCE(sum(adjusted), 0), COALESCE(sum(paid), 0), COALESCE(sum(tax), 0),
                     COALESCE(sum(held) FILTER (WHERE k.period > 0), 0),
                     {_ONCE.format(number="cause_no", kind="earned")},
                     {_ONCE.format(number="event_no", kind="reversed")}]::bigint[] AS figures
        FROM (SELECT shop_no, COALESCE(sum(minor) FILTER (WHERE period < k.period), 0) AS opening,
                     COALESCE(sum(minor) FILTER (WHERE is_in AND kind IN ('earned', 'pool')), 0) AS earned,
                     COALESCE(sum(minor) FILTER (WHERE is_in AND kind = 'reversed'), 0) AS reversed,
                     COALESCE(sum(minor) FILTER (WHERE is_in AND kind = 'adjusted'), 0) AS adjusted,
                     COALESCE(-sum(minor) FILTER (WHERE is_in AND kind = 'paid'), 0) AS paid,
                     COALESCE(-sum(minor) FILTER (WHERE is_in AND kind = 'tax'), 0) AS tax,
                     COALESCE(sum(minor) FILTER (WHERE available_at >= k.held_from), 0) AS held,
                     count(DISTINCT cause_no) FILTER (WHERE is_in AND kind = 'earned') AS orders,
                     count(DISTINCT event_no) FILTER (WHERE is_in AND kind = 'reversed') AS refunds
              FROM (SELECT t.*, signed_minor(t.shop_no, t.credit_account, t.amount_minor) AS minor,
                           k.period IN (0, t.period) AS is_in FROM transfers t
                    WHERE t.program_id = %(program)s AND t.posting_no <= k.through_posting AND t.shop_no > 0
                      AND (k.period = 0 OR t.period <= k.period)) t
              GROUP BY shop_no) a) t
    WHERE k.program_id = %(program)s AND t.figures <> ARRAY[k.shops, k.opening_minor, k.earned_minor, k.reversed_minor,
          k.adjusted_minor, k.paid_minor, k.tax_minor, k.held_minor, k.orders, k.refunds]
    """,
)
_PAYOUTS = Question(
    "payout_sums_add_up",
    "SELECT count(*) FROM payout_sums WHERE program_id = %(program)s",
    """
    SELECT l.payout_no, l.figures AS of_lines, s.figures AS kept
    FROM (SELECT payout_no, ARRAY[count(*), sum(amount_minor), sum(tax_minor), sum(fee_minor),
                     count(*) FILTER (WHERE r.status = 'paid' AND b.shop_no IS NULL),
                     count(*) FILTER (WHERE r.status = 'failed'), count(b.shop_no),
                     COALESCE(sum(n.net) FILTER (WHERE r.status = 'paid' AND b.shop_no IS NULL), 0),
                     COALESCE(sum(n.net) FILTER (WHERE b.shop_no IS NOT NULL), 0),
                     COALESCE(sum(l.amount_minor) FILTER (WHERE r.status IS NOT NULL), 0)]::bigint[] AS figures
          FROM payout_lines l CROSS JOIN LATERAL (SELECT l.amount_minor - l.tax_minor - l.fee_minor AS net) n
          LEFT JOIN payout_results r USING (program_id, payout_no, shop_no)
          LEFT JOIN payout_returns b USING (program_id, payout_no, shop_no)
          WHERE program_id = %(program)s GROUP BY payout_no) l
    FULL JOIN (SELECT payout_no, ARRAY[lines, amount_minor, tax_minor, fee_minor, paid, failed, returned, paid_minor,
                      returned_minor, ended_minor] AS figures
               FROM payout_sums WHERE program_id = %(program)s) s ON s.payout_no = l.payout_no
    WHERE l.figures IS DISTINCT FROM s.figures
    """,
)
QUESTIONS = (_BLOCKS, _TOTALS, _PAYOUTS)
