"""Where simulations have history from, as blocks of arrays, and the orders among them that the engine works on.

No SQL may enter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

import msgspec
import numpy as np
from sqlalchemy import Connection

from distrib.columns.commissions.chunk import NOBODY, Chunk, LineColumns, OrderColumns
from distrib.columns.history.block import HistoryBlock, HistoryTexts, PastColumns, PostedColumns
from distrib.columns.tree import Integers, places_of
from distrib.domain.plans.plan import Plan
from distrib.domain.simulations.outcomes import Setback
from distrib.services.context import Program
from distrib.services.orders.sold_events import SoldLine
from distrib.services.simulations.coming_back import columns_of_setbacks
from distrib.services.simulations.histories import PastOrder, orders_by_number, setbacks_of
from distrib.services.simulations.snapshot_columns import SnapshotBook
from distrib.store.simulations import arrays
from distrib.store.simulations import history as rows
from distrib.store.simulations.arrays import EARNED, TIER, WITHOUT_EVENT, OrderNumbers, PostedArrays, SettledArrays
from distrib.store.simulations.history import PaidSpan, RefundRow

BLOCK_ORDERS: Final = 4_000
_Column = TypeVar("_Column")


class HistorySource(Protocol):
    """Yields the settled orders of a span as blocks, and reads single ones of them for the engine of one order."""

    texts: HistoryTexts

    def blocks(self, *, in_time: bool) -> Iterator[HistoryBlock]:
        """Yields the orders by number, or in the order in which they settled."""

    def orders(self, block: HistoryBlock, places: Sequence[int]) -> list[PastOrder]:
        """Reads the orders at these places of a block."""


@dataclass(frozen=True, slots=True)
class PlanNeeds:
    """What the plans of a simulation ask of lines, so that nothing else has to be read."""

    skus: frozenset[str]
    categories: frozenset[str]
    bases: frozenset[str]

    @property
    def line_parts(self) -> frozenset[str]:
        """Of lines what some plan asks beside what all plans do."""
        parts = {
            "sku": bool(self.skus),
            "category": bool(self.categories),
            "list_minor": "list" in self.bases,
            "cost_minor": "margin" in self.bases,
        }
        return frozenset(part for part, is_asked in parts.items() if is_asked)

    @staticmethod
    def of(plans: Iterable[Plan]) -> PlanNeeds:
        """What any of these plans asks."""
        plans = list(plans)
        wheres = [rule.where for plan in plans for rule in plan.rules]
        return PlanNeeds(
            frozenset(sku for where in wheres for sku in (*(where.skus or ()), *where.not_skus)),
            frozenset(name for where in wheres for name in (*(where.categories or ()), *where.not_categories)),
            frozenset(plan.base for plan in plans),
        )


class _BareLine(msgspec.Struct, gc=False):
    """What columns need of a line whatever the plans: a text that nobody asks for is not read."""

    quantity: int
    paid_minor: int
    entry: bool = False


class _WholeLine(_BareLine, gc=False):
    """The same with what some plans ask of lines beside it."""

    sku: str = ""
    list_minor: int | None = None
    cost_minor: int | None = None
    category: str | None = None


_Line_co = TypeVar("_Line_co", bound=_BareLine, covariant=True)


class _PastContent(msgspec.Struct, Generic[_Line_co], gc=False, frozen=True):
    """What columns need of an order's content."""

    currency: str
    lines: Sequence[_Line_co]
    channel: str = "retail"


class _PastEvent(msgspec.Struct, Generic[_Line_co], gc=False, frozen=True):
    """The event that a settlement rests on."""

    order: _PastContent[_Line_co]


_bare = msgspec.json.Decoder(_PastEvent[_BareLine])
_whole = msgspec.json.Decoder(_PastEvent[_WholeLine])


class _SoldContent(msgspec.Struct, gc=False):
    """The lines of an order as they were sold."""

    lines: list[SoldLine]


class _SoldEvent(msgspec.Struct, gc=False):
    """An event of which the lines alone are read."""

    order: _SoldContent


