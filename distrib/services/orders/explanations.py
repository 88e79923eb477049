"""Why an order paid what it paid: every seat looked at, recomputed and compared with the ledger.

The texts of reasons belong to the edges; here they are codes. No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.events import Order
from distrib.domain.money import show_ratio
from distrib.domain.orders.refusals import OrderUnknown
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.customers import CustomerVerdict, customer_verdicts
from distrib.domain.settlement.explanation import Look, explain
from distrib.domain.settlement.recomputing import (
    Difference,
    PostedCommission,
    PostedKey,
    PostedOrder,
    differences,
    left_of_lines,
)
from distrib.domain.settlement.seats import ORDER_CAP, PAID, POLICY, RULE_CAP
from distrib.domain.settlement.snapshot import Person, Snapshot
from distrib.services.context import Program
from distrib.services.orders.failures import FailureView
from distrib.services.orders.views import (
    OrderSummary,
    PostedRow,
    error_of,
    find_order,
    is_reduced,
    order_in,
    reason_of,
    refunded_by_line,
    summary_of,
)
from distrib.services.plans.versions import load_timeline
from distrib.store.network import shops
from distrib.store.orders import commissions, expected, views
from distrib.store.orders.views import OrderRefundRow


@dataclass(frozen=True, slots=True)
class PersonView:
    """Somebody looked at: the seller, an upline, the leader or the opener, as of payment."""

    role: str
    shop_id: str | None
    rank: str | None
    is_active: bool


@dataclass(frozen=True, slots=True)
class LookView:
    """One seat looked at: what it comes to, what was posted for it, and why."""

    line_id: str
    rule: str
    tier: int
    shop_id: str | None
    rank: str | None
    base_minor: int
    rate: str | None
    amount_before_cap_minor: int
    amount_minor: int
    posted_minor: int
    reason: str
    amount_line_id: str | None


@dataclass(frozen=True, slots=True)
class EarlierOrdersView:
    """How many orders a customer had before, and when the first was paid."""

    orders: int
    first_paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConditionView:
    """What a rule asks of the customer, and whether it is met."""

    rule: str
    customer: str
    within_orders: int | None
    within_days: int | None
    leaves_out: bool
    is_met: bool


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """Where computing again comes to something else than was posted."""

    what: str
    line_id: str
    rule: str
    tier: int
    shop_id: str | None
    expected_minor: int | None
    posted_minor: int | None


@dataclass(frozen=True, slots=True)
class Explanation(OrderSummary):
    """Why an order paid what it paid; of one that was not settled nobody was looked at."""

    reason: str | None
    error: FailureView | None
    policy: str | None = None
    is_self_purchase: bool | None = None
    order_cap: str | None = None
    earlier_orders: EarlierOrdersView | None = None
    customer_conditions: Sequence[ConditionView] = ()
    people: Sequence[PersonView] = ()
    looks: Sequence[LookView] = ()
    agrees: bool = True
    differences: Sequence[DifferenceView] = ()


def explain_order(conn: Connection, program: Program, order_id: str, only_shop_no: int | None = None) -> Explanation:
    """Explains an order: every line, rule and person looked at, and whether the ledger agrees.

    Of an order that is paid and not settled, ``posted_minor`` is what is expected of it.

    Args:
        only_shop_no: shows the rows of that shop alone, as its own key may see them.

    Raises:
        Refusal: ``order_unknown``, also where ``only_shop_no`` has no part in the order.
    """
    head = find_order(conn, program, order_id)
    events = views.events_of_order(conn, program.program_id, head.order_no, head.content_no)
    order = order_in(events, head.content_no)
    posted: Sequence[PostedRow] = commissions.commissions_of_order(conn, program.program_id, head.order_no)
    view = Explanation(**summary_of(head), reason=reason_of(head, events, posted), error=error_of(head, events))
    is_settled = head.settled_at is not None
    if head.version_no is None or head.snapshot is None or order is None or not (is_settled or head.is_expected):
        if only_shop_no is not None:
            raise OrderUnknown(id=order_id)
        return view
    if not is_settled:
        posted = expected.expected_of_order(conn, program.program_id, head.order_no)
    refunds = views.refunds_of_order(conn, program.program_id, head.order_no)
    plan, snapshot = plan_of_version(conn, program, head.version_no), Snapshot.from_json(head.snapshot)
    if only_shop_no is not None and head.seller_no != only_shop_no:
        view = replace(view, customer_id=None)
    computed = _ComputedOrder(head.seller_no, order, plan, snapshot, refunds, posted)
    return _recomputed(conn, program, view, computed, only_shop_no)


def plan_of_version(conn: Connection, program: Program, version_no: int) -> Plan:
    """Loads the compiled plan of a published version."""
    return next(entry.plan for entry in load_timeline(conn, program).entries if entry.version_no == version_no)


@dataclass(frozen=True, slots=True)
class _ComputedOrder:
    """An order with what its commissions were worked out by, and what was refunded and posted of it."""

    seller_no: int | None
    order: Order
    plan: Plan
    snapshot: Snapshot
    refunds: Sequence[OrderRefundRow]
    posted: Sequence[PostedRow]


def _recomputed(
    conn: Connection, program: Program, view: Explanation, computed: _ComputedOrder, only_shop_no: int | None
) -> Explanation:
    order, plan, snapshot = computed.order, computed.plan, computed.snapshot
    seller_no, refunds = computed.seller_no, computed.refunds
    left = left_of_lines(order, refunded_by_line(refunds)) if is_reduced(refunds) else None
    is_bound_by_line = bool(refunds) and all(refund.is_of_before for refund in refunds)
    looks = explain(plan, order, snapshot, left)
    posted = posted_of(computed.posted)._replace(is_bound_by_line=is_bound_by_line)
    unlike = differences(plan, order, snapshot, left, posted)
    agrees = not unlike
    people = _people(snapshot)
    if only_shop_no is not None:
        looks = [look for look in looks if look.shop_no == only_shop_no]
        unlike = [difference for difference in unlike if difference.key.shop_no == only_shop_no]
        people = [(role, person) for role, person in people if person.shop_no == only_shop_no]
        if not (looks or unlike or seller_no == only_shop_no):
            raise OrderUnknown(id=order.id)
    numbers = {look.shop_no for look in looks} | {difference.key.shop_no for difference in unlike}
    numbers |= {person.shop_no for _, person in people}
    ids = shops.ids_of(conn, program.program_id, {number for number in numbers if number is not None})
    standing = posted.standing()
    earlier, is_shown = snapshot.earlier_orders, only_shop_no in (None, seller_no)
    return replace(
        view,
        policy=snapshot.pack,
        is_self_purchase=snapshot.is_self_purchase,
        order_cap=None if snapshot.order_cap_ppm is None else show_ratio(snapshot.order_cap_ppm),
        # What the customer had bought before is shown to the selling shop and the program alone.
        earlier_orders=None if earlier is None or not is_shown else EarlierOrdersView(*earlier),
        customer_conditions=[_condition(v) for v in customer_verdicts(plan, order, snapshot)] if is_shown else [],
        people=[_person(role, person, ids) for role, person in people],
        looks=[_look(look, ids, standing) for look in looks],
        agrees=agrees,
        differences=[_difference(difference, ids) for difference in unlike],
    )


def posted_of(rows: Collection[PostedRow]) -> PostedOrder:
    """Groups the transfers of one order as recomputing takes them."""
    earned: list[PostedCommission] = []
    changes: dict[PostedKey, int] = {}
    taken_back: set[PostedKey] = set()
    for row in rows:
        place = PostedKey(row.line_id, row.rule_id, row.tier, row.shop_no)
        if row.kind == "earned":
            earned.append(PostedCommission(*place, row.base_minor, row.rate_ppm, row.amount_minor))
        else:
            changes[place] = changes.get(place, 0) + row.amount_minor
            if row.event_no is None:
                taken_back.add(place)
    return PostedOrder(earned, changes, frozenset(taken_back))


def _condition(verdict: CustomerVerdict) -> ConditionView:
    rule_id, asked, leaves_out, is_met = verdict
    return ConditionView(rule_id, asked.standing, asked.within_orders, asked.within_days, leaves_out, is_met)


def _people(snapshot: Snapshot) -> list[tuple[str, Person]]:
    named: list[tuple[str, Person | None]] = [("seller", snapshot.seller)]
    named += [(f"upline-{tier}", upline) for tier, upline in enumerate(snapshot.uplines, 1)]
    named += [("leader", snapshot.leader), ("opener", snapshot.opener)]
    return [(role, person) for role, person in named if person is not None]


def _person(role: str, person: Person, ids: Mapping[int, str]) -> PersonView:
    return PersonView(role, ids.get(person.shop_no), person.rank, person.is_active)


def _look(look: Look, ids: Mapping[int, str], standing: Mapping[PostedKey, int]) -> LookView:
    posted = 0
    if look.shop_no is not None and look.reason in (PAID, ORDER_CAP, RULE_CAP, POLICY):
        posted = standing.get(PostedKey(look.line_id, look.rule_id, look.tier, look.shop_no), 0)
    return LookView(
        line_id=look.line_id,
        rule=look.rule_id,
        tier=look.tier,
        shop_id=None if look.shop_no is None else ids.get(look.shop_no),
        rank=look.rank,
        base_minor=look.base_minor,
        rate=look.rate,
        amount_before_cap_minor=look.amount_before_cap_minor,
        amount_minor=look.amount_minor,
        posted_minor=posted,
        reason=look.reason,
        amount_line_id=look.amount_line_id,
    )


def _difference(difference: Difference, ids: Mapping[int, str]) -> DifferenceView:
    key = difference.key
    return DifferenceView(
        what=difference.what,
        line_id=key.line_id,
        rule=key.rule_id,
        tier=key.tier,
        shop_id=ids.get(key.shop_no),
        expected_minor=difference.expected_minor,
        posted_minor=difference.posted_minor,
    )
