"""The audit of closed months: clean on what was closed, and every kind of damage found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from distrib.services.audit import run
from distrib.services.context import COMMAND_LINE, Actor, Unit
from distrib.services.ledger import adjustments
from distrib.services.network import standing
from distrib.services.statements import closing
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import World, chain

ANN, BEN = Actor("ann", "Ann", "finance"), Actor("ben", "Ben", "finance")
NOW = datetime(2026, 8, 1, tzinfo=UTC)
APRIL_BEGINS = datetime(2026, 3, 31, 16, tzinfo=UTC)
OTHER_FIGURES = {"closed_statements_match_transfers", "closed_digests_hold"}
ONE_TO_ONE = "UPDATE closed_statements SET {0} = {0} + 1, {1} = {1} - 1 WHERE shop_id = 'b' AND period = 202603"
MAY_ENDS = datetime(2026, 5, 31, 16, tzinfo=UTC) - timedelta(microseconds=1)
DAMAGES = [
    (
        "closed_statements",
        "UPDATE closed_statements SET earned_minor = earned_minor + 1,"
        " opening_minor = opening_minor - 1 WHERE shop_id = 'a' AND period = 202604",
        OTHER_FIGURES,
    ),
    ("closed_statements", ONE_TO_ONE.format("held_minor", "available_minor"), OTHER_FIGURES),
    ("closed_statements", ONE_TO_ONE.format("reserved_minor", "available_minor"), OTHER_FIGURES),
    ("closed_statements", "UPDATE closed_statements SET orders = orders + 1", OTHER_FIGURES),
    ("closed_statements", "DELETE FROM closed_statements WHERE shop_id = 'b' AND period = 202603", OTHER_FIGURES),
    ("closed_periods", "UPDATE closed_periods SET digest = 'x' WHERE period = 202603", {"closed_digests_hold"}),
    ("closed_periods", "UPDATE closed_periods SET lines_minor = 5 WHERE period = 202603", {"closed_digests_hold"}),
    ("closed_periods", "UPDATE closed_periods SET confirmed_by = proposed_by", {"periods_closed_in_sequence"}),
    ("programs", "UPDATE programs SET closed_through = 202604", {"periods_closed_in_sequence"}),
    (
        "transfers",
        "UPDATE transfers SET line_id = '9' WHERE period = 202603 AND kind = 'earned'",
        {"closed_digests_hold", "orders_recompute"},
    ),
]


@pytest.fixture
def closed(world: World) -> World:
    """Three closed months with sales, refunds, late facts, an adjustment and a frozen shop."""
    world.publish({**SELLER_TEN_PERCENT, "hold_days": 31})
    world.join(*chain("a", "b"))
    world.earn(
        settled("e1", "o1", "a", line(10_000)),
        settled("e2", "o2", "b", line(10_000), occurred_at=PAID + timedelta(days=3)),
    )
    close(world, 202603)
    world.earn(
        settled("late", "o3", "a", line(5_000)),
        refunded("late refund", "o2", {"1": 1_000}, occurred_at=PAID + timedelta(days=5)),
        settled("april", "o4", "b", line(3_000), occurred_at=APRIL_BEGINS),
    )
    with world.container.begin() as conn:
        standing.set_status(Unit(conn, world.program, COMMAND_LINE, NOW), "a", "frozen", APRIL_BEGINS, "test")
        draft = adjustments.AdjustmentDraft("adj", "b", 77, "goodwill")
        adjustments.propose_adjustment(Unit(conn, world.program, ANN, APRIL_BEGINS), draft)
        adjustments.approve_adjustment(Unit(conn, world.program, BEN, APRIL_BEGINS), "adj")
    reserve(world)
    for period in (202604, 202605):
        close(world, period)
    return world


def reserve(world: World) -> None:
    """A payout batch of April with a line for b, cancelled at the very end of May."""
    params = {"p": world.program.program_id, "at": APRIL_BEGINS + timedelta(days=20), "end": MAY_ENDS}
    with world.container.begin() as conn:
        for statement in (
            "INSERT INTO payouts (program_id, payout_no, payout_id, digest, up_to, min_minor, channel, created_at,"
            " created_by) VALUES (:p, 900, 'b', '', :at, 0, 'csv', :at, 'ann')",
            "INSERT INTO payout_lines (program_id, payout_no, shop_no, amount_minor, reserved_at)"
            " SELECT :p, 900, shop_no, 5, :at FROM shops WHERE shop_id = 'b'",
            "INSERT INTO payout_decisions VALUES (:p, 900, 'cancelled', :end, 'ann')",
        ):
            conn.execute(text(statement), params)


def close(world: World, period: int) -> None:
    for actor, act in ((ANN, closing.propose_close), (BEN, closing.confirm_close)):
        with world.container.begin() as conn:
            act(Unit(conn, world.program, actor, NOW), period)


def failing(world: World) -> set[str]:
    with world.container.begin() as conn:
        run.enter_snapshot(conn)
        result = run.run_audit(Unit(conn, world.program, COMMAND_LINE, NOW), world.container.policies)
    assert {check.name for check in result.checks} >= {"closed_statements_match_transfers", "closed_digests_hold"}
    return {check.name for check in result.checks if not check.ok}


def test_closed_months_with_everything_in_them_are_clean(closed: World) -> None:
    assert failing(closed) == set()
    kept = closed.rows(
        "SELECT period, sum(reserved_minor), bool_or(frozen_minor > 0) FROM closed_statements"
        " WHERE program_id = :program GROUP BY period ORDER BY period"
    )
    assert [tuple(row) for row in kept] == [(202603, 0, False), (202604, 5, True), (202605, 0, True)]


@pytest.mark.tampers
@pytest.mark.parametrize(("table", "damage", "failures"), DAMAGES)
def test_damage_to_a_closed_month_is_found(
    closed: World, owner: Engine, table: str, damage: str, failures: set[str]
) -> None:
    with owner.begin() as conn:
        conn.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        conn.execute(text(damage))
        conn.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
    assert failures <= failing(closed)


def test_a_shop_that_gave_everything_back_has_no_row_in_the_months_after_and_that_is_clean(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("a", "b"))
    world.earn(settled("e1", "o1", "a", line(10_000)), settled("e2", "o2", "b", line(10_000)))
    world.earn(refunded("r1", "o1", None))
    for period in (202603, 202604):
        close(world, period)
    assert failing(world) == set()
    kept = world.rows(
        "SELECT period, string_agg(shop_id, ' ' ORDER BY shop_id) FROM closed_statements"
        " WHERE program_id = :program GROUP BY period ORDER BY period"
    )
    assert [tuple(row) for row in kept] == [(202603, "a b"), (202604, "b")]
