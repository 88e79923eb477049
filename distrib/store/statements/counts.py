"""How many orders earned and refunds took in a month: each once, however many shops had a part in it.

A shop's row counts those that moved something for it, so that the rows add up to more. A month that was closed before
orders were counted once keeps what it was closed with.
"""

from __future__ import annotations

from sqlalchemy import Connection

from distrib.store.sql import figures

COUNTS = ("orders", "refunds")
"""The figures of a statement that are counted and not added up."""

ONCE = """
count(DISTINCT cause_no) FILTER (WHERE period = %(period)s AND kind = 'earned') AS orders,
count(DISTINCT event_no) FILTER (WHERE period = %(period)s AND kind = 'reversed') AS refunds
"""
"""The counts of a set of transfers. All that an event moves is posted at once, so that sets by posting add up."""
OF_MONTH = f"SELECT {ONCE} FROM transfers WHERE program_id = %(program)s AND period = %(period)s AND shop_no > 0"
_COUNT = OF_MONTH


def count_once(conn: Connection, program_id: int, period: int) -> dict[str, int]:
    """Counts the orders that earned in a month and the refunds that took from it; reads the month's transfers."""
    return figures(conn, _COUNT, {"program": program_id, "period": period})
