"""The audit step by step: its pages, the orders that settle between them, and what is at rest and left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, text

from distrib.auditor import audit_in_steps
from distrib.services.audit import run
from distrib.services.audit.run import AuditResult
from distrib.services.context import COMMAND_LINE, Actor, Unit
from distrib.services.ledger.seals import seal_now
from distrib.services.statements import closing
from distrib.services.steps import Step, conducted
from tests.world.documents import SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import World, chain

ANN, BEN = Actor("ann", "Ann", "finance"), Actor("ben", "Ben", "finance")
NOW = datetime(2026, 7, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=40)
RESTED = timedelta(days=5)
APRIL = datetime(2026, 4, 3, tzinfo=UTC)


@pytest.fixture
def sold(world: World) -> World:
    """Seven shops in a row, orders of March and, in a posting of its own, April, two refunds, one order that waits."""
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("a", "b", "c", "d", "e", "f", "g"))
    world.earn(
        *(settled(f"e{number}", f"o{number}", "abcdefg"[number % 7], line(1_000 + number)) for number in range(9)),
        refunded("r1", "o1", {"1": 300}),
        refunded("r2", "o2", None),
        settled("waits", "o20", "nobody", line(1)),
    )
    world.earn(settled("april", "o21", "b", line(5_000), occurred_at=APRIL))
    return world


@pytest.fixture
def at_rest(sold: World) -> World:
    """The same with March closed, everything sealed, and a clean audit since."""
    for actor, act in ((ANN, closing.propose_close), (BEN, closing.confirm_close)):
        with sold.container.begin() as conn:
            act(Unit(conn, sold.program, actor, NOW), 202603)
    with sold.container.begin() as conn:
        seal_now(Unit(conn, sold.program, COMMAND_LINE, NOW))
    assert audited(sold, at=sold.container.now() + RESTED).ok
    return sold


def audited(world: World, *, at: datetime | None = None, is_full: bool = False) -> AuditResult:
    """Audits the world's program, a transaction a step; where not said otherwise, days after all that was done."""
    at = at or world.container.now() + 2 * RESTED
    return audit_in_steps(world.container.begin, world.program, at, world.container.policies, is_full=is_full)


def failing(result: AuditResult) -> set[str]:
    return {check.name for check in result.checks if not check.ok}


def figures(result: AuditResult) -> dict[str, int]:
    return {check.name: check.figure for check in result.checks}


