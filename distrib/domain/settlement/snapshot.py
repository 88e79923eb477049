"""What stood at ``paid_at``: who sold, who is above, and what bound the order.

Kept with the order for ever, so that refunds and explanations are worked out from it alone.
A snapshot never changes; looking anything up must not enter.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, NamedTuple


class Person(NamedTuple):
    """A shop as it stood at ``paid_at``; ``shop_no`` is the store's number for it.

    ``unmet`` holds the indexes of the rules whose ``requires`` on sales it did not meet then.
    """

    shop_no: int
    rank: str
    is_active: bool
    unmet: tuple[int, ...] = ()


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


class Snapshot(NamedTuple):
    """Everything about an order's people and limits that a recomputation needs.

    ``uplines`` are the nearest first, at most 9. ``order_cap_ppm`` is the lower of the plan's and the
    policy pack's. The three fields after ``pack`` are what the pack allows beyond the plan; ``rooms`` is what month and
    customer caps left for whoever this order pays. ``frozen_case`` is the case that holds what those above the seller
    earn (compliance.md, M findings).
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
    max_tiers: int = 3
    rooms: tuple[Room, ...] = ()
    frozen_case: int | None = None

    def to_json(self) -> str:
        """A compact JSON list, in the order of the fields; without rooms the list ends before them.

        >>> Snapshot(Person(7, "member", True), pack="cn@2005-11-01").to_json()
        '[[7,"member",1],[],0,null,null,null,"cn@2005-11-01",1,1,3]'
        """
        cap = self.order_cap_ppm
        return (
            f"[{_person(self.seller)},[{','.join([_person(upline) for upline in self.uplines])}],"
            f"{'1' if self.is_self_purchase else '0'},{_person(self.leader)},{_person(self.opener)},"
            f"{'null' if cap is None else cap},{_quoted(self.pack)},{'1' if self.entry_pays_seller else '0'},"
            f"{'1' if self.self_purchase_pays_uplines else '0'},{self.max_tiers}{_rooms(self.rooms)}"
            f"{'' if self.frozen_case is None else f',{self.frozen_case}'}]"
        )

    @staticmethod
    def from_json(text: str) -> Snapshot:
        """The snapshot that ``to_json`` wrote."""
        return Snapshot.from_list(json.loads(text))

    @staticmethod
    def from_list(values: list[Any]) -> Snapshot:
        """The snapshot of a list that a JSON column has read already."""
        seller, uplines, is_self, leader, opener, cap, pack, entry, self_uplines, max_tiers, *later = values
        return Snapshot(
            None if seller is None else _person_of(seller),
            tuple([_person_of(upline) for upline in uplines]),
            is_self == 1,
            None if leader is None else _person_of(leader),
            None if opener is None else _person_of(opener),
            cap,
            pack,
            entry == 1,
            self_uplines == 1,
            max_tiers,
            tuple([Room(*room) for value in later if type(value) is list for room in value]),
            next((value for value in later if type(value) is int), None),
        )


_quoted = lru_cache(maxsize=1024)(json.dumps)


def _person(person: Person | None) -> str:
    if person is None:
        return "null"
    unmet = f",{json.dumps(person.unmet, separators=(',', ':'))}" if person.unmet else ""
    return f"[{person.shop_no},{_quoted(person.rank)},{'1' if person.is_active else '0'}{unmet}]"


def _person_of(value: list[Any]) -> Person:
    return Person(value[0], value[1], value[2] == 1, tuple(value[3]) if len(value) > 3 else ())


def _rooms(rooms: tuple[Room, ...]) -> str:
    return f",{json.dumps(rooms, separators=(',', ':'))}" if rooms else ""
