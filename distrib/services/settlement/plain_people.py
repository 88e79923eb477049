"""The people of plain orders: sellers with those above as their shops' rows say, by the terms that bind the orders.

How people stand together is a pattern; who is paid is found once a pattern, by the engine of one order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from distrib.domain.plans.plan import CHAIN_LENGTH
from distrib.domain.plans.rules import Chosen
from distrib.domain.settlement.earners import Earners, find_earners, known_earners
from distrib.domain.settlement.snapshot import Person, Snapshot, chain_json, person_json
from distrib.domain.settlement.terms import Terms
from distrib.services.orders.sold_events import SoldEvent
from distrib.store.network.chains import ShopState, ShopStates
from distrib.store.orders.queue import PendingEvent

_Standing: TypeAlias = tuple[datetime, int, str]
"""A shop's newest standing under a plan: since when, its code, and how a snapshot writes the shop."""


class SellerChain(NamedTuple):
    """A seller with those above: since when all stand so, their numbers and standings, as a snapshot has them.

    ``pattern`` is the code of how they stand where the seller is not the buyer.
    """

    since: datetime
    seller: ShopState
    numbers: Sequence[int]
    codes: tuple[int, ...]
    json: str
    pattern: int


class PlainSale(NamedTuple):
    """A plain order: its event, who sold it, whether the seller bought it, and how its people stand."""

    pending: PendingEvent
    event: SoldEvent
    chain: SellerChain
    is_self_purchase: bool
    pattern: int


class UnderTerms:
    """The plain orders under the same terms, and their sellers as these terms see them."""

    def __init__(self, terms: Terms, shops: ShopStates) -> None:
        self.terms, self._shops = terms, shops
        self.sales: list[PlainSale] = []
        self.patterns: list[tuple[tuple[Person, ...], bool]] = []
        """Of each pattern of ranks and standings people who stand so, and whether the seller bought."""
        self._pattern_codes: dict[tuple[tuple[int, ...], bool], int] = {}
        self._chains: dict[str, SellerChain] = {}
        self._persons: list[Person] = []
        """Of each code somebody who stands so, and how a snapshot ends whoever does."""
        self._endings: list[str] = []
        self._codes: dict[tuple[str | None, str], int] = {}
        self._standings: dict[int, _Standing] = {}
        plan = terms.plan
        self._reach = 1 + (CHAIN_LENGTH if plan.inactive_upline == "compress" else plan.tiers)

    def chain(self, shop_id: str) -> SellerChain | None:
        """The seller of that id with those above; None where no such shop is known."""
        known = self._chains.get(shop_id)
        if known is None:
            seller = self._shops.by_id.get(shop_id)
            if seller is None:
                return None
            known = self._chains[shop_id] = self._chain(seller)
        return known

    def pattern(self, codes: tuple[int, ...], is_self_purchase: bool) -> int:
        """The code of how people stand; those too far above to be paid do not count."""
        key = codes[: self._reach + is_self_purchase], is_self_purchase
        pattern = self._pattern_codes.get(key)
        if pattern is None:
            pattern = self._pattern_codes[key] = len(self.patterns)
            self.patterns.append((tuple([self._persons[code] for code in key[0]]), is_self_purchase))
        return pattern

    def _chain(self, seller: ShopState) -> SellerChain:
        number = seller.shop_no
        known, numbers = self._standings, [number, *seller.uplines]
        since, codes, json = zip(*[known.get(number) or self._standing(number) for number in numbers], strict=True)
        latest = max(seller.chain_since, *since)
        return SellerChain(latest, seller, numbers, codes, chain_json(json[0], json[1:]), self.pattern(codes, False))

    def _standing(self, number: int) -> _Standing:
        _, _, _, _, joined_at, status, status_since, rank, rank_since = self._shops.by_number[number]
        code = self._codes.get((rank, status))
        if code is None:
            code = self._new_code(rank, status)
        standing = max(joined_at, status_since, rank_since), code, f'{{"shop_no":{number}{self._endings[code]}'
        self._standings[number] = standing
        return standing

    def _new_code(self, rank: str | None, status: str) -> int:
        code = self._codes[rank, status] = len(self._persons)
        plan = self.terms.plan
        person = Person(
            0, plan.lowest_rank if rank is None or rank not in plan.rank_indexes else rank, status == "active"
        )
        self._persons.append(person)
        self._endings.append(person_json(person).removeprefix('{"shop_no":0'))
        return code

    def earners(self, pattern: int, chosen: Chosen, is_entry: bool) -> Earners:
        """Who is paid on a kind of line, found by the engine on the first people who stand so."""
        (seller, *uplines), is_self_purchase = self.patterns[pattern]
        terms = self.terms
        snapshot = Snapshot(
            seller,
            tuple(uplines),
            is_self_purchase,
            entry_pays_seller=terms.entry_pays_seller,
            self_purchase_pays_uplines=terms.self_purchase_pays_uplines,
            max_tiers=terms.max_tiers,
        )
        known = known_earners(terms.plan, snapshot)
        return known.get((chosen, is_entry)) or find_earners(terms.plan, snapshot, known, (chosen, is_entry))