_sold = msgspec.json.Decoder(_SoldEvent)


class PostgresHistory:
    """The orders of a program in the database, by statements that gather columns.

    Args:
        conn: a transaction that ``enter_history`` opened.
    """

    def __init__(self, conn: Connection, program: Program, span: PaidSpan, needs: PlanNeeds) -> None:
        self._conn, self._program, self._span, self._needs = conn, program, span, needs
        self.texts = HistoryTexts()
        for code, text in enumerate(sorted(needs.skus)):
            self.texts.codes.skus[text] = code
        for code, text in enumerate(sorted(needs.categories)):
            self.texts.codes.categories[text] = code
        self._snapshots = SnapshotBook(self.texts.codes.ranks)

    def blocks(self, *, in_time: bool) -> Iterator[HistoryBlock]:
        """Yields the orders by number, or in the order in which they settled."""
        program_id = self._program.program_id
        if in_time:
            for orders in rows.numbers_of(self._conn, program_id, self._span, BLOCK_ORDERS, in_time=True):
                yield self._block(OrderNumbers(orders, are_next=False))
            return
        last = 0
        while orders := arrays.next_numbers(self._conn, program_id, self._span, last, BLOCK_ORDERS):
            yield self._block(OrderNumbers(orders, are_next=True))
            last = orders[-1]

    def orders(self, block: HistoryBlock, places: Sequence[int]) -> list[PastOrder]:
        """Reads the orders at these places of a block."""
        return orders_by_number(self._conn, self._program, block.past.order_no[places].tolist())

    def _block(self, asked: OrderNumbers) -> HistoryBlock:
        conn, program_id = self._conn, self._program.program_id
        settled = arrays.settled_arrays(conn, program_id, self._span, asked)
        contents = _contents(settled.payloads, with_parts=bool(self._needs.line_parts))
        snapshots, turns = settled.snapshots, np.arange(settled.order_no.size)
        if not asked.are_next:
            turns = np.argsort(np.argsort(np.array(asked.orders)))
            settled, contents, snapshots = _in_turn(settled, turns), _taken(contents, turns), _taken(snapshots, turns)
        chunk = self._chunk(settled, contents, snapshots)
        sorting = np.argsort(settled.order_no)
        posted, decided = self._posted(arrays.posted_arrays(conn, program_id, asked), settled.order_no, sorting)
        setbacks = self._setbacks(asked, settled.order_no, sorting)
        events = settled.payloads.split(b"\n") if setbacks else ()

        def lines_of(place: int) -> dict[str, int]:
            return {line.id: line.paid_minor for line in _sold.decode(events[turns[place]]).order.lines}

        back = columns_of_setbacks(setbacks, decided, lines_of)
        past = PastColumns(
            settled.order_no,
            settled.settled_at,
            _coded(self.texts.currencies, [content.currency for content in contents]),
            back.refunded_minor,
            back.needs_engine,
        )
        return HistoryBlock(self.texts, past, chunk, posted, back.refunds)

    def _chunk(
        self, settled: SettledArrays, contents: Sequence[_PastContent[_BareLine]], snapshots: Sequence[bytes]
    ) -> Chunk:
        codes, asked = self.texts.codes, self._needs.line_parts
        people, is_self_purchase = self._snapshots.people(snapshots)
        lines = [line for content in contents for line in content.lines]
        whole = [line for line in lines if isinstance(line, _WholeLine)] if asked else []
        unknown = np.full(len(lines), NOBODY)
        orders = OrderColumns.under_no_plan(
            lines=_numbers([len(content.lines) for content in contents]),
            channel=_coded(codes.channels, [content.channel for content in contents]),
            is_self_purchase=is_self_purchase,
            paid_at=settled.paid_at,
        )
        sold = LineColumns(
            sku=_known(codes.skus, [line.sku for line in whole]) if "sku" in asked else unknown,
            category=_known(codes.categories, [line.category for line in whole]) if "category" in asked else unknown,
            quantity=_numbers([line.quantity for line in lines]),
            paid_minor=_numbers([line.paid_minor for line in lines]),
            list_minor=_figures([line.list_minor for line in whole]) if "list_minor" in asked else unknown,
            cost_minor=_figures([line.cost_minor for line in whole]) if "cost_minor" in asked else unknown,
            is_entry=np.array([line.entry for line in lines], np.bool_),
        )
        return Chunk(codes.as_codes(), orders, sold, people)

    def _posted(
        self, posted: PostedArrays, order_no: Integers, sorting: Integers
    ) -> tuple[PostedColumns, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        """The ledger's rows by place, and which orders a case has decided about."""
        among = places_of(order_no[sorting], posted.order_no)
        place = np.where(among < 0, NOBODY, sorting[among]) if order_no.size else among
        turns: Integers | slice[None, None, None] = slice(None)  # so they stand, as most often
        if (place < 0).any() or (place[1:] < place[:-1]).any():
            kept = np.flatnonzero(place >= 0)
            turns = kept[np.argsort(place[kept], kind="stable")]
        names = sorted(set(posted.rule_id))
        codes = dict(zip(names, _coded(self.texts.rules, [name.decode() for name in names]).tolist(), strict=True))
        place, kinds = place[turns], posted.kinds[turns]
        columns = PostedColumns(
            order=place,
            rule=_numbers(list(map(codes.__getitem__, posted.rule_id)))[turns],
            tier=kinds // TIER,
            shop_no=posted.shop_no[turns],
            amount_minor=posted.amount_minor[turns],
            is_earned=kinds & EARNED > 0,
            occurred_at=posted.occurred_at[turns],
            available_at=posted.available_at[turns],
        )
        decided = np.zeros(order_no.size, np.bool_)
        decided[place[kinds & (EARNED | WITHOUT_EVENT) == WITHOUT_EVENT]] = True
        return columns, decided

    def _setbacks(self, asked: OrderNumbers, order_no: Integers, sorting: Integers) -> dict[int, list[Setback]]:
        """What refunds took, by place, as they were applied."""
        by_order: defaultdict[int, list[RefundRow]] = defaultdict(list)
        for row in arrays.refund_rows(self._conn, self._program.program_id, asked):
            by_order[row.order_no].append(row)
        among = places_of(order_no[sorting], np.array([*by_order], np.int64)).tolist()
        return {
            int(sorting[place]): setbacks_of((), refunds)
            for place, refunds in zip(among, by_order.values(), strict=True)
            if place >= 0
        }


def _contents(payloads: bytes, *, with_parts: bool) -> Sequence[_PastContent[_BareLine]]:
    """What orders hold, from the lines of their events."""
    if with_parts:
        return [event.order for event in _whole.decode_lines(payloads)]
    return [event.order for event in _bare.decode_lines(payloads)]


def _in_turn(settled: SettledArrays, turns: Integers) -> SettledArrays:
    return settled._replace(
        order_no=settled.order_no[turns], settled_at=settled.settled_at[turns], paid_at=settled.paid_at[turns]
    )


def _taken(values: Sequence[_Column], places: Integers) -> list[_Column]:
    return [values[place] for place in places.tolist()]


def _numbers(values: Sequence[int]) -> Integers:
    return np.array(values, np.int64)


def _coded(codes: dict[str, int], texts: Sequence[str]) -> Integers:
    """The code of each text, a new one where it had none."""
    for text in dict.fromkeys(texts):
        codes.setdefault(text, len(codes))
    return _numbers(list(map(codes.__getitem__, texts)))


def _known(codes: dict[str, int], texts: Iterable[str | None]) -> Integers:
    """The code of each text; one that no plan names has none."""
    code: Callable[[str | None, int], int] = codes.get  # type: ignore[assignment]
    return _numbers([code(text, NOBODY) for text in texts])


def _figures(values: Iterable[int | None]) -> Integers:
    return _numbers([NOBODY if value is None else value for value in values])
