"""Computes an order again from its snapshot and names where that differs from what was posted.

Explanations do it for one order, the audit for all. What stands posted comes as plain values.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from distrib.domain.events import Order
from distrib.domain.money import MAX_SUM_MINOR
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.commission import Commission, settle, settle_left
from distrib.domain.settlement.earned import CommissionKey
from distrib.domain.settlement.snapshot import Snapshot


class PostedKey(NamedTuple):
    """What identifies a commission within its order, under the ids of its line and rule."""

    line_id: str
    rule_id: str
    tier: int
    shop_no: int


class PostedCommission(NamedTuple):
    """A commission as the ledger has it: ids in place of the engine's indexes."""

    line_id: str
    rule_id: str
    tier: int
    shop_no: int
    base_minor: int
    rate_ppm: int | None
    amount_minor: int

    @property
    def key(self) -> PostedKey:
        """What identifies it within its order."""
        return PostedKey(self.line_id, self.rule_id, self.tier, self.shop_no)


class Difference(NamedTuple):
    """Where computing again comes to something else.

    ``what`` is ``earned`` for what the settlement posted, ``standing`` for what is left after refunds.
    """

    what: str
    key: PostedKey
    expected_minor: int
    posted_minor: int


class PostedOrder(NamedTuple):
    """What the ledger has of one order: what was earned, and how refunds changed each commission.

    Args:
        taken_back: those that the decision of a case took back: nothing of them stands, whatever is left.
        is_bound_by_line: all refunds are of the time when each commission was bounded by what was first posted for
            itself, and not yet over the order; the next refund brings what stands to today's bound.
    """

    earned: Sequence[PostedCommission]
    changes: Mapping[PostedKey, int]
    taken_back: frozenset[PostedKey] = frozenset()
    is_bound_by_line: bool = False

    def standing(self) -> dict[PostedKey, int]:
        """What is left of each commission."""
        stands: defaultdict[PostedKey, int] = defaultdict(int)
        for earned in self.earned:
            stands[earned.key] += earned.amount_minor
        for key, amount_minor in self.changes.items():
            stands[key] += amount_minor
        return stands


def left_of_lines(order: Order, refunded: Mapping[str, int]) -> list[int]:
    """What refunds left of each line of an order."""
    return [line.paid_minor - refunded.get(line.id, 0) for line in order.lines]


def named(plan: Plan, order: Order, commissions: Iterable[Commission]) -> list[PostedCommission]:
    """Commissions of the engine under the ids of their lines and rules."""
    lines, rules = order.lines, plan.rules
    return [
        PostedCommission(lines[line].id, rules[rule].id, tier, shop_no, base_minor, rate_ppm, amount_minor)
        for line, rule, tier, shop_no, base_minor, rate_ppm, amount_minor in commissions
    ]


def differences(
    plan: Plan,
    order: Order,
    snapshot: Snapshot,
    left_minor: Sequence[int] | None,
    posted: PostedOrder,
) -> list[Difference]:
    """Where an order computed again differs from what was posted; empty when they agree.

    Args:
        left_minor: what refunds left of each line; None while nothing was refunded.
        posted: what the ledger has.
    """
    first = settle(plan, order, snapshot)
    unlike = _unlike(named(plan, order, first), posted.earned)
    last = first
    if left_minor is not None:
        first_minor = {commission.key: commission.amount_minor for commission in first}
        gone = dict.fromkeys(_keys(plan, order, posted.taken_back))
        if posted.is_bound_by_line:
            unbounded = dict.fromkeys(first_minor, MAX_SUM_MINOR)
            last = _each_at_most(settle_left(plan, order, snapshot, left_minor, {**unbounded, **gone}), first_minor)
        else:
            last = settle_left(plan, order, snapshot, left_minor, {**first_minor, **gone})
    expected = {
        commission.key: commission.amount_minor
        for commission in named(plan, order, last)
        if commission.key not in posted.taken_back
    }
    standing = posted.standing()
    keys = sorted(key for key in {*expected, *standing} if expected.get(key, 0) != standing.get(key, 0))
    return unlike + [Difference("standing", key, expected.get(key, 0), standing.get(key, 0)) for key in keys]


def _each_at_most(commissions: Iterable[Commission], first_minor: Mapping[CommissionKey, int]) -> list[Commission]:
    """Each commission at most what was first posted for itself, and those that were not posted at all left out."""
    bounded = [
        commission._replace(amount_minor=min(commission.amount_minor, first_minor.get(commission.key, 0)))
        for commission in commissions
    ]
    return [commission for commission in bounded if commission.amount_minor]


def _keys(plan: Plan, order: Order, places: Iterable[PostedKey]) -> set[CommissionKey]:
    """The engine's keys of what the ledger names by ids."""
    lines = {line.id: index for index, line in enumerate(order.lines)}
    rules = {rule.id: index for index, rule in enumerate(plan.rules)}
    return {CommissionKey(lines[line_id], rules[rule_id], tier, shop_no) for line_id, rule_id, tier, shop_no in places}


def _unlike(expected: Sequence[PostedCommission], posted: Sequence[PostedCommission]) -> list[Difference]:
    """Commissions that only one side has, base and rate included."""
    if list(expected) == list(posted):
        return []
    wanted, had = Counter(expected), Counter(posted)
    missing = [Difference("earned", row.key, row.amount_minor, 0) for row in (wanted - had).elements()]
    extra = [Difference("earned", row.key, 0, row.amount_minor) for row in (had - wanted).elements()]
    return sorted(missing + extra)
