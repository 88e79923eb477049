"""Reads the figures of a shop's month and of a program's retention, each in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.network.tree import Downline
from distrib.store.recorded import TimeSpan
from distrib.store.sql import execute, execute_as

# What counts of an order: its sales (no entry lines, no purchase from oneself) net of every refund of it known by now.
_NET = """
s.sales_minor - COALESCE((SELECT sum(r.sales_minor) FROM refund_lines r
    WHERE r.program_id = s.program_id AND r.order_no = s.order_no), 0)::bigint
"""
_OWN = f"""
WITH sold AS (
    SELECT p.customer_id,
           s.settled_at >= %(from)s AS is_now, s.settled_at, {_NET} AS net
    FROM settlements s CROSS JOIN LATERAL person_of(%(program)s, s.customer_id, 'infinity') p
    WHERE s.program_id = %(program)s AND s.seller_no = %(shop)s AND s.settled_at < %(to)s AND s.sales_minor > 0
), counted AS (SELECT * FROM sold WHERE net > 0
), buyers AS (
    SELECT customer_id, COALESCE(sum(net) FILTER (WHERE is_now), 0) AS net, count(*) FILTER (WHERE is_now) AS orders,
           bool_or(NOT is_now) AS is_old
    FROM counted WHERE customer_id IS NOT NULL GROUP BY customer_id
), claimed AS (
    SELECT p.customer_id, min(b.bound_at) AS first_at
    FROM bindings b CROSS JOIN LATERAL person_of(%(program)s, b.customer_id, 'infinity') p
    WHERE b.program_id = %(program)s AND b.shop_no = %(shop)s AND b.bound_at < %(to)s GROUP BY 1
), bound AS (
    SELECT c.customer_id, CASE WHEN j.customer_id IS NULL THEN c.first_at ELSE j.first_at END AS first_at
    FROM claimed c
    LEFT JOIN unnest(%(judged)s::text[], %(since)s::timestamptz[]) AS j (customer_id, first_at) USING (customer_id)
    WHERE j.customer_id IS NULL OR j.first_at IS NOT NULL
), people AS (
    SELECT COALESCE(b.net, 0) AS net, COALESCE(b.orders, 0) AS orders, COALESCE(b.is_old, false) AS is_old,
           COALESCE(b.is_old, false) OR COALESCE(c.first_at < %(from)s, false) AS is_known
    FROM buyers b FULL JOIN bound c USING (customer_id)
)
SELECT (SELECT COALESCE(sum(net), 0) FROM counted WHERE is_now)::bigint AS sales_minor,
       (SELECT count(*) FROM counted WHERE is_now) AS orders,
       count(*) FILTER (WHERE orders > 0) AS customers,
       count(*) FILTER (WHERE orders > 0 AND is_old) AS returning,
       COALESCE(sum(net) FILTER (WHERE is_old), 0)::bigint AS repeat_minor,
       count(*) FILTER (WHERE NOT is_known) AS met,
       COALESCE(sum(net) FILTER (WHERE NOT is_known), 0)::bigint AS met_minor,
       count(*) FILTER (WHERE is_known) AS known
FROM people
"""
# Customers who had come by another shop before, or are one person with another: whether this shop ever had them is a
# matter of the rule.
_CONTESTED = """
SELECT DISTINCT p.customer_id FROM bindings b
CROSS JOIN LATERAL person_of(%(program)s, b.customer_id, 'infinity') p
WHERE b.program_id = %(program)s AND b.shop_no = %(shop)s AND b.bound_at < %(to)s
    AND (EXISTS (SELECT 1 FROM customer_merges m WHERE m.program_id = b.program_id AND m.customer_id = b.customer_id)
    OR EXISTS (SELECT 1 FROM customer_merges m WHERE m.program_id = b.program_id AND m.into_id = b.customer_id)
    OR EXISTS (SELECT 1 FROM bindings o WHERE o.program_id = b.program_id AND o.customer_id = b.customer_id
        AND o.shop_no <> b.shop_no AND (o.bound_at, o.seq) < (b.bound_at, b.seq)))
"""
# Who stood below at the end of the month (now, in the month that runs).
_TEAM = f"""
WITH RECURSIVE below AS (
    SELECT %(shop)s::bigint AS shop_no, 0 AS depth
    UNION ALL
    SELECT r.shop_no, b.depth + 1
    FROM below b JOIN referrals r ON r.program_id = %(program)s AND r.sponsor_no = b.shop_no AND r.effective_at < %(by)s
    WHERE b.depth < %(levels)s AND NOT EXISTS (SELECT 1 FROM referrals n WHERE n.program_id = r.program_id
        AND n.shop_no = r.shop_no AND (n.effective_at, n.seq) > (r.effective_at, r.seq) AND n.effective_at < %(by)s)
)
SELECT b.depth AS level, count(*) AS shops, COALESCE(sum(x.net), 0)::bigint AS sales_minor,
       COALESCE(sum(x.orders), 0)::bigint AS orders, count(*) FILTER (WHERE x.orders > 0) AS selling
