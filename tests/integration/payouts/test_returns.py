"""What the bank returns after it was paid (退票): money and tax are undone, in the month of the return."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from distrib.services.audit import run
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.payouts import batches
from distrib.services.payouts.reports import platform_report, us_1099_report
from distrib.services.statements import closing, months
from distrib.store.database import open_engine
from tests.world.documents import PAID
from tests.world.payouts import (
    APPROVER,
    approve,
    balance,
    earn,
    make,
    open_shops,
    pay,
    payee,
    put,
    record,
    with_withholding,
)
from tests.world.world import World

APRIL = datetime(2026, 4, 2, 4, tzinfo=UTC)
MAY, JUNE = APRIL + timedelta(days=30), APRIL + timedelta(days=61)
RETURNED_IN_MAY = date(2026, 5, 1)


def is_sound(world: World, now: datetime = JUNE) -> bool:
    """Whether the audit finds nothing."""
    with world.container.begin() as conn:
        result = run.run_audit(Unit(conn, world.program, COMMAND_LINE, now), world.container.policies)
    assert result.ok, [check for check in result.checks if not check.ok]
    return True


def line_of(world: World, payout_id: str) -> dict[str, object]:
    """The only line of a batch."""
    with world.container.begin() as conn:
        view, _ = batches.payout_view(Unit(conn, world.program, COMMAND_LINE, world.container.now()), payout_id, 0, 9)
    [line] = view.lines
    return asdict(line)


def statement(world: World, period: int, shop_id: str = "a") -> dict[str, int]:
    """A shop's row of a month."""
    with world.container.begin() as conn:
        view, _ = months.statement_totals_and_rows(Unit(conn, world.program, COMMAND_LINE, JUNE), period, None, 10)
    [row] = [row for row in view.data if row.shop_id == shop_id]
    return {name: value for name, value in asdict(row).items() if isinstance(value, int)}


def close(world: World, *periods: int, now: datetime = JUNE) -> None:
    """Closes months by two keys."""
    for period in periods:
        with world.container.begin() as conn:
            closing.propose_close(Unit(conn, world.program, COMMAND_LINE, now), period)
        with world.container.begin() as conn:
            closing.confirm_close(Unit(conn, world.program, APPROVER, now), period)


def test_what_came_back_is_available_again_and_its_tax_undone_in_the_month_of_the_return(world: World) -> None:
    open_shops(with_withholding(world, "cumulative"), "a")
    earn(world, "a", 2_000_000, PAID)
    pay(world, "april", APRIL)
    assert balance(world, "a", MAY)["paid"] == 1_967_000
    [outcome] = record(world, "april", [("a", "returned")], MAY, paid_on=RETURNED_IN_MAY, reason="账户已销户")
    assert outcome.outcome == "recorded"
    assert balance(world, "a", MAY) == {"held": 0, "reserved": 0, "available": 2_000_000, "paid": 0}
    april, may = statement(world, 202604), statement(world, 202605)
    assert (april["paid_minor"], april["tax_minor"], april["closing_minor"]) == (1_967_000, 33_000, 0)
    assert (may["paid_minor"], may["tax_minor"], may["closing_minor"]) == (-1_967_000, -33_000, 2_000_000)
    for row in (april, may):
        moved = (
            row["earned_minor"] + row["reversed_minor"] + row["adjusted_minor"] - row["paid_minor"] - row["tax_minor"]
        )
        assert row["closing_minor"] == row["opening_minor"] + moved
    line = line_of(world, "april")
    assert (line["status"], line["paid_on"], line["returned_on"]) == ("returned", date(2026, 4, 2), RETURNED_IN_MAY)
    assert line["reason"] == "账户已销户"
    assert is_sound(world)


