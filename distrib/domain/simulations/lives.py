"""The life of an order whose settlement failed, had its plan paid it: when it would settle, and what would come back.

Its events are replayed by the state machine of the ledger, with a settlement that is let through and earns nobody
anything; what a plan makes of it is worked out from there (``outcomes``). Pure: nothing is looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from distrib.domain.events import Order
from distrib.domain.orders.effects import (
    Effect,
    EventFailed,
    EventPostponed,
    OrderSettled,
    RefundApplied,
    RefundUndone,
)
from distrib.domain.orders.lookups import GroupDecision
from distrib.domain.orders.machine import apply_all
from distrib.domain.orders.refusals import RefundExceeds
from distrib.domain.orders.state import NEW, Arrival
from distrib.domain.plans.plan import compile_plan
from distrib.domain.settlement.commission import Commission
from distrib.domain.settlement.snapshot import Snapshot
from distrib.domain.settlement.terms import Terms
from distrib.domain.simulations.outcomes import Setback

_NOTHING: Final = compile_plan(
    {"code": "nothing", "currency": "CNY", "rules": [{"id": "nothing", "pay": "seller", "rate": "0"}]}
)
_NOBODY: Final = Snapshot(None)


class SettledLife(NamedTuple):
    """How an order settles that is let through: by which event, from when it counts, and what comes back of it."""

    event_no: int
    order: Order
    settled_at: datetime
    setbacks: Sequence[Setback]


class _LetThrough:
    """Lookups under which an order of a currency settles, and earns nobody anything."""

    def __init__(self, currency: str, decision: GroupDecision | None) -> None:
        plan = replace(_NOTHING, currency=currency)
        self._terms = Terms(plan, 0, timedelta(), None, "", True, True, plan.tiers)
        self._decision = decision

    def terms_at(self, paid_at: datetime) -> Terms:
        """The terms of a plan that pays nothing."""
        return self._terms

    def missing_shop(self, order: Order) -> str | None:
        """None: whoever is named was known when the settlement failed."""

    def snapshot(self, order: Order, terms: Terms) -> Snapshot:
        """Nobody."""
        return _NOBODY

    def within_caps(
        self, order: Order, terms: Terms, counts_from: datetime, snapshot: Snapshot, commissions: list[Commission]
    ) -> tuple[Snapshot, list[Commission]]:
        """All that there is, which is nothing."""
        return snapshot, commissions

    def group_decision(self, order: Order) -> GroupDecision | None:
        """What was decided of the order's group."""
        return self._decision

    def is_case_in_force(self, case_no: int, paid_at: datetime) -> bool:
        """No case freezes an order of nobody."""
        return False


def life_of(arrivals: Sequence[Arrival], currency: str, decision: GroupDecision | None) -> SettledLife | None:
    """Replays the events of one order; None where it does not settle whatever its plan.

    Args:
        arrivals: all events of the order that were worked on; one of them at least says what the order holds.
        currency: in which the order is let through.
        decision: what was decided of the order's group.
    """
    lookups = _LetThrough(currency, decision)
    known = {arrival.event_no: arrival for arrival in arrivals}
    settlement: OrderSettled | None = None
    setbacks: list[Setback] = []
    exceeding: set[int] = set()
    state, turns = NEW._replace(is_described=True), list(arrivals)
    while turns:
        state, effects = apply_all(state._replace(waiting=()), turns, lookups)
        waiting = {waiting.event_no for waiting in state.waiting}
        exceeding -= {arrival.event_no for arrival in turns}
        again: set[int] = set()
        for effect in effects:
            match effect:
                case OrderSettled():
                    settlement = effect
                case RefundApplied():
                    setbacks.append(_setback(effect))
                case EventPostponed(event_no):
                    again.add(event_no)
                case EventFailed(event_no, RefundExceeds.code):
                    exceeding.add(event_no)
                case _:
                    pass
        if _is_undone(effects):
            again |= exceeding | waiting
        turns = [known[event_no] for event_no in sorted(again)]
    if settlement is None:
        return None
    order, *_, counts_from = settlement.settlement
    return SettledLife(settlement.arrival.event_no, order, counts_from, setbacks)


def _is_undone(effects: Sequence[Effect]) -> bool:
    """Whether a refund was undone, so that others that took too much may be tried again."""
    return any(isinstance(effect, RefundUndone) for effect in effects)


def _setback(effect: RefundApplied) -> Setback:
    lines = effect.account.order.lines
    has_money = any(effect.taken_minor)
    taken = {line.id: minor for line, minor in zip(lines, effect.taken_minor, strict=True) if minor or not has_money}
    return Setback(effect.event_no, effect.refund_id, taken, effect.occurred_at)
