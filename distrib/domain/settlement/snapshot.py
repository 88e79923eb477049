"""What stood at ``paid_at``: who sold, who is above, and what bound the order.

Kept with the order for ever, so that refunds and explanations are computed from it alone. A snapshot never changes.
It is kept as JSON with a version (docs/adr/0007-snapshot-and-recompute.md); what the first version wrote is read too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

VERSION = 2
SELF_PURCHASE_JSON = ',"is_self_purchase":true'
DEFAULT_MAX_TIERS = 3
"""What version 2 leaves out where it is so: a default of a version never changes."""


class Person(NamedTuple):
    """A shop as it stood at ``paid_at``; ``shop_no`` is the store's number for it.

    ``unmet`` holds the indexes of the rules whose ``requires`` on sales it did not meet then.
    """

    shop_no: int
    rank: str
    is_active: bool
    unmet: tuple[int, ...] = ()

    @property
    def standing(self) -> tuple[object, ...]:
        """All that decides what is paid to whoever stands here: everything but which shop it is."""
        return self[1:]


class Room(NamedTuple):
    """How much one earner could still get by one rule when the order was first worked on; None: no such cap."""

    rule_index: int
    shop_no: int
    month_minor: int | None
    customer_minor: int | None

    @property
    def left_minor(self) -> int:
        """The lesser of both rooms."""
        return min(room for room in (self.month_minor, self.customer_minor) if room is not None)


class EarlierOrders(NamedTuple):
    """A customer's orders that had settled when this one was first worked on, and were paid no later than it.

    Counted gross: refunds and cancels take none away; and no further than the plan asks.
    """

    orders: int
    first_paid_at: datetime | None = None

    def to_json(self) -> str:
        """Compact JSON; without an order there is no first.

        >>> EarlierOrders(0).to_json()
        '{"orders":0}'
        """
        kept: dict[str, object] = {"orders": self.orders}
        if self.first_paid_at is not None:
            kept["first_paid_at"] = self.first_paid_at.astimezone(UTC).isoformat()
        return _compact(kept)

    @staticmethod
    def of_json(kept: Mapping[str, Any]) -> EarlierOrders:
        """The earlier orders that were kept."""
        first = kept.get("first_paid_at")
        return EarlierOrders(kept["orders"], None if first is None else datetime.fromisoformat(first))


class Snapshot(NamedTuple):
    """Everything about an order's people and limits that a recomputation needs.

    ``uplines`` are the nearest first, at most 9. ``order_cap_ppm`` is the lower of the plan's and the
    policy pack's. The three fields after ``pack`` are what the pack allows beyond the plan; ``rooms`` is what month and
    customer caps left for whoever this order pays. ``frozen_case`` is the case that holds what those above the seller
    earn (compliance.md, M findings). ``earlier_orders`` are the customer's, where the plan asks for them and the order
    names one.
    """

    seller: Person | None
    uplines: tuple[Person, ...] = ()
    is_self_purchase: bool = False
    leader: Person | None = None
    opener: Person | None = None
    order_cap_ppm: int | None = None
    pack: str = ""
    entry_pays_seller: bool = True
    self_purchase_pays_uplines: bool = True
    max_tiers: int = DEFAULT_MAX_TIERS
    rooms: tuple[Room, ...] = ()
    frozen_case: int | None = None
    earlier_orders: EarlierOrders | None = None

    def to_json(self) -> str:
        """Compact JSON with a version and names; what is as the version has it by default is left out.

        >>> Snapshot(Person(7, "member", True), pack="cn@2005-11-01").to_json()
        '{"v":2,"seller":{"shop_no":7,"rank":"member"},"pack":"cn@2005-11-01"}'
        """
        seller = None if self.seller is None else person_json(self.seller)
        parts = [chain_json(seller, [person_json(upline) for upline in self.uplines])]
        if self.is_self_purchase:
            parts.append(SELF_PURCHASE_JSON)
        if self.leader is not None:
            parts.append(f',"leader":{person_json(self.leader)}')
        if self.opener is not None:
            parts.append(f',"opener":{person_json(self.opener)}')
        parts.append(
            limits_json(
                self.order_cap_ppm,
                self.pack,
                self.entry_pays_seller,
                self.self_purchase_pays_uplines,
                self.max_tiers,
            )
        )
        if self.rooms:
            parts.append(f',"rooms":{_compact([room._asdict() for room in self.rooms])}')
        if self.frozen_case is not None:
            parts.append(f',"frozen_case":{self.frozen_case}')
        if self.earlier_orders is not None:
            parts.append(f',"earlier_orders":{self.earlier_orders.to_json()}')
        parts.append("}")
        return "".join(parts)

    @staticmethod
    def from_json(text: str) -> Snapshot:
        """The snapshot that was kept, by this version or by the first.

        Raises:
            ValueError: a version that this build does not know.
        """
        kept = json.loads(text)
        if isinstance(kept, list):
            return _from_version_1(kept)
        if kept.pop("v", None) != VERSION:
            raise ValueError(f"snapshots are of version 1 or {VERSION}")
        for name in ("seller", "leader", "opener"):
            if name in kept:
                kept[name] = _person_of(kept[name])
        kept["uplines"] = tuple([_person_of(upline) for upline in kept.get("uplines", ())])
        if "earlier_orders" in kept:
            kept["earlier_orders"] = EarlierOrders.of_json(kept["earlier_orders"])
        kept["rooms"] = tuple([Room(**room) for room in kept.get("rooms", ())])
        return Snapshot(**{"seller": None, **kept})


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def chain_json(seller: str | None, uplines: Sequence[str]) -> str:
    """How a snapshot begins: its version, the seller and those above, each as JSON already.

    >>> chain_json(person_json(Person(7, "member", True)), [])
    '{"v":2,"seller":{"shop_no":7,"rank":"member"}'
    """
    first = '{"v":2' if seller is None else f'{{"v":2,"seller":{seller}'
    return f'{first},"uplines":[{",".join(uplines)}]' if uplines else first


def person_json(person: Person) -> str:
    """A person as JSON.

    >>> person_json(Person(7, "top", False, (1, 2)))
    '{"shop_no":7,"rank":"top","is_active":false,"unmet":[1,2]}'
    """
    shop_no, rank, is_active, unmet = person
    rest = "" if is_active else ',"is_active":false'
    if unmet:
        rest += f',"unmet":{_compact(unmet)}'
    return f'{{"shop_no":{shop_no},"rank":{_text(rank)}{rest}}}'


@lru_cache(maxsize=1_024)
def _text(text: str) -> str:
    return _compact(text)


def _person_of(kept: Mapping[str, Any]) -> Person:
    return Person(kept["shop_no"], kept["rank"], kept.get("is_active", True), tuple(kept.get("unmet", ())))


@lru_cache(maxsize=1_024)
def limits_json(
    order_cap_ppm: int | None, pack: str, entry_pays_seller: bool, self_purchase_pays_uplines: bool, max_tiers: int
) -> str:
    """What packs and the plan allow, as the JSON of those that are not as by default; the same for many orders."""
    kept: dict[str, object] = {}
    if order_cap_ppm is not None:
        kept["order_cap_ppm"] = order_cap_ppm
    if pack:
        kept["pack"] = pack
    if not entry_pays_seller:
        kept["entry_pays_seller"] = False
    if not self_purchase_pays_uplines:
        kept["self_purchase_pays_uplines"] = False
    if max_tiers != DEFAULT_MAX_TIERS:
        kept["max_tiers"] = max_tiers
    return f",{_compact(kept)[1:-1]}" if kept else ""


def _from_version_1(kept: Sequence[Any]) -> Snapshot:
    """The snapshot of a list by position, as the first version kept it; rooms and a case came last, where any."""
    seller, uplines, is_self_purchase, leader, opener, order_cap_ppm, pack, entry, self_uplines, max_tiers, *later = (
        kept
    )
    rooms = next((value for value in later if isinstance(value, list)), ())
    return Snapshot(
        _person_of_version_1(seller),
        tuple([person for upline in uplines if (person := _person_of_version_1(upline)) is not None]),
        is_self_purchase == 1,
        _person_of_version_1(leader),
        _person_of_version_1(opener),
        order_cap_ppm,
        pack,
        entry == 1,
        self_uplines == 1,
        max_tiers,
        tuple([Room(*room) for room in rooms]),
        next((value for value in later if isinstance(value, int)), None),
    )


def _person_of_version_1(kept: Sequence[Any] | None) -> Person | None:
    if kept is None:
        return None
    shop_no, rank, is_active, *unmet = kept
    return Person(shop_no, rank, is_active == 1, tuple(unmet[0]) if unmet else ())
