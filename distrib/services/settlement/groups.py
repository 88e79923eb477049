"""Groups (拼团) of a batch: what their own events decide, and what that says to their orders.

The first decision wins, success and failure alike. A decision makes
pending what waited for it, and a later batch of its own brings the orders into the queue: whoever
decides waits for no order, so that no two batches wait for each other. No SQL may enter.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import Connection

from distrib.domain.events import SUCCEEDED, Event, Order, group_of
from distrib.services.settlement.batch import Batch
from distrib.store.orders import groups as rows
from distrib.store.orders.groups import Decision
from distrib.store.orders.queue import PendingEvent

ALREADY_DECIDED = "already_decided"


class Groups:
    """What is decided of the groups that a batch meets, by id."""

    def __init__(self, numbers: Mapping[str, int], decisions: Mapping[int, Decision]) -> None:
        self._numbers = numbers
        self._decisions = dict(decisions)

    def number(self, order: Order) -> int | None:
        """The number of the group that the order waits for; None for an order without one."""
        group_id = group_of(order)
        return None if group_id is None else self._numbers[group_id]

    def decision(self, order: Order) -> Decision | None:
        """What was decided of the order's group; None while nothing is, or where there is none."""
        number = self.number(order)
        return None if number is None else self._decisions.get(number)

    def has_failed(self, order: Order) -> bool:
        """Whether the order's group has failed."""
        decision = self.decision(order)
        return decision is not None and not decision.has_succeeded

    def settles_at(self, order: Order, settled_at: datetime) -> datetime | None:
        """From when commissions count: the later of settlement and group success; None without success."""
        if group_of(order) is None:
            return settled_at
        decision = self.decision(order)
        if decision is None or not decision.has_succeeded:
            return None
        return max(settled_at, decision.occurred_at)


NO_GROUPS = Groups({}, {})


def groups_of_batch(
    conn: Connection,
    batch: Batch,
    asked: Mapping[int, Sequence[tuple[PendingEvent, Event]]],
    orders: Collection[Order],
) -> Groups:
    """Locks the groups that a batch meets, works on their own events, and answers what is decided.

    Args:
        asked: the due events of groups, by the group's number.
        orders: what may wait for a group.
    """
    ids = {group_id for order in orders if (group_id := group_of(order)) is not None}
    if not ids and not asked:
        return NO_GROUPS
    program_id = batch.program.program_id
    numbers = rows.lock_groups(conn, program_id, ids, asked.keys(), to_decide=bool(asked))
    decisions = rows.decisions_of(conn, program_id, set(numbers.values()))
    for group_no, events in sorted(asked.items()):
        for pending, event in sorted(events, key=lambda pair: (pair[1].occurred_at, pair[0].event_no)):
            _decide(batch, pending, event, group_no, decisions)
    return Groups(numbers, decisions)


def wake_orders(conn: Connection, batch: Batch, numbers: Collection[int], day: date) -> None:
    """Queues the orders of those groups among the numbers that are decided; where there are more, again on ``day``."""
    program_id = batch.program.program_id
    found = rows.groups_among(conn, program_id, numbers) if numbers else set()
    if found and rows.wake_orders(conn, program_id, found):
        batch.later.update(dict.fromkeys(found, day))


def _decide(batch: Batch, pending: PendingEvent, event: Event, group_no: int, decisions: dict[int, Decision]) -> None:
    has_succeeded = event.type == SUCCEEDED
    before = decisions.get(group_no)
    if before is None:
        decision = Decision(group_no, pending.event_no, has_succeeded, event.occurred_at, pending.day)
        decisions[group_no] = decision
        batch.life.decisions.append(decision)
        batch.finish(pending)
        batch.postpone(pending)
    elif before.has_succeeded == has_succeeded:
        batch.finish(pending, "done", ALREADY_DECIDED)
    else:
        params = json.dumps({"id": event.group_id}, ensure_ascii=False)
        batch.finish(pending, "failed", "group_conflict", params)
