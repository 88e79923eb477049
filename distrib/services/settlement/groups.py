"""The groups (拼团) that a batch meets: locked, with what was decided of them, and their orders queued.

A decision makes pending what waited for it, and a later batch of its own brings the orders into the queue: whoever
decides waits for no order, so that no two batches wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection

from distrib.domain.events import Order, group_of
from distrib.domain.orders.lookups import GroupDecision
from distrib.store.orders import groups as rows


class Groups:
    """The numbers of groups by id, and what was decided of them by number.

    Args:
        numbers: of the groups that the batch's orders belong to.
    """

    def __init__(self, numbers: Mapping[str, int], decisions: Mapping[int, GroupDecision]) -> None:
        self._numbers = numbers
        self.decisions = dict(decisions)

    def number(self, group_id: str) -> int:
        """The store's number of a group that an order of the batch belongs to."""
        return self._numbers[group_id]

    def decision(self, order: Order) -> GroupDecision | None:
        """What was decided of the order's group; None while nothing is, or where it has none."""
        group_id = group_of(order)
        return None if group_id is None else self.decisions.get(self._numbers[group_id])


def load_groups(conn: Connection, program_id: int, numbers: Collection[int], orders: Collection[Order]) -> Groups:
    """Locks the groups that a batch meets and reads what was decided of them.

    Args:
        numbers: of the groups that have events of their own, which may decide them.
        orders: what may wait for a group.
    """
    ids = {group_id for order in orders if (group_id := group_of(order)) is not None}
    if not ids and not numbers:
        return Groups({}, {})
    numbers_by_id = rows.lock_groups(conn, program_id, ids, numbers, to_decide=bool(numbers))
    decisions = {
        group_no: GroupDecision(row.event_no, row.has_succeeded, row.occurred_at)
        for group_no, row in rows.decisions_of(conn, program_id, set(numbers_by_id.values())).items()
    }
    return Groups(numbers_by_id, decisions)


def queue_orders_of_groups(conn: Connection, program_id: int, numbers: Collection[int]) -> set[int]:
    """Queues the orders of those groups among the numbers that are decided.

    Returns:
        The groups that may have more such orders: to be queued again.
    """
    group_nos = rows.groups_among(conn, program_id, numbers) if numbers else set()
    return group_nos if group_nos and rows.wake_orders(conn, program_id, group_nos) else set()
