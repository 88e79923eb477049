"""What an order pays to whom: one walk over its lines, in exact integers.

``settle`` computes the commissions of a whole order, ``settle_left`` those on what refunds left of it, ``explanation``
walks the same way and records everyone looked at. All that decides is in the order, the plan and the snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

from distrib.domain.errors import Refusal
from distrib.domain.events import Order, OrderLine
from distrib.domain.money import PPM, half_of, round_ratio, scale_down
from distrib.domain.plans.plan import Plan
from distrib.domain.plans.rules import SLAB_WHOLE, Chosen, Rule
from distrib.domain.settlement.caps import after_caps
from distrib.domain.settlement.earned import Commission, CommissionKey
from distrib.domain.settlement.earners import (
    STEP_OF_BASE,
    STEP_OF_REMAINING,
    Step,
    find_earners,
    known_earners,
    numbers_of,
    steps_of,
)
from distrib.domain.settlement.seats import Verdict, seat, verdicts
from distrib.domain.settlement.snapshot import Person, Snapshot

__all__ = ["Commission", "CommissionKey", "Person", "Snapshot", "settle", "settle_left"]


_commission: Callable[[tuple[int, int, int, int, int, int | None, int]], Commission] = partial(
    tuple.__new__, Commission
)
"""A commission of its fields, without the detour over a call in Python."""


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
    paid_minor = 0 if snapshot.order_cap_ppm is None else order.paid_minor  # nothing else is held against it
    return after_caps(plan, snapshot, walk(plan, order, snapshot), paid_minor).last


def settle_left(
    plan: Plan, order: Order, snapshot: Snapshot, left_minor: Sequence[int], posted: Mapping[CommissionKey, int]
) -> list[Commission]:
    """The commissions that should stand on what refunds left of an order.

    Depends on what is left alone, not on the steps that led there (plan.md, Refunds). An order that
    was free as a whole has nothing left once it is refunded or cancelled.

    Args:
        left_minor: what is left of each line's ``paid_minor``.
        posted: what was first posted for each commission; no rule, tier and earner may rise above it over all lines.

    Raises:
        ValueError: ``left_minor`` does not fit the order.
    """
    commissions = walk(plan, order, snapshot, shares_left(order, left_minor))
    return at_most_posted(after_caps(plan, snapshot, commissions, sum(left_minor)).last, posted)


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


def at_most_posted(commissions: Sequence[Commission], posted: Mapping[CommissionKey, int]) -> list[Commission]:
    """No commission rises by a refund: over all lines, a rule, tier and earner get at most what was first posted.

    Where they would get more, the lines are scaled down to exactly that by largest remainder (ties: line order). A
    single line may get more than was first posted for it.
    """
    limits: dict[tuple[int, int, int], int] = {}
    for key, amount_minor in posted.items():
        limits[key.slot] = limits.get(key.slot, 0) + amount_minor
    by_slot: dict[tuple[int, int, int], list[int]] = {}
    for place, commission in enumerate(commissions):
        by_slot.setdefault(commission.key.slot, []).append(place)
    bounded = list(commissions)
    for slot, places in by_slot.items():
        amounts = [commissions[place].amount_minor for place in places]
        limit_minor = limits.get(slot, 0)
        if sum(amounts) > limit_minor:
            ties = [(commissions[place].line_index,) for place in places]
            for place, amount in zip(places, scale_down(amounts, limit_minor, ties), strict=True):
                bounded[place] = bounded[place]._replace(amount_minor=amount)
    return [commission for commission in bounded if commission.amount_minor]


def walk(
    plan: Plan, order: Order, snapshot: Snapshot, shares: Sequence[Share] | None = None, note: Note | None = None
) -> list[Commission]:
    """Every commission before any cap, each rounded once.

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
    """The walk over an order of which nothing came back, by what is remembered of people who stand alike.

    Rates of a line's base need no fractions; anything else is worked out in exact ones, as in the other walk.
    """
    numbers, known = numbers_of(snapshot), known_earners(plan, snapshot)
    commissions: list[Commission] = []
    channel, rounding, choose = order.channel, plan.rounding, plan.book.choose
    half = half_of(PPM, rounding)
    for line_index, line in enumerate(order.lines):
        chosen = choose(channel, line.category, line.sku)
        kind = (chosen, line.entry)
        earners = known.get(kind)
        if earners is None:
            earners = find_earners(plan, snapshot, known, kind)
        base = base_of(plan, line)
        if earners.rates is None:
            unit = PPM**chosen.depth
            amounts = line_amounts(earners.steps, base * unit, line.quantity * unit, unit, rounding)
            for (rule_index, tier, place), (basis, taken, amount) in zip(earners.places, amounts, strict=True):
                if amount:
                    commissions.append(
                        _commission((line_index, rule_index, tier, numbers[place], basis, taken, amount))
                    )
            continue
        for rule_index, tier, place, rate in earners.rates:
            amount = (base * rate + half) // PPM if half is not None else round_ratio(base * rate, PPM, rounding)
            if amount:
                commissions.append(_commission((line_index, rule_index, tier, numbers[place], base, rate, amount)))
    return commissions


