"""Reads for the structure monitors the tree at an instant, and sums per shop up to it, by binary COPY.

One statement a figure for the whole program.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from distrib.store import database
from distrib.store.pulling import pull
from distrib.store.recorded import TimeSpan
from distrib.store.sql import execute, only, value

Whole: TypeAlias = npt.NDArray[np.int64]

_TREE = """
SELECT DISTINCT ON (shop_no) shop_no, COALESCE(sponsor_no, 0) FROM referrals
WHERE program_id = %(program)s AND effective_at <= %(at)s ORDER BY shop_no, effective_at DESC, seq DESC
"""
# Customers who were one person by then count once.
_MERGED = "surviving_customers(%(program)s, %(at)s)"
# Customers who were shops themselves by then: by the same id, by the customer's own record, or as one person with such.
_KNOWN_SHOPS = """
SELECT shop_id AS customer_id FROM shops WHERE program_id = %(program)s AND joined_at <= %(at)s
UNION
SELECT customer_id FROM (SELECT DISTINCT ON (customer_id) customer_id, shop_no FROM customer_shops
    WHERE program_id = %(program)s AND recorded_at <= %(at)s ORDER BY customer_id, seq DESC) n
WHERE shop_no IS NOT NULL
"""
_OWN_SHOPS = f"""
{_KNOWN_SHOPS}
UNION
SELECT p.customer_id FROM {_MERGED} p WHERE p.into_id IN ({_KNOWN_SHOPS})
"""
# Net of the refunds known by then; a buyer who is a shop is no retail buyer.
_SALES = f"""
SELECT s.seller_no, sum(s.paid_minor - COALESCE(r.back, 0))::bigint,
       COALESCE(sum(s.paid_minor - COALESCE(r.back, 0)) FILTER (WHERE b.customer_id IS NULL), 0)::bigint
FROM settlements s
LEFT JOIN (SELECT order_no, sum(amount_minor) AS back FROM refund_lines
           WHERE program_id = %(program)s AND occurred_at <= %(at)s GROUP BY order_no) r ON r.order_no = s.order_no
LEFT JOIN ({_OWN_SHOPS}) b ON b.customer_id = s.customer_id
WHERE s.program_id = %(program)s AND s.seller_no IS NOT NULL AND s.settled_at > %(since)s AND s.settled_at <= %(at)s
GROUP BY s.seller_no
"""
# Only orders whose sales figure leaves something out can have an entry line: the others' lines are not read.
_ENTRY = """
SELECT s.seller_no,
       sum((l.line ->> 'paid_minor')::bigint - COALESCE(r.back, 0))::bigint,
       COALESCE(sum((l.line ->> 'paid_minor')::bigint - COALESCE(r.back, 0))
                FILTER (WHERE s.settled_at > %(since)s), 0)::bigint
FROM settlements s
JOIN events e ON e.program_id = s.program_id AND e.order_no = s.order_no AND e.event_no = s.event_no
CROSS JOIN LATERAL jsonb_array_elements(e.payload::jsonb -> 'order' -> 'lines') AS l (line)
LEFT JOIN LATERAL (SELECT sum(amount_minor) AS back FROM refund_lines r
    WHERE r.program_id = s.program_id AND r.order_no = s.order_no AND r.line_id = l.line ->> 'id'
      AND r.occurred_at <= %(at)s) r ON true
WHERE s.program_id = %(program)s AND s.seller_no IS NOT NULL AND s.settled_at <= %(at)s
  AND s.sales_minor <> s.paid_minor AND (l.line ->> 'entry')::boolean
GROUP BY s.seller_no
"""
_PAY = """
SELECT shop_no,
       COALESCE(sum(amount) FILTER (WHERE kind <> 'pool' AND COALESCE(tier, 0) = 0), 0)::bigint,
       COALESCE(sum(amount) FILTER (WHERE kind = 'pool' OR tier > 0), 0)::bigint
FROM (SELECT shop_no, kind, tier, signed_minor(shop_no, credit_account, amount_minor) AS amount
      FROM transfers WHERE program_id = %(program)s AND kind IN ('earned', 'reversed', 'pool') AND shop_no > 0
        AND occurred_at > %(since)s AND occurred_at <= %(at)s) t
