"""Pages of orders, commissions, transfers and events: any filters together, against a plain look at everything."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, TypeVar

import pytest

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.ledger import accounts
from distrib.services.ledger.accounts import TransferQuery, TransferView
from distrib.services.orders import commissions, inbox, views
from distrib.services.orders.commissions import CommissionQuery, CommissionView
from distrib.services.orders.inbox import EventFilters, EventView
from distrib.services.orders.views import OrderSummary
from distrib.store.orders.pages import OrderFilters
from tests.world.documents import PAID, cancelled, decided, line, paid, refunded, settled
from tests.world.world import World, chain

_Row = TypeVar("_Row")

PLAN: dict[str, Any] = {
    "code": "two-level",
    "currency": "CNY",
    "policy": "open",
    "tiers": 2,
    "hold_days": 7,
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.20"},
        {"id": "up-1", "pay": "upline", "tier": 1, "rate": "0.10"},
        {"id": "up-2", "pay": "upline", "tier": 2, "rate": "0.05"},
    ],
}
SHOPS = ("a", "b", "c", "d", "x", "y")
DAYS = 40
NOW = datetime(2026, 4, 1, tzinfo=UTC)
AGAINST = (PAID + timedelta(days=9, hours=7), PAID + timedelta(days=21))
PAGE = 7


def lives(draw: random.Random, number: int) -> Iterator[dict[str, Any]]:
    """One order as its events: paid or not, of a group or not, settled, given back in part or whole, cancelled."""
    order, shop = f"o{number:03d}", draw.choice([*SHOPS, None, "later"])
    at = PAID + timedelta(days=draw.randrange(DAYS), seconds=draw.randrange(86_400))
    lines = [line(draw.randrange(100, 20_000), str(place)) for place in range(1, draw.randrange(2, 4))]
    more: dict[str, Any] = {"paid_at": at}
    if draw.random() < 0.2:
        more |= {"channel": "group_buy", "group_id": f"g{number % 7}"}
    if draw.random() < 0.5:
        yield paid(f"p{number}", order, shop, *lines, **more)
    if draw.random() < 0.15:
        yield cancelled(f"c{number}", order, at + timedelta(days=1))
    if draw.random() < 0.8:
        currency = {"currency": "USD"} if draw.random() < 0.05 else {}
        yield settled(f"e{number}", order, shop, *lines, occurred_at=at + timedelta(hours=2), **more, **currency)
    if draw.random() < 0.3:
        yield refunded(f"r{number}", order, draw.choice([None, {"1": 50}]), at + timedelta(days=3))
    if draw.random() < 0.05:
        event = {"id": f"u{number}", "type": "refund.reversed", "refund_id": f"r{number}"}
        yield event | {"occurred_at": (at + timedelta(days=4)).isoformat()}


@pytest.fixture(params=[1, 2])
def listed(world: World, request: pytest.FixtureRequest) -> World:
    """Some hundred orders of all kinds, whose numbers lie far apart; the last ones are not worked on."""
    draw = random.Random(request.param)
    world.publish(PLAN)
    world.join(*chain("a", "b", "c", "d"), ("x", None), ("y", "x"))
    for start in range(0, 112, 16):
        events = [event for number in range(start, start + 16) for event in lives(draw, number)]
        draw.shuffle(events)
        world.earn(*events)
        gap = draw.choice([1, 90, 300, 5_000])
        world.rows("SELECT max(nextval('cause_no_seq')) FROM generate_series(1, :gap)", gap=gap)
    world.earn(*(decided(f"g-{number}", f"g{number}", number % 2 == 0) for number in range(5)))
    world.earn(settled("bad", "bad", "a", line(1), currency="USD"), refunded("lost", "nowhere", None))
    world.post(*(event for number in range(112, 120) for event in lives(draw, number)))
    return world


def walk(ask: Callable[[Any, int], tuple[list[_Row], Any]], size: int = PAGE) -> list[_Row]:
    """All rows of a list, page by page; every page but the last is full."""
    rows, after = ask(None, size)
    whole = list(rows)
    while after is not None:
        assert len(rows) == size
        rows, after = ask(after, size)
        whole += rows
    return whole


def instants(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    """Whether an instant lies in a range whose end is left out."""
    return (since is None or at >= since) and (until is None or at < until)


def test_orders_listed_by_any_filters_are_those_that_pass_them_among_all(listed: World) -> None:
    with listed.container.begin() as conn:

        def ask(filters: OrderFilters) -> Callable[[Any, int], tuple[list[OrderSummary], Any]]:
            return lambda after, size: views.list_orders(conn, listed.program, filters, after, size)

        everything = walk(ask(OrderFilters()), 500)
        assert walk(ask(OrderFilters())) == everything
        assert len({row.status for row in everything}) > 6
        settled_named = _named(listed)
        for shop, status, since, until in product(
            (None, *SHOPS), (None, *views.ORDER_STATUSES), (None, AGAINST[0]), (None, AGAINST[1])
        ):
            expected = [
                row
                for row in everything
                if (shop is None or (row.shop_id == shop and row.id in settled_named))
                and status in (None, row.status)
                and ((since is None and until is None) or row.paid_at is not None)
                and (row.paid_at is None or instants(row.paid_at, since, until))
            ]
            assert walk(ask(OrderFilters(shop, status, since, until))) == expected, (shop, status, since, until)


def _named(world: World) -> set[str]:
    """The orders that a shop's list tells of: sold or paid for, ended, or with an event that could not be done."""
    rows = world.rows("""
        SELECT o.order_id FROM orders o WHERE o.program_id = :program AND (
            EXISTS (SELECT 1 FROM settlements s WHERE s.program_id = o.program_id AND s.order_no = o.order_no)
            OR EXISTS (SELECT 1 FROM paid_orders s WHERE s.program_id = o.program_id AND s.order_no = o.order_no)
            OR EXISTS (SELECT 1 FROM order_ends s WHERE s.program_id = o.program_id AND s.order_no = o.order_no)
            OR EXISTS (SELECT 1 FROM event_outcomes s JOIN events e USING (program_id, order_no, event_no)
                       WHERE s.program_id = o.program_id AND s.order_no = o.order_no AND s.status <> 'done'
                         AND e.payload::json #>> '{order,shop_id}' IS NOT NULL))""")
    return {row.order_id for row in rows}


