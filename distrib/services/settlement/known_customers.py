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
from distrib.services.settlement.persons import Persons
from distrib.store.settlement import customer_orders
from distrib.store.settlement.customer_orders import CustomerInstant, PaidOrders


class KnownCustomers:
    """The settled orders of customers (plan.md, ``where: {customer: …}``), gross: refunds and cancels take none away.

    Orders of all ids of one person are that person's: those that were in the database when a customer was first asked
    for, and those that the batch has settled since.

    Args:
        persons: who is one person, as the batch knows it.
        most_orders: how many orders of a customer decide what any published version asks; 0: none asks.
    """

    def __init__(self, conn: Connection, batch: Batch, persons: Persons, most_orders: int) -> None:
        self._conn, self._batch, self._persons, self._most_orders = conn, batch, persons, most_orders
        self._held: set[str] = set()
        self._read: dict[CustomerInstant, PaidOrders] = {}
        self._paid_at: defaultdict[str, list[datetime]] = defaultdict(list)
        self._seen = 0

    def load(self, orders: Iterable[Order]) -> None:
        """Locks the customers of these orders, and reads what the database has of them."""
        instants = {CustomerInstant(o.customer_id, o.paid_at) for o in orders if o.customer_id is not None}
        if not self._most_orders:
            return
        self._hold({customer_id for customer_id, _ in instants})
        asked = sorted({of_id for instant in instants for of_id in self._of_person(instant)} - self._read.keys())
        if asked:
            program_id = self._batch.program.program_id
            self._read |= customer_orders.settled_orders(self._conn, program_id, asked, self._most_orders)

    def with_earlier_orders(self, plan: Plan, order: Order, snapshot: Snapshot) -> Snapshot:
        """The snapshot with what the customer has bought before, as known now, where the plan asks and there is one."""
        if not plan.book.on_customers or order.customer_id is None:
            return snapshot
        self.load([order])
        self._take_in()
        orders, first_paid_at = 0, None
        for instant in self._of_person(CustomerInstant(order.customer_id, order.paid_at)):
            for bought in (self._read[instant], self._bought_in_batch(instant)):
                orders += bought.orders
                firsts = [first for first in (first_paid_at, bought.first_paid_at) if first is not None]
                first_paid_at = min(firsts, default=None)
        return snapshot._replace(earlier_orders=EarlierOrders(min(orders, plan.book.earlier_orders), first_paid_at))

    def _hold(self, customer_ids: set[str]) -> None:
        """Locks customers and all who are one person with them, as known once they are held."""
        if {known for customer_id in customer_ids for known in self._persons.ids_of(customer_id)} <= self._held:
            return
        while missing := self._persons.read_again(customer_ids) - self._held:
            customer_orders.lock_customers(self._conn, self._batch.program.program_id, sorted(missing))
            self._held |= missing

    def _of_person(self, instant: CustomerInstant) -> list[CustomerInstant]:
        return [instant._replace(customer_id=known) for known in self._persons.ids_of(instant.customer_id)]

    def _bought_in_batch(self, instant: CustomerInstant) -> PaidOrders:
        own = self._paid_at.get(instant.customer_id, [])
        orders = bisect_right(own, instant.paid_at)
        return PaidOrders(orders, own[0] if orders else None)

    def _take_in(self) -> None:
        """What the batch has settled since it was looked at last."""
        settlements = self._batch.settlements
        for row in settlements[self._seen :]:
            if row.customer_id is not None:
                insort(self._paid_at[row.customer_id], row.paid_at)
        self._seen = len(settlements)
