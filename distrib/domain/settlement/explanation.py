"""Why an order paid what it paid: everyone looked at, line by line and rule by rule.

Walks the way of ``commission`` with a recorder, so that it cannot tell another story than the
one that was posted. Reasons are codes, worded at the edge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from distrib.domain.events import Order
from distrib.domain.money import show_ratio
from distrib.domain.plans.plan import Plan
from distrib.domain.plans.rules import PER_ORDER
from distrib.domain.settlement.caps import after_caps
from distrib.domain.settlement.commission import Commission, CommissionKey, at_most_posted, shares_left, walk
from distrib.domain.settlement.seats import ORDER_CAP, PAID, POLICY, RULE_CAP, Verdict, is_indirect
from distrib.domain.settlement.snapshot import Snapshot


class Look(NamedTuple):
    """One line, one rule, one person looked at, and what came of it.

    ``rate`` is a decimal string, None for fixed amounts, marginal slabs and slabs that pay nobody, 0 for whoever a
    rate does not pay; for a differential rule it is the difference that was paid. ``amount_line_id``: of one amount for
    the order, the line on which it stands for everyone that it pays; None for all else.
    """

    line_id: str
    rule_id: str
    tier: int
    shop_no: int | None
    rank: str | None
    base_minor: int
    rate: str | None
    amount_before_cap_minor: int
    amount_minor: int
    reason: str
    amount_line_id: str | None = None


class _Seen(NamedTuple):
    line_index: int
    verdict: Verdict
    base_minor: int
    rate_ppm: int | None
    amount_minor: int


def explain(plan: Plan, order: Order, snapshot: Snapshot, left_minor: Sequence[int] | None = None) -> list[Look]:
    """Everyone looked at for an order, in the order of work.

    An order without a selling shop pays nobody and looks at nobody: the list is empty.

    Args:
        left_minor: what refunds left of each line; None while nothing was refunded or cancelled.
    """
    seen: list[_Seen] = []
    shares = None if left_minor is None else shares_left(order, left_minor)
    commissions = walk(plan, order, snapshot, shares, lambda *looked_at: seen.append(_Seen(*looked_at)))
    stages = after_caps(plan, snapshot, commissions, order.paid_minor if left_minor is None else sum(left_minor))
    amounts = [{commission.key: commission.amount_minor for commission in stage} for stage in stages]
    reasons = _cap_reasons(commissions, amounts)
    if left_minor is not None:
        _lower(amounts[-1], reasons, _bounds_by_first(plan, order, snapshot, stages[-1]))
    lines = _lines_of_amounts(order, seen)
    looks = [_look(order, commission, amounts[-1], reasons, lines) for commission in seen]
    if snapshot.frozen_case is None:
        return looks
    return [_as_frozen(plan, snapshot, look, commission.verdict) for look, commission in zip(looks, seen, strict=True)]


def _lines_of_amounts(order: Order, seen: Sequence[_Seen]) -> dict[int, str]:
    """By rule index the line on which its one amount for the order stands: the first that it pays."""
    lines: dict[int, str] = {}
    for line_index, verdict, *_ in seen:
        if verdict.rule.per == PER_ORDER and verdict.figure:
            lines.setdefault(verdict.rule.index, order.lines[line_index].id)
    return lines


def _as_frozen(plan: Plan, snapshot: Snapshot, look: Look, verdict: Verdict) -> Look:
    """What those above the seller earn is held by a case: the amount stands, the reason tells why it is not free."""
    is_held = look.amount_minor and is_indirect(plan, snapshot, verdict.rule, verdict.tier)
    return look._replace(reason=POLICY) if is_held else look


def _cap_reasons(
    commissions: Sequence[Commission], amounts: Sequence[Mapping[CommissionKey, int]]
) -> dict[CommissionKey, str]:
    """Which cap took the last of each commission that one lowered; of several, the one applied last."""
    reasons: dict[CommissionKey, str] = {}
    before = {commission.key: commission.amount_minor for commission in commissions}
    for reason, after in zip((RULE_CAP, ORDER_CAP, RULE_CAP), amounts, strict=True):
        reasons |= {key: reason for key, amount in before.items() if after.get(key, 0) < amount}
        before = dict(after)
    return reasons


class _Bounds(NamedTuple):
    """What each commission may be at the most; and by slot what lowered one of its first commissions."""

    amounts: Mapping[CommissionKey, int]
    why: Mapping[tuple[int, int, int], str]


def _bounds_by_first(plan: Plan, order: Order, snapshot: Snapshot, last: Sequence[Commission]) -> _Bounds:
    """Bounds the last commissions by what was first earned by each rule, tier and earner over all lines."""
    first_found = walk(plan, order, snapshot)
    first = [{c.key: c.amount_minor for c in s} for s in after_caps(plan, snapshot, first_found, order.paid_minor)]
    why = {key.slot: reason for key, reason in _cap_reasons(first_found, first).items()}
    return _Bounds({c.key: c.amount_minor for c in at_most_posted(last, first[-1])}, why)


def _lower(amounts: dict[CommissionKey, int], reasons: dict[CommissionKey, str], bounds: _Bounds) -> None:
    """Lowers amounts to their bounds; what lowered a commission first is why it is lower now."""
    for key, amount in amounts.items():
        if amount > (limit := bounds.amounts.get(key, 0)):
            amounts[key] = limit
            reasons.setdefault(key, bounds.why.get(key.slot, ORDER_CAP))


def _look(
    order: Order,
    seen: _Seen,
    amounts: Mapping[CommissionKey, int],
    reasons: Mapping[CommissionKey, str],
    lines: Mapping[int, str],
) -> Look:
    rule, tier, person, figure, reason = seen.verdict
    amount = 0
    if reason == PAID and person is not None:
        key = CommissionKey(seen.line_index, rule.index, tier, person.shop_no)
        amount, reason = amounts.get(key, 0), reasons.get(key, PAID)
    return Look(
        line_id=order.lines[seen.line_index].id,
        rule_id=rule.id,
        tier=tier,
        shop_no=None if person is None else person.shop_no,
        rank=None if person is None else person.rank,
        base_minor=seen.base_minor,
        rate=None if seen.rate_ppm is None else show_ratio(seen.rate_ppm),
        amount_before_cap_minor=seen.amount_minor,
        amount_minor=amount,
        reason=reason,
        amount_line_id=lines.get(rule.index) if figure else None,
    )
