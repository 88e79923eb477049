"""Loads sellers, uplines, ranks and statuses as of ``paid_at`` for a batch and builds each order's snapshot.

Reads every shop of the batch in a handful of queries and answers from memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.events import Order
from distrib.domain.settlement.snapshot import Person, Snapshot
from distrib.domain.settlement.terms import Terms
from distrib.services.customers.sellers import Sellers
from distrib.store.network.chains import ShopStates
from distrib.store.network.kept_shops import ShopState


class _DatedPerson(NamedTuple):
    """A shop's newest standing, and since when."""

    since: datetime
    person: Person


class People:
    """The shops of one batch of orders, as of the orders' ``paid_at``."""

    def __init__(self, conn: Connection, program_id: int, orders: Sequence[Order]) -> None:
        self._standing = ShopStates(conn, program_id)
        self._sellers = Sellers(conn, program_id, orders)
        self._old_chains: dict[tuple[int, datetime], Sequence[int]] = {}
        self._persons: dict[int, dict[int, _DatedPerson]] = {}
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
        paid_at, seller = order.paid_at, self._seller(order)
        people = [] if seller is None else self._people(seller, paid_at, terms)
        return Snapshot(
            people[0] if people else None,
            tuple(people[1:]),
            self._sellers.is_self_purchase(order, seller),
            None if order.leader_id is None else self._named_person(order.leader_id, paid_at, terms),
            None if order.opener_id is None else self._named_person(order.opener_id, paid_at, terms),
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
        standing.load_past(self._earliest(orders).items())

    def _earliest(self, orders: Sequence[Order]) -> dict[int, datetime]:
        """The earliest instant as of which each shop around the orders is looked at, by number."""
        earliest: dict[int, datetime] = {}
        for order in orders:
            paid_at, seller = order.paid_at, self._seller(order)
            numbers = [] if seller is None else [seller.shop_no, *self._chain(seller, paid_at)]
            beside = [self._named(name) for name in (order.leader_id, order.opener_id) if name is not None]
            numbers += [shop.shop_no for shop in beside if shop is not None]
            for number in numbers:
                known = earliest.get(number)
                if known is None or paid_at < known:
                    earliest[number] = paid_at
        return earliest

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

    def _people(self, seller: ShopState, paid_at: datetime, terms: Terms) -> list[Person]:
        """The seller and its uplines at an instant; a shop's object serves every order paid after its newest change."""
        known = self._persons.setdefault(terms.version_no, {})
        people = []
        for number in (seller.shop_no, *self._chain(seller, paid_at)):
            dated = known.get(number)
            if dated is not None and paid_at >= dated.since:
                people.append(dated.person)
            else:
                people.append(self._person(number, paid_at, terms))
        return people

    def _person(self, number: int, paid_at: datetime, terms: Terms) -> Person:
        """The shop as it stood at an instant under a plan version; remembered where that is its newest standing."""
        standing = self._standing
        rank = standing.rank(number, paid_at)
        if rank is None or rank not in terms.plan.rank_indexes:
            rank = terms.plan.lowest_rank
        person = Person(number, rank, standing.is_active(number, paid_at))
        shop = standing.by_number[number]
        since = max(shop.joined_at, shop.status_since, shop.rank_since)
        if paid_at >= since:
            self._persons.setdefault(terms.version_no, {})[number] = _DatedPerson(since, person)
        return person
