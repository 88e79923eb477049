"""The audit of payouts, causes and deliveries: clean on what is right, and each damage found by its own check."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from distrib.services.audit import run as audit
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.ledger.seals import seal_now
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, settled
from tests.world.world import World

AT = PAID + timedelta(days=30)
PAY = """
INSERT INTO payouts (program_id, payout_id, digest, up_to, min_minor, channel, created_at, created_by)
SELECT :program, :name, '', :at, 0, 'csv', :at, 'one';
INSERT INTO payout_lines (program_id, payout_no, shop_no, amount_minor, tax_minor, reserved_at)
SELECT :program, (SELECT payout_no FROM payouts WHERE payout_id = :name), shop_no, :amount, :tax, :at
FROM shops WHERE shop_id = 'a';
"""
SETTLE = """
INSERT INTO payout_decisions (program_id, payout_no, decision, decided_at, decided_by)
SELECT :program, payout_no, 'approved', :at, 'two' FROM payouts WHERE payout_id = :name;
INSERT INTO payout_results (program_id, payout_no, shop_no, status, occurred_at, recorded_at, recorded_by)
SELECT :program, payout_no, shop_no, 'paid', :at, :at, 'one'
FROM payout_lines JOIN payouts USING (program_id, payout_no)
WHERE payout_id = :name;
INSERT INTO transfers (program_id, cause_no, seq, debit_account, credit_account, amount_minor, kind, occurred_at,
                       available_at, period)
SELECT :program, payout_no, x.seq, shop_no, x.account, x.amount, x.kind::transfer_kind, :at, :at, 202603
FROM payout_lines JOIN payouts USING (program_id, payout_no)
CROSS JOIN LATERAL (VALUES (1, -2, amount_minor - tax_minor, 'paid'), (2, -3, tax_minor, 'tax'))
    AS x (seq, account, amount, kind)
WHERE payout_id = :name;
UPDATE account_months SET paid_minor = paid_minor + :amount - :tax, tax_minor = tax_minor + :tax,
    version = version + 1;
"""


@pytest.fixture
def paid(world: World, owner: Engine) -> World:
    """A shop that earned 1,000 and was paid 700, of which 100 were withheld; 200 more are reserved."""
    world.publish(SELLER_TEN_PERCENT)
    world.join(("a", None))
    world.earn(settled("e1", "o1", "a", line(10_000)))
    run(owner, PAY + SETTLE, world, name="p1", amount=700, tax=100)
    run(owner, PAY, world, name="p2", amount=200, tax=0)
    return world


def run(owner: Engine, statements: str, world: World, **values: Any) -> None:
    """Writes what a payout would, row by row."""
    with owner.begin() as conn:
        for statement in statements.split(";"):
            if statement.strip():
                conn.execute(text(statement), {"program": world.program.program_id, "at": AT, **values})


def failed(world: World) -> set[str]:
    """The names of the checks that do not hold."""
    with world.container.begin() as conn:
        audit.enter_snapshot(conn)
        result = audit.run_audit(Unit(conn, world.program, COMMAND_LINE, AT), world.container.policies)
    return {check.name for check in result.checks if not check.ok}


def test_a_payout_and_a_reservation_are_clean(paid: World) -> None:
    with paid.container.begin() as conn:
        seal_now(Unit(conn, paid.program, COMMAND_LINE, AT))
    assert failed(paid) == set()


@pytest.mark.tampers
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM payout_results", {"payouts_rest_on_lines", "payout_sums_add_up"}),
        ("DELETE FROM payout_decisions", {"payouts_rest_on_lines", "undecided_accounted_for"}),
        ("UPDATE payout_decisions SET decision = 'cancelled'", {"payouts_rest_on_lines"}),
        ("UPDATE payout_results SET status = 'failed'", {"payouts_rest_on_lines", "payout_sums_add_up"}),
        (
            "UPDATE payout_results SET occurred_at = occurred_at + interval '1 second'",
            {"payouts_rest_on_lines"},
        ),
        (
            "INSERT INTO payout_returns (program_id, payout_no, shop_no, occurred_at, recorded_at, recorded_by)"
            " SELECT program_id, payout_no, shop_no, occurred_at, recorded_at, 'x' FROM payout_results",
            {"payouts_rest_on_lines", "payout_sums_add_up"},
        ),
        (
            "UPDATE payout_lines SET tax_minor = 99 WHERE tax_minor = 100",
            {"payouts_rest_on_lines", "payout_sums_add_up"},
        ),
        (
            "UPDATE payout_lines SET amount_minor = 301 WHERE tax_minor = 0",
            {"reserved_within_available", "payout_sums_add_up"},
        ),
        (
            "UPDATE transfers SET kind = 'tax' WHERE kind = 'paid'",
            {"transfers_balanced", "transfers_match_account_months", "payouts_rest_on_lines"},
        ),
        ("UPDATE transfers SET credit_account = -1 WHERE kind = 'paid'", {"transfers_balanced"}),
        (
            "UPDATE transfers SET cause_no = 4711 WHERE kind IN ('paid', 'tax')",
            {"transfers_rest_on_causes", "payouts_rest_on_lines", "blocks_tell_all"},
        ),
        (
            "UPDATE transfers SET available_at = available_at + interval '40 days' WHERE kind = 'earned'",
            {"transfers_dated", "reserved_within_available", "blocks_tell_all"},
        ),
    ],
)
def test_money_paid_out_otherwise_than_it_should_be_is_found(
    paid: World, owner: Engine, statement: str, expected: set[str]
) -> None:
    with owner.begin() as conn:
        conn.execute(text("SET LOCAL session_replication_role = 'replica'"))
        assert conn.execute(text(statement)).rowcount, statement
    assert failed(paid) == expected


@pytest.mark.tampers
def test_a_second_batch_of_the_same_money_is_found(paid: World, owner: Engine) -> None:
    run(owner, PAY, paid, name="p3", amount=101, tax=0)
    assert failed(paid) == {"reserved_within_available"}


def test_what_was_cancelled_may_be_reserved_again(paid: World, owner: Engine) -> None:
    cancel = """
    INSERT INTO payout_decisions (program_id, payout_no, decision, decided_at, decided_by)
    SELECT :program, payout_no, 'cancelled', :at, 'two' FROM payouts WHERE payout_id = :name
    """
    run(owner, cancel, paid, name="p2")
    run(owner, PAY, paid, name="p3", amount=300, tax=0)
    assert failed(paid) == set()


@pytest.mark.tampers
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE webhook_deliveries SET message_no = 4711",
        "UPDATE webhook_deliveries SET webhook_no = 4711",
        "UPDATE webhook_deliveries SET attempts = 1",
        "UPDATE webhook_deliveries SET status = 'delivered', next_attempt_at = NULL",
        "UPDATE webhook_deliveries SET tries = 10",
    ],
)
def test_a_delivery_that_cannot_be_is_found(world: World, owner: Engine, statement: str) -> None:
    run(
        owner,
        """
        INSERT INTO webhooks (program_id, webhook_id, digest, url, events, status, status_since, secret, created_at,
                              created_by)
        VALUES (:program, 'w', '', 'https://a.example', '{statement.closed}', 'enabled', :at, '', :at, 'one');
        INSERT INTO outbox (program_id, type, occurred_at, payload) VALUES (:program, 'statement.closed', :at, '{}')
        """,
        world,
    )
    assert failed(world) == set()
    run(owner, statement, world)
    assert failed(world) == {"deliveries_accounted_for"}