def test_commissions_listed_by_any_filters_are_those_that_pass_them_among_all(listed: World) -> None:
    with listed.container.begin() as conn:

        def ask(query: CommissionQuery) -> Callable[[Any, int], tuple[list[CommissionView], Any]]:
            return lambda after, size: commissions.list_commissions(
                Unit(conn, listed.program, COMMAND_LINE, NOW), query, after, size
            )

        everything = walk(ask(CommissionQuery()), 500)
        assert walk(ask(CommissionQuery())) == everything
        assert {row.state for row in everything} == {"held", "available"}
        orders = [None, *sorted({row.order_id for row in everything if row.order_id is not None})[::40]]
        for shop, order, period, kind, state in product(
            (None, "a", "d", "x"),
            orders,
            (None, 202603, 202604),
            (None, "earned", "reversed", "pool", "adjusted"),
            (None, "held", "available"),
        ):
            month = None if period is None else f"{period // 100}-{period % 100:02d}"
            expected = [
                row
                for row in everything
                if shop in (None, row.shop_id)
                and order in (None, row.order_id)
                and month in (None, row.period)
                and kind in (None, row.kind)
                and state in (None, row.state)
            ]
            query = CommissionQuery(shop_id=shop, order_id=order, period=period, kind=kind, state=state)
            assert walk(ask(query), 23) == expected, query
            assert walk(ask(replace(query, is_newest_first=True)), 23) == expected[::-1], query
        awaited = walk(ask(CommissionQuery(state="expected")), 500)
        assert awaited
        for shop in (None, *SHOPS):
            query = CommissionQuery(shop_id=shop, state="expected")
            assert walk(ask(query), 3) == [row for row in awaited if shop in (None, row.shop_id)]


def test_transfers_listed_by_any_filters_are_those_that_pass_them_among_all(listed: World) -> None:
    with listed.container.begin() as conn:

        def ask(query: TransferQuery) -> Callable[[Any, int], tuple[list[TransferView], Any]]:
            return lambda after, size: accounts.list_transfers(conn, listed.program, query, after, size)

        everything = walk(ask(TransferQuery()), 500)
        assert walk(ask(TransferQuery())) == everything
        cause = everything[len(everything) // 2].cause
        assert cause is not None
        for account, named, kind, period, since, until in product(
            (None, "payable:a", "payable:d", "expense", "clearing"),
            (None, f"{cause.type}:{cause.id}"),
            (None, "earned", "reversed", "paid"),
            (None, 202603, 202604),
            (None, AGAINST[0]),
            (None, AGAINST[1]),
        ):
            month = None if period is None else f"{period // 100}-{period % 100:02d}"
            expected = [
                row
                for row in everything
                if account in (None, row.debit, row.credit)
                and (named is None or row.cause == cause)
                and kind in (None, row.kind)
                and month in (None, row.period)
                and instants(row.occurred_at, since, until)
            ]
            query = TransferQuery(account, named, kind, period, since, until)
            assert walk(ask(query), 23) == expected, query


def test_events_listed_by_filters_are_those_that_fit_among_all(listed: World) -> None:
    with listed.container.begin() as conn:

        def ask(**wanted: Any) -> Callable[[Any, int], tuple[list[EventView], Any]]:
            filters = EventFilters(**wanted)
            return lambda after, size: inbox.list_events(conn, listed.program, filters, after, size)

        everything = walk(ask(), 500)
        assert walk(ask()) == everything
        for status in ("pending", "waiting", "done", "failed"):
            of_it = [row for row in everything if row.status == status]
            assert walk(ask(status=status)) == of_it, status
            assert of_it, status
        failed, error = next(
            (row, row.error) for row in everything if row.error is not None and row.order_id is not None
        )
        statuses: list[dict[str, Any]] = [{"status": status} for status in ("pending", "waiting", "done", "failed")]
        for some in ({}, *statuses, {"order_id": failed.order_id}, {"code": error.code}):
            assert walk(ask(**some, is_newest_first=True), 7) == walk(ask(**some), 7)[::-1], some
        middle = everything[len(everything) // 2].received_at
        for state, order_id, kind, code, since, until in product(
            (None, "failed", "done"),
            (None, failed.order_id),
            (None, "order.refunded", "refund.reversed", "group.failed"),
            (None, error.code, "none"),
            (None, middle),
            (None, middle),
        ):
            expected = [
                row.id
                for row in everything
                if state in (None, row.status)
                and order_id in (None, row.order_id)
                and kind in (None, row.type)
                and (code is None or (row.error is not None and row.error.code == code))
                and instants(row.received_at, since, until)
            ]
            wanted = {"status": state, "order_id": order_id, "type": kind, "code": code}
            got = walk(ask(**wanted, from_at=since, to_at=until), 7)
            assert sorted(row.id for row in got) == sorted(expected), (wanted, since, until)
            assert [row.received_at for row in got] == sorted(row.received_at for row in got)
