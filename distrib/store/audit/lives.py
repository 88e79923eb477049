"""What paid, ended and grouped orders must satisfy, each as one query for what does not. Nothing is repaired here."""

from __future__ import annotations

from sqlalchemy import Connection

from distrib.store.audit.pages import By
from distrib.store.audit.questions import Question
from distrib.store.orders.life import StoredPayment, read_payments
from distrib.store.sql import execute, written_in

_LIVES = Question(
    "order_lives",
    "SELECT (SELECT count(*) FROM paid_orders WHERE program_id = %(program)s AND order_no IN %(page)s)"
    " + (SELECT count(*) FROM order_ends WHERE program_id = %(program)s AND order_no IN %(page)s)",
    written_in(__file__, "order_lives"),
    By.ORDERS,
)
# Payloads are read as JSON of orders in groups alone.
_GROUPS = Question(
    "groups_heeded",
    "SELECT count(*) FROM group_orders WHERE program_id = %(program)s AND order_no IN %(page)s",
    written_in(__file__, "group_lives"),
    By.ORDERS,
)
QUESTIONS = (_LIVES, _GROUPS)

_NEXT = """
SELECT order_no FROM expecting_orders WHERE program_id = %(program)s AND order_no > %(after)s
ORDER BY order_no LIMIT %(size)s
"""


def payment_batch(
    conn: Connection, program_id: int, after: int, size: int
) -> tuple[dict[int, StoredPayment], int | None]:
    """Reads the next ``size`` paid orders that are neither settled nor ended, by number, and after what number the
    next batch begins; None after the last.
    """
    numbers = [order_no for (order_no,) in execute(conn, _NEXT, {"program": program_id, "after": after, "size": size})]
    return read_payments(conn, program_id, numbers), numbers[-1] if len(numbers) == size else None
