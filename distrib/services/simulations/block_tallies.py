"""Adds a block of history to a tally: the ledger's rows, what columns came to, and what the engine came to.

The same as ``Tally.add`` order by order; a property test holds both together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from distrib.columns.commissions.chunk import NOBODY
from distrib.columns.commissions.rounding import Whole
from distrib.columns.history.block import HistoryBlock
from distrib.columns.history.calendar import date_of, periods_of
from distrib.columns.history.counting import CountedRows, numbered, ranks_around, stable_order, sums_of_cells, widened
from distrib.columns.tree import Truths
from distrib.domain.settlement.seats import ORDER_CAP, RULE_CAP
from distrib.services.simulations.candidates import Simulated
from distrib.services.simulations.figures import (
    BlockFigures,
    EntryColumns,
    OrderFigures,
    Reasons,
    Rooms,
    entries_of,
    integers,
    whole,
)
from distrib.services.simulations.histories import PastOrder
from distrib.services.simulations.in_columns import BlockOutcome
from distrib.services.simulations.tallies import AS_IT_WAS, CostCell, Count, Tally


class EngineOrders(NamedTuple):
    """Orders of a block by place, and by candidate what each of those comes to that the engine works on.

    They are those, and those that fail under a candidate with pools, whose bases they are missing from.
    """

    orders: Mapping[int, PastOrder]
    outcomes: Sequence[Mapping[int, Simulated]]


def add_block(
    tally: Tally, block: HistoryBlock, outcomes: Sequence[BlockOutcome], left: EngineOrders
) -> Callable[[], BlockFigures]:
    """Adds a block of orders that settled, and answers who works out what each comes to, where that is kept.

    Args:
        outcomes: by candidate.
        left: the orders that a candidate leaves to the engine.
    """
    added = _BlockTally(tally, block, left)
    added.add(outcomes)
    return added.figures


class _BlockTally:
    """One block on its way into a tally."""

    def __init__(self, tally: Tally, block: HistoryBlock, left: EngineOrders) -> None:
        self._tally, self._block, self._left = tally, block, left
        self._paid_minor = block.chunk.sums(block.chunk.lines.paid_minor)
        self._sales_minor = self._paid_minor - block.past.refunded_minor if tally.with_refunds else self._paid_minor
        self._channels = list(block.texts.codes.channels)
        self._rules: dict[str, int] = {}
        """The codes of all rules of this block, on whatever side."""
        self._sides: list[tuple[CountedRows, Sequence[str], EntryColumns | None]] = []
        """What is added of each side: rows, the ids of their rules, and what the engine came to."""
        self._reasons: Reasons = defaultdict(dict)
        self._rooms: Rooms = defaultdict(dict)

    def add(self, outcomes: Sequence[BlockOutcome]) -> None:
        """Adds all sides."""
        tally, block = self._tally, self._block
        tally.orders += len(block)
        tally.paid_minor += _sum(self._paid_minor)
        if tally.with_refunds:
            tally.refunded_minor += _sum(block.past.refunded_minor)
        posted, rules = self._posted(), list(block.texts.rules)
        self._count(AS_IT_WAS, posted, rules, list(block.texts.codes.ranks))
        self._sides.append((posted, rules, None))
        amounts = widened(posted.amount_minor)
        then_minor: Whole = np.zeros(len(block), amounts.dtype)
        np.add.at(then_minor, posted.order, amounts)
        for side, (plan, outcome) in enumerate(zip(tally.plans, outcomes, strict=True), 1):
            rules = [rule.id for rule in plan.rules]
            self._count(side, outcome.rows, rules, [rank.code for rank in plan.ranks])
            self._say_why(side, outcome, then_minor)
            self._sides.append((outcome.rows, rules, self._by_engine(side, then_minor)))

    def figures(self) -> BlockFigures:
        """What the orders come to, the amounts of an order together, side by side."""
        sides = [self._entries(*side) for side in self._sides]
        entries = _joined(sides)
        side = np.repeat(np.arange(len(sides)), [own.order.size for own in sides])
        turns = stable_order(entries.order * len(sides) + side)
        return BlockFigures(
            self._block.past.order_no,
            entries.order[turns],
            side[turns],
            entries.rule[turns],
            entries.shop_no[turns],
            entries.amount_minor[turns],
            list(self._rules),
            self._reasons,
            self._rooms,
        )

    def _posted(self) -> CountedRows:
        """The rows of the ledger that count."""
        block = self._block
        posted = block.posted
        rows = CountedRows(
            posted.order,
            posted.rule,
            posted.tier,
            ranks_around(block.chunk, posted.order, posted.shop_no),
            posted.shop_no,
            posted.amount_minor,
            posted.is_earned,
            posted.occurred_at,
            posted.available_at,
        )
        return rows if self._tally.with_refunds or posted.is_earned.all() else rows.among(posted.is_earned)

    def _count(self, number: int, rows: CountedRows, rules: Sequence[str], ranks: Sequence[str]) -> None:
        """Adds rows to the sums of a side."""
        if not rows.order.size:
            return
        side, amounts = self._tally.sides[number], rows.amount_minor
        self._tally.shops.add_columns(number, rows.shop_no, amounts)
        side.earned_minor += _sum(amounts[rows.is_earned])
        side.reversed_minor += _sum(amounts[~rows.is_earned])
        calendar, channels = self._tally.calendar, self._channels
        days, day_of = numbered(calendar.days(rows.occurred_at))
        periods, period_of = numbered(periods_of(days))
        keys = [
            period_of[day_of],
            rows.rule,
            rows.tier,
            rows.rank - NOBODY,
            self._block.chunk.orders.channel[rows.order],
        ]
        sizes = [periods.size, len(rules), int(rows.tier.max()) + 1, len(ranks) + 1, len(channels)]
        months = periods.tolist()
        for (period, rule, tier, rank, channel), minor in sums_of_cells(keys, sizes, amounts).items():
            name = ranks[rank + NOBODY] if rank else None
            side.cells[CostCell(months[period], rules[rule], tier, name, channels[channel])] += minor
        released = calendar.days(rows.available_at)
        first = int(released.min())
        for (day,), minor in sums_of_cells([released - first], [int(released.max()) - first + 1], amounts).items():
            side.releases[date_of(first + day)] += minor

    def _say_why(self, number: int, outcome: BlockOutcome, then_minor: Whole) -> None:
        """Adds the orders that fail, and those from which a cap took."""
        side, nothing = self._tally.sides[number], np.zeros(len(self._block), np.int64)
        for code, mask in outcome.failing.items():
            self._add_count(side.failures, code, mask, then_minor)
            self._tally.add_sales(number, _sum(self._sales_minor[mask]), -1)
            for place in np.flatnonzero(mask).tolist():
                if self._tally.plans[number - 1].pools:
                    self._tally.add_base(number, self._left.orders[place], -1)
                self._reasons[place][number] = [code]
        for cap in (RULE_CAP, ORDER_CAP):
            taken = outcome.cap_minor.get(cap, nothing)
            self._add_count(side.caps, cap, taken > 0, taken)
            for place in np.flatnonzero(taken).tolist():
                self._reasons[place].setdefault(number, []).append(cap)

    def _by_engine(self, side: int, then_minor: Whole) -> EntryColumns | None:
        """Adds what the engine came to for the orders that are left to it."""
        outcomes = self._left.outcomes[side - 1]
        if not outcomes:
            return None
        entries: list[tuple[int, int, int, int]] = []
        for place, outcome in outcomes.items():
            past = self._left.orders[place]
            figures = OrderFigures(past.order_no, defaultdict(int), {}, {})
            self._tally.add_outcome(side, past, outcome, int(then_minor[place]), figures)
            entries += [
                (place, self._code(rule), shop_no, minor) for (_, rule, shop_no), minor in figures.amounts.items()
            ]
            if figures.reasons:
                self._reasons[place] |= figures.reasons
            if figures.rooms:
                self._rooms[place] |= figures.rooms
        order, rule, shop_no = (integers([entry[field] for entry in entries]) for field in range(3))
        amounts = whole([minor for *_, minor in entries])
        self._tally.shops.add_columns(side, shop_no, amounts)
        return EntryColumns(order, rule, shop_no, amounts)

    def _entries(self, rows: CountedRows, rules: Sequence[str], by_engine: EntryColumns | None) -> EntryColumns:
        """The amounts of a side by order, rule and shop."""
        entries = entries_of(rows)
        codes = integers([self._code(rule) for rule in rules])
        entries = entries._replace(rule=codes[entries.rule]) if codes.size else entries
        return entries if by_engine is None else _joined([entries, by_engine])

    def _code(self, rule: str) -> int:
        return self._rules.setdefault(rule, len(self._rules))

    def _add_count(self, counts: defaultdict[str, Count], code: str, mask: Truths, amounts: Whole) -> None:
        """Counts the orders of a mask, with what was paid for them and so much of each."""
        if mask.any():
            counts[code].add(_sum(self._paid_minor[mask]), _sum(amounts[mask]), int(np.count_nonzero(mask)))


def _joined(parts: Sequence[EntryColumns]) -> EntryColumns:
    return EntryColumns(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _sum(figures: Whole) -> int:
    """A sum that is exact whatever its size."""
    return int(widened(figures).sum()) if figures.size else 0