def tamper(owner: Engine, statement: str) -> None:
    with owner.begin() as conn:
        conn.execute(text("SET LOCAL session_replication_role = 'replica'"))
        assert conn.execute(text(statement)).rowcount


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two orders and of three shops."""
    monkeypatch.setattr("distrib.store.audit.pages.PAGE_ORDERS", 2)
    monkeypatch.setattr("distrib.store.audit.pages.PAGE_SHOPS", 3)


def test_pages_come_to_what_one_snapshot_comes_to(sold: World, request: pytest.FixtureRequest) -> None:
    with sold.container.begin() as conn:
        run.enter_snapshot(conn)
        whole = run.run_audit(Unit(conn, sold.program, COMMAND_LINE, NOW), sold.container.policies)
    request.getfixturevalue("small_pages")
    assert audited(sold, at=NOW) == whole
    assert whole.ok


DAMAGES = [
    (
        "UPDATE transfers SET amount_minor = amount_minor + 1 WHERE kind = 'earned'",
        {"transfers_match_account_months", "transfers_balanced", "orders_recompute", "statements_add_up"},
    ),
    ("UPDATE account_months SET version = version + 1", {"balances_without_gaps"}),
    (
        "UPDATE account_months SET earned_minor = earned_minor + 1"
        " WHERE account_no = (SELECT shop_no FROM shops WHERE shop_id = 'g')",
        {"transfers_match_account_months", "transfers_balanced", "statements_add_up"},
    ),
    ("UPDATE transfers SET available_at = available_at + interval '1 s' WHERE kind = 'earned'", {"transfers_dated"}),
    ("UPDATE transfers SET period = 202613, belongs_to_period = 202613 WHERE kind = 'earned'", {"transfers_dated"}),
    ("DELETE FROM event_outcomes WHERE status = 'waiting'", {"events_accounted_for"}),
    (
        "DELETE FROM events WHERE event_id = 'e8'",
        {"events_accounted_for", "one_settlement_per_order", "orders_recompute", "transfers_dated"},
    ),
    ("UPDATE settlements SET snapshot = 'no JSON'", {"orders_recompute"}),
    ("UPDATE shops SET level = level + 1 WHERE shop_id = 'g'", {"tree_acyclic_and_levels"}),
    ("UPDATE shops SET status = 'frozen' WHERE shop_id = 'g'", {"statuses_projection"}),
    (
        "INSERT INTO transfers (program_id, cause_no, seq, debit_account, credit_account, amount_minor, kind,"
        " occurred_at, available_at, period, posting_no) SELECT program_id, 4711000, 1, -1, shop_no, 5, 'earned',"
        " now(), now(), 202603, 4711000 FROM shops WHERE shop_id = 'g'",
        {"transfers_rest_on_causes", "orders_recompute", "transfers_match_account_months", "balances_without_gaps"},
    ),
]


@pytest.mark.tampers
@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(("damage", "expected"), DAMAGES)
def test_damage_is_found_whatever_page_it_is_on(sold: World, owner: Engine, damage: str, expected: set[str]) -> None:
    tamper(owner, damage)
    result = audited(sold)
    assert expected <= failing(result)
    assert all(check.wrong and check.rows for check in result.checks if not check.ok)


@pytest.mark.usefixtures("small_pages")
def test_orders_that_settle_between_the_steps_leave_an_audit_clean(sold: World) -> None:
    """Every step sees what was settled, refunded and registered since the one before."""
    numbers = iter(range(100, 10_000))

    def step_by_step(step: Step) -> None:
        with sold.container.begin() as conn:
            run.enter_snapshot(conn)
            step(conn)
        number = next(numbers)
        if number % 5 == 0:
            sold.join((f"s{number}", "g"))
            sold.earn(
                settled(f"e{number}", f"o{number}", f"s{number}" if number % 2 else "a", line(900)),
                refunded(f"r{number}", f"o{number - 5}", {"1": 100}),
            )

    steps = run.audit_steps(sold.program, NOW, sold.container.policies)
    assert failing(conducted(steps, step_by_step)) == set()


def test_nothing_is_left_out_before_a_clean_audit_of_what_is_sealed_and_closed(sold: World) -> None:
    first, second = audited(sold, at=NOW), audited(sold)
    assert (first.covers.is_full, second.covers.is_full) == (True, True)
    assert figures(first) == figures(second)


def test_what_is_at_rest_is_not_asked_again_unless_everything_is(at_rest: World) -> None:
    default, full = audited(at_rest), audited(at_rest, is_full=True)
    assert default.ok
    assert full.ok
    assert (default.covers.is_full, default.covers.closed_through) == (False, 202603)
    assert default.covers.rests_on is not None
    assert default.covers.rests_on < default.as_of
    assert (full.covers.is_full, full.covers.rests_on) == (True, None)
    some, every = figures(default), figures(full)
    # The order of April, and the one that waits.
    assert (some["orders_recompute"], every["orders_recompute"]) == (1, 10)
    assert (some["events_accounted_for"], every["events_accounted_for"]) == (2, 13)
    assert (some["transfers_match_account_months"], every["transfers_match_account_months"]) == (1, 8)
    assert (some["closed_digests_hold"], every["closed_digests_hold"]) == (0, 1)
    assert some["seals_unbroken"] == every["seals_unbroken"] == 1


def test_what_moves_again_is_asked_again(at_rest: World) -> None:
    at_rest.earn(refunded("r3", "o3", None, occurred_at=APRIL + timedelta(days=1)))
    result = audited(at_rest)
    assert result.ok
    assert figures(result)["orders_recompute"] == 2


@pytest.mark.tampers
def test_an_old_order_that_moves_again_is_checked_as_a_whole(at_rest: World, owner: Engine) -> None:
    at_rest.earn(refunded("r3", "o3", None, occurred_at=APRIL + timedelta(days=1)))
    tamper(owner, "UPDATE settlements SET paid_minor = paid_minor + 1 WHERE paid_minor = 1003")
    assert failing(audited(at_rest)) == {"orders_recompute"}


@pytest.mark.tampers
@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE transfers SET amount_minor = amount_minor + 1 WHERE period = 202603",
        "UPDATE transfers SET credit_account = (SELECT shop_no FROM shops WHERE shop_id = 'g')"
        " WHERE period = 202603 AND kind = 'earned' AND credit_account <>"
        " (SELECT shop_no FROM shops WHERE shop_id = 'g')",
        "UPDATE transfers SET line_id = 'x' WHERE period = 202603",
        "DELETE FROM transfers WHERE period = 202603 AND kind = 'reversed'",
    ],
)
def test_a_changed_transfer_at_rest_breaks_its_seal_and_has_all_asked_again(
    at_rest: World, owner: Engine, damage: str
) -> None:
    tamper(owner, damage)
    found = audited(at_rest)
    assert "seals_unbroken" in failing(found)
    after = audited(at_rest)
    assert after.covers.is_full
    assert failing(after) > {"seals_unbroken"}


@pytest.mark.tampers
@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("UPDATE closed_periods SET digest = 'x'", "closed_digests_hold"),
        ("UPDATE closed_statements SET orders = orders + 1", "closed_statements_match_transfers"),
        ("UPDATE account_months SET orders = orders + 1 WHERE period = 202603", "transfers_match_account_months"),
        ("UPDATE settlements SET paid_minor = paid_minor + 1", "orders_recompute"),
    ],
)
def test_what_no_seal_covers_is_found_at_rest_by_an_audit_of_everything(
    at_rest: World, owner: Engine, damage: str, check: str
) -> None:
    tamper(owner, damage + " WHERE true" if "WHERE" not in damage else damage)
    assert check in failing(audited(at_rest, is_full=True))


@pytest.mark.tampers
def test_an_audit_that_found_anything_wrong_gives_nothing_to_rest_upon(at_rest: World, owner: Engine) -> None:
    tamper(owner, "UPDATE shops SET rank = 'x' WHERE shop_id = 'a'")
    assert failing(audited(at_rest)) == {"ranks_projection"}
    tamper(owner, "UPDATE shops SET rank = NULL WHERE shop_id = 'a'")
    again = audited(at_rest)
    assert (again.ok, again.covers.is_full) == (True, True)
    assert not audited(at_rest).covers.is_full


def test_a_request_for_everything_is_not_weakened_by_a_later_one(world: World) -> None:
    def requested(conn: Connection) -> bool:
        return run.is_full_requested(conn, world.program)

    with world.container.begin() as conn:
        run.request_audit(Unit(conn, world.program, COMMAND_LINE, NOW))
        assert not requested(conn)
        run.request_audit(Unit(conn, world.program, COMMAND_LINE, NOW), is_full=True)
        run.request_audit(Unit(conn, world.program, COMMAND_LINE, LATER))
        assert requested(conn)
        run.answer_request(conn, world.program, LATER)
        assert not requested(conn)
