"""Whose sales over which time the rules of a plan ask for. No figure may enter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from distrib.domain.events import Order
from distrib.domain.plans.limits import Requires
from distrib.domain.plans.plan import CHAIN_LENGTH, Plan
from distrib.domain.plans.rules import CHAIN, LEADER, OPENER, SELLER, UPLINE
from distrib.domain.settlement.snapshot import Person, Snapshot
from distrib.store.settlement.sales import Span

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


def asked_of(plan: Plan, order: Order, snapshot: Snapshot) -> Iterator[tuple[int, int, Span]]:
    """(shop, rule, span): whose sales over which time each rule on sales may ask for."""
    for index, requires in plan.book.on_sales.items():
        after = _window_start(requires, order.paid_at)
        for person in _looked_at(plan, plan.rules[index].pay, snapshot):
            yield person.shop_no, index, Span(person.shop_no, after, order.paid_at)


def _window_start(requires: Requires, paid_at: datetime) -> datetime | None:
    """The instant after which sales count: half open, as a rank's window of days."""
    days = requires.window_days
    if days is None or paid_at - _BEGINNING <= timedelta(days=days):
        return None
    return paid_at - timedelta(days=days)


def _looked_at(plan: Plan, pay: str, snapshot: Snapshot) -> list[Person]:
    """Everyone who may stand where a rule pays, however the people of the order are seated."""
    if pay in (LEADER, OPENER):
        person = snapshot.leader if pay == LEADER else snapshot.opener
        return [] if person is None else [person]
    reach = CHAIN_LENGTH if plan.inactive_upline == "compress" else plan.tiers + snapshot.is_self_purchase
    uplines = list(snapshot.uplines[:reach]) if pay in (UPLINE, CHAIN) else []
    if pay == SELLER and snapshot.is_self_purchase:
        uplines = list(snapshot.uplines[:1])
    return uplines if snapshot.seller is None or pay == UPLINE else [snapshot.seller, *uplines]
