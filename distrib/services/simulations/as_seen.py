"""What had come back of an order when a simulation saw it: what came later is no part of what the simulation shows.

How an order's refunds and decisions were applied is one after the other, so that a simulation saw the first of them up
to one. Which one that is, instants tell, but for what was being applied while the simulation began; there the amount
that it kept tells. No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.orders.state import Settlement
from distrib.domain.settlement.explanation import Look, explain
from distrib.domain.settlement.recomputing import left_of_lines
from distrib.domain.settlement.seats import POLICY, is_indirect
from distrib.domain.settlement.snapshot import Room
from distrib.domain.simulations.outcomes import Setback
from distrib.services.simulations.histories import PastOrder
from distrib.services.simulations.running import KNOWN
from distrib.store.simulations import history
from distrib.store.simulations.kept import SimulationRow

AppliedAt = Mapping[tuple[int, int], datetime | None]
"""When each refund of an order was applied, by the numbers of the order and of the event."""


class KeptOutcome(NamedTuple):
    """What a simulation kept of an order under a candidate: what it pays, and what counted caps left."""

    amount_minor: int
    rooms: tuple[Room, ...]


class ExplainedOrder(NamedTuple):
    """An order as a simulation saw it, why it would pay what, and what refunds took of it since."""

    past: PastOrder
    looks: Sequence[Look]
    refunded_since_minor: int


def applied_at(conn: Connection, program_id: int, orders: Sequence[PastOrder]) -> AppliedAt:
    """Reads when the refunds of these orders were applied."""
    numbers = [past.order_no for past in orders if past.setbacks]
    refunds = history.refunds_of(conn, program_id, numbers) if numbers else ()
    return {(row.order_no, row.event_no): row.done_at for row in refunds}


def explained(
    row: SimulationRow,
    applied: AppliedAt,
    past: PastOrder,
    settlement: Settlement | None,
    kept: KeptOutcome,
) -> ExplainedOrder:
    """An order on what had come back of it when a simulation saw it; the looks add up to what was kept.

    Args:
        settlement: under the candidate; None where it would not have settled.
    """
    first: ExplainedOrder | None = None
    for count in _counts(row, applied, past):
        seen = past._replace(setbacks=past.setbacks[:count])
        looks = [] if settlement is None else _looks(seen, settlement, kept.rooms, with_refunds=row.refunds == KNOWN)
        shown = ExplainedOrder(seen, looks, seen.left_minor - past.left_minor)
        if sum(look.amount_minor for look in looks) == kept.amount_minor:
            return shown
        first = first or shown
    return first or ExplainedOrder(past, (), 0)


def _counts(row: SimulationRow, applied: AppliedAt, past: PastOrder) -> Iterator[int]:
    """How many of an order's setbacks may have been seen, what instants tell first."""
    known = sum(1 for setback in past.setbacks if _is_known(row, setback))
    seen = 0
    for setback in past.setbacks[:known]:
        done_at = setback.occurred_at if setback.event_no is None else applied.get((past.order_no, setback.event_no))
        if done_at is not None and row.begun_at is not None and done_at > row.begun_at:
            break
        seen += 1
    yield seen
    yield from range(seen + 1, known + 1)
    yield from range(seen - 1, -1, -1)


def _is_known(row: SimulationRow, setback: Setback) -> bool:
    """Whether the event was there when the simulation began; decisions of cases are no events."""
    return setback.event_no is None or row.last_event_no is None or setback.event_no <= row.last_event_no


def _looks(past: PastOrder, settlement: Settlement, rooms: tuple[Room, ...], *, with_refunds: bool) -> list[Look]:
    """Everyone looked at under the candidate, on what refunds and decisions left of the order."""
    setbacks = past.setbacks if with_refunds else ()
    taken: dict[str, int] = {}
    for setback in setbacks:
        for line_id, minor in setback.taken_minor.items():
            taken[line_id] = taken.get(line_id, 0) + minor
    left = left_of_lines(past.order, taken) if any(taken.values()) else None
    looks = explain(settlement.terms.plan, past.order, settlement.snapshot._replace(rooms=rooms), left)
    if all(setback.refund_id for setback in setbacks):
        return looks
    return [_decided(look, settlement) for look in looks]


def _decided(look: Look, settlement: Settlement) -> Look:
    """What a look comes to after the decision of a case: under a candidate all that is not the seller's own is gone."""
    plan = settlement.terms.plan
    rule = next(rule for rule in plan.rules if rule.id == look.rule_id)
    if not look.amount_minor or not is_indirect(plan, settlement.snapshot, rule, look.tier):
        return look
    return look._replace(amount_minor=0, reason=POLICY)
