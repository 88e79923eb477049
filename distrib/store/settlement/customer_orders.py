"""Customers' settled orders by when they were paid: what rules about new and returning customers ask for.

A batch locks the customers of its orders before it reads, in the order of their ids, so that two batches at once never
both take an order for a customer's first. No rule may enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute

_OPEN = """
INSERT INTO customer_turns (program_id, customer_id)
SELECT %(program)s, a.customer_id COLLATE "C" FROM unnest(%(customers)b::text[]) AS a (customer_id)
WHERE NOT EXISTS (SELECT 1 FROM customer_turns t WHERE t.program_id = (SELECT %(program)s::integer)
  AND t.customer_id = a.customer_id)
ORDER BY 2 ON CONFLICT DO NOTHING
"""
_LOCK = """
SELECT FROM customer_turns WHERE program_id = (SELECT %(program)s::integer) AND customer_id = ANY(%(customers)b::text[])
ORDER BY customer_id FOR UPDATE
"""
# A limit inside LATERAL reads the index of one customer from its beginning, no further than is asked.
_EARLIER = """
SELECT a.place, x.orders, x.first_paid_at
FROM unnest(%(places)b::integer[], %(customers)b::text[], %(times)b::timestamptz[]) AS a (place, customer_id, paid_at)
CROSS JOIN LATERAL (
    SELECT count(*) AS orders, min(y.paid_at) AS first_paid_at FROM (
        SELECT s.paid_at FROM settlements s
        WHERE s.program_id = (SELECT %(program)s::integer) AND s.customer_id = a.customer_id AND s.paid_at <= a.paid_at
        ORDER BY s.paid_at LIMIT %(most)s
    ) y
) x WHERE x.orders > 0
"""


class CustomerInstant(NamedTuple):
    """A customer, and up to and including when the orders were paid that are asked for."""

    customer_id: str
    paid_at: datetime


class PaidOrders(NamedTuple):
    """How many settled orders there are, and when the first was paid; None where there is none."""

    orders: int = 0
    first_paid_at: datetime | None = None


def lock_customers(conn: Connection, program_id: int, customer_ids: Sequence[str]) -> None:
    """Holds these customers for this transaction, after whoever holds any of them has committed."""
    columns = {"program": program_id, "customers": sorted(customer_ids)}
    execute(conn, _OPEN, columns)
    execute(conn, _LOCK, columns)


def settled_orders(
    conn: Connection, program_id: int, asked: Sequence[CustomerInstant], most: int
) -> dict[CustomerInstant, PaidOrders]:
    """What each customer had bought by then.

    Args:
        most: no more orders of one customer are counted.
    """
    columns = {
        "program": program_id,
        "places": list(range(len(asked))),
        "customers": [customer_id for customer_id, _ in asked],
        "times": [paid_at for _, paid_at in asked],
        "most": most,
    }
    bought = dict.fromkeys(asked, PaidOrders())
    for place, orders, first_paid_at in execute(conn, _EARLIER, columns):
        bought[asked[place]] = PaidOrders(orders, first_paid_at)
    return bought
