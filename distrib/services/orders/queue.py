"""What waits for work, over all programs. No Redis may enter."""

from __future__ import annotations

from sqlalchemy import Connection

from distrib.store.orders import groups, inbox, queue

WAKE_LIMIT = 10_000


def programs_with_work(conn: Connection) -> list[int]:
    """The programs that have orders in the queue or promotions to decide."""
    return queue.programs_with_work(conn)


def orders_in_queue(conn: Connection, program_id: int | None = None) -> int:
    """How many orders wait for work."""
    return queue.queue_length(conn, program_id)


def wake_waiting(conn: Connection) -> int:
    """Queues orders whose missing shop has come, and groups that have forgotten to wake one; answers how many."""
    return inbox.wake_waiting(conn, WAKE_LIMIT) + groups.wake_forgotten(conn)
