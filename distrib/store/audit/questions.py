"""What the ledger, the inbox and the tree must satisfy, each as one query for what does not.

Every question answers how much it looked at and which rows are wrong. They rest on nothing
that the writing side computed, where that can be. Nothing is repaired here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from distrib.domain.plans.plan import CHAIN_LENGTH

MOST_ROWS = 20
"""So many wrong rows are shown; all are counted."""

_SIGNED = "CASE WHEN credit_account = shop_no THEN amount_minor ELSE -amount_minor END"


@dataclass(frozen=True, slots=True)
class Question:
    """One check: its name, the query that counts what is looked at, and the one for what is wrong."""

    name: str
    figure: str
    wrong: str


@dataclass(frozen=True, slots=True)
class AuditAnswer:
    """The result of one check: how many things were looked at, how many are wrong, and the first of these."""

    figure: int
    wrong: int
    rows: list[dict[str, Any]]


def ask(conn: Connection, question: Question, bound: Mapping[str, Any]) -> AuditAnswer:
    """Runs the two queries of one check."""
    figure = conn.execute(text(question.figure), bound).scalar_one()
    statement = f"SELECT w.*, count(*) OVER () AS wrong FROM ({question.wrong}) w LIMIT {MOST_ROWS}"
    rows = [dict(row) for row in conn.execute(text(statement), bound).mappings()]
    wrong = rows[0]["wrong"] if rows else 0
    return AuditAnswer(figure, wrong, [{name: value for name, value in row.items() if name != "wrong"} for row in rows])


_MONTHS = Question(
    "transfers_match_account_months",
    "SELECT count(*) FROM account_months WHERE program_id = :program",
    f"""
    SELECT COALESCE(p.account_no, m.account_no) AS account_no, COALESCE(p.period, m.period) AS period,
           COALESCE(p.figures, '{{0,0,0,0,0,0,0}}') AS posted, COALESCE(m.figures, '{{0,0,0,0,0,0,0}}') AS kept
    FROM (SELECT account_no, period, ARRAY[earned, reversed, adjusted, paid, tax, orders, refunds]::bigint[] AS figures
          FROM (SELECT shop_no AS account_no, period,
                       COALESCE(sum({_SIGNED}) FILTER (WHERE kind IN ('earned', 'pool')), 0) AS earned,
                       COALESCE(sum({_SIGNED}) FILTER (WHERE kind = 'reversed'), 0) AS reversed,
                       COALESCE(sum({_SIGNED}) FILTER (WHERE kind = 'adjusted'), 0) AS adjusted,
                       COALESCE(-sum({_SIGNED}) FILTER (WHERE kind = 'paid'), 0) AS paid,
                       COALESCE(-sum({_SIGNED}) FILTER (WHERE kind = 'tax'), 0) AS tax,
                       count(DISTINCT cause_no) FILTER (WHERE kind = 'earned') AS orders,
                       count(DISTINCT event_no) FILTER (WHERE kind = 'reversed') AS refunds
                FROM transfers WHERE program_id = :program GROUP BY shop_no, period) t) p
    FULL JOIN (SELECT account_no, period, ARRAY[earned_minor, reversed_minor, adjusted_minor, paid_minor, tax_minor,
                      orders, refunds] AS figures
               FROM account_months WHERE program_id = :program) m
      ON m.account_no = p.account_no AND m.period = p.period
    WHERE COALESCE(p.figures, '{{0,0,0,0,0,0,0}}') <> COALESCE(m.figures, '{{0,0,0,0,0,0,0}}')
    """,
)

_BALANCED = Question(
    "transfers_balanced",
    "SELECT count(*) FROM transfers WHERE program_id = :program",
    """
    SELECT cause_no, seq, kind::text AS kind, debit_account, credit_account, amount_minor
    FROM transfers
    WHERE program_id = :program AND (amount_minor <= 0 OR shop_no <> GREATEST(debit_account, credit_account)
          OR NOT CASE WHEN kind IN ('earned', 'pool') THEN debit_account = :expense
                      WHEN kind IN ('reversed', 'adjusted') THEN LEAST(debit_account, credit_account) = :expense
                      WHEN kind = 'paid' THEN LEAST(debit_account, credit_account) = :clearing
                      WHEN kind = 'tax' THEN LEAST(debit_account, credit_account) = :tax ELSE false END)
    UNION ALL
    SELECT t.cause_no, t.seq, 'account of no shop', 0, t.shop_no, 0
    FROM (SELECT shop_no, min(cause_no) AS cause_no, min(seq) AS seq FROM transfers
          WHERE program_id = :program GROUP BY shop_no) t
    WHERE NOT EXISTS (SELECT 1 FROM shops s WHERE s.program_id = :program AND s.shop_no = t.shop_no)
    UNION ALL
    SELECT 0, 0, 'all accounts', :expense, 0, difference FROM (
        SELECT (SELECT COALESCE(sum(earned_minor + reversed_minor + adjusted_minor - paid_minor - tax_minor), 0)
                FROM account_months WHERE program_id = :program AND account_no > 0)
             + (SELECT COALESCE(sum(CASE WHEN credit_account < 0 THEN amount_minor ELSE -amount_minor END), 0)
                FROM transfers WHERE program_id = :program)
               AS difference) zero_sum
    WHERE difference <> 0
    """,
)

_REVERSALS = Question(
    "reversals_within_earned",
    "SELECT count(*) FROM transfers WHERE program_id = :program AND kind = 'reversed'",
    f"""
    WITH lines AS (
        SELECT cause_no, line_id, rule_id, tier, shop_no, sum(amount) AS standing,
               sum(amount) FILTER (WHERE kind = 'earned') AS earned
        FROM (SELECT cause_no, line_id, rule_id, tier, shop_no, kind, {_SIGNED} AS amount FROM transfers
              WHERE program_id = :program AND kind IN ('earned', 'reversed')
                AND cause_no IN (SELECT cause_no FROM transfers WHERE program_id = :program AND kind = 'reversed')) t
        GROUP BY cause_no, line_id, rule_id, tier, shop_no
    )
    SELECT cause_no, line_id, rule_id, tier, shop_no, earned::bigint AS earned_minor,
           standing::bigint AS standing_minor
    FROM lines WHERE standing < 0
    UNION ALL
    SELECT cause_no, min(line_id), rule_id, tier, shop_no, sum(earned)::bigint, sum(standing)::bigint
    FROM lines GROUP BY cause_no, rule_id, tier, shop_no HAVING sum(standing) > COALESCE(sum(earned), 0)
    UNION ALL
    SELECT r.cause_no, r.line_id, r.rule_id, r.tier, r.shop_no, e.amount_minor, NULL
    FROM transfers r
    LEFT JOIN transfers e ON e.program_id = r.program_id AND e.cause_no = r.cause_no
         AND e.seq = r.reverses_seq AND e.kind = 'earned'
    WHERE r.program_id = :program AND r.kind = 'reversed'
      AND ((r.rule_id, r.tier, r.shop_no, r.available_at)
           IS DISTINCT FROM (e.rule_id, e.tier, e.shop_no, e.available_at)
           OR r.line_id <> e.line_id AND EXISTS (
               SELECT 1 FROM transfers o WHERE o.program_id = r.program_id AND o.cause_no = r.cause_no
                 AND o.kind = 'earned' AND o.line_id = r.line_id AND o.rule_id = r.rule_id AND o.tier = r.tier
                 AND o.shop_no = r.shop_no))
    """,
)

_DATED = Question(
    "transfers_dated",
    "SELECT count(*) FROM transfers WHERE program_id = :program",
    """
    SELECT t.cause_no, t.seq, t.kind::text AS kind, t.occurred_at, e.occurred_at AS event_at, t.available_at, t.period
    FROM transfers t
    LEFT JOIN events e ON e.program_id = t.program_id AND e.order_no = t.cause_no AND e.event_no = t.event_no
    LEFT JOIN unnest(CAST(:periods AS integer[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
         AS m (period, starts_at, ends_at) ON m.period = COALESCE(t.belongs_to_period, t.period)
    LEFT JOIN (SELECT version_no, COALESCE((document::json ->> 'hold_days')::integer, :default_hold) AS hold_days
               FROM plan_versions WHERE program_id = :program) v ON v.version_no = t.version_no
    WHERE t.program_id = :program AND t.kind IN ('earned', 'reversed')
      AND ((t.occurred_at IS DISTINCT FROM e.occurred_at AND NOT (t.kind = 'reversed' AND t.event_no IS NULL)
            AND NOT (t.kind = 'reversed' AND EXISTS (
                SELECT 1 FROM refund_lines r WHERE r.program_id = :program AND r.order_no = t.cause_no
                  AND r.event_no = t.event_no AND r.occurred_at = t.occurred_at AND t.occurred_at > e.occurred_at))
            AND NOT (t.kind = 'earned' AND EXISTS (
                SELECT 1 FROM group_orders m JOIN group_decisions d USING (program_id, group_no)
                WHERE m.program_id = :program AND m.order_no = t.cause_no
                  AND d.has_succeeded AND d.occurred_at = t.occurred_at AND d.occurred_at > e.occurred_at)))
           OR m.period IS NULL OR t.occurred_at < m.starts_at OR t.occurred_at >= m.ends_at
           OR (t.kind = 'earned'
               AND t.available_at IS DISTINCT FROM t.occurred_at + v.hold_days * interval '24 hours'))
    """,
)

_PLAN_IN_FORCE = Question(
    "plan_in_force",
    "SELECT count(*) FROM settlements WHERE program_id = :program",
    """
    SELECT s.order_no, s.paid_at, s.version_no, v.version_no AS in_force
    FROM settlements s
    LEFT JOIN (SELECT version_no, effective_from, lead(effective_from) OVER (ORDER BY effective_from) AS until
               FROM plan_publications WHERE program_id = :program) v
      ON s.paid_at >= v.effective_from AND (v.until IS NULL OR s.paid_at < v.until)
    WHERE s.program_id = :program AND s.version_no IS NOT NULL AND s.version_no IS DISTINCT FROM v.version_no
    """,
)

_EVENTS = Question(
    "events_accounted_for",
    "SELECT count(*) FROM events WHERE program_id = :program",
    """
    SELECT COALESCE(e.order_no, x.order_no) AS order_no, COALESCE(e.event_no, x.event_no) AS event_no, e.event_id,
           COALESCE(x.status, 'lost') AS status
    FROM (SELECT * FROM events WHERE program_id = :program) e
    FULL JOIN (SELECT * FROM event_outcomes WHERE program_id = :program) x
      ON x.order_no = e.order_no AND x.event_no = e.event_no
    LEFT JOIN queue q ON q.program_id = :program AND q.order_no = e.order_no
    WHERE e.event_no IS NULL OR (COALESCE(x.status, 'pending') = 'pending' AND q.order_no IS NULL
          AND NOT EXISTS (SELECT 1 FROM group_orders m
                          JOIN queue w ON w.program_id = m.program_id AND w.order_no = m.group_no
                          WHERE m.program_id = :program AND m.order_no = e.order_no))
    """,
)

_SETTLEMENTS = Question(
    "one_settlement_per_order",
    "SELECT count(*) FROM settlements WHERE program_id = :program",
    """
    SELECT s.order_no, s.event_no, 'settlement without its event' AS what
    FROM settlements s
    LEFT JOIN events e USING (program_id, order_no, event_no)
    LEFT JOIN event_outcomes x USING (program_id, order_no, event_no)
    WHERE s.program_id = :program AND (e.type IS DISTINCT FROM 'order.settled' OR x.status IS DISTINCT FROM 'done')
    UNION ALL
    SELECT order_no, min(event_no), 'settled more than once' FROM settlements
    WHERE program_id = :program GROUP BY order_no HAVING count(*) > 1
    UNION ALL
    SELECT e.order_no, e.event_no, 'done without a settlement'
    FROM events e
    JOIN event_outcomes x USING (program_id, order_no, event_no)
    LEFT JOIN settlements s USING (program_id, order_no)
    WHERE e.program_id = :program AND e.type = 'order.settled' AND x.status = 'done' AND s.order_no IS NULL
      AND NOT EXISTS (SELECT 1 FROM order_ends n WHERE n.program_id = :program AND n.order_no = e.order_no)
    UNION ALL
    SELECT DISTINCT r.order_no, r.event_no, 'refund without its event'
    FROM refund_lines r
    LEFT JOIN events e USING (program_id, order_no, event_no)
    LEFT JOIN event_outcomes x USING (program_id, order_no, event_no)
    WHERE r.program_id = :program AND (x.status IS DISTINCT FROM 'done' OR e.type IS DISTINCT FROM
          CASE WHEN r.refund_id = '/cancelled' THEN 'order.cancelled'
               WHEN starts_with(r.refund_id, '/reversed/') THEN 'refund.reversed' ELSE 'order.refunded' END)
    UNION ALL
    SELECT DISTINCT r.order_no, r.event_no, 'refund counts before what it takes back, or otherwise than its event'
    FROM refund_lines r
    JOIN settlements s USING (program_id, order_no)
    JOIN events e ON e.program_id = r.program_id AND e.order_no = r.order_no AND e.event_no = r.event_no
    LEFT JOIN refund_lines u ON u.program_id = r.program_id AND u.order_no = r.order_no AND u.line_id = r.line_id
         AND r.refund_id = '/reversed/' || u.refund_id
    WHERE r.program_id = :program AND NOT r.is_dated_by_event
      AND r.occurred_at <> GREATEST(e.occurred_at, s.settled_at, u.occurred_at)
      AND NOT (r.occurred_at > e.occurred_at AND EXISTS (
          SELECT 1 FROM refund_lines f WHERE f.program_id = r.program_id AND f.order_no = r.order_no
            AND starts_with(f.refund_id, '/reversed/') AND f.occurred_at = r.occurred_at))
    UNION ALL
    SELECT r.order_no, r.event_no, 'undoes other than its refund took'
    FROM refund_lines r
    LEFT JOIN refund_lines u ON u.program_id = r.program_id AND u.order_no = r.order_no AND u.line_id = r.line_id
         AND r.refund_id = '/reversed/' || u.refund_id
    WHERE r.program_id = :program AND starts_with(r.refund_id, '/reversed/')
      AND (u.amount_minor, u.sales_minor) IS DISTINCT FROM (-r.amount_minor, -r.sales_minor)
    """,
)

# A parent that stands one level higher, everywhere, leaves no room for a loop.
_TREE = Question(
    "tree_acyclic_and_levels",
    "SELECT count(*) FROM shops WHERE program_id = :program",
    f"""
    SELECT s.shop_id, s.level, p.shop_id AS sponsor_id, p.level AS sponsor_level, s.uplines
    FROM shops s LEFT JOIN shops p ON p.program_id = s.program_id AND p.shop_no = s.sponsor_no
    WHERE s.program_id = :program AND (
        (s.sponsor_no IS NULL AND (s.level <> 1 OR s.uplines <> '{{}}'))
        OR (s.sponsor_no IS NOT NULL AND (p.shop_no IS NULL OR s.level <> p.level + 1
            OR s.uplines <> (ARRAY[p.shop_no] || p.uplines)[1:{CHAIN_LENGTH}])))
    """,
)
# What stood deeper when the program took a stricter pack may stay; a link recorded since then is judged by it.
_TREE_POLICY = Question(
    "tree_within_policy",
    "SELECT COALESCE(max(level), 0) FROM shops WHERE program_id = :program",
    """
    SELECT s.shop_id, s.level FROM shops s
    WHERE s.program_id = :program AND s.level > :max_levels AND EXISTS (
        SELECT 1 FROM referrals r
        WHERE r.program_id = :program AND r.shop_no = ANY (s.shop_no || s.uplines) AND r.recorded_at > COALESCE(
            (SELECT max(c.changed_at) FROM program_changes c
             WHERE c.program_id = :program AND c.after::jsonb ? 'policy'), '-infinity'))
    """,
)
_SPONSORS = Question(
    "sponsors_projection",
    "SELECT count(*) FROM referrals WHERE program_id = :program",
    """
    SELECT s.shop_id, s.sponsor_no, r.sponsor_no AS dated_sponsor_no, s.chain_since, r.effective_at
    FROM shops s LEFT JOIN (SELECT DISTINCT ON (shop_no) shop_no, sponsor_no, effective_at FROM referrals
                            WHERE program_id = :program ORDER BY shop_no, effective_at DESC, seq DESC) r USING (shop_no)
    WHERE s.program_id = :program AND (r.shop_no IS NULL OR s.sponsor_no IS DISTINCT FROM r.sponsor_no)
    """,
)
_STATUSES = Question(
    "statuses_projection",
    "SELECT count(*) FROM shop_statuses WHERE program_id = :program",
    """
    SELECT s.shop_id, s.status, s.status_since, h.status AS dated_status, h.effective_at
    FROM shops s LEFT JOIN (SELECT DISTINCT ON (shop_no) shop_no, status, effective_at FROM shop_statuses
                            WHERE program_id = :program ORDER BY shop_no, effective_at DESC, seq DESC) h USING (shop_no)
    WHERE s.program_id = :program AND (s.status, s.status_since) IS DISTINCT FROM (h.status, h.effective_at)
    """,
)
_RANKS = Question(
    "ranks_projection",
    "SELECT count(*) FROM shop_ranks WHERE program_id = :program",
    """
    SELECT s.shop_id, s.rank, s.rank_since, h.rank AS dated_rank, h.effective_at
    FROM shops s LEFT JOIN (SELECT DISTINCT ON (shop_no) shop_no, rank, effective_at FROM shop_ranks
                            WHERE program_id = :program ORDER BY shop_no, effective_at DESC, seq DESC) h USING (shop_no)
    WHERE s.program_id = :program AND (s.rank IS DISTINCT FROM h.rank
          OR (h.shop_no IS NOT NULL AND s.rank_since <> h.effective_at))
    """,
)
_IDS = Question(
    "ids_unique",
    "SELECT (SELECT count(*) FROM shops WHERE program_id = :program)"
    " + (SELECT count(*) FROM orders WHERE program_id = :program)"
    " + (SELECT count(*) FROM events WHERE program_id = :program)",
    """
    SELECT 'shop' AS what, shop_id AS id, count(*) AS times FROM shops
    WHERE program_id = :program GROUP BY shop_id HAVING count(*) > 1
    UNION ALL
    SELECT 'invite code', invite_code, count(*) FROM shops
    WHERE program_id = :program GROUP BY invite_code HAVING count(*) > 1
    UNION ALL
    SELECT 'order', order_id, count(*) FROM orders
    WHERE program_id = :program GROUP BY order_id HAVING count(*) > 1
    UNION ALL
    SELECT 'event', event_id, count(*) FROM events
    WHERE program_id = :program GROUP BY event_id HAVING count(*) > 1
    UNION ALL
    SELECT 'transfer', cause_no || '-' || seq, count(*) FROM transfers
    WHERE program_id = :program GROUP BY cause_no, seq HAVING count(*) > 1
    """,
)

QUESTIONS = (
    _MONTHS,
    _BALANCED,
    _REVERSALS,
    _DATED,
    _PLAN_IN_FORCE,
    _EVENTS,
    _SETTLEMENTS,
    _TREE,
    _TREE_POLICY,
    _SPONSORS,
    _STATUSES,
    _RANKS,
    _IDS,
)

# What a case holds becomes available when it is freed, and until then never.
_BUCKETS = f"""
SELECT period, (EXTRACT(year FROM free_at AT TIME ZONE :time_zone) * 100
                + EXTRACT(month FROM free_at AT TIME ZONE :time_zone))::integer AS available_period,
       sum({_SIGNED})::bigint AS amount_minor
FROM (SELECT t.*, CASE WHEN f.seq IS NULL THEN t.available_at
                       ELSE GREATEST(t.available_at, COALESCE(d.freed_at, '8999-12-15 00:00+00')) END AS free_at
      FROM transfers t
      LEFT JOIN frozen_commissions f ON f.program_id = t.program_id AND f.cause_no = t.cause_no
           AND f.seq = COALESCE(t.reverses_seq, t.seq)
      LEFT JOIN freed_commissions d ON d.program_id = f.program_id AND d.cause_no = f.cause_no AND d.seq = f.seq
      WHERE t.program_id = :program AND t.shop_no > 0) t
GROUP BY 1, 2
"""


def money_by_month(conn: Connection, bound: Mapping[str, Any]) -> list[tuple[int, int, int]]:
    """Adds up all transfers by the month they count in and the month their money becomes available in."""
    return [tuple(row) for row in conn.execute(text(_BUCKETS), bound)]
