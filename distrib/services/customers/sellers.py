"""Resolves the seller of orders that name no shop, and whether a shop buys from itself; for a whole batch at once.

The shop bound to the customer at ``paid_at`` sells (api.md, Events). Customers who are one person by ``paid_at`` have
one binding; whoever is one person now is the same shop.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.events import Order
from distrib.services.customers.people import ClaimsOfPeople, identities_of
from distrib.store import customers
from distrib.store.network.chains import ShopState


class Buyers:
    """Loads who is one person with the customers of a batch of orders and which shops they are, as known now."""

    def __init__(self, conn: Connection, program_id: int, customer_ids: Collection[str]) -> None:
        self.identities = identities_of(conn, program_id, customer_ids)
        surviving = {self.identities.surviving(buyer) for buyer in customer_ids}
        self._shop_of = customers.shops_of_customers(conn, program_id, surviving) if customer_ids else {}

    def is_shop(self, customer_id: str, shop: ShopState) -> bool:
        """Whether a customer is that shop: the same id, or the person's record names the shop."""
        surviving = self.identities.surviving(customer_id)
        return shop.shop_id in (customer_id, surviving) or self._shop_of.get(surviving) == shop.shop_no


class Sellers:
    """Loads the claims on the customers of a batch of orders and the shops they are, as known now."""

    def __init__(self, conn: Connection, program_id: int, orders: Sequence[Order]) -> None:
        buyers = {order.customer_id for order in orders if order.customer_id is not None}
        unnamed = {order.customer_id for order in orders if order.shop_id is None and order.customer_id is not None}
        self._buyers = Buyers(conn, program_id, buyers)
        self._people = ClaimsOfPeople(conn, program_id, unnamed, self._buyers.identities)
        self._bound: dict[tuple[str, datetime], int | None] = {}

    def bound_shop(self, order: Order) -> int | None:
        """Resolves the shop (by number) that the customer of an order without a shop was bound to at ``paid_at``."""
        if order.shop_id is not None or order.customer_id is None:
            return None
        key = order.customer_id, order.paid_at
        if key not in self._bound:
            binding = self._people.binding(*key)
            self._bound[key] = None if binding is None else binding.shop_no
        return self._bound[key]

    def numbers(self, orders: Sequence[Order]) -> set[int]:
        """Lists the shops (by number) that sell one of the orders by a binding."""
        return {number for order in orders if (number := self.bound_shop(order)) is not None}

    def is_self_purchase(self, order: Order, seller: ShopState | None) -> bool:
        """Whether the buyer is the selling shop itself: the same id, or the person's record names the shop."""
        if seller is None or order.customer_id is None:
            return False
        return self._buyers.is_shop(order.customer_id, seller)