GROUP BY shop_no
"""
# A buyer belongs to the shop it first bought from.
_FIRST_BOUGHT = f"""
SELECT DISTINCT ON (COALESCE(p.into_id, s.customer_id)) s.seller_no, s.settled_at FROM settlements s
LEFT JOIN {_MERGED} p ON p.customer_id = s.customer_id
LEFT JOIN ({_OWN_SHOPS}) b ON b.customer_id = s.customer_id
WHERE s.program_id = %(program)s AND s.seller_no IS NOT NULL AND s.customer_id IS NOT NULL AND b.customer_id IS NULL
  AND s.settled_at <= %(at)s
ORDER BY COALESCE(p.into_id, s.customer_id), s.settled_at, s.order_no
"""
_BUYERS = f"""
SELECT f.seller_no, count(*) FROM ({_FIRST_BOUGHT}) f GROUP BY f.seller_no
"""
_NEWCOMERS = f"""
SELECT (SELECT count(*) FROM shops WHERE program_id = %(program)s AND joined_at >= %(since)s AND joined_at <= %(at)s),
       (SELECT count(*) FROM ({_FIRST_BOUGHT}) f
        WHERE f.settled_at >= %(since)s)
"""
_AT_THRESHOLD = """
SELECT count(*) FILTER (WHERE minor = %(exactly)s), count(*) FILTER (WHERE minor >= %(exactly)s)
FROM (SELECT sum(sales_minor) AS minor FROM settlements
      WHERE program_id = %(program)s AND seller_no IS NOT NULL AND settled_at > %(since)s AND settled_at <= %(at)s
      GROUP BY seller_no) s
"""
_SUMS_BY_SHOP = """
SELECT count(*) FILTER (WHERE minor >= %(least)s) FROM (
    SELECT {amount} AS minor FROM transfers
    WHERE program_id = %(program)s AND shop_no > 0 AND kind IN {kinds}
      AND occurred_at >= %(since)s AND occurred_at < %(until)s AND occurred_at <= %(at)s GROUP BY shop_no) t
"""
_EARNERS = _SUMS_BY_SHOP.format(
    amount="sum(signed_minor(shop_no, credit_account, amount_minor))",
    kinds="('earned', 'reversed', 'pool', 'adjusted')",
)
_PAYEES = _SUMS_BY_SHOP.format(
    amount="sum(-signed_minor(shop_no, credit_account, amount_minor))", kinds="('paid', 'tax')"
)
# The payee in force of each shop whose payee another shop has as well, by numbers that say nothing of who it is. Payees
# that were erased are gone.
_PAYEES_IN_COMMON = """
SELECT shop_no, dense_rank() OVER (ORDER BY identity_hash) FROM (
    SELECT n.shop_no, k.identity_hash, count(*) OVER (PARTITION BY k.identity_hash) AS shops FROM (
        SELECT DISTINCT ON (shop_no) shop_no, version FROM payee_versions
        WHERE program_id = %(program)s AND recorded_at <= %(at)s ORDER BY shop_no, version DESC) n
    JOIN payee_keys k ON k.program_id = %(program)s AND k.shop_no = n.shop_no AND k.version = n.version) payees
WHERE shops > 1
"""
# Sponsors paid on the sales of others, and how many different buyers who are no shops they sold to themselves.
_ORGANISERS = """
SELECT shop_no, organiser_id FROM (
    SELECT DISTINCT ON (shop_no) shop_no, organiser_id FROM shop_organisers
    WHERE program_id = %(program)s AND effective_at <= %(at)s ORDER BY shop_no, effective_at DESC, seq DESC) newest
WHERE organiser_id IS NOT NULL ORDER BY organiser_id, shop_no
"""
_FEW_BUYERS = f"""
SELECT count(*) FROM (
    SELECT DISTINCT shop_no FROM transfers WHERE program_id = %(program)s AND kind = 'earned' AND tier > 0
      AND occurred_at >= %(since)s AND occurred_at <= %(at)s) p
LEFT JOIN (SELECT s.seller_no, count(DISTINCT COALESCE(m.into_id, s.customer_id)) AS buyers FROM settlements s
           LEFT JOIN {_MERGED} m ON m.customer_id = s.customer_id
           LEFT JOIN ({_OWN_SHOPS}) b ON b.customer_id = s.customer_id
           WHERE s.program_id = %(program)s AND s.seller_no IS NOT NULL AND b.customer_id IS NULL
             AND s.settled_at >= %(since)s AND s.settled_at <= %(at)s GROUP BY s.seller_no) c ON c.seller_no = p.shop_no
WHERE COALESCE(c.buyers, 0) < %(least)s
"""


class ThresholdCounts(NamedTuple):
    """How many shops sold exactly the amount of a threshold, and how many at least that."""

    exactly: int
    at_least: int


def allow_long_reads(conn: Connection) -> None:
    """Raises the time limit of this transaction's statements: it reads a whole program."""
    database.allow_long_reads(conn, 10)


