"""Who sells an order that names no shop, and whether a shop buys from itself. For a whole batch at once.

The shop bound to the customer at ``paid_at`` sells (docs/customers.md); what it earns must not enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.customers import Claim, binding_at
from distrib.domain.events import Order
from distrib.store import customers
from distrib.store.network.chains import ShopState


class Sellers:
    """The bindings and records of the customers of one batch, as known now."""

    def __init__(self, conn: Connection, program_id: int, orders: Sequence[Order]) -> None:
        buyers = {order.customer_id for order in orders if order.customer_id is not None}
        unsold = {order.customer_id for order in orders if order.shop_id is None and order.customer_id is not None}
        self._shop_of = customers.shops_of_customers(conn, program_id, buyers) if buyers else {}
        self._claims: dict[str, list[Claim]] = {}
        self._found: dict[tuple[str, datetime], int | None] = {}
        if unsold:
            known = customers.claims_of(conn, program_id, unsold)
            self._claims = {customer: [row.claim for row in rows] for customer, rows in known.items()}

    def bound_shop(self, order: Order) -> int | None:
        """The number of the shop that the customer of an order without one was bound to at ``paid_at``."""
        if order.shop_id is not None or order.customer_id is None or order.customer_id not in self._claims:
            return None
        key = order.customer_id, order.paid_at
        if key not in self._found:
            binding = binding_at(self._claims[order.customer_id], order.paid_at)
            self._found[key] = None if binding is None else binding.shop_no
        return self._found[key]

    def numbers(self, orders: Sequence[Order]) -> set[int]:
        """Every shop that sells one of the orders by a binding."""
        return {number for order in orders if (number := self.bound_shop(order)) is not None}

    def is_self_purchase(self, order: Order, seller: ShopState | None) -> bool:
        """Whether the buyer is the selling shop itself: the same id, or the customer's record names the shop."""
        if seller is None or order.customer_id is None:
            return False
        return order.customer_id == seller.shop_id or self._shop_of.get(order.customer_id) == seller.shop_no
