"""A candidate tried on whole blocks of history by its kernel; orders that others decide about are left to the engine.

What the engine of one order (``candidates.CandidatePlan``) would come to on each order is what this comes to; a
property test holds both together. No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np

from distrib.columns.commissions.chunk import NOBODY, Chunk, PeopleColumns
from distrib.columns.commissions.earnings import ChunkOutcome, Earnings, StepEarnings
from distrib.columns.commissions.kernel import compile_kernel
from distrib.columns.commissions.rounding import Runs
from distrib.columns.history.block import HistoryBlock
from distrib.columns.history.calendar import Calendar
from distrib.columns.history.counting import CountedRows, distinct, numbered, ranks_around, stable_order
from distrib.columns.sums import sums_by
from distrib.columns.tree import Integers, Truths
from distrib.domain.settlement.terms import Terms
from distrib.domain.simulations.candidates import rank_under
from distrib.services.simulations.candidates import CandidatePlan

CURRENCY_MISMATCH: Final = "currency_mismatch"
_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class BlockOutcome(NamedTuple):
    """What a block comes to under a candidate.

    Attributes:
        rows: what is paid, rules and ranks by their index in the plan.
        needs_engine: the orders that the engine of one order has to work out; nothing is said of them here.
        failing: by code of the refusal which orders fail; no order fails by two.
        cap_minor: by cap what it took of each order, in minor units.
    """

    rows: CountedRows
    needs_engine: Truths
    failing: Mapping[str, Truths]
    cap_minor: Mapping[str, Integers]


class ColumnCandidate:
    """A candidate over columns.

    Args:
        candidate: the same, an order at a time.
    """

    def __init__(self, candidate: CandidatePlan, calendar: Calendar) -> None:
        self._candidate, self._calendar, self._plan = candidate, calendar, candidate.plan
        self._kernel = compile_kernel(candidate.plan)
        self._steps = len(self._kernel.steps.steps)

    def run(self, block: HistoryBlock) -> BlockOutcome:
        """What the orders of a block come to."""
        if self._plan.book.on_customers:
            return BlockOutcome(CountedRows.none(), np.ones(len(block), np.bool_), {}, {})
        chunk, hold = self._under(block)
        outcome = self._kernel.run(chunk)
        is_foreign = block.past.currency != block.texts.currencies.get(self._plan.currency, NOBODY)
        needs_engine = outcome.left_out.copy()
        refunds = None
        if self._candidate.with_refunds:
            needs_engine |= block.past.needs_engine
            refunds = _Refunds(self._kernel.run, block, chunk, ~(needs_engine | is_foreign))
            needs_engine |= refunds.left_out
        needs_engine &= ~is_foreign
        failing = {code: mask & ~(needs_engine | is_foreign) for code, mask in outcome.failing.items()}
        if is_foreign.any():
            failing[CURRENCY_MISMATCH] = is_foreign
        is_settled = ~np.logical_or.reduce([needs_engine, *failing.values()])
        rows = self._earned(block, chunk, outcome, is_settled, hold)
        if refunds is not None:
            rows = _joined(rows, self._changed(block, chunk, refunds, is_settled, hold))
        caps = {cap: np.where(is_settled, taken, 0) for cap, taken in outcome.cap_minor.items()}
        return BlockOutcome(rows, needs_engine, failing, caps)

    def _under(self, block: HistoryBlock) -> tuple[Chunk, Integers]:
        """The orders as the candidate has them: its limits and ranks; and how long each is held, in microseconds."""
        chunk = block.chunk
        days, of = numbered(self._calendar.days(chunk.orders.paid_at))
        # Packs bind by the local day of payment, and a candidate is in force throughout.
        an_instant = np.zeros(days.size, np.int64)
        an_instant[of] = chunk.orders.paid_at
        terms = [self._candidate.terms.in_force(_1970 + instant * _MICROSECOND) for instant in an_instant.tolist()]
        codes = replace(chunk.codes, ranks=self._plan.rank_indexes)
        chunk = Chunk(codes, chunk.orders, chunk.lines, self._people(block)).under(
            order_cap_ppm=_numbers([NOBODY if t.order_cap_ppm is None else t.order_cap_ppm for t in terms])[of],
            max_tiers=_numbers([t.max_tiers for t in terms])[of],
            entry_pays_seller=_truths([t.entry_pays_seller for t in terms])[of],
            self_purchase_pays_uplines=_truths([t.self_purchase_pays_uplines for t in terms])[of],
        )
        return chunk, _numbers([_hold_of(t) for t in terms])[of]

    def _people(self, block: HistoryBlock) -> PeopleColumns:
        people, plan = block.chunk.people, self._plan
        if self._candidate.ranks is not None:
            rank = self._candidate.ranks.of_columns(people.shop_no, block.chunk.orders.paid_at)
            return PeopleColumns(people.shop_no, rank, people.is_active)
        known = block.texts.codes.ranks
        table = np.full(len(known) + 1, NOBODY, np.int16)
        for rank_code, place in known.items():
            table[place] = plan.rank_index(rank_under(plan, rank_code))
        return PeopleColumns(people.shop_no, table[people.rank], people.is_active)

    def _earned(
        self, block: HistoryBlock, chunk: Chunk, outcome: ChunkOutcome, is_settled: Truths, hold: Integers
    ) -> CountedRows:
        """What was earned: a row for each order, rule and tier, in the order in which its first line was worked out."""
        parts = [_totals(step, is_settled, self._steps) for step in outcome.steps]
        turn, order, rule, tier, shop_no, amount_minor = _stacked(parts, 6)
        turns = stable_order(turn)
        order, rule, tier, shop_no = order[turns], rule[turns], tier[turns], shop_no[turns]
        settled_at = block.past.settled_at[order]
        return CountedRows(
            order=order,
            rule=rule,
            tier=tier,
            rank=ranks_around(chunk, order, shop_no),
            shop_no=shop_no,
            amount_minor=amount_minor[turns],
            is_earned=np.ones(order.size, np.bool_),
            occurred_at=settled_at,
            available_at=settled_at + hold[order],
        )

    def _changed(
        self, block: HistoryBlock, chunk: Chunk, refunds: _Refunds, is_settled: Truths, hold: Integers
    ) -> CountedRows:
        """What refunds changed."""
        refund, rule, tier, shop_no, amount_minor = refunds.changes()
        kept = np.flatnonzero(is_settled[refunds.order[refund]])
        refund, rule, tier, shop_no, amount_minor = (
            column[kept] for column in (refund, rule, tier, shop_no, amount_minor)
        )
        order = refunds.order[refund]
        settled_at = block.past.settled_at[order]
        return CountedRows(
            order=order,
            rule=rule,
            tier=tier,
            rank=ranks_around(chunk, order, shop_no),
            shop_no=shop_no,
            amount_minor=amount_minor,
            is_earned=np.zeros(order.size, np.bool_),
            occurred_at=np.maximum(refunds.occurred_at[refund], settled_at),
            available_at=settled_at + hold[order],
        )


class _Refunds:
    """What should stand after each refund of the orders that are worked on in columns, and how that changes."""

    def __init__(
        self,
        run: Callable[[Chunk, Integers | None], ChunkOutcome],
        block: HistoryBlock,
        chunk: Chunk,
        in_columns: Truths,
    ) -> None:
        refunds = block.refunds
        kept = in_columns[refunds.order]
        self.order, self.occurred_at = refunds.order[kept], refunds.occurred_at[kept]
        self.left_out = np.zeros(len(block), np.bool_)
        self._first = self._standing = Earnings.of_steps(())
        if not self.order.size:
            return
        left_minor = refunds.left_minor[np.repeat(kept, chunk.orders.lines[refunds.order])]
        self._orders = chunk.take(distinct(self.order))
        self._states = chunk.take(self.order)
        first, standing = run(self._orders, None), run(self._states, left_minor)
        self._first, self._standing = first.earned, standing.earned
        self.left_out[self.order[standing.left_out]] = True

    def changes(self) -> tuple[Integers, Integers, Integers, Integers, Integers]:
        """By refund, rule, tier and shop how much the commissions changed; where lines outweigh each other, by 0."""
        if not self.order.size:
            nothing = np.zeros(0, np.int64)
            return nothing, nothing, nothing, nothing, nothing
        first, standing = self._first, self._standing
        begins = np.flatnonzero(np.diff(self.order, prepend=NOBODY))
        before = begins[first.order]
        is_last = np.append(np.diff(self.order) != 0, True)
        goes_on = ~is_last[standing.order]
        line = standing.line - self._states.starts[standing.order]
        later = standing.among(goes_on)
        keys = [
            np.concatenate([before, standing.order, later.order + 1]),
            np.concatenate([first.line - self._orders.starts[first.order], line, line[goes_on]]),
            np.concatenate([first.rule, standing.rule, later.rule]),
            np.concatenate([first.tier, standing.tier, later.tier]),
            np.concatenate([first.shop_no, standing.shop_no, later.shop_no]),
        ]
        amounts = np.concatenate([-first.amount_minor, standing.amount_minor, -later.amount_minor])
        (refund, _, rule, tier, shop_no), (changed,) = sums_by(keys, [amounts])
        is_changed = changed != 0
        keys = [column[is_changed] for column in (refund, rule, tier, shop_no)]
        (refund, rule, tier, shop_no), (changed,) = sums_by(keys, [changed[is_changed]])
        return refund, rule, tier, shop_no, changed


def _totals(step: StepEarnings, is_settled: Truths, steps: int) -> tuple[Integers, ...]:
    """What a step pays each order: when its turn is, order, rule, tier, shop and amount."""
    order = step.order
    rows = np.flatnonzero((step.amount_minor > 0) & is_settled[order])
    order = order[rows]
    runs = Runs.along(order)
    starts = rows[runs.starts]
    turn = step.line[starts] * steps + step.paid.step.place
    size = starts.size
    amounts = runs.sums(step.amount_minor[rows])
    return turn, runs.values, np.full(size, step.rule), np.full(size, step.tier), step.shop_no[starts], amounts


def _stacked(parts: Sequence[tuple[Integers, ...]], columns: int) -> list[Integers]:
    """The parts' columns, each one behind the other."""
    if not parts:
        return [np.zeros(0, np.int64) for _ in range(columns)]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def _joined(earned: CountedRows, changed: CountedRows) -> CountedRows:
    """What was earned and what changed it, order by order."""
    if not changed.order.size:
        return earned
    rows = CountedRows(
        *(np.concatenate([getattr(earned, name.name), getattr(changed, name.name)]) for name in fields(CountedRows))
    )
    return rows.among(stable_order(rows.order))


def _hold_of(terms: Terms) -> int:
    return terms.hold // _MICROSECOND


def _numbers(values: Sequence[int]) -> Integers:
    return np.array(values, np.int64)


def _truths(values: Sequence[bool]) -> Truths:
    return np.array(values, np.bool_)
