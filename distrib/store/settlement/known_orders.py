"""Which orders of a batch have a past: whatever was written of them before decides what an event makes of them."""

from __future__ import annotations

from sqlalchemy import Connection

from distrib.store.copying import Integers
from distrib.store.sql import execute

_KNOWN = """
SELECT order_no FROM settlements
WHERE program_id = (SELECT %(program)s::integer) AND order_no = ANY(%(orders)b::bigint[])
UNION ALL
SELECT order_no FROM order_ends
WHERE program_id = (SELECT %(program)s::integer) AND order_no = ANY(%(orders)b::bigint[])
UNION ALL
SELECT order_no FROM expecting_orders
WHERE program_id = (SELECT %(program)s::integer) AND order_no = ANY(%(orders)b::bigint[])
UNION ALL
SELECT order_no FROM payment_failures
WHERE program_id = (SELECT %(program)s::integer) AND order_no = ANY(%(orders)b::bigint[])
"""


def known_orders(conn: Connection, program_id: int, orders: Integers) -> set[int]:
    """The orders among those that settled, ended, are paid, or whose payment failed."""
    rows = execute(conn, _KNOWN, {"program": program_id, "orders": orders})
    return {order_no for (order_no,) in rows}