def tree_at(conn: Connection, program_id: int, as_of: datetime) -> tuple[Whole, Whole]:
    """Reads every shop that had joined, and its sponsor at an instant (0: a root)."""
    shops, sponsors = pull(conn, _TREE, {"program": program_id, "at": as_of}, 2)
    return shops, sponsors


def sales_by_shop(conn: Connection, program_id: int, since: datetime, as_of: datetime) -> tuple[Whole, Whole, Whole]:
    """Reads by seller what was paid to it since then, and what of it by people who are no shops, net of refunds."""
    shops, all_minor, retail_minor = pull(conn, _SALES, _bound(program_id, since, as_of), 3)
    return shops, all_minor, retail_minor


def entry_by_shop(conn: Connection, program_id: int, since: datetime, as_of: datetime) -> tuple[Whole, Whole, Whole]:
    """Reads by seller what entry lines brought, ever and since then, net of refunds."""
    shops, ever_minor, recent_minor = pull(conn, _ENTRY, _bound(program_id, since, as_of), 3)
    return shops, ever_minor, recent_minor


def pay_by_shop(conn: Connection, program_id: int, since: datetime, as_of: datetime) -> tuple[Whole, Whole, Whole]:
    """Reads by earner the pay since then for its own sales, and for those of others, net of reversals."""
    shops, direct_minor, indirect_minor = pull(conn, _PAY, _bound(program_id, since, as_of), 3)
    return shops, direct_minor, indirect_minor


def buyers_by_shop(conn: Connection, program_id: int, as_of: datetime) -> tuple[Whole, Whole]:
    """Counts by seller the buyers, shops left out, that bought from it first."""
    shops, buyers = pull(conn, _BUYERS, {"program": program_id, "at": as_of}, 2)
    return shops, buyers


def newcomers(conn: Connection, program_id: int, since: datetime, as_of: datetime) -> tuple[int, int]:
    """Counts the shops that joined, and the buyers who first bought, from ``since`` to ``as_of``."""
    recruits, buyers = only(conn, _NEWCOMERS, _bound(program_id, since, as_of))
    return recruits, buyers


def shops_at_threshold(
    conn: Connection, program_id: int, since: datetime, as_of: datetime, exactly: int
) -> ThresholdCounts:
    """Counts the shops whose sales since then come to exactly that, and those with at least that."""
    exact, least = only(conn, _AT_THRESHOLD, _bound(program_id, since, as_of) | {"exactly": exactly})
    return ThresholdCounts(exact, least)


def earners(conn: Connection, program_id: int, span: TimeSpan, as_of: datetime, least: int) -> int:
    """Counts the shops that earned at least so much, net of reversals, within a span of time."""
    return value(conn, int, _EARNERS, _counted(program_id, span, as_of, least))


def payees(conn: Connection, program_id: int, span: TimeSpan, as_of: datetime, least: int) -> int:
    """Counts the shops that were paid at least so much, tax included, within a span of time."""
    return value(conn, int, _PAYEES, _counted(program_id, span, as_of, least))


def payees_in_common(conn: Connection, program_id: int, as_of: datetime) -> tuple[Whole, Whole]:
    """Reads the shops whose payee at an instant is also that of another, with a number for each payee, from 1."""
    shops, payees = pull(conn, _PAYEES_IN_COMMON, {"program": program_id, "at": as_of}, 2)
    return shops, payees


def sponsors_with_few_buyers(conn: Connection, program_id: int, since: datetime, as_of: datetime, least: int) -> int:
    """Counts the shops that were paid on the sales of others and sold to fewer retail buyers than ``least``."""
    return value(conn, int, _FEW_BUYERS, _bound(program_id, since, as_of) | {"least": least})


def organisers(conn: Connection, program_id: int, as_of: datetime) -> list[tuple[int, str]]:
    """Lists the shops that named an organiser at an instant, with the organiser."""
    return execute(conn, _ORGANISERS, {"program": program_id, "at": as_of}).fetchall()


def _bound(program_id: int, since: datetime, as_of: datetime) -> dict[str, object]:
    return {"program": program_id, "since": since, "at": as_of}


def _counted(program_id: int, span: TimeSpan, as_of: datetime, least: int) -> dict[str, object]:
    return _bound(program_id, span.since, as_of) | {"until": span.until, "least": least}
