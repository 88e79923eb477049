"""The audit of withdrawals and closing payments: clean on what is right, and each damage found by its own check."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from distrib.services.audit import run as audit
from distrib.services.context import COMMAND_LINE, Actor, Unit
from distrib.services.network import standing
from distrib.services.payouts import closing_payments
from distrib.services.payouts.closing_payments import ClosingDraft
from distrib.services.payouts.withdrawals import WithdrawalDraft, approve_withdrawal, request_withdrawal
from distrib.services.programs.tenants import get_program
from tests.world.documents import PAID
from tests.world.payouts import APPROVER, PROPOSER, approve, earn, make, open_shops, record
from tests.world.world import World

AT = PAID + timedelta(days=30)
SHOP = Actor("shop", "shop", "partner")
WITHDRAWALS, CLOSINGS = "withdrawals_rest_on_lines", "closing_payments_of_closed_shops"
TOTALS = ("transfers_match_account_months", "transfers_balanced", "statements_add_up")
MORE = "INSERT INTO withdrawal_lines SELECT program_id, (SELECT payout_no FROM payouts WHERE payout_id = '{payout}'),"
TAKEN_TWICE = MORE.format(payout="second") + " shop_no, withdrawal_no FROM withdrawals WHERE withdrawal_id = 'w1'"
FEE_TWICE = """
INSERT INTO transfers (program_id, cause_no, seq, debit_account, credit_account, amount_minor, kind, occurred_at,
                       available_at, period, posting_no)
SELECT program_id, cause_no, 3, debit_account, credit_account, amount_minor, kind, occurred_at, available_at, period,
       posting_no
FROM transfers WHERE kind = 'adjusted' AND cause_no = (SELECT withdrawal_no FROM withdrawals WHERE withdrawal_id = 'w1')
"""


@pytest.fixture
def paid(world: World) -> World:
    """Shop a withdrew 40.00 (paid) and 10.00 (came back) and has 5.00 in a batch; b was closed and is being paid."""
    open_shops(world, "a", "b")
    earn(world, "a", 10_000, PAID)
    earn(world, "b", 700, PAID)
    with world.container.begin() as conn:
        conn.execute(text("UPDATE programs SET withdrawal_least_minor = 200, withdrawal_fee_minor = 100"))
        world.program = get_program(conn, world.program.program_id)
        for name, amount_minor in (("w1", 4_000), ("w2", 1_000), ("w3", 500), ("w4", 300)):
            request_withdrawal(Unit(conn, world.program, SHOP, AT), WithdrawalDraft(name, "a", amount_minor))
            if name != "w4":
                approve_withdrawal(Unit(conn, world.program, APPROVER, AT), name)
    for payout, name in (("first", "w1"), ("second", "w2"), ("third", "w3")):
        make(world, payout, AT, withdrawals=[name])
        approve(world, payout, AT)
    record(world, "first", [("a", "paid")], AT + timedelta(hours=1))
    record(world, "second", [("a", "paid")], AT + timedelta(hours=1))
    record(world, "second", [("a", "returned")], AT + timedelta(hours=2))
    with world.container.begin() as conn:
        standing.set_status(Unit(conn, world.program, PROPOSER, AT), "b", "closed", AT, "left")
        draft = ClosingDraft("last", "b", "left")
        later, channels = AT + timedelta(hours=3), world.container.channels
        closing_payments.propose_closing_payment(Unit(conn, world.program, PROPOSER, later), draft, channels)
    return world


def failed(world: World) -> set[str]:
    """The names of the checks that do not hold."""
    with world.container.begin() as conn:
        audit.enter_snapshot(conn)
        result = audit.run_audit(
            Unit(conn, world.program, COMMAND_LINE, AT + timedelta(hours=4)), world.container.policies
        )
    return {check.name for check in result.checks if not check.ok}


def checked(world: World) -> dict[str, Any]:
    """How much each check looked at, by name."""
    with world.container.begin() as conn:
        audit.enter_snapshot(conn)
        result = audit.run_audit(
            Unit(conn, world.program, COMMAND_LINE, AT + timedelta(hours=4)), world.container.policies
        )
    return {check.name: check.figure for check in result.checks}


def test_withdrawals_paid_returned_and_waiting_and_a_closing_payment_are_clean(paid: World) -> None:
    assert failed(paid) == set()
    figures = checked(paid)
    assert (figures[WITHDRAWALS], figures[CLOSINGS]) == (4, 1)


@pytest.mark.tampers
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM withdrawal_decisions WHERE decision = 'approved'", {WITHDRAWALS, "undecided_accounted_for"}),
        (
            "INSERT INTO withdrawal_decisions SELECT program_id, withdrawal_no, 'refused', 'r', decided_at, 'x'"
            " FROM withdrawal_decisions",
            {WITHDRAWALS},
        ),
        ("UPDATE withdrawals SET shop_no = shop_no + 1 WHERE withdrawal_id = 'w1'", {WITHDRAWALS}),
        ("UPDATE withdrawals SET amount_minor = 4001 WHERE withdrawal_id = 'w1'", {WITHDRAWALS}),
        ("UPDATE withdrawals SET fee_minor = 99 WHERE withdrawal_id = 'w3'", {WITHDRAWALS}),
        (TAKEN_TWICE, {WITHDRAWALS}),
        ("DELETE FROM withdrawal_lines", {WITHDRAWALS}),
        ("DELETE FROM open_withdrawals", {WITHDRAWALS}),
        (
            "INSERT INTO open_withdrawals SELECT * FROM (SELECT program_id, withdrawal_no FROM withdrawals) w"
            " ON CONFLICT DO NOTHING",
            {WITHDRAWALS},
        ),
        (FEE_TWICE, {WITHDRAWALS, *TOTALS}),
        (
            "DELETE FROM transfers WHERE kind = 'adjusted' AND reverses_seq = 1",
            {WITHDRAWALS, *TOTALS, "balances_without_gaps"},
        ),
        (
            "UPDATE payouts SET selection = 'closing', reason = 'r' WHERE payout_id = 'first'",
            {CLOSINGS},
        ),
        ("UPDATE shop_statuses SET status = 'frozen' WHERE status = 'closed'", {CLOSINGS, "statuses_projection"}),
    ],
)
def test_what_was_withdrawn_otherwise_than_it_should_be_is_found(
    paid: World, owner: Engine, statement: str, expected: set[str]
) -> None:
    with owner.begin() as conn:
        conn.execute(text("SET LOCAL session_replication_role = 'replica'"))
        assert conn.execute(text(statement)).rowcount, statement
    assert failed(paid) == expected
