"""The audit: clean on what the real drain made, and every kind of damage found by the check that is there for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from distrib.services.audit import run as audit
from distrib.services.audit.run import AuditCheck, AuditResult
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network import moves, standing
from distrib.services.network.moves import Move
from tests.world.documents import PAID, line, refunded, settled
from tests.world.world import World, chain

PLAN: dict[str, Any] = {
    "code": "two-level",
    "currency": "CNY",
    "policy": "open",
    "tiers": 2,
    "hold_days": 7,
    "order_cap": "0.25",
    "ranks": [{"code": "member"}, {"code": "owner", "promote": {"metric": "personal_orders", "at_least": 2}}],
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.20"},
        {"id": "up-1", "pay": "upline", "tier": 1, "rate": {"member": "0.04", "owner": "0.10"}},
        {"id": "up-2", "pay": "upline", "tier": 2, "amount_minor": 3},
    ],
}
NOW = datetime(2026, 7, 1, tzinfo=UTC)


def run(world: World) -> AuditResult:
    """Audits the world's program."""
    with world.container.begin() as conn:
        audit.enter_snapshot(conn)
        return audit.run_audit(Unit(conn, world.program, COMMAND_LINE, NOW), world.container.policies)


def failed(result: AuditResult) -> dict[str, AuditCheck]:
    """The checks that do not hold, by name."""
    assert result.ok == all(check.ok for check in result.checks)
    return {check.name: check for check in result.checks if not check.ok}


@pytest.fixture
def full(world: World) -> World:
    """Orders, refunds in parts and whole, promotions, a move, statuses and ranks by hand, things that wait and fail."""
    world.publish(PLAN)
    world.join(*chain("a", "b", "c", "d"), ("x", "a"))
    world.earn(
        settled("e1", "o1", "d", line(10_000), line(5_001, "2"), line(0, "3")),
        settled("e2", "o2", "d", line(333)),
        settled("e3", "o3", "c", line(77), occurred_at=PAID + timedelta(days=40)),
        refunded("r1", "o1", {"1": 3_333}, occurred_at=PAID + timedelta(days=2)),
        refunded("r2", "o1", {"2": 1}, occurred_at=PAID + timedelta(days=45)),
        refunded("r3", "o2", None, occurred_at=PAID + timedelta(days=50)),
        settled("e4", "o4", None, line(1)),
        settled("e5", "o5", "nobody", line(1)),
        refunded("r6", "o6", None),
        refunded("bad", "o3", {"1": 78}, occurred_at=PAID + timedelta(days=41)),
    )
    with world.container.begin() as conn:
        later, policy = PAID + timedelta(days=60), world.container.policies["open"]
        moves.move_shop(Unit(conn, world.program, COMMAND_LINE, NOW), policy, "c", Move("x", later, "moved"))
        standing.set_status(Unit(conn, world.program, COMMAND_LINE, NOW), "x", "frozen", later, "test")
        standing.set_rank(Unit(conn, world.program, COMMAND_LINE, NOW), "b", "owner", later, "test")
    world.earn(settled("e7", "o7", "d", line(50_000), paid_at=PAID + timedelta(days=70)))
    world.post(settled("e8", "o8", "d", line(1)))
    return world


def test_what_the_drain_made_is_clean(full: World) -> None:
    result = run(full)
    assert failed(result) == {}
    assert (result.ok, result.as_of) == (True, NOW)
    figures = {check.name: check.figure for check in result.checks}
    assert (figures["orders_recompute"], figures["events_accounted_for"]) == (5, 12)
    assert (figures["refunds_within_paid"], figures["statements_add_up"]) == (3, 3)
    assert min(figures[name] for name in ("transfers_balanced", "order_cap_kept", "ranks_projection")) > 0


def test_an_empty_program_is_clean(world: World) -> None:
    assert failed(run(world)) == {}


