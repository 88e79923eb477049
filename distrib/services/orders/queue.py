"""The queue of orders with pending events, over all programs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from distrib.store.orders import groups, inbox, queue

WAKE_LIMIT = 10_000


def programs_with_pending_events(conn: Connection, now: datetime) -> list[int]:
    """Lists the programs that have orders in the queue or promotions to decide by ``now``, by number."""
    return queue.programs_with_pending_events(conn, now)


def orders_in_queue(conn: Connection, program_id: int | None = None) -> int:
    """Counts the orders in the queue, of one program or of all."""
    return queue.queue_length(conn, program_id)


def wake_waiting(conn: Connection) -> int:
    """Queues orders whose missing shop or refund has come, and groups that forgot to wake one; returns how many."""
    placed = inbox.place_events(conn, WAKE_LIMIT)
    return placed + inbox.wake_waiting(conn, WAKE_LIMIT) + groups.wake_forgotten(conn)
