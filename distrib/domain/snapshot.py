"""What stood at ``paid_at``: who sold, who is above, and what bound the order.

Kept with the order for ever, so that refunds and explanations are worked out from it alone.
A snapshot never changes; looking anything up must not enter.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, NamedTuple


class Person(NamedTuple):
    """A shop as it stood at ``paid_at``; ``shop_no`` is the store's number for it."""

    shop_no: int
    rank: str
    is_active: bool


class Snapshot(NamedTuple):
    """Everything about an order's people and limits that a recomputation needs.

    ``uplines`` are the nearest first, at most 9. ``order_cap_ppm`` is the lower of the plan's and the
    policy pack's. The last three fields are what the pack allows beyond the plan.
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

    def to_json(self) -> str:
        """A compact JSON list, in the order of the fields.

        >>> Snapshot(Person(7, "member", True), pack="cn@2005-11-01").to_json()
        '[[7,"member",1],[],0,null,null,null,"cn@2005-11-01",1,1,3]'
        """
        cap = self.order_cap_ppm
        return (
            f"[{_person(self.seller)},[{','.join([_person(upline) for upline in self.uplines])}],"
            f"{'1' if self.is_self_purchase else '0'},{_person(self.leader)},{_person(self.opener)},"
            f"{'null' if cap is None else cap},{_quoted(self.pack)},{'1' if self.entry_pays_seller else '0'},"
            f"{'1' if self.self_purchase_pays_uplines else '0'},{self.max_tiers}]"
        )

    @staticmethod
    def from_json(text: str) -> Snapshot:
        """The snapshot that ``to_json`` wrote."""
        return Snapshot.from_list(json.loads(text))

    @staticmethod
    def from_list(values: list[Any]) -> Snapshot:
        """The snapshot of a list that a JSON column has read already."""
        seller, uplines, is_self, leader, opener, cap, pack, entry, self_uplines, max_tiers = values
        return Snapshot(
            _read(seller),
            tuple([Person(no, rank, active == 1) for no, rank, active in uplines]),
            is_self == 1,
            _read(leader),
            _read(opener),
            cap,
            pack,
            entry == 1,
            self_uplines == 1,
            max_tiers,
        )


_quoted = lru_cache(maxsize=1024)(json.dumps)


def _person(person: Person | None) -> str:
    if person is None:
        return "null"
    return f"[{person.shop_no},{_quoted(person.rank)},{'1' if person.is_active else '0'}]"


def _read(value: list[Any] | None) -> Person | None:
    return None if value is None else Person(value[0], value[1], value[2] == 1)
