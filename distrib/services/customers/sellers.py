"""Resolves the seller of orders that name no shop, and whether a shop buys from itself; for a whole batch at once.

The shop bound to the customer at ``paid_at`` sells (api.md, Events).
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
    """Loads the claims on the customers of a batch of orders and the shops they are, as known now."""

    def __init__(self, conn: Connection, program_id: int, orders: Sequence[Order]) -> None:
        buyers = {order.customer_id for order in orders if order.customer_id is not None}
        unnamed = {order.customer_id for order in orders if order.shop_id is None and order.customer_id is not None}
        self._shop_of = customers.shops_of_customers(conn, program_id, buyers) if buyers else {}
        self._claims: dict[str, list[Claim]] = {}
        self._bound: dict[tuple[str, datetime], int | None] = {}
        if unnamed:
            known = customers.claims_of(conn, program_id, unnamed)
            self._claims = {customer: [row.claim for row in rows] for customer, rows in known.items()}

    def bound_shop(self, order: Order) -> int | None:
        """Resolves the shop (by number) that the customer of an order without a shop was bound to at ``paid_at``."""
        if order.shop_id is not None or order.customer_id is None or order.customer_id not in self._claims:
            return None
        key = order.customer_id, order.paid_at
        if key not in self._bound:
            binding = binding_at(self._claims[order.customer_id], order.paid_at)
            self._bound[key] = None if binding is None else binding.shop_no
        return self._bound[key]

    def numbers(self, orders: Sequence[Order]) -> set[int]:
        """Lists the shops (by number) that sell one of the orders by a binding."""
        return {number for order in orders if (number := self.bound_shop(order)) is not None}

    def is_self_purchase(self, order: Order, seller: ShopState | None) -> bool:
        """Whether the buyer is the selling shop itself: the same id, or the customer's record names the shop."""
        if seller is None or order.customer_id is None:
            return False
        return order.customer_id == seller.shop_id or self._shop_of.get(order.customer_id) == seller.shop_no