def test_paid_returned_and_paid_again_is_taxed_once(world: World) -> None:
    open_shops(with_withholding(world, "cumulative"), "a")
    earn(world, "a", 2_000_000, PAID)
    pay(world, "april", APRIL)
    record(world, "april", [("a", "returned")], MAY)
    [line] = pay(world, "again", MAY + timedelta(hours=1))["lines"]
    assert (line["amount_minor"], line["tax_minor"], line["income_before_minor"]) == (2_000_000, 33_000, 0)
    [(tax,)] = world.rows(
        "SELECT sum(CASE WHEN credit_account = -3 THEN amount_minor ELSE -amount_minor END) FROM transfers"
        " WHERE kind = 'tax'"
    )
    assert tax == 33_000
    assert balance(world, "a", JUNE)["paid"] == 1_967_000
    assert is_sound(world)


def test_a_return_is_new_rows_that_name_those_they_take_back(world: World) -> None:
    open_shops(with_withholding(world, "per_payment"), "a")
    earn(world, "a", 300_000, PAID)
    pay(world, "april", APRIL)
    before = world.rows("SELECT * FROM transfers WHERE kind IN ('paid', 'tax') ORDER BY seq")
    record(world, "april", [("a", "returned")], MAY)
    after = world.rows(
        "SELECT kind::text, debit_account, amount_minor, reverses_seq, period FROM transfers"
        " WHERE kind IN ('paid', 'tax') AND debit_account < 0 ORDER BY seq"
    )
    assert [tuple(row) for row in after] == [("paid", -2, 256_000, 1, 202605), ("tax", -3, 44_000, 2, 202605)]
    assert before == world.rows(
        "SELECT * FROM transfers WHERE kind IN ('paid', 'tax') AND debit_account > 0 ORDER BY seq"
    )


def test_a_return_said_again_is_one_and_otherwise_said_a_conflict(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID)
    pay(world, "april", APRIL)
    first = record(world, "april", [("a", "returned"), ("a", "returned")], MAY, paid_on=RETURNED_IN_MAY, reason="x")
    assert [row.outcome for row in first] == ["recorded", "unchanged"]
    assert [row.outcome for row in record(world, "april", [("a", "returned")], JUNE)] == ["unchanged"]
    for more in ({"paid_on": date(2026, 5, 2)}, {"reason": "y"}, {"reference": "R"}):
        [row] = record(world, "april", [("a", "returned")], JUNE, **more)
        assert row.refusal is not None
        assert row.refusal.code == "result_conflict"
    assert [row.outcome for row in record(world, "april", [("a", "paid")], JUNE)] == ["unchanged"]
    assert balance(world, "a", JUNE)["available"] == 1_000
    [(types,)] = world.rows("SELECT array_agg(type ORDER BY message_no) FROM outbox WHERE type LIKE 'payout%'")
    assert types == ["payout.proposed", "payout.settled", "payout.returned"]
    assert is_sound(world)


def test_only_what_is_paid_comes_back_and_never_from_a_channel_that_knows_no_return(world: World) -> None:
    open_shops(world, "a", "b")
    earn(world, "a", 1_000, PAID)
    make(world, "open", APRIL)
    approve(world, "open", APRIL)
    outcomes = record(world, "open", [("a", "returned"), ("a", "failed"), ("a", "returned")], APRIL)
    assert [row.refusal.code if row.refusal else row.outcome for row in outcomes] == [
        "line_not_paid",
        "recorded",
        "line_not_paid",
    ]
    for channel, account in (("wechat", {"wechat_openid": "o-1"}), ("alipay", {"alipay_open_id": "open1"})):
        put(world, "b", payee("220101199003070000", **account))
        earn(world, "b", 1_000, PAID + timedelta(minutes=ord(channel[0])))
        pay(world, channel, APRIL, channel=channel)
        [outcome] = record(world, channel, [("b", "returned")], MAY)
        assert outcome.refusal is not None
        assert (outcome.refusal.code, outcome.refusal.params) == ("channel_without_returns", {"channel": channel})


