"""Results that were recorded before they had a day count when they were recorded, and may come back like any other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from distrib.bootstrap import Container
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.payouts import batches
from distrib.services.programs.tenants import find_program
from distrib.settings import Settings
from distrib.store import migrate
from tests.world import audited, databases
from tests.world.documents import PAID
from tests.world.payouts import payee, put, record
from tests.world.world import World

ROWS = Path(__file__).parents[2] / "data" / "version_1.sql"
AT = PAID + timedelta(days=60)
RESULT = """
INSERT INTO payouts (program_id, payout_id, digest, up_to, min_minor, channel, created_at, created_by)
SELECT program_id, 'old', '', :at, 0, 'csv', :at, 'one' FROM programs WHERE code = 'test';
INSERT INTO payout_decisions (program_id, payout_no, decision, decided_at, decided_by)
SELECT program_id, payout_no, 'approved', :at, 'two' FROM payouts WHERE payout_id = 'old';
INSERT INTO payout_lines (program_id, payout_no, shop_no, amount_minor, tax_minor, reserved_at, payee_version)
SELECT program_id, payout_no, shop_no, 100, 20, :at, 1
FROM payouts JOIN shops USING (program_id) WHERE payout_id = 'old' AND shop_id = 'a';
INSERT INTO payout_results (program_id, payout_no, shop_no, status, recorded_at, recorded_by)
SELECT program_id, payout_no, shop_no, 'paid', :at, 'one' FROM payout_lines;
INSERT INTO transfers (program_id, cause_no, seq, debit_account, credit_account, amount_minor, kind, occurred_at,
                       available_at, period)
SELECT program_id, payout_no, x.seq, shop_no, x.account, x.amount, x.kind::transfer_kind, :at, :at, 202604
FROM payout_lines CROSS JOIN LATERAL (VALUES (1, -2, 80, 'paid'), (2, -3, 20, 'tax')) AS x (seq, account, amount, kind);
INSERT INTO account_months (program_id, account_no, period, paid_minor, tax_minor)
SELECT program_id, shop_no, 202604, 80, 20 FROM payout_lines;
"""


@pytest.fixture
def older(desk: databases.Desk, settings: Settings, redis_url: str) -> Iterator[World]:
    """A program whose batch was paid before migration 0015, at today's schema."""
    with databases.older_database(desk, "0011", ROWS) as url:
        migrate.upgrade(url, "0012")
        with databases.administration(url, str(make_url(url).database)) as conn:
            for statement in RESULT.split(";"):
                if statement.strip():
                    conn.execute(text(statement), {"at": AT})
        migrate.upgrade(url)
        container = Container(settings, url, redis_url)
        with container.begin() as conn:
            program = find_program(conn, "test")
        yield World(container, program)
        container.close()
        audited.audit_all(url)


def test_an_older_result_counts_when_it_was_recorded_and_may_come_back(older: World) -> None:
    assert [tuple(row) for row in older.rows("SELECT occurred_at, recorded_at FROM payout_results")] == [(AT, AT)]
    put(older, "a", payee())
    [outcome] = record(older, "old", [("a", "returned")], AT + timedelta(days=1))
    assert outcome.outcome == "recorded"
    with older.container.begin() as conn:
        view, _ = batches.payout_view(Unit(conn, older.program, COMMAND_LINE, AT), "old", 0, 9)
    assert [(line.status, line.paid_on) for line in view.lines] == [("returned", older.program.day_of(AT))]
