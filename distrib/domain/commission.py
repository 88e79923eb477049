"""What an order pays to whom: one walk over its lines, in exact integers.

``settle`` works on an order when it settles, ``settle_left`` on what refunds left of it,
``explanation`` walks the same way and writes down everyone looked at. All that decides is in
the order, the plan and the snapshot; no clock, no lookup and no fraction of a unit enters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

from distrib.domain.errors import Refusal
from distrib.domain.events import Order, OrderLine
from distrib.domain.money import PPM, round_ratio, scale_down
from distrib.domain.plan import Plan
from distrib.domain.plan_rules import (
    AMOUNT,
    OF_REMAINING,
    OF_RULE,
    RATE,
    SLAB_WHOLE,
    Chosen,
    Rule,
)
from distrib.domain.seats import PAID, Verdict, seat, verdicts
from distrib.domain.snapshot import Person, Snapshot

__all__ = ["Commission", "Person", "Snapshot", "settle", "settle_left"]


class Commission(NamedTuple):
    """What one earner gets by one rule for one line; the amount is above 0.

    ``base_minor`` is what it was taken of, rounded down; ``rate_ppm`` is None for fixed amounts
    and marginal slabs, and for a differential rule the difference that was paid.
    """

    line_index: int
    rule_index: int
    tier: int
    shop_no: int
    base_minor: int
    rate_ppm: int | None
    amount_minor: int


_commission: Callable[[tuple[int, int, int, int, int, int | None, int]], Commission] = partial(
    tuple.__new__, Commission
)
"""A commission of its fields, without the detour over a call in Python."""

Key: TypeAlias = tuple[int, int, int, int]
"""line_index, rule_index, tier, shop_no: what identifies a commission within its order."""


class Share(NamedTuple):
    """What is left of a line, as an exact proportion."""

    left: int
    whole: int


Note: TypeAlias = Callable[[int, Verdict, int, int | None, int], None]
"""Is told line index, verdict, base, rate and rounded amount of everyone looked at."""

_WHOLE = Share(1, 1)


def settle(plan: Plan, order: Order, snapshot: Snapshot) -> list[Commission]:
    """The commissions of an order, by line and in the order of work.

    Raises:
        Refusal: ``cost_missing`` under ``base: margin``.
    """
    commissions = walk(plan, order, snapshot)
    if snapshot.order_cap_ppm is None:
        return commissions
    return cap_order(commissions, snapshot.order_cap_ppm * order.paid_minor // PPM)


def settle_left(
    plan: Plan, order: Order, snapshot: Snapshot, left_minor: Sequence[int], posted: Mapping[Key, int]
) -> list[Commission]:
    """The commissions that should stand on what refunds left of an order.

    Depends on what is left alone, not on the steps that led there (plan.md, Refunds). An order that
    was free as a whole has nothing left once it is refunded or cancelled.

    Args:
        left_minor: what is left of each line's ``paid_minor``.
        posted: what was first posted for each commission; nothing may rise above it.

    Raises:
        ValueError: ``left_minor`` does not fit the order.
    """
    commissions = walk(plan, order, snapshot, shares_left(order, left_minor))
    if snapshot.order_cap_ppm is not None:
        commissions = cap_order(commissions, snapshot.order_cap_ppm * sum(left_minor) // PPM)
    return at_most_posted(commissions, posted)


def shares_left(order: Order, left_minor: Sequence[int]) -> list[Share]:
    """What is left of each line; a line that was free follows the order's proportion."""
    if len(left_minor) != len(order.lines):
        raise ValueError("left_minor needs one figure for each line")
    paid, left = order.paid_minor, sum(left_minor)
    whole = Share(left, paid) if paid else Share(0, 1)
    return [_share_left(line, minor, whole) for line, minor in zip(order.lines, left_minor, strict=True)]


def _share_left(line: OrderLine, left_minor: int, whole: Share) -> Share:
    if not 0 <= left_minor <= line.paid_minor:
        raise ValueError(f"line {line.id} cannot have {left_minor} left of {line.paid_minor}")
    return Share(left_minor, line.paid_minor) if line.paid_minor else whole


def at_most_posted(commissions: Sequence[Commission], posted: Mapping[Key, int]) -> list[Commission]:
    """No commission rises by a refund: each is at most what was first posted."""
    lowered = (c._replace(amount_minor=min(c.amount_minor, posted.get(c[:4], 0))) for c in commissions)
    return [commission for commission in lowered if commission.amount_minor]


def cap_order(commissions: list[Commission], limit_minor: int) -> list[Commission]:
    """The commissions scaled down to ``limit_minor`` where they exceed it (plan.md, order_cap)."""
    if sum(commission.amount_minor for commission in commissions) <= limit_minor:
        return commissions
    ties = [(c.tier, c.rule_index, c.line_index) for c in commissions]
    amounts = scale_down([c.amount_minor for c in commissions], limit_minor, ties)
    return [
        commission._replace(amount_minor=amount)
        for commission, amount in zip(commissions, amounts, strict=True)
        if amount
    ]


def walk(
    plan: Plan, order: Order, snapshot: Snapshot, shares: Sequence[Share] | None = None, note: Note | None = None
) -> list[Commission]:
    """Every commission before ``order_cap``, each rounded once.

    Args:
        shares: what is left of each line; all of it by default.
        note: is told of everyone looked at, the unpaid too.
    """
    if snapshot.seller is None:
        return []
    if shares is None and note is None:
        return _walk_whole(plan, order, snapshot)
    return _walk_exactly(plan, order, snapshot, shares, note)


