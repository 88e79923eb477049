"""Gathers orders with their snapshots, as the engine of one order takes them, into a chunk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import numpy as np

from distrib.columns.commissions.chunk import (
    LEADER_ROW,
    NOBODY,
    OPENER_ROW,
    PLACES,
    Chunk,
    Codes,
    LineColumns,
    OrderColumns,
    PeopleColumns,
)
from distrib.columns.tree import Integers, Truths
from distrib.domain.events import Order, OrderLine
from distrib.domain.settlement.snapshot import Person, Snapshot

Sold: TypeAlias = tuple[Order, Snapshot]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class GrowingCodes:
    """The codes that several chunks share; ``of`` gives a text its code, a new one where it had none."""

    channels: dict[str, int] = field(default_factory=dict)
    categories: dict[str, int] = field(default_factory=dict)
    skus: dict[str, int] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)

    def as_codes(self) -> Codes:
        """The codes as a chunk takes them."""
        return Codes(self.channels, self.categories, self.skus, self.ranks)


def chunk_of(sold: Sequence[Sold], codes: GrowingCodes, judged: Collection[int] = ()) -> Chunk:
    """The chunk of some orders with their snapshots; codes of texts that are new are added to ``codes``.

    Args:
        judged: the indexes of the rules whose required sales the snapshots know (``Person.unmet``).
    """
    orders, snapshots = [order for order, _ in sold], [snapshot for _, snapshot in sold]
    return Chunk(
        codes.as_codes(),
        _orders(orders, snapshots, codes),
        _lines([line for order in orders for line in order.lines], codes),
        _people(snapshots, codes, judged),
    )


def _orders(orders: Sequence[Order], snapshots: Sequence[Snapshot], codes: GrowingCodes) -> OrderColumns:
    earlier = [snapshot.earlier_orders for snapshot in snapshots]
    return OrderColumns(
        lines=_numbers(len(order.lines) for order in orders),
        channel=_numbers(_code(codes.channels, order.channel) for order in orders),
        is_self_purchase=_truths(snapshot.is_self_purchase for snapshot in snapshots),
        paid_at=_numbers(_microseconds(order.paid_at) for order in orders),
        earlier_orders=_numbers(NOBODY if known is None else known.orders for known in earlier),
        first_paid_at=_numbers(_microseconds(None if known is None else known.first_paid_at) for known in earlier),
        order_cap_ppm=_numbers(_known(snapshot.order_cap_ppm) for snapshot in snapshots),
        max_tiers=_numbers(snapshot.max_tiers for snapshot in snapshots),
        entry_pays_seller=_truths(snapshot.entry_pays_seller for snapshot in snapshots),
        self_purchase_pays_uplines=_truths(snapshot.self_purchase_pays_uplines for snapshot in snapshots),
    )


def _lines(lines: Sequence[OrderLine], codes: GrowingCodes) -> LineColumns:
    return LineColumns(
        sku=_numbers(_code(codes.skus, line.sku) for line in lines),
        category=_numbers(_code(codes.categories, line.category) for line in lines),
        quantity=_numbers(line.quantity for line in lines),
        paid_minor=_numbers(line.paid_minor for line in lines),
        list_minor=_numbers(_known(line.list_minor) for line in lines),
        cost_minor=_numbers(_known(line.cost_minor) for line in lines),
        is_entry=_truths(line.entry for line in lines),
    )


def _people(snapshots: Sequence[Snapshot], codes: GrowingCodes, judged: Collection[int]) -> PeopleColumns:
    shape = PLACES, len(snapshots)
    shop_no, rank = np.full(shape, NOBODY), np.full(shape, NOBODY, np.int16)
    is_active = np.zeros(shape, np.bool_)
    unmet = {rule: np.zeros(shape, np.bool_) for rule in judged}
    for column, snapshot in enumerate(snapshots):
        for row, person in _placed(snapshot):
            shop_no[row, column], rank[row, column] = person.shop_no, _code(codes.ranks, person.rank)
            is_active[row, column] = person.is_active
            for rule in person.unmet if unmet else ():
                if rule in unmet:
                    unmet[rule][row, column] = True
    return PeopleColumns(shop_no, rank, is_active, unmet)


def _placed(snapshot: Snapshot) -> Iterable[tuple[int, Person]]:
    """Everyone of a snapshot with the row of their place."""
    places = [(0, snapshot.seller), *enumerate(snapshot.uplines, 1)]
    places += [(LEADER_ROW, snapshot.leader), (OPENER_ROW, snapshot.opener)]
    return [(row, person) for row, person in places if person is not None]


def _code(codes: dict[str, int], text: str | None) -> int:
    return NOBODY if text is None else codes.setdefault(text, len(codes))


def _known(figure: int | None) -> int:
    return NOBODY if figure is None else figure


def _microseconds(instant: datetime | None) -> int:
    return 0 if instant is None else (instant - _EPOCH) // _MICROSECOND


def _numbers(values: Iterable[int]) -> Integers:
    return np.fromiter(values, np.int64)


def _truths(values: Iterable[bool]) -> Truths:
    return np.fromiter(values, np.bool_)