TAMPERED = [
    ("UPDATE account_months SET orders = orders + 1 WHERE orders > 0", {"transfers_match_account_months"}),
    ("UPDATE account_months SET refunds = refunds - 1 WHERE refunds > 0", {"transfers_match_account_months"}),
    (
        "UPDATE account_months SET earned_minor = earned_minor + 1 WHERE period = 202603",
        {"transfers_match_account_months", "transfers_balanced", "statements_add_up"},
    ),
    (
        "UPDATE transfers SET available_at = available_at + interval '1 microsecond' WHERE kind = 'earned'",
        {"transfers_dated", "reversals_within_earned"},
    ),
    (
        "UPDATE transfers SET occurred_at = occurred_at - interval '1 second' WHERE kind = 'reversed'",
        {"transfers_dated"},
    ),
    ("UPDATE transfers SET base_minor = base_minor + 1 WHERE kind = 'earned' AND seq = 1", {"orders_recompute"}),
    ("UPDATE transfers SET rate_ppm = 1 WHERE kind = 'earned' AND rate_ppm IS NOT NULL", {"orders_recompute"}),
    ("UPDATE transfers SET reverses_seq = 4711 WHERE kind = 'reversed'", {"reversals_within_earned"}),
    ("UPDATE settlements SET version_no = 2", {"plan_in_force", "orders_recompute"}),
    ("UPDATE settlements SET snapshot = 'no JSON'", {"orders_recompute"}),
    ("UPDATE settlements SET paid_minor = paid_minor + 1", {"orders_recompute"}),
    ("UPDATE event_outcomes SET status = 'pending' WHERE status = 'failed'", {"events_accounted_for"}),
    ("DELETE FROM queue", {"events_accounted_for"}),
    (
        "DELETE FROM event_outcomes WHERE event_no = (SELECT event_no FROM events WHERE event_id = 'bad')",
        {"events_accounted_for"},
    ),
    ("DELETE FROM events WHERE event_id = 'r6'", {"events_accounted_for"}),
    (
        "UPDATE event_outcomes SET status = 'done'"
        " WHERE event_no = (SELECT event_no FROM events WHERE event_id = 'e5')",
        {"one_settlement_per_order"},
    ),
    (
        "UPDATE event_outcomes SET status = 'failed'"
        " WHERE event_no = (SELECT event_no FROM events WHERE event_id = 'e4')",
        {"one_settlement_per_order"},
    ),
    (
        "DELETE FROM settlements WHERE order_no = (SELECT order_no FROM orders WHERE order_id = 'o7')",
        {"one_settlement_per_order", "orders_recompute"},
    ),
    ("UPDATE account_months SET version = version + 1", {"balances_without_gaps"}),
    ("UPDATE transfers SET posting_no = 4711 WHERE seq = 1 AND cause_no = 1", {"balances_without_gaps"}),
    ("UPDATE programs SET currency = 'USD'", {"one_currency"}),
    ("UPDATE shops SET level = 3 WHERE shop_id = 'b'", {"tree_acyclic_and_levels"}),
    ("UPDATE shops SET uplines = '{}' WHERE shop_id = 'd'", {"tree_acyclic_and_levels"}),
    (
        "UPDATE shops SET sponsor_no = (SELECT shop_no FROM shops WHERE shop_id = 'd') WHERE shop_id = 'a'",
        {"tree_acyclic_and_levels", "sponsors_projection"},
    ),
    (
        "UPDATE shops SET sponsor_no = 4711 WHERE shop_id = 'd'",
        {"tree_acyclic_and_levels", "sponsors_projection"},
    ),
    ("UPDATE shops SET status = 'active' WHERE shop_id = 'x'", {"statuses_projection"}),
    ("UPDATE shops SET status_since = status_since + interval '1 second' WHERE shop_id = 'a'", {"statuses_projection"}),
    ("UPDATE shops SET rank = 'owner' WHERE shop_id = 'a'", {"ranks_projection"}),
    ("UPDATE shops SET rank = NULL WHERE shop_id = 'b'", {"ranks_projection"}),
    ("DELETE FROM refund_lines WHERE refund_id = 'r3'", {"orders_recompute"}),
]


@pytest.mark.tampers
@pytest.mark.parametrize(("statement", "expected"), TAMPERED)
def test_damage_is_found_by_the_check_that_is_there_for_it(
    full: World, owner: Engine, statement: str, expected: set[str]
) -> None:
    tamper(owner, statement)
    failures = failed(run(full))
    assert set(failures) == expected
    assert all(check.wrong > 0 and check.rows for check in failures.values())
    for row in (row for check in failures.values() for row in check.rows):
        assert ("order_id" in row) == bool({"order_no", "cause_no"} & row.keys())


MONEY = {
    "transfers_match_account_months",
    "transfers_balanced",
    "orders_recompute",
    "statements_add_up",
}


@pytest.mark.tampers
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "UPDATE transfers SET amount_minor = amount_minor + 1 WHERE kind = 'earned' AND seq = 1",
            {*MONEY, "order_cap_kept"},
        ),
        (
            "UPDATE transfers SET amount_minor = amount_minor + 10000000 WHERE kind = 'reversed'",
            {*MONEY, "reversals_within_earned"},
        ),
        (
            "UPDATE transfers SET amount_minor = 20000000 WHERE kind = 'earned' AND tier = 0",
            {*MONEY, "order_cap_kept"},
        ),
        ("DELETE FROM transfers WHERE kind = 'reversed'", {*MONEY, "order_cap_kept", "balances_without_gaps"}),
        (
            "UPDATE transfers SET credit_account = 4711 WHERE kind = 'earned' AND tier = 2",
            {*MONEY, "reversals_within_earned", "balances_without_gaps"} - {"statements_add_up"},
        ),
        (
            "UPDATE refund_lines SET amount_minor = 10001 WHERE refund_id = 'r1'",
            {"refunds_within_paid", "orders_recompute"},
        ),
    ],
)
def test_money_that_does_not_fit_is_found(full: World, owner: Engine, statement: str, expected: set[str]) -> None:
    tamper(owner, statement)
    assert set(failed(run(full))) == expected


