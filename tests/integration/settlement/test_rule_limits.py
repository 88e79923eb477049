"""Conditions and caps on real PostgreSQL: what is known when an order is worked on, and totals that workers share."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from distrib.services.audit import run
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network import standing
from distrib.services.orders.explanations import explain_order
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, paid, refunded, settled
from tests.world.world import EARLY, World, chain

DAY = timedelta(days=1)
RANKS = [{"code": "member"}, {"code": "gold"}]


def plan(*rules: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {**SELLER_TEN_PERCENT, "ranks": RANKS, "rules": list(rules), **keys}


def seller(**keys: Any) -> dict[str, Any]:
    return {"id": "seller", "pay": "seller", "rate": "0.10", **keys}


def order(number: int, paid_minor: int, shop_id: str = "s", **more: Any) -> dict[str, Any]:
    """Paid on the day of its number, settled an hour later."""
    more.setdefault("customer_id", "c")
    more.setdefault("paid_at", PAID + number * DAY)
    return settled(f"e{number}", f"o{number}", shop_id, line(paid_minor), **more)


def by_order(world: World) -> dict[str, int]:
    """What was earned gross by each order."""
    rows = world.rows(
        "SELECT o.order_id, sum(t.amount_minor) FROM transfers t JOIN orders o ON o.program_id = t.program_id"
        " AND o.order_no = t.cause_no WHERE t.program_id = :program AND t.kind = 'earned' GROUP BY 1"
    )
    return {row[0]: int(row[1]) for row in rows}


def reasons(world: World, order_id: str) -> list[tuple[str, str, int, int]]:
    with world.container.begin() as conn:
        view = explain_order(conn, world.program, order_id)
    assert view.agrees
    return [(look.rule, look.reason, look.amount_before_cap_minor, look.amount_minor) for look in view.looks]


def is_audit_clean(world: World) -> bool:
    with world.container.begin() as conn:
        run.enter_snapshot(conn)
        result = run.run_audit(Unit(conn, world.program, COMMAND_LINE, world.container.now()), world.container.policies)
    assert [check for check in result.checks if not check.ok] == []
    return {"rule_totals_match"} <= {check.name for check in result.checks}


def open_shop(world: World, **keys: Any) -> None:
    world.publish(plan(seller(**keys)))
    world.join(("s", None))


def test_a_customers_cap_is_shared_by_all_orders_of_a_batch_and_of_later_ones(world: World) -> None:
    open_shop(world, cap={"per_customer_minor": 1_000})
    world.earn(order(1, 2_000), order(2, 4_000), order(3, 9_000, customer_id="d"), order(4, 9_000))
    assert by_order(world) == {"o1": 200, "o2": 400, "o3": 900, "o4": 400}
    world.earn(order(5, 9_000), order(6, 9_000, customer_id="d"))
    assert by_order(world) == {"o1": 200, "o2": 400, "o3": 900, "o4": 400, "o6": 100}
    assert reasons(world, "o4") == [("seller", "rule_cap", 900, 400)]
    assert reasons(world, "o5") == [("seller", "rule_cap", 900, 0)]
    assert is_audit_clean(world)


def test_an_order_without_a_customer_fails_where_a_customers_cap_would_have_to_be_held(world: World) -> None:
    open_shop(world, cap={"per_customer_minor": 1_000}, where={"sku": ["sku-1"]})
    world.earn(order(1, 2_000, customer_id=None), settled("e2", "o2", "s", line(5, "2")))
    assert world.outcome("e1") == ("failed", "customer_missing")
    assert world.outcome("e2") == ("done", None)


@pytest.mark.parametrize("cap", [None, {"per_month_minor": 10**15}])
def test_a_commission_that_no_transfer_can_carry_fails_by_name_and_stops_no_other(
    world: World, cap: dict[str, int] | None
) -> None:
    piece = {"id": "piece", "pay": "seller", "amount_minor": 10**12, "where": {"sku": ["sku-1"]}}
    world.publish(plan(piece | ({"cap": cap} if cap else {})))
    world.join(("s", None))
    much, most = (
        settled(f"e{n}", f"o{n}", "s", line(5, "1") | {"quantity": n}, customer_id="c") for n in (1_001, 1_000)
    )
    world.earn(much, most, paid("p1", "x", "s", line(5, "1") | {"quantity": 10**6}))
    expected = ("done", None) if cap else ("failed", "commission_too_large")
    assert world.outcome("e1001") == expected
    assert world.outcome("e1000") == ("done", None)
    assert world.outcome("p1") == ("failed", "commission_too_large")
    assert is_audit_clean(world)


def test_a_months_cap_counts_by_the_month_of_settlement_in_the_programs_time_zone(world: World) -> None:
    open_shop(world, cap={"per_month_minor": 500})
    last_of_march = PAID.replace(day=31, hour=15, minute=59)
    world.earn(
        order(1, 3_000, occurred_at=last_of_march),
        order(2, 3_000, occurred_at=last_of_march),
        order(3, 3_000, occurred_at=last_of_march + timedelta(minutes=1)),
    )
    assert by_order(world) == {"o1": 300, "o2": 200, "o3": 300}


def test_refunds_free_no_room_and_give_back_no_more_than_was_posted(world: World) -> None:
    open_shop(world, cap={"per_month_minor": 500})
    world.earn(order(1, 8_000), refunded("r1", "o1", {"1": 2_000}, PAID + 2 * DAY))
    assert world.earned() == {"s": 500}
    world.earn(refunded("r2", "o1", {"1": 4_000}, PAID + 2 * DAY), order(3, 1_000))
    assert world.earned() == {"s": 200}
    world.earn(refunded("r3", "o1", None, PAID + 4 * DAY))
    assert world.earned() == {"s": 0}
    assert is_audit_clean(world)


def test_a_cap_counts_what_the_rules_id_paid_under_versions_without_it(world: World) -> None:
    world.publish(plan(seller()))
    world.join(("s", None))
    world.earn(order(1, 3_000), order(2, 1_000, customer_id="d"))
    world.publish(plan(seller(cap={"per_month_minor": 600, "per_customer_minor": 500})), PAID + 3 * DAY)
    world.earn(order(4, 9_000))
    assert by_order(world) == {"o1": 300, "o2": 100, "o4": 200}
    world.earn(order(0, 9_000, customer_id="d"), order(5, 9_000, customer_id="d"))
    assert by_order(world) == {"o0": 900, "o1": 300, "o2": 100, "o4": 200}
    assert is_audit_clean(world)


def test_an_orders_cap_holds_over_its_lines_and_again_on_what_refunds_leave(world: World) -> None:
    open_shop(world, cap={"per_order_minor": 150})
    two_lines = settled("e1", "o1", "s", line(1_000, "1"), line(1_000, "2"))
    assert world.earn(two_lines) == {"s": 150}
    assert world.earn(refunded("r1", "o1", {"1": 500})) == {"s": 150}
    assert is_audit_clean(world)


def test_two_workers_at_once_never_pay_more_than_the_cap(world: World) -> None:
    open_shop(world, cap={"per_month_minor": 5_000, "per_customer_minor": 700})
    world.post(
        *(
            settled(f"e{number}", f"o{number}", "s", line(1_000), customer_id=f"c{number % 10}", paid_at=PAID)
            for number in range(200)
        )
    )
    container = world.container
    drainers = [type(world.drainer)(container.worker_engine, container.policies, 7, container.now) for _ in range(3)]
    threads = [threading.Thread(target=drainer.run) for drainer in drainers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.earned() == {"s": 5_000}
    most = world.rows("SELECT max(earned_minor) FROM rule_customers WHERE program_id = :program")
    assert most[0][0] <= 700
    assert world.rows("SELECT 1 FROM event_outcomes WHERE program_id = :program AND status = 'failed'") == []
    assert is_audit_clean(world)


def test_sales_that_a_rule_requires_are_those_known_and_settled_when_the_order_was_paid(world: World) -> None:
    open_shop(world, requires={"min_personal_sales_minor": 5_000, "window_days": 10})
    world.earn(order(1, 5_000), order(2, 100))
    assert by_order(world) == {"o2": 10}
    world.earn(order(11, 100), order(12, 100))
    assert by_order(world) == {"o2": 10, "o11": 10}
    assert reasons(world, "o12") == [("seller", "requires_not_met", 0, 0)]
    world.earn(refunded("r1", "o1", {"1": 101}, PAID + 3 * DAY), order(4, 100))
    assert by_order(world) == {"o2": 10, "o11": 10}
    assert is_audit_clean(world)


@pytest.mark.parametrize("seconds", [0, 1])
def test_the_window_is_open_at_its_beginning_and_closed_at_its_end(world: World, seconds: int) -> None:
    open_shop(world, requires={"min_personal_sales_minor": 1_000, "window_days": 1})
    first = order(1, 1_000, occurred_at=PAID + DAY)
    paid_at = PAID + 2 * DAY - timedelta(seconds=seconds)
    world.earn(first, settled("e2", "o2", "s", line(100), paid_at=paid_at))
    assert by_order(world) == ({"o2": 10} if seconds else {})
    world.earn(settled("e3", "o3", "s", line(50), paid_at=PAID + DAY))
    assert by_order(world).get("o3") == 5


def test_own_purchases_and_entry_lines_are_no_sales_and_ever_means_ever(world: World) -> None:
    open_shop(world, requires={"min_personal_sales_minor": 1_000})
    entry = settled("e2", "o2", "s", line(5_000, entry=True), paid_at=EARLY + 2 * DAY)
    world.earn(order(1, 9_000, customer_id="s", paid_at=EARLY + DAY), entry, order(3, 100))
    assert by_order(world) == {}
    world.earn(order(4, 1_000, paid_at=EARLY + 3 * DAY), order(5, 100))
    assert by_order(world) == {"o5": 10}


def test_a_rank_is_required_as_it_stood_when_the_order_was_paid_and_a_higher_one_will_do(world: World) -> None:
    up = {"id": "up", "pay": "upline", "tier": 1, "rate": "0.05", "requires": {"min_rank": "gold"}}
    world.publish(plan(seller(), up, ranks=[*RANKS, {"code": "platinum"}]))
    world.join(*chain("a", "b"))
    world.earn(order(1, 1_000, "b"))
    with world.container.begin() as conn:
        standing.set_rank(
            Unit(conn, world.program, COMMAND_LINE, world.container.now()), "a", "platinum", PAID + 2 * DAY, "test"
        )
    assert world.earn(order(2, 1_000, "b"), order(0, 1_000, "b")) == {"b": 300, "a": 50}
    assert reasons(world, "o1") == [("seller", "paid", 100, 100), ("up", "requires_not_met", 0, 0)]


def test_a_plan_without_limits_keeps_no_totals(world: World) -> None:
    world.publish(plan(seller(cap={"per_order_minor": 10})))
    world.join(("s", None))
    world.earn(order(1, 5_000))
    assert world.rows("SELECT 1 FROM rule_months UNION ALL SELECT 1 FROM rule_customers") == []


@pytest.mark.tampers
def test_the_audit_finds_totals_that_are_not_what_was_posted(world: World) -> None:
    open_shop(world, cap={"per_month_minor": 500, "per_customer_minor": 500})
    world.earn(order(1, 1_000))
    with world.container.worker_engine.begin() as conn:
        conn.execute(text("UPDATE rule_months SET earned_minor = 99"))
        conn.execute(text("UPDATE rule_customers SET earned_minor = 101"))
    with world.container.begin() as conn:
        run.enter_snapshot(conn)
        result = run.run_audit(Unit(conn, world.program, COMMAND_LINE, world.container.now()), world.container.policies)
    (check,) = [check for check in result.checks if not check.ok]
    assert (check.name, check.wrong) == ("rule_totals_match", 2)
    assert {(row["earned_minor"], row["posted_minor"]) for row in check.rows} == {(99, 100), (101, 100)}
