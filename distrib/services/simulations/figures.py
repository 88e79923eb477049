"""What orders come to on all sides, an order at a time or a block: what is kept and shown of a simulation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from distrib.columns.commissions.rounding import Whole
from distrib.columns.history.counting import CountedRows, stable_order, widened
from distrib.columns.tree import Integers
from distrib.domain.settlement.snapshot import Room

Reasons = dict[int, dict[int, list[str]]]
"""By place of an order and by candidate why it fails, or which caps it meets."""
Rooms = dict[int, dict[int, tuple[Room, ...]]]
"""By place of an order and by candidate the room that month and customer caps had left for it."""


class OrderFigures(NamedTuple):
    """What an order comes to on all sides: amounts by side, rule and shop.

    By candidate why it fails or which caps it meets, and the room that month and customer caps had left for it.
    """

    order_no: int
    amounts: defaultdict[tuple[int, str, int], int]
    reasons: dict[int, list[str]]
    rooms: dict[int, tuple[Room, ...]]


class EntryColumns(NamedTuple):
    """Amounts of orders by rule and shop on one side, each once for an order, in the order in which they are shown.

    ``order`` is the place of the order, ascending but for those of ``OrderFigures``.
    """

    order: Integers
    rule: Integers
    shop_no: Integers
    amount_minor: Whole


@dataclass(frozen=True, slots=True)
class BlockFigures:
    """What the orders of a block come to: amounts by side, rule and shop, those of an order together, side by side.

    Attributes:
        order_no: of each order of the block.
        order: of each amount the place of its order, ascending.
        side: of each amount.
        rule: of each amount, a place in ``rules``.
        shop_no: of each amount.
        amount_minor: int64, or Python's integers.
        rules: ids.
        reasons: of the orders that have any.
        rooms: the same.
    """

    order_no: Integers
    order: Integers
    side: Integers
    rule: Integers
    shop_no: Integers
    amount_minor: Whole
    rules: Sequence[str]
    reasons: Reasons
    rooms: Rooms

    @staticmethod
    def of_orders(orders: Sequence[OrderFigures]) -> BlockFigures:
        """The same of orders that were worked on one by one."""
        codes: dict[str, int] = {}
        amounts = [
            (place, side, codes.setdefault(rule, len(codes)), shop_no, minor)
            for place, row in enumerate(orders)
            for (side, rule, shop_no), minor in row.amounts.items()
        ]
        order, side, rule, shop_no, minors = zip(*amounts, strict=True) if amounts else ((),) * 5
        return BlockFigures(
            integers([row.order_no for row in orders]),
            integers(order),
            integers(side),
            integers(rule),
            integers(shop_no),
            whole(minors),
            list(codes),
            {place: row.reasons for place, row in enumerate(orders) if row.reasons},
            {place: row.rooms for place, row in enumerate(orders) if row.rooms},
        )


def entries_of(rows: CountedRows) -> EntryColumns:
    """Adds up the rows of each order by rule and shop, and has them in the order in which they first stand."""
    if not rows.order.size:
        return EntryColumns(rows.order, rows.rule, rows.shop_no, rows.amount_minor)
    sorting = stable_order(_keys(rows))
    order, rule, shop_no = rows.order[sorting], rows.rule[sorting], rows.shop_no[sorting]
    is_first = np.ones(sorting.size, np.bool_)
    is_first[1:] = (order[1:] != order[:-1]) | (rule[1:] != rule[:-1]) | (shop_no[1:] != shop_no[:-1])
    starts = np.flatnonzero(is_first)
    sums: Whole = np.add.reduceat(widened(rows.amount_minor)[sorting], starts)
    turns = stable_order(sorting[starts])
    entries = starts[turns]
    return EntryColumns(order[entries], rule[entries], shop_no[entries], sums[turns])


def _keys(rows: CountedRows) -> Integers:
    """Numbers of which equal ones stand together where order, rule and shop are equal."""
    orders, rules, shops = (int(column.max()) + 1 for column in (rows.order, rows.rule, rows.shop_no))
    if orders * rules * shops < 2**63:
        return (rows.order * rules + rows.rule) * shops + rows.shop_no
    return np.argsort(np.lexsort((rows.shop_no, rows.rule, rows.order)))


def integers(values: Sequence[int]) -> Integers:
    """Numbers that 64 bits carry."""
    return np.array(values, np.int64)


def whole(values: Sequence[int]) -> Whole:
    """Numbers of any size."""
    try:
        return np.array(values, np.int64)
    except OverflowError:
        wide: Whole = np.array(values, object)
        return wide
