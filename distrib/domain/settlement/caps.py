"""What caps leave of an order's rounded commissions: per order and rule, the whole order, then month and customer.

Each step takes commissions and answers those that are left, in the same order and none of 0. How much room a month or
a customer has left is handed in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from distrib.domain.money import MAX_SUM_MINOR, PPM, scale_down
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.earned import Commission
from distrib.domain.settlement.refusals import CommissionTooLarge
from distrib.domain.settlement.snapshot import Room, Snapshot


class Capped(NamedTuple):
    """What is left after the caps by rule and order, after ``order_cap``, and after month and customer caps."""

    per_order: list[Commission]
    order: list[Commission]
    last: list[Commission]


def after_caps(plan: Plan, snapshot: Snapshot, commissions: list[Commission], paid_minor: int) -> Capped:
    """What the caps leave, step by step (plan.md, order of work 4 and 5).

    Args:
        commissions: each rounded, before any cap.
        paid_minor: what was paid for the order, or what refunds left of it.
    """
    limits = plan.book.per_order
    per_order = cap_each_order(commissions, limits) if limits else commissions
    cap_ppm = snapshot.order_cap_ppm
    order = per_order if cap_ppm is None else cap_order(per_order, cap_ppm * paid_minor // PPM)
    return Capped(per_order, order, within_rooms(order, snapshot.rooms) if snapshot.rooms else order)


def check_payable(plan: Plan, commissions: Iterable[Commission]) -> None:
    """Makes sure that no commission is more than a transfer can carry, which amounts a piece can come to.

    Raises:
        Refusal: ``commission_too_large`` with the rule.
    """
    if not plan.book.has_amounts:  # a rate is at most 1, of a base that every bound of an order keeps below
        return
    for commission in commissions:
        if commission.amount_minor > MAX_SUM_MINOR:
            raise CommissionTooLarge(rule=plan.rules[commission.rule_index].id, most=MAX_SUM_MINOR)


def cap_each_order(commissions: Sequence[Commission], limits: Mapping[int, int]) -> list[Commission]:
    """Of each rule and earner no more than the rule's ``per_order_minor``, filled over the lines in order.

    Args:
        limits: the most by rule index; rules that are not named have no cap.
    """
    left: dict[tuple[int, int], int] = {}
    for commission in commissions:
        if commission.rule_index in limits:
            left[commission.rule_index, commission.shop_no] = limits[commission.rule_index]
    return _filled(commissions, left)


def cap_order(commissions: list[Commission], limit_minor: int) -> list[Commission]:
    """The commissions scaled down to ``limit_minor`` where they exceed it (plan.md, order_cap)."""
    if sum([commission.amount_minor for commission in commissions]) <= limit_minor:
        return commissions
    ties = [(c.tier, c.rule_index, c.line_index) for c in commissions]
    amounts = scale_down([c.amount_minor for c in commissions], limit_minor, ties)
    return [
        commission._replace(amount_minor=amount)
        for commission, amount in zip(commissions, amounts, strict=True)
        if amount
    ]


def within_rooms(commissions: Sequence[Commission], rooms: Iterable[Room]) -> list[Commission]:
    """Of each rule and earner no more than the room that its month and customer caps left, over the lines in order."""
    return _filled(commissions, {(room.rule_index, room.shop_no): room.left_minor for room in rooms})


def counted(plan: Plan, commissions: Sequence[Commission]) -> Collection[tuple[int, int]]:
    """Which rules and earners of these commissions a month or customer cap bounds, in the order of work."""
    caps = plan.book.counted
    return dict.fromkeys(
        (commission.rule_index, commission.shop_no) for commission in commissions if commission.rule_index in caps
    )


def _filled(commissions: Sequence[Commission], left: dict[tuple[int, int], int]) -> list[Commission]:
    """Each amount as far as there is room for its rule and earner; whoever is not named has no bound."""
    filled: list[Commission] = []
    for commission in commissions:
        key = (commission.rule_index, commission.shop_no)
        room = left.get(key)
        if room is None:
            filled.append(commission)
            continue
        amount = min(commission.amount_minor, room)
        left[key] = room - amount
        if amount:
            filled.append(commission if amount == commission.amount_minor else commission._replace(amount_minor=amount))
    return filled
