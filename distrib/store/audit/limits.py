"""Whether the totals that caps are held against are what was posted, and merged customers one person.

Nothing is repaired here.
"""

from __future__ import annotations

from distrib.store.audit.pages import BY_SHOP, By
from distrib.store.audit.questions import Question

# Asked once for the page: without it every transfer of the page is read before it is known that no rule has a cap.
_ANY = "EXISTS (SELECT 1 FROM {} WHERE program_id = %(program)s AND shop_no IN %(page)s)"
RULE_TOTALS = Question(
    "rule_totals_match",
    "SELECT (SELECT count(*) FROM rule_months WHERE program_id = %(program)s AND shop_no IN %(page)s)"
    " + (SELECT count(*) FROM rule_customers WHERE program_id = %(program)s AND shop_no IN %(page)s)",
    f"""
    SELECT r.rule_id, r.shop_no, r.period::text AS of, r.earned_minor, COALESCE(t.minor, 0) AS posted_minor
    FROM rule_months r
    LEFT JOIN (SELECT rule_id, shop_no, COALESCE(belongs_to_period, period) AS period, sum(amount_minor) AS minor
               FROM {BY_SHOP} WHERE program_id = %(program)s AND shop_no IN %(page)s AND kind = 'earned'
                 AND {_ANY.format("rule_months")}
                 AND rule_id IN (SELECT rule_id FROM rule_months WHERE program_id = %(program)s AND shop_no IN %(page)s)
               GROUP BY 1, 2, 3) t
      ON t.rule_id = r.rule_id AND t.shop_no = r.shop_no AND t.period = r.period
    WHERE r.program_id = %(program)s AND r.shop_no IN %(page)s AND r.earned_minor <> COALESCE(t.minor, 0)
    UNION ALL
    SELECT r.rule_id, r.shop_no, r.customer_id, r.earned_minor, COALESCE(t.minor, 0)
    FROM rule_customers r
    LEFT JOIN (SELECT t.rule_id, t.shop_no, s.customer_id, sum(t.amount_minor) AS minor
               FROM {BY_SHOP} t
               CROSS JOIN LATERAL (SELECT customer_id FROM settlements s WHERE s.program_id = t.program_id
                                   AND s.order_no = t.cause_no OFFSET 0) s
               WHERE t.program_id = %(program)s AND t.shop_no IN %(page)s AND t.kind = 'earned'
                 AND {_ANY.format("rule_customers")}
                 AND t.rule_id IN (
                     SELECT rule_id FROM rule_customers WHERE program_id = %(program)s AND shop_no IN %(page)s)
               GROUP BY 1, 2, 3) t
      ON t.rule_id = r.rule_id AND t.shop_no = r.shop_no AND t.customer_id = r.customer_id
    WHERE r.program_id = %(program)s AND r.shop_no IN %(page)s AND r.earned_minor <> COALESCE(t.minor, 0)
    """,
    By.SHOPS,
)
"""Gross, over all versions: a row is opened with what was earned before, and every batch adds what it posts."""

MERGES = Question(
    "customer_merges_flat",
    "SELECT count(*) FROM customer_merges WHERE program_id = %(program)s",
    """
    WITH RECURSIVE own AS (
        SELECT customer_id, into_id FROM customer_merges
        WHERE program_id = %(program)s AND merged_id = customer_id
    ), newest AS (
        SELECT DISTINCT ON (customer_id) customer_id, into_id FROM customer_merges
        WHERE program_id = %(program)s ORDER BY customer_id, seq DESC
    ), followed AS (
        SELECT customer_id, into_id FROM own
        UNION
        SELECT f.customer_id, o.into_id FROM followed f JOIN own o ON o.customer_id = f.into_id
    ), ends AS (
        SELECT customer_id, into_id FROM followed WHERE into_id NOT IN (SELECT customer_id FROM own)
    )
    SELECT n.customer_id, n.into_id, e.into_id AS expected_id
    FROM newest n FULL JOIN ends e ON e.customer_id = n.customer_id
    WHERE n.into_id IS DISTINCT FROM e.into_id OR n.customer_id IN (SELECT into_id FROM newest)
    """,
)
"""A customer's newest row names the person that its own merges, followed one after another, lead to; no loop."""
