"""Working an order out again from its snapshot, and telling where that differs from what was posted.

Explanations do it for one order, the audit for all. What stands posted comes as plain values; no
SQL may enter.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from distrib.domain.events import Order
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.commission import Commission, settle, settle_left
from distrib.domain.settlement.snapshot import Snapshot


class Earned(NamedTuple):
    """A commission as the ledger has it: ids in place of the engine's indexes."""

    line_id: str
    rule_id: str
    tier: int
    shop_no: int
    base_minor: int
    rate_ppm: int | None
    amount_minor: int


class Place(NamedTuple):
    """What identifies a commission within its order."""

    line_id: str
    rule_id: str
    tier: int
    shop_no: int


class Difference(NamedTuple):
    """Where working out again comes to something else.

    ``what`` is ``earned`` for what the settlement posted, ``standing`` for what is left after refunds.
    """

    what: str
    place: Place
    expected_minor: int
    posted_minor: int


class Posted(NamedTuple):
    """What the ledger has of one order: what was earned, and how refunds changed each commission.

    ``taken_back`` are those that the decision of a case took back: nothing of them stands, whatever is left.
    """

    earned: Sequence[Earned]
    changes: Mapping[Place, int]
    taken_back: frozenset[Place] = frozenset()

    def standing(self) -> dict[Place, int]:
        """What is left of each commission."""
        stands: defaultdict[Place, int] = defaultdict(int)
        for earned in self.earned:
            stands[Place(*earned[:4])] += earned.amount_minor
        for place, amount_minor in self.changes.items():
            stands[place] += amount_minor
        return stands


def left_of_lines(order: Order, refunded: Mapping[str, int]) -> list[int]:
    """What refunds left of each line of an order."""
    return [line.paid_minor - refunded.get(line.id, 0) for line in order.lines]


def named(plan: Plan, order: Order, commissions: Iterable[Commission]) -> list[Earned]:
    """Commissions of the engine under the ids of their lines and rules."""
    lines, rules = order.lines, plan.rules
    return [
        Earned(lines[line].id, rules[rule].id, tier, shop_no, base_minor, rate_ppm, amount_minor)
        for line, rule, tier, shop_no, base_minor, rate_ppm, amount_minor in commissions
    ]


def differences(
    plan: Plan, order: Order, snapshot: Snapshot, left_minor: Sequence[int] | None, posted: Posted
) -> list[Difference]:
    """Where an order worked out again differs from what was posted; empty when they agree.

    Args:
        left_minor: what refunds left of each line; None while nothing was refunded.
        posted: what the ledger has.
    """
    first = settle(plan, order, snapshot)
    found = _unlike(named(plan, order, first), posted.earned)
    stand = first
    if left_minor is not None:
        stand = settle_left(plan, order, snapshot, left_minor, {one[:4]: one.amount_minor for one in first})
    expected = {Place(*one[:4]): one.amount_minor for one in named(plan, order, stand)}
    expected = {place: amount for place, amount in expected.items() if place not in posted.taken_back}
    standing = posted.standing()
    places = sorted(place for place in {*expected, *standing} if expected.get(place, 0) != standing.get(place, 0))
    found += [Difference("standing", place, expected.get(place, 0), standing.get(place, 0)) for place in places]
    return found


def _unlike(expected: Sequence[Earned], posted: Sequence[Earned]) -> list[Difference]:
    """Commissions that only one side has, base and rate included."""
    if list(expected) == list(posted):
        return []
    wanted, had = Counter(expected), Counter(posted)
    missing = [Difference("earned", Place(*one[:4]), one.amount_minor, 0) for one in (wanted - had).elements()]
    extra = [Difference("earned", Place(*one[:4]), 0, one.amount_minor) for one in (had - wanted).elements()]
    return sorted(missing + extra)