@pytest.mark.tampers
@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        ("orders_program_id_order_id_key", "UPDATE orders SET order_id = 'o1' WHERE order_id = 'o3'"),
        ("events_program_id_event_id_key", "UPDATE events SET event_id = 'e1' WHERE event_id = 'e3'"),
        ("shops_program_id_shop_id_key", "UPDATE shops SET shop_id = 'a' WHERE shop_id = 'x'"),
        ("shops_program_id_invite_code_key", "UPDATE shops SET invite_code = 'same'"),
    ],
)
def test_an_id_that_stands_twice_is_found(full: World, owner: Engine, constraint: str, statement: str) -> None:
    table = constraint.partition("_")[0]
    tamper(owner, f"ALTER TABLE {table} DROP CONSTRAINT {constraint}", statement)
    assert set(failed(run(full))) == {"ids_unique"}


def test_a_tree_deeper_than_the_pack_allows_is_found(full: World) -> None:
    strict = dict(full.container.policies)
    strict["open"] = full.container.policies["cn"]
    with full.container.begin() as conn:
        audit.enter_snapshot(conn)
        failures = failed(audit.run_audit(Unit(conn, full.program, COMMAND_LINE, NOW), strict))
    assert set(failures) == {"tree_within_policy"}
    assert [row["shop_id"] for row in failures["tree_within_policy"].rows] == ["d"]


@pytest.mark.tampers
def test_only_the_first_rows_are_shown_and_all_are_counted(world: World, owner: Engine) -> None:
    world.publish(PLAN)
    world.join(*((f"s{number}", None) for number in range(50)))
    world.earn(*(settled(f"e{number}", f"o{number}", f"s{number}", line(1_000)) for number in range(50)))
    tamper(owner, "UPDATE account_months SET orders = 9", "UPDATE transfers SET base_minor = 9")
    failures = failed(run(world))
    shown = {name: (check.figure, check.wrong, len(check.rows)) for name, check in failures.items()}
    assert shown == {"transfers_match_account_months": (50, 50, 20), "orders_recompute": (50, 50, 20)}


def test_the_result_is_kept_and_a_request_is_answered(full: World) -> None:
    with full.container.begin() as conn:
        assert audit.latest_audit(conn, full.program) is None
        audit.request_audit(Unit(conn, full.program, COMMAND_LINE, NOW - timedelta(seconds=1)))
        audit.request_audit(Unit(conn, full.program, COMMAND_LINE, NOW))
        assert audit.requested_programs(conn) == [full.program.program_id]
    result = run(full)
    with full.container.begin() as conn:
        kept = audit.latest_audit(conn, full.program)
        assert kept == audit.audit_view(result)
        audit.answer_request(conn, full.program, NOW - timedelta(microseconds=1))
        assert audit.requested_at(conn, full.program) == NOW
        audit.answer_request(conn, full.program, NOW)
        assert audit.requested_programs(conn) == []


def test_workers_go_on_while_an_audit_reads_and_it_sees_one_instant(full: World) -> None:
    with full.container.begin() as conn:
        audit.enter_snapshot(conn)
        before = audit.run_audit(Unit(conn, full.program, COMMAND_LINE, NOW), full.container.policies)
        full.earn(settled("e9", "o9", "d", line(900)), refunded("r9", "o9", None))
        assert full.outcome("r9") == ("done", None)
        again = audit.run_audit(Unit(conn, full.program, COMMAND_LINE, NOW), full.container.policies)
    assert (before.ok, again.checks) == (True, before.checks)
    assert failed(run(full)) == {}


@pytest.mark.tampers
def test_another_programs_damage_is_not_this_ones(full: World, owner: Engine) -> None:
    with full.container.begin() as conn:
        other = type(full.program)(full.program.program_id + 1, "other", "CNY", "Asia/Shanghai", "open")
        tamper(owner, "UPDATE account_months SET orders = 9")
        audit.enter_snapshot(conn)
        assert audit.run_audit(Unit(conn, other, COMMAND_LINE, NOW)).ok


def tamper(owner: Engine, *statements: str) -> None:
    """Changes rows behind everyone's back, with triggers off."""
    with owner.begin() as conn:
        conn.execute(text("SET LOCAL session_replication_role = 'replica'"))
        for statement in statements:
            assert conn.execute(text(statement)).rowcount, statement
