"""What an order comes to under a plan, and how refunds, what undid them and decisions of cases change that.

The engine and the arithmetic of refunds are those of the ledger (``settlement``, ``orders.refunds``), replayed over
what happened, so that the plan in force comes to the ledger's own rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from distrib.domain.events import UNDONE, Order, Refund
from distrib.domain.orders.effects import CommissionsReversed
from distrib.domain.orders.refunds import apply_refund, apply_reversal
from distrib.domain.orders.state import CommissionChange, OrderAccount, Settlement
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.caps import after_caps
from distrib.domain.settlement.commission import settle, walk
from distrib.domain.settlement.earned import Commission
from distrib.domain.settlement.recomputing import PostedKey
from distrib.domain.settlement.seats import ORDER_CAP, RULE_CAP, is_indirect
from distrib.domain.settlement.snapshot import Snapshot

NO_CAPS: Mapping[str, int] = {}


class Setback(NamedTuple):
    """What came back of an order: a refund, what undid one, or (``refund_id`` empty) the decision of a case.

    ``taken_minor`` is by id of the line, below 0 where it was given back; ``occurred_at`` from when it counts;
    ``decided`` are the commissions that a case took back.
    """

    event_no: int | None
    refund_id: str
    taken_minor: Mapping[str, int]
    occurred_at: datetime
    decided: frozenset[PostedKey] = frozenset()


class Change(NamedTuple):
    """A commission that changed, by which event (None: by the decision of a case), and from when that counts."""

    event_no: int | None
    occurred_at: datetime
    available_at: datetime
    commission: Commission
    amount_minor: int


def earn(plan: Plan, order: Order, snapshot: Snapshot) -> tuple[list[Commission], Mapping[str, int]]:
    """What an order earns before month and customer caps, and by cap what the others took of it.

    Raises:
        Refusal: ``cost_missing`` under ``base: margin``.
    """
    if snapshot.seller is None:
        return [], NO_CAPS
    if snapshot.order_cap_ppm is None and not plan.book.per_order:
        return settle(plan, order, snapshot), NO_CAPS
    walked = walk(plan, order, snapshot)
    stages = after_caps(plan, snapshot, walked, order.paid_minor)
    before, per_order, last = (_sum(part) for part in (walked, stages.per_order, stages.order))
    taken = {RULE_CAP: before - per_order, ORDER_CAP: per_order - last}
    return stages.last, {cap: minor for cap, minor in taken.items() if minor}


def take_back(settlement: Settlement, setbacks: Sequence[Setback], *, is_published: bool) -> list[Change]:
    """How what came back changes the commissions of a settlement, one setback after the other.

    Args:
        is_published: the plan is the one that the order was settled under: a case took back what it took back. Under
            another plan it would have taken all that is not the seller's own.
    """
    account = settlement.open_account()
    changes: list[Change] = []
    for setback in setbacks:
        if setback.refund_id:
            account, made = _refunded(account, setback)
        else:
            account, made = _decided(account, setback, is_published=is_published)
        changes += made
    return changes


def _refunded(account: OrderAccount, setback: Setback) -> tuple[OrderAccount, list[Change]]:
    event_no, refund_id, taken, occurred_at, _ = setback
    number = 0 if event_no is None else event_no
    if refund_id.startswith(UNDONE):
        account, effects = apply_reversal(account, number, refund_id.removeprefix(UNDONE), occurred_at)
    else:
        by_line = [taken.get(line.id, 0) for line in account.order.lines]
        account, effects = apply_refund(account, number, Refund(refund_id, account.order.id), by_line, occurred_at)
    return account, [
        Change(event_no, effect.occurred_at, state.available_at, state.commission, amount_minor)
        for effect in effects
        if isinstance(effect, CommissionsReversed)
        for state, amount_minor in effect.changes
    ]


def _decided(account: OrderAccount, setback: Setback, *, is_published: bool) -> tuple[OrderAccount, list[Change]]:
    """The decision of a case: what it took is gone for good."""
    plan, lines, rules = account.terms.plan, account.order.lines, account.terms.plan.rules
    gone = []
    for key, state in account.commissions.items():
        named = PostedKey(lines[key.line_index].id, rules[key.rule_index].id, key.tier, key.shop_no)
        is_taken = is_indirect(plan, account.snapshot, rules[key.rule_index], key.tier)
        if named in setback.decided if is_published else is_taken:
            gone.append(state)
    taken = [CommissionChange(state, -state.standing_minor) for state in gone if state.standing_minor]
    after = account.after(taken)
    commissions = dict(after.commissions)
    for state in gone:
        key = state.commission.key
        commissions[key] = commissions[key]._replace(is_gone=True)
    changes = [Change(None, setback.occurred_at, s.available_at, s.commission, minor) for s, minor in taken]
    return after._replace(commissions=commissions), changes


def _sum(commissions: Sequence[Commission]) -> int:
    return sum([commission.amount_minor for commission in commissions])
