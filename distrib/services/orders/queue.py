"""The queue of orders with pending events, over all programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection

from distrib.services.context import Program
from distrib.store.orders import groups, inbox, queue
from distrib.store.orders.queue import EventFigures

WAKE_LIMIT = 10_000
MOST_COUNTED: Final = 10_000
"""Of each kind of what waits: that there are more is all that anybody needs to know."""


def programs_with_pending_events(conn: Connection, now: datetime) -> list[int]:
    """Lists the programs that have orders in the queue or promotions to decide by ``now``, by number."""
    return queue.programs_with_pending_events(conn, now)


def orders_in_queue(conn: Connection, program_id: int | None = None) -> int:
    """Counts the orders in the queue, of one program or of all."""
    return queue.queue_length(conn, program_id)


def event_figures(conn: Connection) -> EventFigures:
    """Reads, over all programs, since when the events next in line wait, and how many wait for a fact or failed."""
    return queue.event_figures(conn)


@dataclass(frozen=True, slots=True)
class QueueView:
    """What waits to be worked on in a program; of events no more are counted than ``counted_up_to``."""

    orders_waiting: int
    first_day: date | None
    first_received_at: datetime | None
    waiting_events: int
    failed_events: int
    counted_up_to: int


def queue_view(conn: Connection, program: Program) -> QueueView:
    """What waits in a program to be worked on, what waits for another fact, and what failed; counts up to a bound."""
    standing = queue.queue_standing(conn, program.program_id, MOST_COUNTED)
    return QueueView(*standing, counted_up_to=MOST_COUNTED)


def wake_waiting(conn: Connection) -> int:
    """Queues orders whose missing shop or refund has come, and groups that forgot to wake one; returns how many."""
    placed = inbox.place_events(conn, WAKE_LIMIT)
    return placed + inbox.wake_waiting(conn, WAKE_LIMIT) + groups.wake_forgotten(conn)
