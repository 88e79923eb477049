"""The course of one order: what is known of it so far, and in which turn its events are worked on.

Whatever waits is written down at the end of the turn, for an end of the order settles it too. No
SQL may enter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection

from distrib.domain.events import CANCELLED, PAID, SETTLED, Event, Order
from distrib.services.orders.codec import decode_stored
from distrib.services.plans.terms import TermsBook
from distrib.services.settlement.batch import Batch
from distrib.services.settlement.expected import Expecting, end_expecting, expecting_from_rows
from distrib.services.settlement.groups import Groups
from distrib.services.settlement.refunds import Known
from distrib.store.orders import life
from distrib.store.orders.life import End, OrderEnd
from distrib.store.orders.queue import PendingEvent

ORDER_CANCELLED, GROUP_FAILED = "order_cancelled", "group_failed"
Due: TypeAlias = tuple[PendingEvent, Event]


class Wait(NamedTuple):
    """An event that waits: for what, and the id of that."""

    pending: PendingEvent
    code: str
    id: str
    waits_for: str


@dataclass(slots=True)
class Course:
    """What is known of one order.

    ``known`` once it has settled, ``expecting`` while it is paid and has not, ``end`` once it was cancelled or
    dropped. ``is_told`` says whether anything ever told what the order holds, and ``shop_id`` which shop it names.
    """

    order_no: int
    known: Known | None = None
    expecting: Expecting | None = None
    end: End | None = None
    is_told: bool = False
    shop_id: str | None = None
    waits: list[Wait] = field(default_factory=list)

    def wait(self, pending: PendingEvent, code: str, what: str, waits_for: str) -> None:
        """Notes that an event cannot be worked on yet."""
        self.waits.append(Wait(pending, code, what, waits_for))

    def stop(self, batch: Batch, reason: str, event_no: int, at: datetime) -> None:
        """Ends the order for ever; what was expected of it is so no more."""
        self.end = End(reason, event_no, at)
        batch.life.ends.append(OrderEnd(self.order_no, reason, event_no, self.shop_id, at))
        if self.expecting is not None:
            end_expecting(batch, self.order_no, event_no, self.expecting, at)
            self.expecting = None

    def close(self, batch: Batch) -> None:
        """Writes down what waits; where the order has ended unsettled, nothing does."""
        for wait in self.waits:
            if self.end is not None and self.known is None:
                batch.finish(wait.pending, "done", self.end.reason)
            else:
                params = json.dumps({"id": wait.id}, ensure_ascii=False)
                batch.finish(wait.pending, "waiting", wait.code, params, wait.waits_for)


def in_turn(due: Sequence[Due], groups: Groups) -> list[Due]:
    """The events of one order as they are worked on: payments, settlements, refunds and cancels by their time.

    Only a settlement that counts from after the first cancel comes after that.
    """
    if len(due) == 1:
        return list(due)
    content = sorted([pair for pair in due if pair[1].order is not None], key=lambda pair: pair[1].type != PAID)
    refunds = sorted([pair for pair in due if pair[1].refund is not None], key=_when)
    cancels = sorted([pair for pair in due if pair[1].type == CANCELLED], key=_when)
    late = [pair for pair in content if cancels and _settles_after(pair[1], cancels[0][1].occurred_at, groups)]
    return [pair for pair in content if pair not in late] + refunds + cancels + late


def _when(due: Due) -> tuple[datetime, int]:
    return due[1].occurred_at, due[0].event_no


def _settles_after(event: Event, cancelled_at: datetime, groups: Groups) -> bool:
    if event.type != SETTLED or event.order is None:
        return False
    at = groups.settles_at(event.order, event.occurred_at)
    return at is None or at > cancelled_at


def read_courses(
    conn: Connection, program_id: int, terms: TermsBook, due: Mapping[int, Sequence[Due]]
) -> dict[int, Course]:
    """The courses of the orders that are paid, ended, or about to be cancelled; of all others nothing is known yet.

    Args:
        due: the events that are to be worked on, by order.
    """
    ends = life.read_ends(conn, program_id, due)
    courses = {order_no: Course(order_no, end=end) for order_no, end in ends.items()}
    for order_no, stored in life.read_payments(conn, program_id, due).items():
        expecting = expecting_from_rows(order_no, stored, terms)
        shop_id = expecting.known.order.shop_id
        courses[order_no] = Course(order_no, expecting=expecting, is_told=True, shop_id=shop_id)
    cancelled = [number for number, events in due.items() if any(event.type == CANCELLED for _, event in events)]
    if cancelled:
        for order_no, payload in life.orders_told(conn, program_id, cancelled).items():
            course = courses.setdefault(order_no, Course(order_no))
            order = decode_stored(payload).order
            course.is_told, course.shop_id = True, None if order is None else order.shop_id
    return courses


def orders_paid(courses: Mapping[int, Course]) -> list[Order]:
    """The orders that are paid and not settled: their groups may have decided."""
    return [course.expecting.known.order for course in courses.values() if course.expecting is not None]
