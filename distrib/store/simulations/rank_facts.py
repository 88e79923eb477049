"""What ranks are replayed by, as columns that the server gathers: sales, refunds, links, and the ranks there were.

Instants are in microseconds since 1970; one that never comes is later than all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np
from sqlalchemy import Connection

from distrib.store.copying import TO_2000, Integers
from distrib.store.gathered import LINE, gather, lines, numbers
from distrib.store.ranks.columns import RanksByCause
from distrib.store.sql import execute

_NEVER: Final = np.iinfo(np.int64).max
_SOLD: Final = """
SELECT s.order_no, s.seller_no, s.settled_at, s.sales_minor FROM settlements s
WHERE s.program_id = %(program)s AND s.seller_no IS NOT NULL AND s.sales_minor > 0
  AND s.settled_at >= %(since)s AND s.settled_at < %(until)s
"""
_BUYERS: Final = f"""
SELECT array_agg(s.order_no), string_agg(s.customer_id, {LINE}) FROM settlements s
WHERE s.program_id = %(program)s AND s.seller_no IS NOT NULL AND s.sales_minor > 0 AND s.customer_id IS NOT NULL
  AND s.settled_at >= %(since)s AND s.settled_at < %(until)s
"""
_SETTLED: Final = """
SELECT s.seller_no, s.settled_at FROM settlements s
WHERE s.program_id = %(program)s AND s.seller_no IS NOT NULL
  AND s.settled_at >= %(since)s AND s.settled_at < %(until)s
"""
_BACK: Final = """
SELECT r.order_no, r.seller_no, r.sales_minor, r.occurred_at, COALESCE(o.done_at, 'infinity'::timestamptz),
       GREATEST(e.occurred_at, r.sold_at)
FROM refund_lines r
JOIN events e ON e.program_id = r.program_id AND e.order_no = r.order_no AND e.event_no = r.event_no
LEFT JOIN event_outcomes o
    ON o.program_id = r.program_id AND o.order_no = r.order_no AND o.event_no = r.event_no
WHERE r.program_id = %(program)s AND r.seller_no IS NOT NULL
"""
_SHOPS: Final = "SELECT shop_no, joined_at FROM shops WHERE program_id = %(program)s"
_LINKS: Final = """
SELECT shop_no, effective_at, seq, COALESCE(sponsor_no, 0) FROM referrals WHERE program_id = %(program)s
"""
# Of promotions by figures the reason says when they were earned; it is read of those alone that are looked at again.
_RANKS: Final = """
SELECT k.shop_no, k.effective_at, k.seq, COALESCE(array_position(%(codes)s::text[], k.rank), 0)::bigint - 1,
       array_position(%(causes)s::text[], k.cause)::bigint - 1,
       COALESCE((p.reason ->> 'at')::timestamptz, '-infinity'::timestamptz),
       COALESCE(array_position(%(codes)s::text[], p.reason ->> 'to'), 0)::bigint - 1
FROM shop_ranks k
LEFT JOIN LATERAL (
    SELECT CASE WHEN k.cause = 'promotion' AND k.effective_at > %(earned_from)s THEN k.reason::jsonb END AS reason
    OFFSET 0) p ON p.reason -> 'conditions' IS NOT NULL
WHERE k.program_id = %(program)s AND (k.effective_at <= %(since)s OR k.cause = 'hand')
"""
_CODES: Final = "SELECT DISTINCT rank FROM shop_ranks WHERE program_id = %(program)s AND rank IS NOT NULL ORDER BY rank"
_EVALUATED: Final = "SELECT period, effective_at FROM rank_evaluations WHERE program_id = %(program)s"


def sold_between(conn: Connection, program_id: int, since: datetime, until: datetime) -> list[Integers]:
    """Reads orders that count: number, seller, when it settled, and what counts of it in minor units."""
    return _columns(conn, _SOLD, 4, (2,), _bound(program_id, since=since, until=until))


def buyers_between(
    conn: Connection, program_id: int, since: datetime, until: datetime
) -> tuple[Integers, Sequence[bytes]]:
    """Reads the numbers of orders that count and that name a customer, and those customers."""
    order_no, customers = gather(conn, _BUYERS, _bound(program_id, since=since, until=until))
    return numbers(order_no), lines(customers)


def settled_between(conn: Connection, program_id: int, since: datetime, until: datetime) -> list[Integers]:
    """Reads who sold, and when each order settled."""
    return _columns(conn, _SETTLED, 2, (1,), _bound(program_id, since=since, until=until))


def back_rows(conn: Connection, program_id: int) -> list[Integers]:
    """Reads what refunds took of sales.

    Returns:
        Order, seller, minor units, from when it counts, when it was done, and when the seller is looked at for it.
    """
    return _columns(conn, _BACK, 6, (3, 4, 5), _bound(program_id))


def shops_joined(conn: Connection, program_id: int) -> list[Integers]:
    """Reads every shop and when it joined."""
    return _columns(conn, _SHOPS, 2, (1,), _bound(program_id))


def links(conn: Connection, program_id: int) -> list[Integers]:
    """Reads every link there ever was: shop, from when on, number, sponsor (0: none)."""
    return _columns(conn, _LINKS, 4, (1,), _bound(program_id))


def given_ranks(
    conn: Connection, program_id: int, kinds: RanksByCause, since: datetime, earned_from: datetime
) -> list[Integers]:
    """Reads the ranks that were given by an instant, and those set by hand at any time.

    Args:
        earned_from: of which promotions, by from when on they hold, it is asked what they were earned by.

    Returns:
        Shop, from when on, number, place of the rank among the codes and of the cause among the causes (-1: none), and
        as of when figures carried the shop to which rank; where they did not, before all.
    """
    kinds_asked = {"codes": list(kinds.codes), "causes": list(kinds.causes)}
    values = _bound(program_id, since=since, earned_from=earned_from, **kinds_asked)
    return _columns(conn, _RANKS, 7, (1, 5), values)


def rank_codes(conn: Connection, program_id: int) -> list[str]:
    """Lists the ranks that any shop ever held."""
    return [code for (code,) in execute(conn, _CODES, {"program": program_id}).fetchall()]


def evaluated_from(conn: Connection, program_id: int) -> dict[int, datetime]:
    """The months that were evaluated, with from when on what was decided holds."""
    return dict(execute(conn, _EVALUATED, {"program": program_id}).fetchall())


def _bound(program_id: int, **values: object) -> Mapping[str, object]:
    return {"program": program_id, **values}


def _columns(
    conn: Connection, query: str, count: int, dated: Sequence[int], values: Mapping[str, object]
) -> list[Integers]:
    """The columns of a query, all of numbers; those at the places of ``dated`` are instants."""
    names = ", ".join(f"c{place}" for place in range(count))
    gathered = ", ".join(f"array_agg(x.c{place})" for place in range(count))
    fields = gather(conn, f"SELECT {gathered} FROM ({query}) x ({names})", values)
    return [_instants(numbers(field)) if place in dated else numbers(field) for place, field in enumerate(fields)]


def _instants(since_2000: Integers) -> Integers:
    """Instants as PostgreSQL sends them, counted from 1970; infinity stays what it is."""
    is_finite = (since_2000 < _NEVER) & (since_2000 > ~_NEVER)
    return np.where(is_finite, since_2000 + np.where(is_finite, TO_2000, 0), since_2000)
