"""What an order pays to whom: one walk over its lines, in exact integers.

``settle`` computes the commissions of a whole order, ``settle_left`` those on what refunds left of it, ``explanation``
walks the same way and records everyone looked at. All that decides is in the order, the plan and the snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

from distrib.domain.events import Order, OrderLine
from distrib.domain.money import PPM, half_of, round_ratio, scale_down
from distrib.domain.plans.document import ROUND_PER_LINE
from distrib.domain.plans.plan import Plan
from distrib.domain.plans.rules import Chosen
from distrib.domain.settlement.caps import after_caps
from distrib.domain.settlement.customers import chooser_for
from distrib.domain.settlement.earned import Commission, CommissionKey
from distrib.domain.settlement.earners import (
    Step,
    find_earners,
    known_earners,
    numbers_of,
    steps_of,
)
from distrib.domain.settlement.figures import base_of, line_figures
from distrib.domain.settlement.seats import Verdict, seat, verdicts
from distrib.domain.settlement.snapshot import Person, Snapshot
from distrib.domain.settlement.whole_order import Exact, round_over_order, standing_amounts

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


class _LookedAt(NamedTuple):
    """The rules that apply to a line, everyone they look at, and the figures of those."""

    chosen: Chosen
    people: list[Verdict]
    steps: list[Step]


class _Figure(NamedTuple):
    """What one rule comes to for one person on one line, before rounding; ``exact`` is in units of 1 / scale."""

    line_index: int
    verdict: Verdict
    base_minor: int
    rate_ppm: int | None
    exact: int
    scale: int


def settle(plan: Plan, order: Order, snapshot: Snapshot) -> list[Commission]:
    """The commissions of an order, by line and in the order of work.

    Raises:
        Refusal: ``cost_missing`` under ``base: margin``.
    """
    paid_minor = 0 if snapshot.order_cap_ppm is None else order.paid_minor  # nothing else is held against it
    return after_caps(plan, snapshot, walk(plan, order, snapshot), paid_minor).last


def settle_left(
    plan: Plan,
    order: Order,
    snapshot: Snapshot,
    left_minor: Sequence[int],
    posted: Mapping[CommissionKey, int | None],
) -> list[Commission]:
    """The commissions that should stand on what refunds left of an order.

    Depends on what is left alone, not on the steps that led there (plan.md, Refunds). An order that
    was free as a whole has nothing left once it is refunded or cancelled.

    Args:
        left_minor: what is left of each line's ``paid_minor``.
        posted: what was first posted for each commission; no rule, tier and earner may rise above it over all lines.
            None for what a case took back for good: nothing of it comes again, and it bounds the others no more.

    Raises:
        ValueError: ``left_minor`` does not fit the order.
    """
    commissions = walk(plan, order, snapshot, shares_left(order, left_minor))
    last = after_caps(plan, snapshot, commissions, sum(left_minor)).last
    stands = {key: amount_minor for key, amount_minor in posted.items() if amount_minor is not None}
    if len(stands) < len(posted):
        last = [commission for commission in last if commission.key in stands or commission.key not in posted]
    return at_most_posted(last, stands)


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
    if shares is None and note is None and not plan.needs_whole_order:
        return _walk_whole(plan, order, snapshot)
    return _walk_exactly(plan, order, snapshot, shares, note)


def _walk_whole(plan: Plan, order: Order, snapshot: Snapshot) -> list[Commission]:
    """The walk over an order of which nothing came back, by what is remembered of people who stand alike.

    Rates of a line's base need no fractions; anything else is worked out in exact ones, as in the other walk.
    """
    numbers, known = numbers_of(snapshot), known_earners(plan, snapshot)
    commissions: list[Commission] = []
    channel, rounding, choose = order.channel, plan.rounding, chooser_for(plan, order, snapshot)
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
            middle = half_of(unit, rounding)
            figures = line_figures(earners.steps, base * unit, line.quantity * unit, unit)
            for (rule_index, tier, place), (basis, taken, exact) in zip(earners.places, figures, strict=True):
                amount = (exact + middle) // unit if middle is not None else round_ratio(exact, unit, rounding)
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
    """The walk in exact fractions, as integers over a common denominator; rounded at its end."""
    looked_at = _look_at(plan, order, snapshot)
    if shares is None:
        shares = [_WHOLE] * len(looked_at)
    standing = _standing_amounts(plan, looked_at, shares)
    figures: list[_Figure] = []
    for line_index, (chosen, people, steps) in enumerate(looked_at):
        line, (left, whole), unit = order.lines[line_index], shares[line_index], PPM**chosen.depth
        scale = unit * whole
        base, piece = base_of(plan, line) * left * unit, line.quantity * left * unit
        of_line = line_figures(steps, base, piece, scale, standing[line_index])
        figures += [_Figure(line_index, person, *figure, scale) for person, figure in zip(people, of_line, strict=True)]
    commissions: list[Commission] = []
    for (line_index, verdict, basis, rate, _, _), amount in zip(figures, _rounded(plan, figures), strict=True):
        if note is not None:
            note(line_index, verdict, basis, rate, amount)
        if amount and verdict.person is not None:
            rule, tier, person = verdict.rule, verdict.tier, verdict.person
            commissions.append(Commission(line_index, rule.index, tier, person.shop_no, basis, rate, amount))
    return commissions


def _look_at(plan: Plan, order: Order, snapshot: Snapshot) -> list[_LookedAt]:
    """Line by line the rules that apply, everyone they look at, and the figures of those."""
    seating, channel, choose = seat(plan, snapshot), order.channel, chooser_for(plan, order, snapshot)
    known: dict[tuple[Chosen, bool], _LookedAt] = {}
    looked_at: list[_LookedAt] = []
    for line in order.lines:
        kind = (choose(channel, line.category, line.sku), line.entry)
        if kind not in known:
            people = verdicts(plan, kind[0], seating, line.entry)
            known[kind] = _LookedAt(kind[0], people, steps_of(people))
        looked_at.append(known[kind])
    return looked_at


def _standing_amounts(plan: Plan, looked_at: Sequence[_LookedAt], shares: Sequence[Share]) -> Sequence[Collection[int]]:
    """The rules whose one amount for the order stands on each line.

    A line that pays the earner nothing, as entry lines do, is none that the rule chose for it.
    """
    if not plan.book.has_order_amounts:
        return [()] * len(looked_at)
    chosen = [{step.rule_index for step in steps if step.is_per_order and step.fixed} for _, _, steps in looked_at]
    return standing_amounts(chosen, [share.left > 0 for share in shares])


def _rounded(plan: Plan, figures: Sequence[_Figure]) -> list[int]:
    """Each figure rounded by itself, or once for each rule, tier and earner of the order (plan.md, ``round_per``)."""
    if plan.round_per == ROUND_PER_LINE:
        return [round_ratio(figure.exact, figure.scale, plan.rounding) for figure in figures]
    exact = [
        Exact((verdict.rule.index, verdict.tier, verdict.person), units, scale)
        for _, verdict, _, _, units, scale in figures
    ]
    return round_over_order(exact, plan.rounding)
