"""Tries a plan on one order that nobody has placed: the pure engine on a snapshot made up for it.

Nothing is read or kept. What a rule pays must not be decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from distrib.domain.events import Order, OrderLine
from distrib.domain.money import PPM
from distrib.domain.plans.customer_conditions import NEW, RETURNING
from distrib.domain.plans.document_limits import MAX_WINDOW_DAYS
from distrib.domain.plans.plan import Plan
from distrib.domain.policies.policy import Limits
from distrib.domain.settlement.caps import counted
from distrib.domain.settlement.commission import settle
from distrib.domain.settlement.explanation import Look, explain
from distrib.domain.settlement.snapshot import EarlierOrders, Person, Room, Snapshot

MAX_UPLINES = 4
SELLER, LEADER, OPENER = "seller", "leader", "opener"
UPLINES = tuple(f"upline-{number}" for number in range(1, MAX_UPLINES + 1))
SEATS = (SELLER, *UPLINES, LEADER, OPENER)
"""Who may stand around an order, by the place in this list that is the person's number."""

_PAID_AT = datetime(2026, 1, 1, tzinfo=UTC)
"""An order needs an instant; without a timeline none decides anything."""
_LONG_AGO = _PAID_AT - timedelta(days=MAX_WINDOW_DAYS)
"""When a returning customer bought first: no rule takes it for new."""


class Stand(NamedTuple):
    """Rank, status and sales of one seat when the order is paid."""

    rank: str
    is_active: bool = True
    has_sales: bool = True


class Trial(NamedTuple):
    """An order of one line and the people around it, by seat; a chain ends at the first seat that is empty.

    ``customer`` is ``new`` or ``returning`` to whatever rule asks; None: the order names no customer.
    """

    line: OrderLine
    channel: str
    people: Mapping[str, Stand]
    is_self_purchase: bool = False
    customer: str | None = NEW


class Earned(NamedTuple):
    """What came of a trial: everyone looked at, what each seat earns, and what the order may pay at most."""

    looks: tuple[Look, ...]
    by_seat: Mapping[str, int]
    paid_minor: int
    limit_minor: int | None

    @property
    def total_minor(self) -> int:
        """All commissions of the order."""
        return sum(self.by_seat.values())


def try_order(plan: Plan, limits: Limits, trial: Trial) -> Earned:
    """Computes what the plan pays for that order under the limits of the packs.

    The order is the first of its month and its customer: month and customer caps have their whole room.

    Raises:
        Refusal: ``cost_missing`` under ``base: margin``.
    """
    order = Order("trial", plan.currency, _PAID_AT, (trial.line,), trial.channel)
    snapshot = _with_rooms(plan, order, _snapshot(plan, limits, trial))
    looks = tuple(explain(plan, order, snapshot))
    by_seat = dict.fromkeys((seat for seat in SEATS if seat in trial.people), 0)
    for look in looks:
        if look.shop_no is not None and look.amount_minor:
            by_seat[SEATS[look.shop_no]] += look.amount_minor
    cap = snapshot.order_cap_ppm
    return Earned(looks, by_seat, order.paid_minor, None if cap is None else cap * order.paid_minor // PPM)


def suggest_people(plan: Plan) -> dict[str, Stand]:
    """Suggests people to begin with: one rank higher from seat to seat, and whom the rules name besides."""
    top = len(plan.ranks) - 1
    chain = (SELLER, *UPLINES[: max(plan.tiers, 1)])
    named = [seat for seat in (LEADER, OPENER) if any(rule.pay == seat for rule in plan.rules)]
    stands = {seat: Stand(plan.ranks[min(place, top)].code) for place, seat in enumerate(chain)}
    return stands | {seat: Stand(plan.lowest_rank) for seat in named}


def suggest_channel(plan: Plan) -> str:
    """Suggests a channel that some rule is for: the first that one names, or retail."""
    named = (sorted(rule.where.channels) for rule in plan.rules if rule.where.channels)
    return next((channels[0] for channels in named), "retail")


def _snapshot(plan: Plan, limits: Limits, trial: Trial) -> Snapshot:
    uplines: list[Person] = []
    for seat in UPLINES:
        upline = _person(plan, trial, seat)
        if upline is None:
            break
        uplines.append(upline)
    return Snapshot(
        _person(plan, trial, SELLER),
        tuple(uplines),
        trial.is_self_purchase,
        _person(plan, trial, LEADER),
        _person(plan, trial, OPENER),
        limits.order_cap_with(plan.order_cap_ppm),
        limits.packs,
        limits.entry_pays_seller,
        limits.self_purchase_pays_uplines,
        limits.max_tiers,
        earlier_orders=_earlier_orders(plan, trial.customer),
    )


def _earlier_orders(plan: Plan, customer: str | None) -> EarlierOrders | None:
    """What the customer bought before: nothing, or enough and long enough ago for every rule of the plan."""
    if customer is None:
        return None
    return EarlierOrders(plan.book.earlier_orders, _LONG_AGO) if customer == RETURNING else EarlierOrders(0)


def _person(plan: Plan, trial: Trial, seat: str) -> Person | None:
    stand = trial.people.get(seat)
    if stand is None:
        return None
    unmet = () if stand.has_sales else tuple(plan.book.on_sales)
    return Person(SEATS.index(seat), stand.rank, stand.is_active, unmet)


def _with_rooms(plan: Plan, order: Order, snapshot: Snapshot) -> Snapshot:
    """Gives the snapshot all of the room that month and customer caps have, for whoever the order pays."""
    rooms = []
    for rule_index, shop_no in counted(plan, settle(plan, order, snapshot)):
        cap = plan.book.counted[rule_index]
        rooms.append(Room(rule_index, shop_no, cap.per_month_minor, cap.per_customer_minor))
    return snapshot._replace(rooms=tuple(rooms))
