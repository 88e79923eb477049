"""Whether the running totals of accounts are what was posted to them: by month, over both sides, without a gap.

Three checks of one statement, which reads the transfers of a page of shops once. Nothing is repaired here.
"""

from __future__ import annotations

from typing import Final

from distrib.store.audit.pages import BY_SHOP, By
from distrib.store.audit.questions import Together

MONTHS: Final = "transfers_match_account_months"
ZERO_SUM: Final = "transfers_balanced"
VERSIONS: Final = "balances_without_gaps"

# Months up to ``closed`` are left out with what was posted in them; 0 leaves none out. What counts in a later month was
# posted after ``posting``, which says so again for the index.
_OF_TRANSFERS = f"""
FROM {BY_SHOP} WHERE program_id = %(program)s AND shop_no IN %(page)s AND period > %(closed)s
AND posting_no > %(posting)s
"""
_OF_MONTHS = "WHERE program_id = %(program)s AND account_no IN %(page)s AND period > %(closed)s"

RUNNING_TOTALS = Together(
    (MONTHS, ZERO_SUM, VERSIONS),
    f"""
    posted AS MATERIALIZED (
        SELECT shop_no AS account_no, period,
               ARRAY[COALESCE(sum(signed_minor) FILTER (WHERE kind IN ('earned', 'pool')), 0),
                     COALESCE(sum(signed_minor) FILTER (WHERE kind = 'reversed'), 0),
                     COALESCE(sum(signed_minor) FILTER (WHERE kind = 'adjusted'), 0),
                     COALESCE(-sum(signed_minor) FILTER (WHERE kind = 'paid'), 0),
                     COALESCE(-sum(signed_minor) FILTER (WHERE kind = 'tax'), 0),
                     count(DISTINCT cause_no) FILTER (WHERE kind = 'earned'),
                     count(DISTINCT event_no) FILTER (WHERE kind = 'reversed')]::bigint[] AS figures,
               sum(CASE WHEN credit_account < 0 THEN amount_minor ELSE -amount_minor END) AS of_program_minor,
               count(DISTINCT posting_no) AS postings, min(posting_no) AS first_posting,
               min(cause_no) AS cause_no, min(seq) AS seq
        FROM (SELECT *, signed_minor(shop_no, credit_account, amount_minor) {_OF_TRANSFERS}) t
        GROUP BY shop_no, period
    ), kept AS MATERIALIZED (
        SELECT account_no, period, version,
               ARRAY[earned_minor, reversed_minor, adjusted_minor, paid_minor, tax_minor, orders, refunds] AS figures,
               earned_minor + reversed_minor + adjusted_minor - paid_minor - tax_minor AS balance_minor
        FROM account_months {_OF_MONTHS}
    ), {MONTHS} AS (
        SELECT account_no, period, COALESCE(p.figures, '{{0,0,0,0,0,0,0}}') AS posted,
               COALESCE(m.figures, '{{0,0,0,0,0,0,0}}') AS kept
        FROM posted p FULL JOIN kept m USING (account_no, period)
        WHERE COALESCE(p.figures, '{{0,0,0,0,0,0,0}}') <> COALESCE(m.figures, '{{0,0,0,0,0,0,0}}')
    ), {ZERO_SUM} AS (
        SELECT cause_no, seq, 'account of no shop' AS kind, 0 AS debit_account, account_no AS credit_account,
               0 AS amount_minor
        FROM (SELECT account_no, min(cause_no) AS cause_no, min(seq) AS seq FROM posted GROUP BY account_no) t
        WHERE NOT EXISTS (SELECT 1 FROM shops s
                          WHERE s.program_id = %(program)s AND s.shop_no = t.account_no AND s.shop_no IN %(page)s)
        UNION ALL
        SELECT 0, 0, 'all accounts', %(expense)s, 0, difference FROM (
            SELECT (SELECT COALESCE(sum(balance_minor), 0) FROM kept WHERE account_no > 0)
                 + (SELECT COALESCE(sum(of_program_minor), 0) FROM posted) AS difference) zero_sum
        WHERE difference <> 0
    ), {VERSIONS} AS (
        SELECT m.account_no, m.period, m.version, COALESCE(t.postings, 0) AS postings
        FROM kept m LEFT JOIN posted t USING (account_no, period)
        WHERE m.version <> COALESCE(t.postings, 0) AND COALESCE(t.first_posting, 1) > 0
    )
    """,
    {MONTHS: "SELECT count(*) FROM kept", ZERO_SUM: "SELECT 0", VERSIONS: "SELECT count(*) FROM kept"},
    By.SHOPS,
)
"""Each account's month as it was posted, and as it is kept.

Each side of a transfer is an account of a shop or of the program, so that the accounts of any shops and what the
program's own accounts hold against them add up to 0, for each page of them as for all. A batch moves a running total
once, and each batch has a number: as many versions as numbers, or an update was lost; what was posted before there were
numbers cannot be counted.
"""
