"""Groups (拼团): what their events decide. The first decision stands, success and failure alike."""

from __future__ import annotations

from collections.abc import Sequence

from distrib.domain.events import SUCCEEDED
from distrib.domain.orders.effects import Effect, EventDone, EventFailed, GroupDecided
from distrib.domain.orders.lookups import GroupDecision
from distrib.domain.orders.refusals import GroupConflict
from distrib.domain.orders.state import Arrival

ALREADY_DECIDED = "already_decided"


def decide_group(
    decision: GroupDecision | None, arrivals: Sequence[Arrival]
) -> tuple[GroupDecision | None, list[Effect]]:
    """The decision that stands after a group's events, by their time, and what became of each event.

    Args:
        decision: what was decided before; None while nothing is.
    """
    effects: list[Effect] = []
    for arrival in sorted(arrivals, key=lambda entry: (entry.event.occurred_at, entry.event_no)):
        event_no, event = arrival.event_no, arrival.event
        has_succeeded = event.type == SUCCEEDED
        if decision is None:
            decision = GroupDecision(event_no, has_succeeded, event.occurred_at)
            effects += [GroupDecided(arrival, has_succeeded), EventDone(event_no)]
        elif decision.has_succeeded == has_succeeded:
            effects.append(EventDone(event_no, ALREADY_DECIDED))
        else:
            refusal = GroupConflict(id=str(event.group_id))
            effects.append(EventFailed(event_no, refusal.code, refusal.params))
    return decision, effects
