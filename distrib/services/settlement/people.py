"""Loads sellers, uplines, ranks and statuses as of ``paid_at`` for a batch and builds each order's snapshot.

Reads every shop of the batch in a handful of queries and answers from memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.events import Order
from distrib.domain.settlement.snapshot import Person, Snapshot
from distrib.domain.settlement.terms import Terms
from distrib.services.customers.sellers import Sellers
from distrib.store.network.chains import ShopState, ShopStates


class People:
    """The shops of one batch of orders, as of the orders' ``paid_at``."""

    def __init__(self, conn: Connection, program_id: int, orders: Sequence[Order]) -> None:
        self._standing = ShopStates(conn, program_id)
        self._sellers = Sellers(conn, program_id, orders)
        self._old_chains: dict[tuple[int, datetime], Sequence[int]] = {}
        self._persons: dict[tuple[int, int], tuple[datetime, Person]] = {}
        self._read(orders)

    def missing(self, order: Order) -> str | None:
        """The first shop the order names that is not known yet."""
        known = self._standing.by_id
        for name in (order.shop_id, order.leader_id, order.opener_id):
            if name is not None and name not in known:
                return name
        return None

    def snapshot(self, order: Order, terms: Terms) -> Snapshot:
        """Who stood around the order at ``paid_at``, and under which limits; kept with the order for ever."""
        paid_at = order.paid_at
        seller = self._seller(order)
        return Snapshot(
            None if seller is None else self._person(seller.shop_no, paid_at, terms),
            () if seller is None else tuple([self._person(no, paid_at, terms) for no in self._chain(seller, paid_at)]),
            self._sellers.is_self_purchase(order, seller),
            self._named_person(order.leader_id, paid_at, terms),
            self._named_person(order.opener_id, paid_at, terms),
            terms.order_cap_ppm,
            terms.pack,
            terms.entry_pays_seller,
            terms.self_purchase_pays_uplines,
            terms.max_tiers,
        )

    def chains(self, orders: Iterable[Order]) -> list[tuple[Sequence[int], datetime]]:
        """The sellers with the uplines they had when each order was paid."""
        sold = [(shop, order.paid_at) for order in orders if (shop := self._seller(order)) is not None]
        return [((shop.shop_no, *self._chain(shop, paid_at)), paid_at) for shop, paid_at in sold]

    def _read(self, orders: Sequence[Order]) -> None:
        standing = self._standing
        names = {name for order in orders for name in (order.shop_id, order.leader_id, order.opener_id)}
        standing.load_numbers(self._sellers.numbers(orders))
        standing.load(name for name in names if name is not None)
        sold = [(shop, order.paid_at) for order in orders if (shop := self._seller(order)) is not None]
        old = {(shop.shop_no, paid_at) for shop, paid_at in sold if paid_at < shop.chain_since}
        asked = sorted(old)
        self._old_chains = dict(zip(asked, standing.old_chains(asked), strict=True))
        standing.load_past(self._asked(orders))

    def _asked(self, orders: Sequence[Order]) -> Iterable[tuple[int, datetime]]:
        for order in orders:
            for name in (order.shop_id, order.leader_id, order.opener_id):
                shop = self._named(name)
                if shop is not None:
                    yield shop.shop_no, order.paid_at
            seller = self._seller(order)
            if seller is not None:
                yield seller.shop_no, order.paid_at
                for number in self._chain(seller, order.paid_at):
                    yield number, order.paid_at

    def _seller(self, order: Order) -> ShopState | None:
        """The shop that the order names, or else the one its customer was bound to at ``paid_at``."""
        if order.shop_id is not None:
            return self._named(order.shop_id)
        number = self._sellers.bound_shop(order)
        return None if number is None else self._standing.by_number[number]

    def _named(self, name: str | None) -> ShopState | None:
        return None if name is None else self._standing.by_id.get(name)

    def _named_person(self, name: str | None, paid_at: datetime, terms: Terms) -> Person | None:
        shop = self._named(name)
        return None if shop is None else self._person(shop.shop_no, paid_at, terms)

    def _chain(self, seller: ShopState, paid_at: datetime) -> Sequence[int]:
        return seller.uplines if paid_at >= seller.chain_since else self._old_chains[(seller.shop_no, paid_at)]

    def _person(self, number: int, paid_at: datetime, terms: Terms) -> Person:
        """The shop at that instant; one object serves every order paid after its newest change."""
        key = (number, terms.version_no)
        cached = self._persons.get(key)
        if cached is not None and paid_at >= cached[0]:
            return cached[1]
        standing = self._standing
        rank = standing.rank(number, paid_at)
        if rank is None or rank not in terms.plan.rank_indexes:
            rank = terms.plan.lowest_rank
        person = Person(number, rank, standing.is_active(number, paid_at))
        shop = standing.by_number[number]
        since = max(shop.joined_at, shop.status_since, shop.rank_since)
        if paid_at >= since:
            self._persons[key] = (since, person)
        return person
