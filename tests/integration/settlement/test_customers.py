"""New and returning customers on real PostgreSQL: what is known when an order is first worked on, and kept for ever."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from distrib.services.audit import run
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.orders.explanations import explain_order
from tests.world.documents import PAID, SELLER_TEN_PERCENT, cancelled, line, paid, refunded, settled
from tests.world.world import World

DAY = timedelta(days=1)


def plan(customer: Any) -> dict[str, Any]:
    """A tenth of every order, and a hundred more where the customer is so, a hundred and one where it is not."""
    bonus = {"id": "bonus", "pay": "seller", "amount_minor": 100, "per": "order", "group": "bonus"}
    return {
        **SELLER_TEN_PERCENT,
        "rules": [
            {"id": "seller", "pay": "seller", "rate": "0.10"},
            {**bonus, "where": {"customer": customer}},
            {**bonus, "id": "other", "group": "other", "where": {"not": {"customer": customer}}},
        ],
    }


def order(number: int, paid_at: datetime | None = None, customer_id: str | None = "c", **more: Any) -> dict[str, Any]:
    """Paid on the day of its number, settled an hour later."""
    more |= {"paid_at": paid_at or PAID + number * DAY, "customer_id": customer_id}
    return settled(f"e{number}", f"o{number}", "s", line(1_000), **more)


def with_bonus(world: World) -> set[str]:
    """The orders that paid the bonus; every other one has to have paid the other rule, and all agree."""
    rows = world.rows(
        "SELECT o.order_id, t.rule_id FROM transfers t JOIN orders o ON o.program_id = t.program_id"
        " AND o.order_no = t.cause_no WHERE t.program_id = :program AND t.kind = 'earned' AND t.rule_id <> 'seller'"
    )
    assert len(rows) == len({order_id for order_id, _ in rows})
    with world.container.begin() as conn:
        assert all(explain_order(conn, world.program, order_id).agrees for order_id, _ in rows)
    return {order_id for order_id, rule_id in rows if rule_id == "bonus"}


def open_shop(world: World, customer: Any) -> None:
    world.publish(plan(customer))
    world.join(("s", None))


@pytest.mark.parametrize("at_once", [True, False])
def test_the_first_order_is_a_new_customers_and_the_others_a_returning_ones(world: World, at_once: bool) -> None:
    open_shop(world, "new")
    orders = [order(1), order(2), order(3, customer_id="d"), order(4, customer_id="d"), order(5, customer_id=None)]
    for together in [orders] if at_once else [[one] for one in orders]:
        world.earn(*together)
    assert with_bonus(world) == {"o1", "o3"}


def test_returning_is_whoever_is_not_new_and_who_is_unknown_is_neither(world: World) -> None:
    open_shop(world, "returning")
    world.earn(order(1), order(2), order(3, customer_id=None))
    assert with_bonus(world) == {"o2"}


@pytest.mark.parametrize("at_once", [True, False])
def test_new_within_a_number_of_orders_is_who_has_fewer(world: World, at_once: bool) -> None:
    open_shop(world, {"is": "new", "within_orders": 3})
    orders = [order(number) for number in range(1, 6)]
    for together in [orders] if at_once else [orders[:2], orders[2:]]:
        world.earn(*together)
    assert with_bonus(world) == {"o1", "o2", "o3"}


def test_new_within_days_is_whose_first_order_was_paid_less_than_so_many_times_24_hours_before(world: World) -> None:
    open_shop(world, {"is": "new", "within_days": 30})
    last = PAID + 30 * DAY
    second = timedelta(seconds=1)
    world.earn(order(0), order(1, last - second), order(2, last), order(3, last + second))
    assert with_bonus(world) == {"o0", "o1"}


def test_with_both_bounds_both_have_to_hold(world: World) -> None:
    open_shop(world, {"is": "new", "within_orders": 2, "within_days": 10})
    world.earn(order(0), order(1), order(2))
    world.earn(order(0, customer_id="d") | {"id": "d0"}, *[order(9)])
    assert with_bonus(world) == {"o0", "o1"}
    world.earn(order(20, customer_id="e"), order(30, customer_id="e"))
    assert with_bonus(world) == {"o0", "o1", "o20"}


def test_what_was_paid_later_is_no_earlier_order_and_what_was_paid_at_that_instant_is_one(world: World) -> None:
    open_shop(world, "new")
    world.earn(order(5))
    world.earn(order(4), order(6, PAID + 5 * DAY), order(7, PAID + 5 * DAY - timedelta(microseconds=1)))
    assert with_bonus(world) == {"o5", "o4"}


def test_an_order_is_decided_when_it_is_paid_and_settles_as_it_was_decided(world: World) -> None:
    open_shop(world, "new")
    world.earn(paid("p3", "o3", "s", line(1_000), customer_id="c", paid_at=PAID + 3 * DAY))
    world.earn(order(1), order(2))
    assert with_bonus(world) == {"o1"}
    world.earn(order(3), order(4))
    assert with_bonus(world) == {"o1", "o3"}


def test_a_payment_that_is_not_settled_is_no_earlier_order(world: World) -> None:
    open_shop(world, "new")
    world.earn(paid("p1", "o1", "s", line(1_000), customer_id="c"), cancelled("c1", "o1"))
    world.earn(order(2))
    assert with_bonus(world) == {"o2"}


def test_orders_that_came_back_count_still_and_a_refund_decides_as_the_order_did(world: World) -> None:
    open_shop(world, "new")
    world.earn(order(1), order(2))
    world.earn(refunded("r1", "o1", None, PAID + 9 * DAY))
    world.earn(order(3))
    assert with_bonus(world) == {"o1"}
    world.earn(refunded("r2", "o2", {"1": 500}, PAID + 9 * DAY))
    standing = world.rows(
        "SELECT t.rule_id, sum(CASE WHEN t.kind = 'earned' THEN t.amount_minor ELSE -t.amount_minor END)::int"
        " FROM transfers t JOIN orders o ON o.program_id = t.program_id AND o.order_no = t.cause_no"
        " WHERE t.program_id = :program AND o.order_id = 'o2' GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row) for row in standing] == [("other", 100), ("seller", 50)]
    assert with_bonus(world) == {"o1"}


def test_orders_under_a_plan_that_asked_nothing_are_earlier_ones(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    world.earn(order(1), order(2, customer_id="d"))
    assert world.rows("SELECT 1 FROM customer_turns") == []
    world.publish(plan("new"), PAID + 3 * DAY)
    world.earn(order(4), order(5, customer_id="e"), order(2, customer_id="f") | {"id": "f2"})
    assert with_bonus(world) == {"o5"}


def test_two_workers_at_once_take_no_customer_for_new_twice(world: World) -> None:
    open_shop(world, "new")
    world.post(*(order(n, PAID, f"c{n // 10}") for n in range(200)))
    container = world.container
    drainers = [type(world.drainer)(container.worker_engine, container.policies, 3, container.now) for _ in range(3)]
    threads = [threading.Thread(target=drainer.run) for drainer in drainers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.rows("SELECT 1 FROM event_outcomes WHERE program_id = :program AND status = 'failed'") == []
    assert len(with_bonus(world)) == 20


@pytest.mark.tampers
@pytest.mark.parametrize(
    ("kept", "replaced"),
    [
        ('"orders":1,', '"orders":2,'),
        ('"first_paid_at":"2026-03-02', '"first_paid_at":"2026-03-01'),
        ('{"orders":0}', '{"orders":1}'),
    ],
)
def test_the_audit_finds_an_order_that_keeps_more_of_its_customer_than_there_was(
    world: World, owner: Engine, kept: str, replaced: str
) -> None:
    open_shop(world, {"is": "new", "within_orders": 3})
    world.earn(order(1), order(2), order(3, customer_id="d"), order(4, customer_id=None))
    assert earlier_orders_known(world) == (3, 0)
    with owner.begin() as conn:
        conn.execute(text("ALTER TABLE settlements DISABLE TRIGGER USER"))
        tampering = text("UPDATE settlements SET snapshot = replace(snapshot, :kept, :replaced)")
        conn.execute(tampering, {"kept": kept, "replaced": replaced})
        conn.execute(text("ALTER TABLE settlements ENABLE TRIGGER USER"))
    figure, wrong = earlier_orders_known(world)
    assert figure == 3
    assert wrong > 0


def earlier_orders_known(world: World) -> tuple[int, int]:
    """How many orders the audit looked at for what they keep of their customers, and how many are wrong."""
    with world.container.begin() as conn:
        run.enter_snapshot(conn)
        result = run.run_audit(Unit(conn, world.program, COMMAND_LINE, world.container.now()), world.container.policies)
    (check,) = [check for check in result.checks if check.name == "earlier_orders_known"]
    return check.figure, check.wrong
