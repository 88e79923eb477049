"""The settled orders of a span as columns, some thousand at a time: what ``history`` reads row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from sqlalchemy import Connection

from distrib.store.arrays import integer_array
from distrib.store.copying import Integers
from distrib.store.gathered import LINE, gather, instants, lines, numbers
from distrib.store.simulations.history import REFUNDS, PaidSpan, RefundRow
from distrib.store.sql import execute_as

# Both tables are bound by themselves: PostgreSQL carries no range from one to the other.
_SETTLED: Final = f"""
SELECT array_agg(x.order_no), array_agg(x.settled_at), array_agg(x.paid_at), string_agg(x.snapshot, {LINE}),
       string_agg(x.payload, {LINE})
FROM (
    SELECT s.order_no, s.settled_at, s.paid_at, s.snapshot, e.payload
    FROM settlements s
    JOIN events e ON e.program_id = s.program_id AND e.order_no = s.order_no AND e.event_no = s.event_no
    WHERE s.program_id = (SELECT %(program)s::integer) AND e.program_id = (SELECT %(program)s::integer)
      AND {{s}} AND {{e}} AND s.paid_at >= %(since)s AND s.paid_at < %(until)s
    ORDER BY s.order_no) x
"""
EARNED: Final = 2
WITHOUT_EVENT: Final = 1
TIER: Final = 4
"""What a kind is made of."""
_KINDS: Final = 2**17
"""What a kind stays below, whatever the tier: a number of an order and a kind come as one number."""
# Between the numbers of orders lie those of pools and payouts, whose rows have no rule and no tier. What a settlement
# earned is numbered from 1 and shares its instants, which come once.
_POSTED: Final = f"""
SELECT array_agg(x.place), array_agg(x.shop_no), array_agg(x.amount_minor),
       array_agg(x.occurred_at) FILTER (WHERE x.has_instants), array_agg(x.available_at) FILTER (WHERE x.has_instants),
       string_agg(x.rule_id, {LINE})
FROM (
    SELECT cause_no * {_KINDS} + COALESCE(tier, 0) * {TIER} + (kind = 'earned')::integer * {EARNED}
               + (event_no IS NULL)::integer * {WITHOUT_EVENT} AS place,
           shop_no, signed_minor(shop_no, credit_account, amount_minor) AS amount_minor,
           occurred_at, available_at, seq = 1 OR kind <> 'earned' AS has_instants, COALESCE(rule_id, '') AS rule_id
    FROM transfers WHERE program_id = (SELECT %(program)s::integer) AND {{cause}}
    ORDER BY cause_no, seq) x
"""
_NUMBERS: Final = """
SELECT array_agg(x.order_no) FROM (
    SELECT order_no FROM settlements
    WHERE program_id = %(program)s AND order_no > %(after)s AND paid_at >= %(since)s AND paid_at < %(until)s
    ORDER BY order_no LIMIT %(size)s) x
"""
_BETWEEN: Final = "{column} BETWEEN %(first)s AND %(last)s"
_AMONG: Final = "{column} = ANY(%(orders)b)"


@dataclass(frozen=True, slots=True)
class OrderNumbers:
    """The numbers of some orders of a span; ``are_next``: they are all that the span has from the first to the last."""

    orders: Sequence[int]
    are_next: bool

    def bound(self, statement: str, **columns: str) -> str:
        """A statement with each named column bound to the orders."""
        which = _BETWEEN if self.are_next else _AMONG
        return statement.format(**{name: which.format(column=column) for name, column in columns.items()})

    def values(self) -> dict[str, object]:
        """What the bounds stand for."""
        if self.are_next:
            return {"first": self.orders[0], "last": self.orders[-1]}
        return {"orders": integer_array(self.orders)}


class SettledArrays(NamedTuple):
    """Orders by number: instants in microseconds since 1970, a text a snapshot, a line an event."""

    order_no: Integers
    settled_at: Integers
    paid_at: Integers
    snapshots: Sequence[bytes]
    payloads: bytes


class PostedArrays(NamedTuple):
    """Rows of the ledger by order and number; ``kinds`` are four times the tier, ``EARNED``, ``WITHOUT_EVENT``."""

    order_no: Integers
    shop_no: Integers
    amount_minor: Integers
    kinds: Integers
    occurred_at: Integers
    available_at: Integers
    rule_id: Sequence[bytes]


def next_numbers(conn: Connection, program_id: int, span: PaidSpan, after: int, size: int) -> list[int]:
    """Lists the numbers of the next settled orders of a span above a number, in order."""
    bound = {"program": program_id, "after": after, "size": size, **span._asdict()}
    [orders] = gather(conn, _NUMBERS, bound)
    listed: list[int] = numbers(orders).tolist()
    return listed


def settled_arrays(conn: Connection, program_id: int, span: PaidSpan, asked: OrderNumbers) -> SettledArrays:
    """Reads settled orders with their snapshots and the events that they rest on."""
    statement = asked.bound(_SETTLED, s="s.order_no", e="e.order_no")
    fields = gather(conn, statement, {"program": program_id, **span._asdict(), **asked.values()})
    order_no, settled_at, paid_at, snapshots, payloads = fields
    return SettledArrays(numbers(order_no), instants(settled_at), instants(paid_at), lines(snapshots), payloads)


def posted_arrays(conn: Connection, program_id: int, asked: OrderNumbers) -> PostedArrays:
    """Reads what the ledger has of those orders; of other causes between them too."""
    statement = asked.bound(_POSTED, cause="cause_no")
    fields = gather(conn, statement, {"program": program_id, **asked.values()})
    place, shop_no, amount_minor, occurred_at, available_at, rule_id = fields
    places = numbers(place)
    order_no, kinds = places // _KINDS, places % _KINDS
    occurred, available = instants(occurred_at), instants(available_at)
    of = shared_instants(order_no, kinds, occurred.size)
    return PostedArrays(
        order_no,
        numbers(shop_no),
        numbers(amount_minor),
        kinds,
        occurred[of],
        available[of],
        lines(rule_id),
    )


def shared_instants(order_no: Integers, kinds: Integers, came: int) -> Integers:
    """Which of the instants that came are those of each row: of what a settlement earned those of its first row.

    Args:
        came: how many instants came.

    >>> shared_instants(np.array([5, 5, 5, 7]), np.array([EARNED, EARNED, WITHOUT_EVENT, EARNED]), 3).tolist()
    [0, 0, 1, 2]

    Raises:
        ValueError: something was earned after something else, or is not numbered from 1, which no settlement does.
    """
    is_earned = kinds & EARNED > 0
    is_first = np.ones(order_no.size, np.bool_)
    is_first[1:] = order_no[1:] != order_no[:-1]
    has_own = is_first | ~is_earned
    if (is_earned[1:] & ~is_earned[:-1] & ~is_first[1:]).any() or int(np.count_nonzero(has_own)) != came:
        raise ValueError("an order earned something after it was settled")
    return np.cumsum(has_own) - 1


def refund_rows(conn: Connection, program_id: int, asked: OrderNumbers) -> list[RefundRow]:
    """Reads what came back of those orders, in no order; of other orders between them too."""
    statement, bound = asked.bound(REFUNDS, refund="r.order_no"), {"program": program_id, **asked.values()}
    return execute_as(conn, RefundRow, statement, bound, binary=True).fetchall()