def _walk_whole(plan: Plan, order: Order, snapshot: Snapshot) -> list[Commission]:
    """The walk over an order of which nothing came back: rates of a line's base need no fractions.

    Falls back on the exact walk as soon as a line's rules take anything else.
    """
    seating = seat(plan, snapshot)
    seated: dict[tuple[Chosen, bool], list[tuple[int, int, int, int]]] = {}
    found: list[Commission] = []
    channel, rounding, choose = order.channel, plan.rounding, plan.book.choose
    for line_index, line in enumerate(order.lines):
        chosen = choose(channel, line.category, line.sku)
        people = seated.get((chosen, line.entry))
        if people is None:
            if not chosen.is_flat:
                return _walk_exactly(plan, order, snapshot, None, None)
            paid = [v for v in verdicts(plan, chosen, snapshot, seating, line.entry) if v.reason == PAID]
            people = [(v.rule.index, v.tier, v.person.shop_no, v.figure) for v in paid if v.person is not None]
            seated[chosen, line.entry] = people
        base = base_of(plan, line)
        for rule_index, tier, shop_no, rate in people:
            amount = round_ratio(base * rate, PPM, rounding)
            if amount:
                found.append(_commission((line_index, rule_index, tier, shop_no, base, rate, amount)))
    return found


def _walk_exactly(
    plan: Plan, order: Order, snapshot: Snapshot, shares: Sequence[Share] | None, note: Note | None
) -> list[Commission]:
    """The walk in exact fractions, as integers over a common denominator."""
    seating = seat(plan, snapshot)
    seated: dict[tuple[Chosen, bool], list[Verdict]] = {}
    found: list[Commission] = []
    channel, rounding, choose = order.channel, plan.rounding, plan.book.choose
    for line_index, line in enumerate(order.lines):
        chosen = choose(channel, line.category, line.sku)
        people = seated.get((chosen, line.entry))
        if people is None:
            people = verdicts(plan, chosen, snapshot, seating, line.entry)
            if note is None:
                people = [verdict for verdict in people if verdict.reason == PAID]
            seated[chosen, line.entry] = people
        left, whole = shares[line_index] if shares is not None else _WHOLE
        unit = PPM**chosen.depth
        scale = unit * whole
        base, piece = base_of(plan, line) * left * unit, line.quantity * left * unit
        for verdict, (basis, rate, exact) in zip(people, exact_amounts(people, base, piece, scale), strict=True):
            amount = round_ratio(exact, scale, rounding)
            if note is not None:
                note(line_index, verdict, basis // scale, rate, amount)
            if amount and verdict.person is not None:
                rule, tier, person = verdict.rule, verdict.tier, verdict.person
                found.append(Commission(line_index, rule.index, tier, person.shop_no, basis // scale, rate, amount))
    return found


def exact_amounts(people: Sequence[Verdict], base: int, piece: int, scale: int) -> list[tuple[int, int | None, int]]:
    """What each verdict is taken of, its rate, and its amount, on one line, without any rounding.

    Args:
        people: verdicts in the order of work; whoever is not paid gets 0.
        base: the line's base, in units of 1 / scale; a multiple of PPM for every rate in a row.
        piece: the line's quantity, in the same units: what an amount of 1 a piece comes to.
        scale: units in one minor unit.
    """
    amounts: list[tuple[int, int | None, int]] = []
    at_tier = [0, 0, 0, 0]
    by_rule: dict[int, int] = {}
    for rule, tier, _, figure, reason in people:
        basis = base
        if rule.of == OF_RULE:
            basis = by_rule.get(rule.of_rule, 0)
        elif rule.of == OF_REMAINING:
            basis = max(base - sum(at_tier[:tier]), 0)
        rate: int | None = None
        if rule.kind == RATE:
            rate, amount = figure, basis * figure // PPM
        elif reason != PAID:
            amount = 0
        elif rule.kind == AMOUNT:
            amount = figure * piece
        else:
            rate, amount = slab_amount(rule, basis, scale)
        at_tier[tier] += amount
        by_rule[rule.index] = by_rule.get(rule.index, 0) + amount
        amounts.append((basis, rate, amount))
    return amounts


def slab_amount(rule: Rule, basis: int, scale: int) -> tuple[int | None, int]:
    """The rate (None where several slabs share) and the exact amount of a slab rule.

    Intervals are half open: exactly ``from_minor`` belongs to the higher slab.
    """
    if rule.kind == SLAB_WHOLE:
        rate = [rate for start, rate in rule.slabs if start * scale <= basis][-1]
        return rate, basis * rate // PPM
    ends = [start * scale for start, _ in rule.slabs[1:]] + [basis]
    parts = zip(rule.slabs, ends, strict=True)
    return None, sum(max(min(basis, end) - start * scale, 0) * rate // PPM for (start, rate), end in parts)


def base_of(plan: Plan, line: OrderLine) -> int:
    """What a line's rates apply to under the plan's ``base``."""
    if plan.base == "paid":
        return line.paid_minor
    if plan.base == "list":
        return line.paid_minor if line.list_minor is None else line.list_minor
    if line.cost_minor is None:
        raise Refusal("cost_missing", line=line.id)
    return max(line.paid_minor - line.cost_minor, 0)
