"""Why an order paid what it paid: everyone looked at, line by line and rule by rule.

Walks the way of ``commission`` with a recorder, so that it cannot tell another story than the
one that was posted. Texts for people must not enter; reasons are codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from distrib.domain.commission import Commission, Key, settle, settle_left, shares_left, walk
from distrib.domain.events import Order
from distrib.domain.money import show_ratio
from distrib.domain.plan import Plan
from distrib.domain.seats import ORDER_CAP, PAID, Verdict
from distrib.domain.snapshot import Snapshot


class Look(NamedTuple):
    """One line, one rule, one person looked at, and what came of it.

    ``rate`` is a decimal string, None for fixed amounts, marginal slabs and ranks without a rate; for a
    differential rule it is the difference that was paid.
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


class _Seen(NamedTuple):
    line_index: int
    verdict: Verdict
    base_minor: int
    rate_ppm: int | None
    amount_minor: int


def explain(
    plan: Plan,
    order: Order,
    snapshot: Snapshot,
    left_minor: Sequence[int] | None = None,
    posted: Mapping[Key, int] | None = None,
) -> list[Look]:
    """Everyone looked at for an order, in the order of work.

    An order without a selling shop pays nobody and looks at nobody: the list is empty.

    Args:
        left_minor: what refunds left of each line; None while nothing was refunded or cancelled.
        posted: what was first posted; worked out again where it is not given.
    """
    seen: list[_Seen] = []
    shares = None if left_minor is None else shares_left(order, left_minor)
    walk(plan, order, snapshot, shares, lambda *looked_at: seen.append(_Seen(*looked_at)))
    stand = settle(plan, order, snapshot)
    if left_minor is not None:
        first = {commission[:4]: commission.amount_minor for commission in stand} if posted is None else posted
        stand = settle_left(plan, order, snapshot, left_minor, first)
    amounts = {commission[:4]: commission for commission in stand}
    return [_look(order, one, amounts, snapshot.order_cap_ppm is not None) for one in seen]


def _look(order: Order, seen: _Seen, stand: Mapping[Key, Commission], has_cap: bool) -> Look:
    rule, tier, person, _, reason = seen.verdict
    amount = 0
    if reason == PAID and person is not None:
        commission = stand.get((seen.line_index, rule.index, tier, person.shop_no))
        amount = 0 if commission is None else commission.amount_minor
        reason = ORDER_CAP if has_cap and amount < seen.amount_minor else PAID
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
    )