FROM below b CROSS JOIN LATERAL (
    SELECT sum(o.net) AS net, count(*) AS orders FROM (
        SELECT {_NET} AS net FROM settlements s
        WHERE s.program_id = %(program)s AND s.seller_no = b.shop_no AND s.settled_at >= %(from)s
            AND s.settled_at < %(to)s AND s.sales_minor > 0 OFFSET 0) o
    WHERE o.net > 0) x
WHERE b.depth > 0 GROUP BY b.depth ORDER BY b.depth
"""
# The shops a shop brought in: by the first link of each, whatever moved since; those detached are not under it.
_BROUGHT = f"""
WITH brought AS (
    SELECT h.shop_no, h.joined_at >= %(from)s AS is_now
    FROM referrals r JOIN shops h ON h.program_id = r.program_id AND h.shop_no = r.shop_no
    WHERE r.program_id = %(program)s AND r.sponsor_no = %(shop)s AND r.effective_at = h.joined_at
        AND h.joined_at < %(to)s
        AND NOT EXISTS (SELECT 1 FROM referrals n WHERE n.program_id = r.program_id AND n.shop_no = r.shop_no
            AND (n.effective_at, n.seq) < (r.effective_at, r.seq))
)
SELECT count(*) FILTER (WHERE is_now) AS recruits, count(*) FILTER (WHERE NOT is_now) AS recruits_before,
       COALESCE(sum((SELECT sum(o.net) FROM (
           SELECT {_NET} AS net FROM settlements s
           WHERE s.program_id = %(program)s AND s.seller_no = b.shop_no AND s.settled_at >= %(from)s
               AND s.settled_at < %(to)s AND s.sales_minor > 0 OFFSET 0) o)) FILTER (WHERE is_now), 0)::bigint
           AS sales_minor
FROM brought b
"""


class OwnMonth(NamedTuple):
    """A shop's own sales and customers of a month; amounts in minor units.

    ``met`` are the customers whose first purchase or binding lies in the month, ``known`` those who came before it.
    """

    sales_minor: int
    orders: int
    customers: int
    returning: int
    repeat_minor: int
    met: int
    met_minor: int
    known: int


class TeamLevelRow(NamedTuple):
    """The shops so many levels below, and their sales of the month."""

    level: int
    shops: int
    sales_minor: int
    orders: int
    selling: int


class RecruitsMonth(NamedTuple):
    """The shops a shop brought in: in the month, before it, and the sales in the month of those of the month."""

    recruits: int
    recruits_before: int
    sales_minor: int


def contested_customers(conn: Connection, program_id: int, shop_no: int, end: datetime) -> list[str]:
    """Lists the persons with a claim by the shop before ``end`` of whom only all their claims say when it had them.

    These have a claim by another shop before that, or several ids.
    """
    values = {"program": program_id, "shop": shop_no, "to": end}
    return [customer_id for (customer_id,) in execute(conn, _CONTESTED, values)]


def own_month(
    conn: Connection,
    program_id: int,
    shop_no: int,
    month: TimeSpan,
    first_bound: Mapping[str, datetime | None],
) -> OwnMonth:
    """Sums what a shop sold in a month, and counts the customers it sold to and met.

    ``first_bound`` says of contested customers when the shop first had them, None of those it never had.
    """
    values = _bound(program_id, shop_no, month)
    values |= {"judged": list(first_bound), "since": list(first_bound.values())}
    [row] = execute_as(conn, OwnMonth, _OWN, values)
    return row


def team_month(conn: Connection, program_id: int, team: Downline, month: TimeSpan) -> list[TeamLevelRow]:
    """Sums by level the month's sales of the shops of a downline, as it is right before its instant."""
    values = _bound(program_id, team.shop_no, month) | {"by": team.as_of, "levels": team.levels}
    return execute_as(conn, TeamLevelRow, _TEAM, values).fetchall()


def recruits_month(conn: Connection, program_id: int, shop_no: int, month: TimeSpan) -> RecruitsMonth:
    """Counts the shops that joined under the shop before the month's end, and sums the sales of those of the month."""
    [row] = execute_as(conn, RecruitsMonth, _BROUGHT, _bound(program_id, shop_no, month))
    return row


def _bound(program_id: int, shop_no: int, month: TimeSpan) -> dict[str, object]:
    return {"program": program_id, "shop": shop_no, "from": month.since, "to": month.until}
