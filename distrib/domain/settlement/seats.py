"""Who sits at which tier of an order, and whether a rule pays whoever sits there.

Decides people and reasons, for all lines of a kind at once; amounts are for ``commission``.
"""

from __future__ import annotations

from typing import NamedTuple

from distrib.domain.plans.plan import CHAIN_LENGTH, Plan
from distrib.domain.plans.rules import CHAIN, LEADER, OPENER, Chosen, Rule
from distrib.domain.settlement.snapshot import Person, Snapshot

COMPRESS_REACH = CHAIN_LENGTH - 1
"""Compression looks at no more uplines than this above tier 0 (plan.md, inactive_upline)."""
HIGHEST_TIER = 3
"""No plan and no pack allows more (plan.md, tiers)."""

PAID, NO_UPLINE, INACTIVE, RANK_NOT_IN_RATE = "paid", "no_upline", "inactive", "rank_not_in_rate"
TIER_CAP, SELF_PURCHASE, NO_DIFFERENCE = "tier_cap", "self_purchase", "no_difference"
ORDER_CAP, ENTRY_SKU, POLICY = "order_cap", "entry_sku", "policy"
REQUIRES_NOT_MET, RULE_CAP = "requires_not_met", "rule_cap"


class Seating(NamedTuple):
    """Tier by tier who sits there of a snapshot's people, nobody beyond the last; and who was passed over on the way.

    Seats above the plan's ``tiers`` are never paid: they are here so that the explanation can name whom the cap left
    out.
    """

    snapshot: Snapshot
    seats: list[Person | None]
    passed: list[list[Person]]
    is_shifted: bool


class Verdict(NamedTuple):
    """Whether one rule pays one person at one tier; ``figure`` is 0 for whoever it does not."""

    rule: Rule
    tier: int
    person: Person | None
    figure: int
    reason: str


def seat(plan: Plan, snapshot: Snapshot) -> Seating:
    """Seats the people of an order: the selling shop at tier 0, its n-th upline at tier n."""
    uplines = snapshot.uplines
    first = snapshot.seller
    is_shifted = _is_shifted(plan, snapshot)
    if is_shifted:
        first, uplines = (uplines[0] if uplines else None), uplines[1:]
    if plan.inactive_upline == "compress":
        return _compressed(snapshot, first, uplines[:COMPRESS_REACH], is_shifted)
    return Seating(snapshot, [first, *uplines[:HIGHEST_TIER]], [], is_shifted)


def is_indirect(plan: Plan, snapshot: Snapshot, rule: Rule, tier: int) -> bool:
    """Whether a rule pays at a tier for what somebody below sold: not the selling shop, and nobody beside the chain.

    In a shifted chain the sponsor of whoever bought from itself sits at tier 0 already.
    """
    return tier > 0 or (_is_shifted(plan, snapshot) and not _is_slot(rule))


def _is_shifted(plan: Plan, snapshot: Snapshot) -> bool:
    return snapshot.is_self_purchase and plan.self_purchase == "shift"


def _compressed(snapshot: Snapshot, first: Person | None, uplines: tuple[Person, ...], is_shifted: bool) -> Seating:
    """Each tier goes to the next active upline; those in between are kept for the explanation."""
    seats, passed = [first], [list[Person]()]
    over: list[Person] = []
    for upline in uplines:
        if len(seats) > HIGHEST_TIER:
            break
        if upline.is_active:
            seats.append(upline)
            passed.append(over)
            over = []
        else:
            over.append(upline)
    while len(seats) <= HIGHEST_TIER:
        seats.append(None)
        passed.append(over)
        over = []
    return Seating(snapshot, seats, passed, is_shifted)


def verdicts(plan: Plan, chosen: Chosen, seating: Seating, is_entry: bool) -> list[Verdict]:
    """Everyone the chosen rules look at, in the order of work."""
    looked_at: list[Verdict] = []
    reached: dict[int, int] = {}
    for step in chosen.steps:
        tier, rule = step
        person = _who(rule, tier, seating)
        if tier <= plan.tiers and (seating.passed or seating.is_shifted):
            looked_at += _passed_over(rule, tier, seating)
        reason = _barred(plan, step, person, seating, is_entry)
        figure = None if person is None else rule.figure(person.rank)
        if figure is None:
            looked_at.append(Verdict(rule, tier, person, 0, RANK_NOT_IN_RATE if reason == PAID else reason))
            continue
        if reason == PAID and person is not None and not _meets(plan, rule, person):
            reason = REQUIRES_NOT_MET
        if rule.pay == CHAIN:
            figure, reason = _difference(rule, figure, reason, reached)
        looked_at.append(Verdict(rule, tier, person, figure if reason == PAID else 0, reason))
    return looked_at


def _who(rule: Rule, tier: int, seating: Seating) -> Person | None:
    if rule.pay == LEADER:
        return seating.snapshot.leader
    if rule.pay == OPENER:
        return seating.snapshot.opener
    return seating.seats[tier] if tier < len(seating.seats) else None


def _is_slot(rule: Rule) -> bool:
    """Leader and opener stand beside the chain: its self-purchase rules are not about them."""
    return rule.pay in (LEADER, OPENER)


def _barred(plan: Plan, step: tuple[int, Rule], person: Person | None, seating: Seating, is_entry: bool) -> str:
    """Why whoever sits there earns nothing whatever the rate, or ``paid``."""
    (tier, rule), snapshot = step, seating.snapshot
    if tier > plan.tiers or tier > snapshot.max_tiers:
        return TIER_CAP
    if person is None:
        return NO_UPLINE
    is_own_seller = tier == 0 and not seating.is_shifted and not _is_slot(rule)
    if is_entry and not (is_own_seller and snapshot.entry_pays_seller):
        return POLICY if is_own_seller else ENTRY_SKU
    if not person.is_active:
        return INACTIVE
    if snapshot.is_self_purchase and not _is_slot(rule):
        is_skipped = plan.self_purchase == "skip" if is_own_seller else not snapshot.self_purchase_pays_uplines
        return SELF_PURCHASE if is_skipped else PAID
    return PAID


def _meets(plan: Plan, rule: Rule, person: Person) -> bool:
    """Whether somebody has what the rule asks of its earner; whether the sales are enough the snapshot says."""
    if rule.requires is None:
        return True
    needed = rule.requires.min_rank
    is_high_enough = needed is None or plan.rank_index(person.rank) >= plan.rank_index(needed)
    return is_high_enough and rule.index not in person.unmet


def _difference(rule: Rule, rate: int, reason: str, reached: dict[int, int]) -> tuple[int, str]:
    """The rate above the highest one reached below (级差), and why there is none.

    A seller skipped for its own purchase has reached its rate, and so has whoever lacks what the rule requires: that
    share stays with the platform and does not pass on to the uplines (docs/adr/0012).
    """
    below = reached.get(rule.index, 0)
    if reason in (PAID, SELF_PURCHASE, REQUIRES_NOT_MET):
        reached[rule.index] = max(below, rate)
    return (rate - below, NO_DIFFERENCE if reason == PAID and rate <= below else reason)


def _passed_over(rule: Rule, tier: int, seating: Seating) -> list[Verdict]:
    """Those looked at who have no seat: inactive uplines under compression, the buyer of a shifted chain."""
    if _is_slot(rule):
        return []
    if tier == 0:
        return [Verdict(rule, tier, seating.snapshot.seller, 0, SELF_PURCHASE)] if seating.is_shifted else []
    passed = seating.passed[tier] if seating.passed else []
    return [Verdict(rule, tier, person, 0, INACTIVE) for person in passed]
