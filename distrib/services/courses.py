"""Reads, for a whole batch, what is known of its orders before they settle and when they end. No rule may enter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from distrib.domain.events import CANCELLED, Order
from distrib.services.course import Course, Due
from distrib.services.event_codec import decode_stored
from distrib.services.expecting import expecting_from_rows
from distrib.services.terms import TermsBook
from distrib.store.orders import life


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