def _walk_exactly(
    plan: Plan, order: Order, snapshot: Snapshot, shares: Sequence[Share] | None, note: Note | None
) -> list[Commission]:
    """The walk in exact fractions, as integers over a common denominator."""
    seating = seat(plan, snapshot)
    seated: dict[tuple[Chosen, bool], tuple[list[Verdict], list[Step]]] = {}
    commissions: list[Commission] = []
    channel, rounding, choose = order.channel, plan.rounding, plan.book.choose
    for line_index, line in enumerate(order.lines):
        chosen = choose(channel, line.category, line.sku)
        looked_at = seated.get((chosen, line.entry))
        if looked_at is None:
            people = verdicts(plan, chosen, snapshot, seating, line.entry)
            looked_at = seated[chosen, line.entry] = (people, steps_of(people))
        left, whole = shares[line_index] if shares is not None else _WHOLE
        unit = PPM**chosen.depth
        scale = unit * whole
        base, piece = base_of(plan, line) * left * unit, line.quantity * left * unit
        amounts = line_amounts(looked_at[1], base, piece, scale, rounding)
        for verdict, (basis, rate, amount) in zip(looked_at[0], amounts, strict=True):
            if note is not None:
                note(line_index, verdict, basis, rate, amount)
            if amount and verdict.person is not None:
                rule, tier, person = verdict.rule, verdict.tier, verdict.person
                commissions.append(Commission(line_index, rule.index, tier, person.shop_no, basis, rate, amount))
    return commissions


def line_amounts(
    steps: Sequence[Step], base: int, piece: int, scale: int, rounding: str
) -> list[tuple[int, int | None, int]]:
    """What each step is taken of (rounded down), its rate, and its amount, on one line.

    Works without any rounding in between; each amount is rounded once, at its end.

    Args:
        steps: in the order of work; whoever is not paid gets 0.
        base: the line's base, in units of 1 / scale; a multiple of PPM for every rate in a row.
        piece: the line's quantity, in the same units: what an amount of 1 a piece comes to.
        scale: units in one minor unit.
    """
    amounts: list[tuple[int, int | None, int]] = []
    base_minor, half = base // scale, half_of(scale, rounding)
    paid = below = last_tier = 0
    by_rule: dict[int, int] = {}
    for rule_index, tier, of, own_rate, fixed, slabs, is_named in steps:
        if tier != last_tier:
            last_tier, below = tier, paid
        basis, basis_minor = base, base_minor
        if of != STEP_OF_BASE:
            basis = max(base - below, 0) if of == STEP_OF_REMAINING else by_rule.get(of, 0)
            basis_minor = basis // scale
        rate = own_rate
        if rate is not None:
            amount = basis * rate // PPM
        elif slabs is None:
            amount = fixed * piece
        else:
            rate, amount = slab_amount(slabs, basis, scale)
        paid += amount
        if is_named:
            by_rule[rule_index] = by_rule.get(rule_index, 0) + amount
        rounded = (amount + half) // scale if half is not None else round_ratio(amount, scale, rounding)
        amounts.append((basis_minor, rate, rounded))
    return amounts


def slab_amount(rule: Rule, basis: int, scale: int) -> tuple[int | None, int]:
    """The rate (None where several slabs share) and the exact amount of a slab rule.

    Intervals are half open: exactly ``from_minor`` belongs to the higher slab. What lies below the first slab pays
    nothing.
    """
    is_whole = rule.kind == SLAB_WHOLE
    amount, end = 0, basis
    for from_minor, rate in reversed(rule.slabs):
        start = from_minor * scale
        if start > basis:
            continue
        if is_whole:
            return rate, basis * rate // PPM
        amount += (end - start) * rate // PPM
        end = start
    return 0 if is_whole else None, amount


def base_of(plan: Plan, line: OrderLine) -> int:
    """What a line's rates apply to under the plan's ``base``."""
    if plan.base == "paid":
        return line.paid_minor
    if plan.base == "list":
        return line.paid_minor if line.list_minor is None else line.list_minor
    if line.cost_minor is None:
        raise Refusal("cost_missing", line=line.id)
    return max(line.paid_minor - line.cost_minor, 0)
