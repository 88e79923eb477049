"""The people of plain orders: sellers with those above as their shops' rows say, by the terms that bind the orders.

A standing is a rank and a status; each has a code, so that an order's people are a row of codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple, TypeAlias

import numpy as np

from distrib.columns.commissions.chunk import NOBODY, PLACES, PeopleColumns
from distrib.columns.commissions.kernel import compile_kernel
from distrib.domain.settlement.snapshot import Person, chain_json, person_json
from distrib.domain.settlement.terms import Terms
from distrib.services.orders.sold_events import SoldEvent
from distrib.store.network.chains import ShopStates
from distrib.store.network.kept_shops import ShopState
from distrib.store.orders.queue import PendingEvent

_Standing: TypeAlias = tuple[datetime, int, str]
"""A shop's newest standing under a plan: since when, its code, and how a snapshot writes the shop."""


class SellerChain(NamedTuple):
    """A seller with those above: since when all stand so, their numbers, codes of their standings, and all as JSON."""

    since: datetime
    seller: ShopState
    numbers: Sequence[int]
    codes: Sequence[int]
    json: str


class PlainSale(NamedTuple):
    """A plain order: its event, who sold it with those above, and whether the seller bought it."""

    pending: PendingEvent
    event: SoldEvent
    chain: SellerChain
    is_self_purchase: bool


class UnderTerms:
    """The plain orders under the same terms, and their sellers as these terms see them."""

    def __init__(self, terms: Terms, shops: ShopStates) -> None:
        self.terms, self._shops = terms, shops
        self.kernel = compile_kernel(terms.plan)
        self.sales: list[PlainSale] = []
        self._chains: dict[str, SellerChain] = {}
        self._ranks: list[int] = []
        """By code of a standing: the rank's place in the plan, whether it is active, and how a snapshot ends it."""
        self._are_active: list[bool] = []
        self._endings: list[str] = []
        self._codes: dict[tuple[str | None, str], int] = {}
        self._standings: dict[int, _Standing] = {}

    def chain(self, shop_id: str) -> SellerChain | None:
        """The seller of that id with those above; None where no such shop is known."""
        known = self._chains.get(shop_id)
        if known is None:
            seller = self._shops.by_id.get(shop_id)
            if seller is None:
                return None
            known = self._chains[shop_id] = self._chain(seller)
        return known

    def people(self, sales: Sequence[PlainSale]) -> PeopleColumns:
        """Who stands where in these orders."""
        counts = np.fromiter((len(sale.chain.numbers) for sale in sales), np.int64)
        numbers, codes = (
            np.fromiter(chain.from_iterable(people), np.int64)
            for people in ((sale.chain.numbers for sale in sales), (sale.chain.codes for sale in sales))
        )
        row = np.arange(numbers.size) - np.repeat(np.cumsum(counts) - counts, counts)
        place = row, np.repeat(np.arange(counts.size), counts)
        shape = PLACES, counts.size
        shop_no, rank = np.full(shape, NOBODY), np.full(shape, NOBODY, np.int16)
        is_active = np.zeros(shape, np.bool_)
        shop_no[place] = numbers
        rank[place] = np.array(self._ranks, np.int16)[codes]
        is_active[place] = np.array(self._are_active, np.bool_)[codes]
        return PeopleColumns(shop_no, rank, is_active)

    def _chain(self, seller: ShopState) -> SellerChain:
        number = seller.shop_no
        known, numbers = self._standings, [number, *seller.uplines]
        since, codes, json = zip(*[known.get(number) or self._standing(number) for number in numbers], strict=True)
        return SellerChain(max(seller.chain_since, *since), seller, numbers, codes, chain_json(json[0], json[1:]))

    def _standing(self, number: int) -> _Standing:
        _, _, _, _, joined_at, status, status_since, rank, rank_since = self._shops.by_number[number]
        code = self._codes.get((rank, status))
        if code is None:
            code = self._new_code(rank, status)
        standing = max(joined_at, status_since, rank_since), code, f'{{"shop_no":{number}{self._endings[code]}'
        self._standings[number] = standing
        return standing

    def _new_code(self, rank: str | None, status: str) -> int:
        code = self._codes[rank, status] = len(self._ranks)
        plan = self.terms.plan
        person = Person(
            0, plan.lowest_rank if rank is None or rank not in plan.rank_indexes else rank, status == "active"
        )
        self._ranks.append(plan.rank_index(person.rank))
        self._are_active.append(person.is_active)
        self._endings.append(person_json(person).removeprefix('{"shop_no":0'))
        return code
