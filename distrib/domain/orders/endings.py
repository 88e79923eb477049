"""How an order ends for ever, and how an event comes to wait: what all events of an order share."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from distrib.domain.orders.effects import Effect, OrderEnded
from distrib.domain.orders.expectation import close_expectation
from distrib.domain.orders.state import Arrival, OrderEnd, OrderState, Phase, Waiting

ORDER_CANCELLED, GROUP_FAILED = "order_cancelled", "group_failed"
PHASE_OF = {ORDER_CANCELLED: Phase.CANCELLED, GROUP_FAILED: Phase.DROPPED}
"""The phase in which an order ends, by the reason for its end."""

Step: TypeAlias = tuple[OrderState, list[Effect]]
"""The next state, and what else an event brought about."""


def end_order(state: OrderState, reason: str, event_no: int, occurred_at: datetime) -> Step:
    """Ends the order for ever; what was expected of it is so no more."""
    effects: list[Effect] = [OrderEnded(reason, event_no, state.shop_id, occurred_at)]
    kept = state.kept
    if state.expected is not None:
        effects += close_expectation(state.expected, event_no, occurred_at)[1]
        kept = None
    end = OrderEnd(reason, event_no, occurred_at)
    return state._replace(phase=PHASE_OF[reason], kept=kept, early_refunds=(), end=end), effects


def wait(state: OrderState, arrival: Arrival, code: str, awaited_id: str, waits_for: str) -> OrderState:
    """The state with one more event that waits."""
    return state._replace(waiting=(*state.waiting, Waiting(arrival.event_no, code, awaited_id, waits_for)))