def test_paid_and_returned_in_one_call_stand_in_that_order(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID)
    make(world, "april", APRIL)
    approve(world, "april", APRIL)
    outcomes = record(world, "april", [("a", "paid"), ("a", "returned")], APRIL)
    assert [row.outcome for row in outcomes] == ["recorded", "recorded"]
    assert balance(world, "a", APRIL) == {"held": 0, "reserved": 0, "available": 1_000, "paid": 0}
    assert is_sound(world)


def test_books_go_by_the_day_of_payment_and_not_by_the_day_it_was_recorded(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID)
    make(world, "april", APRIL)
    approve(world, "april", APRIL)
    record(world, "april", [("a", "paid")], MAY, paid_on=date(2026, 4, 30))
    april = statement(world, 202604)
    assert (april["paid_minor"], april["closing_minor"], april["reserved_minor"]) == (1_000, 0, 0)
    assert balance(world, "a", datetime(2026, 4, 29, tzinfo=UTC))["reserved"] == 1_000
    assert balance(world, "a", datetime(2026, 4, 30, tzinfo=UTC)) == {
        "held": 0,
        "reserved": 0,
        "available": 0,
        "paid": 1_000,
    }
    close(world, 202603, 202604)
    assert is_sound(world)


def test_a_day_is_the_programs_day_and_on_the_day_of_approval_not_before_it(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID)
    late = datetime(2026, 4, 2, 17, tzinfo=UTC)  # the 3rd in Shanghai
    make(world, "april", late)
    approve(world, "april", late)
    [too_early] = record(world, "april", [("a", "paid")], MAY, paid_on=date(2026, 4, 2))
    assert too_early.refusal is not None
    assert too_early.refusal.code == "paid_on_before_approval"
    record(world, "april", [("a", "paid")], MAY, paid_on=date(2026, 4, 3))
    [(occurred_at,)] = world.rows("SELECT occurred_at FROM payout_results")
    assert occurred_at == late
    assert line_of(world, "april")["paid_on"] == date(2026, 4, 3)


def test_no_day_lies_ahead_before_the_approval_or_the_payment_or_in_a_closed_period(world: World) -> None:
    open_shops(world, "a", "b")
    earn(world, "a", 1_000, PAID)
    earn(world, "b", 1_000, PAID)
    make(world, "april", APRIL)
    approve(world, "april", APRIL)

    def code(shop: str, status: str, day: date) -> str:
        [row] = record(world, "april", [(shop, status)], MAY, paid_on=day)
        return row.refusal.code if row.refusal else row.outcome

    assert code("a", "paid", date(2026, 5, 3)) == "paid_on_in_future"
    assert code("a", "paid", date(2026, 4, 1)) == "paid_on_before_approval"
    assert code("a", "paid", date(2026, 4, 20)) == "recorded"
    assert code("a", "returned", date(2026, 4, 19)) == "paid_on_before_payment"
    close(world, 202603, 202604, now=MAY)
    assert code("b", "paid", date(2026, 4, 20)) == "paid_on_closed"
    assert code("a", "returned", date(2026, 4, 25)) == "paid_on_closed"
    assert code("a", "paid", date(2026, 4, 20)) == "unchanged"
    assert code("b", "paid", date(2026, 5, 1)) == "recorded"
    assert code("a", "returned", date(2026, 5, 1)) == "recorded"
    close(world, 202605)
    assert is_sound(world)


def test_tax_counts_in_the_month_of_the_day_of_payment(world: World) -> None:
    open_shops(with_withholding(world, "per_payment"), "a")
    earn(world, "a", 300_000, PAID)
    make(world, "april", APRIL)
    approve(world, "april", APRIL)
    earn(world, "a", 300_000, APRIL + timedelta(days=1))
    record(world, "april", [("a", "paid")], MAY, paid_on=date(2026, 5, 1))
    [line] = make(world, "may", MAY)["lines"]
    assert (line["income_before_minor"], line["tax_before_minor"], line["tax_minor"]) == (300_000, 44_000, 52_000)
    earn(world, "a", 300_000, MAY)
    [line] = make(world, "june", JUNE)["lines"]
    assert (line["income_before_minor"], line["tax_minor"]) == (0, 44_000)


