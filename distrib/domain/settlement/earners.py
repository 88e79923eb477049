"""Who is paid by which rule on a kind of line, remembered for each pattern of people.

Ranks and standings decide who is paid, shop numbers do not: orders whose people stand alike share one answer. Found by
``seats``, on people whose number is their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from distrib.domain.plans.plan import CHAIN_LENGTH, Plan
from distrib.domain.plans.rules import AMOUNT, OF_REMAINING, OF_RULE, PER_ORDER, RATE, Chosen, Rule
from distrib.domain.settlement.seats import PAID, Verdict, seat, verdicts
from distrib.domain.settlement.snapshot import Person, Snapshot

LEADER_PLACE, OPENER_PLACE = -2, -1
"""The last two of ``numbers_of``, however long the chain is."""
STEP_OF_BASE, STEP_OF_REMAINING = -1, -2
"""What a step is taken of that names no rule."""

Kind: TypeAlias = tuple[Chosen, bool]
"""What of a line decides who is paid: the rules chosen for it, and whether it is an entry line."""


class Step(NamedTuple):
    """One earner of a line as figures: by which rule, at which tier, of what, and how much.

    ``of`` is the index of the rule it is taken of, ``STEP_OF_BASE`` or ``STEP_OF_REMAINING``. One of ``rate``,
    ``slabs`` and ``fixed`` says how much; the first two are None for the others. ``is_per_order``: ``fixed`` is paid
    once for the order. ``is_named``: another step is taken of what this rule paid.
    """

    rule_index: int
    tier: int
    of: int
    rate: int | None
    fixed: int
    is_per_order: bool
    slabs: Rule | None
    is_named: bool


class Earners(NamedTuple):
    """Everyone paid on a kind of line, in the order of work.

    ``places`` holds rule index, tier and place (see ``numbers_of``); ``rates`` the same and the rate, where each
    is a rate of the line's base, else None.
    """

    places: list[tuple[int, int, int]]
    steps: list[Step]
    rates: list[tuple[int, int, int, int]] | None


def steps_of(people: Sequence[Verdict]) -> list[Step]:
    """The figures of verdicts, in their order; whoever is not paid gets 0."""
    named = {verdict.rule.of_rule for verdict in people}
    return [_step_of(verdict, verdict.rule.index in named) for verdict in people]


def _step_of(verdict: Verdict, is_named: bool) -> Step:
    """The figures of one verdict.

    Leader and opener come after the tiers but stand at tier 0: below them nothing was paid (plan.md, step 3).
    """
    rule, tier, _, figure, reason = verdict
    of = STEP_OF_BASE
    if rule.of == OF_RULE:
        of = rule.of_rule
    elif rule.of == OF_REMAINING and tier > 0:
        of = STEP_OF_REMAINING
    rate = figure if rule.kind == RATE else None
    has_slabs = rule.kind not in (RATE, AMOUNT) and reason == PAID
    fixed, is_per_order = (figure, rule.per == PER_ORDER) if rule.kind == AMOUNT else (0, False)
    return Step(rule.index, tier, of, rate, fixed, is_per_order, rule if has_slabs else None, is_named)


def numbers_of(snapshot: Snapshot) -> list[int]:
    """Shop numbers by place: the seller, the uplines, then leader and opener (-1: there is none).

    >>> numbers_of(Snapshot(Person(7, "m", True), (Person(5, "m", True),), opener=Person(9, "m", True)))
    [7, 5, -1, 9]
    """
    numbers = [-1 if snapshot.seller is None else snapshot.seller.shop_no]
    numbers += [upline.shop_no for upline in snapshot.uplines]
    numbers.append(-1 if snapshot.leader is None else snapshot.leader.shop_no)
    numbers.append(-1 if snapshot.opener is None else snapshot.opener.shop_no)
    return numbers


def known_earners(plan: Plan, snapshot: Snapshot) -> dict[Kind, Earners]:
    """The earners found so far for orders whose people stand like these; ``find_earners`` adds what is missing."""
    seller, uplines, is_self_purchase, leader, opener, _, _, entry, self_uplines, max_tiers, *_ = snapshot
    reach = CHAIN_LENGTH if plan.inactive_upline == "compress" else plan.tiers + is_self_purchase
    pattern = (
        seller and seller.standing,
        tuple([upline.standing for upline in uplines[:reach]]),
        is_self_purchase,
        leader and leader.standing,
        opener and opener.standing,
        entry,
        self_uplines,
        max_tiers,
    )
    return plan.book.remembered.known(pattern)


def find_earners(plan: Plan, snapshot: Snapshot, known: dict[Kind, Earners], kind: Kind) -> Earners:
    """Finds who is paid on a kind of line when people stand as in ``snapshot``, and adds it to what is ``known``."""
    chosen, is_entry = kind
    placed = _placed(snapshot)
    seen = verdicts(plan, chosen, seat(plan, placed), is_entry)
    paid = [(verdict, verdict.person) for verdict in seen if verdict.reason == PAID and verdict.person is not None]
    places = [(verdict.rule.index, verdict.tier, person.shop_no) for verdict, person in paid]
    rates = [(*place, verdict.figure) for place, (verdict, _) in zip(places, paid, strict=True)]
    earners = Earners(places, steps_of([verdict for verdict, _ in paid]), rates if chosen.is_flat else None)
    plan.book.remembered.keep(known, kind, earners)
    return earners


def _placed(snapshot: Snapshot) -> Snapshot:
    """The same people, each with its place for a shop number."""
    return snapshot._replace(
        seller=_with_place(snapshot.seller, 0),
        uplines=tuple(upline._replace(shop_no=place) for place, upline in enumerate(snapshot.uplines, 1)),
        leader=_with_place(snapshot.leader, LEADER_PLACE),
        opener=_with_place(snapshot.opener, OPENER_PLACE),
    )


def _with_place(person: Person | None, place: int) -> Person | None:
    return None if person is None else person._replace(shop_no=place)
