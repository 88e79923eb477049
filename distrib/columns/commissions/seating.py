"""Seats the people of all orders of a chunk at once, and computes what each step's rule names for whoever sits there.

The twin in columns of ``distrib.domain.settlement.seats``: who sits where, whether a rule pays there, and the rate or
amount. Lines and what they come to must not enter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from distrib.columns.commissions.chunk import LEADER_ROW, NOBODY, OPENER_ROW, Chunk, PeopleColumns
from distrib.columns.commissions.steps import PlanStep, PlanSteps
from distrib.columns.tree import Integers, Truths
from distrib.domain.money import PPM
from distrib.domain.plans.plan import CHAIN_LENGTH, Plan
from distrib.domain.plans.rules import AMOUNT, CHAIN, LEADER, RATE, Rule
from distrib.domain.settlement.seats import COMPRESS_REACH

Ranks: TypeAlias = NDArray[np.signedinteger]
"""A code for each order, ``NOBODY`` where there is nobody who could earn."""


@dataclass(frozen=True, slots=True)
class SeatColumns:
    """Of each order whoever sits at one place: the shop, and its rank if it is active at ``paid_at``.

    ``unmet`` says by rule index whether it had not the sales that the rule requires.
    """

    shop_no: Integers
    rank: Ranks
    unmet: Mapping[int, Truths]


@dataclass(frozen=True, slots=True)
class SeatedPeople:
    """The seats of all orders: tier by tier, then leader and opener.

    ``is_shifted`` marks the orders whose sponsor stands at tier 0.
    """

    tiers: Sequence[SeatColumns]
    leader: SeatColumns
    opener: SeatColumns
    is_shifted: Truths

    def of(self, step: PlanStep) -> SeatColumns:
        """The seat that a step pays."""
        if step.is_slot:
            return self.leader if step.rule.pay == LEADER else self.opener
        return self.tiers[step.tier]


def seat_people(plan: Plan, chunk: Chunk) -> SeatedPeople:
    """Seats everyone: the selling shop at tier 0, or its sponsor where a self-purchase shifts the chain."""
    is_shifted = np.zeros(len(chunk), np.bool_)
    if plan.self_purchase == "shift":
        is_shifted |= chunk.orders.is_self_purchase
    people = chunk.people
    ranks = _active_ranks(people, CHAIN_LENGTH + 1 if plan.inactive_upline == "compress" else plan.tiers + 2)
    rows = _rows_of_tiers(plan, ranks, is_shifted)
    return SeatedPeople(
        [_seat(people, ranks, row) for row in rows],
        _seat(people, ranks, LEADER_ROW),
        _seat(people, ranks, OPENER_ROW),
        is_shifted,
    )


def _active_ranks(people: PeopleColumns, chain: int) -> Ranks:
    """The rank of everyone who is active, ``NOBODY`` for all others; of the chain no more than so many rows count."""
    ranks = np.full(people.rank.shape, NOBODY, people.rank.dtype)
    for rows in (slice(0, chain), slice(LEADER_ROW, None)):
        is_there = people.is_active[rows] & (people.shop_no[rows] != NOBODY)
        ranks[rows] = np.where(is_there, people.rank[rows], NOBODY)
    return ranks


def _seat(people: PeopleColumns, ranks: Ranks, row: int | Integers) -> SeatColumns:
    """Of each order whoever stands at a row: the same for all, or one for each, ``NOBODY`` where the seat is empty."""
    if isinstance(row, int):
        return SeatColumns(people.shop_no[row], ranks[row], {rule: lacks[row] for rule, lacks in people.unmet.items()})
    place = row, np.arange(row.size)
    unmet = {rule: lacks[place] for rule, lacks in people.unmet.items()}
    return SeatColumns(people.shop_no[place], np.where(row == NOBODY, NOBODY, ranks[place]), unmet)


def _rows_of_tiers(plan: Plan, ranks: Ranks, is_shifted: Truths) -> list[int | Integers]:
    """At which row of the people each tier's earner stands, nobody beyond the plan's last tier."""
    if plan.inactive_upline == "compress":
        return _compressed(plan.tiers, ranks, is_shifted.astype(np.int64))
    if not is_shifted.any():
        return list(range(plan.tiers + 1))
    return [tier + is_shifted.astype(np.int64) for tier in range(plan.tiers + 1)]


def _compressed(tiers: int, ranks: Ranks, shift: Integers) -> list[int | Integers]:
    """Each tier above 0 goes to the next active upline, among the nearest whom compression looks at."""
    columns = np.arange(shift.size)
    seated = np.zeros(shift.size, np.int64)
    rows = [shift, *(np.full(shift.size, NOBODY) for _ in range(tiers))]
    for upline in range(1, COMPRESS_REACH + 1):
        row = upline + shift
        is_active = ranks[row, columns] != NOBODY
        seated += is_active
        for tier in range(1, tiers + 1):
            rows[tier] = np.where(is_active & (seated == tier), row, rows[tier])
    return [*rows]


def figures_of(plan: Plan, steps: PlanSteps, chunk: Chunk, seats: SeatedPeople, pays: Truths) -> list[Integers]:
    """Computes step by step what the rule names for each order: 0 where it pays nothing.

    Args:
        pays: which orders pay anybody at all.

    Returns:
        rates over ``denominator`` (of a differential rule the difference), amounts in minor units, 1 for slabs.
    """
    reached: dict[int, Integers] = {}
    figures = []
    for step in steps.steps:
        rule, seat = step.rule, seats.of(step)
        figure = _by_rank(rule, steps.denominator, chunk)[seat.rank]
        can_earn = pays & _can_earn(plan, step, chunk)
        if rule.pay == CHAIN:
            figure = _difference(rule, figure, step.tier <= chunk.orders.max_tiers, reached)
        if rule.requires is not None:
            can_earn &= _meets(plan, rule, chunk)[seat.rank]
            if rule.index in seat.unmet:
                can_earn &= ~seat.unmet[rule.index]
        figures.append(figure * can_earn)
    return figures


def _difference(rule: Rule, rate: Integers, is_within: Truths, reached: dict[int, Integers]) -> Integers:
    """What a rate is above the highest reached below (级差); whoever may not earn it has reached it all the same."""
    rate = rate * is_within
    below = reached.get(rule.index)
    if below is None:
        reached[rule.index] = rate
        return rate
    reached[rule.index] = np.maximum(below, rate)
    above: Integers = np.maximum(rate - below, 0)
    return above


def _by_rank(rule: Rule, denominator: int, chunk: Chunk) -> Integers:
    """What a rule names for each rank by its code; the last is for nobody."""
    codes = chunk.codes.ranks
    table = np.zeros(len(codes) + 1, np.int64)
    for rank, code in codes.items():
        figure = rule.figure(rank) or 0
        if rule.kind == RATE:
            figure = figure * denominator // PPM
        table[code] = figure if rule.kind in (RATE, AMOUNT) else 1
    return table


def _meets(plan: Plan, rule: Rule, chunk: Chunk) -> Truths:
    """Whether each rank by its code is as high as a rule requires; a rank that the plan does not know is not."""
    codes = chunk.codes.ranks
    table = np.ones(len(codes) + 1, np.bool_)
    needed = None if rule.requires is None else rule.requires.min_rank
    if needed is not None:
        lowest = plan.rank_index(needed)
        for rank, code in codes.items():
            table[code] = plan.rank_indexes.get(rank, NOBODY) >= lowest
    return table


def _can_earn(plan: Plan, step: PlanStep, chunk: Chunk) -> Truths:
    """Whether nothing of an order bars a seat: the packs' tiers, a self-purchase."""
    orders = chunk.orders
    can_earn = step.tier <= orders.max_tiers
    if step.is_slot:
        return can_earn
    barred = ~orders.self_purchase_pays_uplines
    if step.tier == 0 and plan.self_purchase != "shift":
        barred = np.full(len(chunk), plan.self_purchase == "skip")
    return can_earn & ~(orders.is_self_purchase & barred)