def rows_of(pieces: object) -> list[dict[str, str]]:
    """A CSV report by column."""
    assert hasattr(pieces, "__iter__")
    return list(csv.DictReader(io.StringIO(b"".join(pieces).decode())))


def test_reports_go_by_the_day_of_payment_and_take_off_what_came_back_in_its_own_span(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 300_000, PAID)
    march = PAID + timedelta(days=8)
    make(world, "march", march)
    approve(world, "march", march)
    record(world, "march", [("a", "paid")], APRIL, paid_on=date(2026, 3, 31))
    record(world, "march", [("a", "returned")], MAY, paid_on=date(2026, 5, 1))
    with world.container.begin() as conn:
        quarters = [
            rows_of(platform_report(conn, world.program, quarter, world.container.sealer))
            for quarter in ("2026-Q1", "2026-Q2")
        ]
        [year] = rows_of(us_1099_report(conn, world.program, 2026, world.container.sealer))
    assert [[row["paid_minor"] for row in rows] for rows in quarters] == [["300000"], ["-300000"]]
    assert (year["payments"], year["returned_minor"], year["amount_minor"], year["reportable"]) == (
        "1",
        "300000",
        "0",
        "no",
    )


@pytest.mark.parametrize(("kind", "answer"), [("company", "check"), ("person", "yes"), ("sole_trader", "yes")])
def test_form_1099_is_to_be_checked_for_a_company(world: World, kind: str, answer: str) -> None:
    open_shops(world, "a", "b", kind=kind)
    earn(world, "a", 200_000, PAID)
    earn(world, "b", 199_999, PAID)
    pay(world, "april", APRIL)
    with world.container.begin() as conn:
        rows = rows_of(us_1099_report(conn, world.program, 2026, world.container.sealer))
    assert {row["amount_minor"]: row["reportable"] for row in rows} == {"200000": answer, "199999": "no"}


def test_the_message_of_a_return_says_which_lines_came_back_and_why(world: World) -> None:
    open_shops(with_withholding(world, "per_payment"), "a")
    earn(world, "a", 300_000, PAID)
    pay(world, "april", APRIL)
    record(world, "april", [("a", "returned")], MAY, reason="户名不符")
    [(payload,)] = world.rows("SELECT payload FROM outbox WHERE type = 'payout.returned'")
    assert json.loads(payload) == {
        "payout_id": "april",
        "currency": "CNY",
        "open_count": 0,
        "returned_count": 1,
        "paid_minor": 256_000,
        "tax_minor": 44_000,
        "lines": [{"shop_id": "a", "amount_minor": 300_000, "reason": "户名不符"}],
    }


@pytest.mark.tampers
@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM payout_returns",
        "UPDATE transfers SET amount_minor = amount_minor + 1 WHERE debit_account = -2",
        "UPDATE transfers SET occurred_at = occurred_at + interval '1 second' WHERE debit_account = -2",
        "UPDATE payout_returns SET occurred_at = occurred_at - interval '60 days'",
        "UPDATE payout_results SET status = 'failed'",
    ],
)
def test_the_audit_finds_a_return_that_does_not_rest_on_a_paid_line(
    world: World, database_url: str, damage: str
) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID)
    pay(world, "april", APRIL)
    record(world, "april", [("a", "returned")], MAY)
    owner = open_engine(database_url, None)
    with owner.begin() as conn:
        conn.execute(text("SET LOCAL session_replication_role = replica"))
        conn.execute(text(damage))
    owner.dispose()
    with world.container.begin() as conn:
        result = run.run_audit(Unit(conn, world.program, COMMAND_LINE, JUNE), world.container.policies)
    assert "payouts_rest_on_lines" in {check.name for check in result.checks if not check.ok}
