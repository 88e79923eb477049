"""What each customer is known to have bought while a batch is applied: the database's orders and the batch's.

Reads a batch's customers at once; plans that ask nothing about customers cost nothing here.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.events import Order
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.snapshot import EarlierOrders, Snapshot
from distrib.services.settlement.batch import Batch
from distrib.store.settlement import customer_orders
from distrib.store.settlement.customer_orders import CustomerInstant, PaidOrders


class KnownCustomers:
    """The settled orders of customers (plan.md, ``where: {customer: …}``), gross: refunds and cancels take none away.

    Those that were in the database when a customer was first asked for, and those that the batch has settled since.

    Args:
        most_orders: how many orders of a customer decide what any published version asks; 0: none asks.
    """

    def __init__(self, conn: Connection, batch: Batch, most_orders: int) -> None:
        self._conn, self._batch, self._most_orders = conn, batch, most_orders
        self._held: set[str] = set()
        self._read: dict[CustomerInstant, PaidOrders] = {}
        self._paid_at: defaultdict[str, list[datetime]] = defaultdict(list)
        self._seen = 0

    def load(self, orders: Iterable[Order]) -> None:
        """Locks the customers of these orders, and reads what the database has of them."""
        instants = {CustomerInstant(o.customer_id, o.paid_at) for o in orders if o.customer_id is not None}
        asked = sorted(instants - self._read.keys()) if self._most_orders else ()
        if asked:
            program_id = self._batch.program.program_id
            missing = {customer_id for customer_id, _ in asked} - self._held
            if missing:
                customer_orders.lock_customers(self._conn, program_id, sorted(missing))
                self._held |= missing
            self._read |= customer_orders.settled_orders(self._conn, program_id, asked, self._most_orders)

    def with_earlier_orders(self, plan: Plan, order: Order, snapshot: Snapshot) -> Snapshot:
        """The snapshot with what the customer has bought before, as known now, where the plan asks and there is one."""
        if not plan.book.on_customers or order.customer_id is None:
            return snapshot
        self.load([order])
        self._take_in()
        orders, first_paid_at = self._read[CustomerInstant(order.customer_id, order.paid_at)]
        own = self._paid_at.get(order.customer_id, ())
        if own and own[0] <= order.paid_at:
            orders += bisect_right(own, order.paid_at)
            first_paid_at = own[0] if first_paid_at is None else min(first_paid_at, own[0])
        return snapshot._replace(earlier_orders=EarlierOrders(min(orders, plan.book.earlier_orders), first_paid_at))

    def _take_in(self) -> None:
        """What the batch has settled since it was looked at last."""
        settlements = self._batch.settlements
        for row in settlements[self._seen :]:
            if row.customer_id is not None:
                insort(self._paid_at[row.customer_id], row.paid_at)
        self._seen = len(settlements)
