"""The audit of orders before they settle and when they end: clean as the drain wrote, loud where rows were changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from distrib.services.audit import run as audit
from distrib.services.audit.run import AuditResult
from distrib.services.context import COMMAND_LINE, Unit
from tests.world.documents import PAID, SELLER_TEN_PERCENT, cancelled, decided, line, paid, refunded, settled
from tests.world.world import World, chain

NOW = datetime(2026, 7, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BUY = {"channel": "group_buy", "group_id": "g1"}
LOST = {"channel": "group_buy", "group_id": "g2"}


def run(world: World) -> AuditResult:
    """Audits the world's program."""
    with world.container.begin() as conn:
        audit.enter_snapshot(conn)
        return audit.run_audit(Unit(conn, world.program, COMMAND_LINE, NOW), world.container.policies)


def failed(result: AuditResult) -> set[str]:
    """The names of the checks that do not hold."""
    return {check.name for check in result.checks if not check.ok}


@pytest.fixture
def lives(world: World) -> World:
    """Orders in every state that the life of an order knows."""
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("a", "b"))
    world.earn(
        paid("p1", "open", "b", line(10_001), line(5_000, "2")),
        refunded("r1", "open", {"1": 3_333}, PAID + DAY),
        paid("p2", "early", "b", line(10_000)),
        refunded("r2", "early", {"1": 4_000}, PAID + DAY),
        paid("p3", "dropped", "b", line(10_000)),
        cancelled("c3", "dropped"),
        settled("e4", "taken back", "b", line(10_000)),
        paid("p5", "lost", "b", line(10_000), **LOST),
        settled("e6", "won", "b", line(10_000), **BUY),
        settled("e7", "waits", "b", line(10_000), channel="group_buy", group_id="g3"),
    )
    world.earn(
        settled("e2", "early", "b", line(10_000), occurred_at=PAID + 5 * DAY),
        settled("e3", "dropped", "b", line(10_000)),
        cancelled("c4", "taken back"),
        decided("d1", "g1", True, PAID + 9 * DAY),
        decided("d2", "g2", False),
    )
    return world


def test_what_the_drain_made_of_them_is_clean(lives: World) -> None:
    result = run(lives)
    assert failed(result) == set()
    figures = {check.name: check.figure for check in result.checks}
    assert (figures["order_lives"], figures["groups_heeded"], figures["expected_recompute"]) == (4 + 3, 3, 1)


TAMPERED = [
    ("DELETE FROM expecting_orders", {"order_lives"}),
    ("INSERT INTO expecting_orders SELECT program_id, order_no FROM orders WHERE order_id = 'waits'", {"order_lives"}),
    (
        "UPDATE expected_changes SET amount_minor = amount_minor + 1 WHERE kind = 'expected'",
        {"order_lives", "expected_recompute"},
    ),
    ("DELETE FROM expected_changes WHERE kind = 'refunded'", {"order_lives", "expected_recompute"}),
    ("UPDATE paid_orders SET snapshot = 'no JSON'", {"expected_recompute"}),
    ("UPDATE paid_orders SET event_no = event_no + 100000", {"order_lives"}),
    ("DELETE FROM order_ends WHERE reason = 'group_failed'", {"order_lives"}),
    ("UPDATE order_ends SET event_no = 0", {"order_lives"}),
    ("UPDATE early_refunds SET amount_minor = amount_minor - 100", {"order_lives", "expected_recompute"}),
    (
        "UPDATE group_decisions SET has_succeeded = NOT has_succeeded",
        {"order_lives", "groups_heeded", "transfers_dated"},
    ),
    (
        "UPDATE settlements SET settled_at = settled_at - interval '1 second'",
        {"groups_heeded", "one_settlement_per_order"},
    ),
    ("DELETE FROM group_decisions WHERE has_succeeded", {"groups_heeded", "transfers_dated"}),
    (
        "UPDATE event_outcomes SET status = 'waiting'"
        " WHERE event_no IN (SELECT event_no FROM events WHERE event_id = 'd1')",
        {"groups_heeded"},
    ),
    ("UPDATE event_outcomes SET status = 'pending' WHERE code = 'waits_for_group'", {"events_accounted_for"}),
    (
        "INSERT INTO group_decisions SELECT program_id, group_no, 0, true, now(), '2026-01-01' FROM groups"
        " WHERE group_id = 'g3'",
        {"groups_heeded"},
    ),
]


@pytest.mark.tampers
@pytest.mark.parametrize(("statement", "failures"), TAMPERED)
def test_damage_is_found_by_the_check_that_is_there_for_it(
    lives: World, owner: Engine, statement: str, failures: set[str]
) -> None:
    with owner.begin() as conn:
        conn.execute(text("SET session_replication_role = replica"))
        assert conn.execute(text(statement)).rowcount > 0
        conn.execute(text("SET session_replication_role = DEFAULT"))
    assert failed(run(lives)) == failures
