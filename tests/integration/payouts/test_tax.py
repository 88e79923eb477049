"""Tax on payouts: one person is one person, a month is one payment, what failed never counted."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from distrib.domain.errors import Refusal
from distrib.services.audit import run
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.payouts.batches import cancel_payout
from distrib.services.payouts.payee_versions import erase_payee, shop_no_of
from distrib.services.payouts.reports import platform_report, us_1099_report
from distrib.services.statements import months
from tests.world.documents import PAID, line, paid, refunded, settled
from tests.world.payouts import (
    PROPOSER,
    approve,
    balance,
    earn,
    in_other_currency,
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
MAY, JULY = APRIL + timedelta(days=30), APRIL + timedelta(days=92)


def taxes(made: dict[str, object]) -> dict[str, tuple[int, int]]:
    """What a batch reserves and withholds, by shop."""
    lines = made["lines"]
    assert isinstance(lines, list)
    return {row["shop_id"]: (row["amount_minor"], row["tax_minor"]) for row in lines}


def test_tax_is_a_transfer_of_its_own_and_stands_on_line_and_statement(world: World) -> None:
    open_shops(with_withholding(world, "per_payment"), "a")
    earn(world, "a", 300_000, PAID)
    assert taxes(pay(world, "march", APRIL)) == {"a": (300_000, 44_000)}
    assert balance(world, "a", MAY) == {"held": 0, "reserved": 0, "available": 0, "paid": 256_000}
    posted = world.rows("SELECT kind::text, credit_account, amount_minor FROM transfers WHERE kind IN ('paid', 'tax')")
    assert sorted(map(tuple, posted)) == [("paid", -2, 256_000), ("tax", -3, 44_000)]
    with world.container.begin() as conn:
        view, _ = months.statement_totals_and_rows(Unit(conn, world.program, COMMAND_LINE, MAY), 202604, None, 10)
        assert run.run_audit(Unit(conn, world.program, COMMAND_LINE, MAY), world.container.policies).ok
    [row] = view.data
    assert (row.opening_minor, row.paid_minor, row.tax_minor, row.closing_minor) == (
        300_000,
        256_000,
        44_000,
        0,
    )


def test_all_payouts_of_a_month_to_one_person_are_taxed_as_one(world: World) -> None:
    open_shops(with_withholding(world, "per_payment"), "a", "b")
    put(world, "b", payee("110101199003070000"))
    earn(world, "a", 200_000, PAID)
    earn(world, "b", 100_000, PAID)
    assert taxes(make(world, "one", APRIL)) == {"a": (200_000, 24_000), "b": (100_000, 20_000)}
    earn(world, "a", 100_000, APRIL)
    assert taxes(make(world, "two", APRIL + timedelta(days=3))) == {"a": (100_000, 20_000)}
    earn(world, "a", 100_000, APRIL + timedelta(days=4))
    assert taxes(make(world, "next month", MAY)) == {"a": (100_000, 4_000)}


def test_what_failed_or_was_cancelled_counts_for_no_tax(world: World) -> None:
    open_shops(with_withholding(world, "per_payment"), "a")
    earn(world, "a", 300_000, PAID)
    make(world, "one", APRIL)
    with world.container.begin() as conn:
        cancel_payout(Unit(conn, world.program, PROPOSER, APRIL), "one")
    assert taxes(make(world, "two", APRIL)) == {"a": (300_000, 44_000)}
    approve(world, "two", APRIL)
    record(world, "two", [("a", "failed")], APRIL)
    assert taxes(make(world, "three", APRIL)) == {"a": (300_000, 44_000)}


@pytest.mark.parametrize("kind", ["sole_trader", "company"])
def test_who_invoices_is_paid_gross(world: World, kind: str) -> None:
    open_shops(with_withholding(world, "per_payment"), "a", kind=kind)
    earn(world, "a", 300_000, PAID)
    assert taxes(make(world, "one", APRIL)) == {"a": (300_000, 0)}


def test_the_cumulative_method_counts_months_and_says_on_what_it_rests(world: World) -> None:
    open_shops(with_withholding(world, "cumulative"), "a")
    earn(world, "a", 5_000_000, PAID)
    first = pay(world, "april", APRIL)
    assert taxes(first) == {"a": (5_000_000, 105_000)}
    earn(world, "a", 5_000_000, APRIL)
    [line] = pay(world, "may", MAY)["lines"]
    assert (line["tax_minor"], line["months_counted"], line["months_given"]) == (343_000, 2, False)
    assert (line["income_before_minor"], line["tax_before_minor"]) == (5_000_000, 105_000)
    earn(world, "a", 100_000, MAY)
    [line] = make(world, "july", JULY)["lines"]
    assert line["months_counted"] == 1


def test_months_may_be_told_and_are_kept_as_told(world: World) -> None:
    open_shops(with_withholding(world, "cumulative"), "a")
    earn(world, "a", 2_000_000, PAID)
    [line] = make(world, "april", APRIL, months_counted={"a": 4})["lines"]
    assert (line["tax_minor"], line["months_counted"], line["months_given"]) == (0, 4, True)


def test_tax_tables_go_with_their_currency_only(world: World) -> None:
    open_shops(with_withholding(world, "us_1099"), "a")
    with pytest.raises(Refusal) as caught:
        make(world, "one", APRIL)
    assert caught.value.code == "withholding_currency"
    with pytest.raises(Refusal) as caught:
        make(in_other_currency(with_withholding(world, "none"), "USD"), "one", APRIL, channel="wechat")
    assert caught.value.code == "channel_currency"


def report(pieces: object) -> list[dict[str, str]]:
    """A CSV report by column."""
    assert hasattr(pieces, "__iter__")
    return list(csv.DictReader(io.StringIO(b"".join(pieces).decode())))


def test_the_quarterly_report_tells_income_by_identity_and_leaves_no_money_out(world: World) -> None:
    open_shops(with_withholding(world, "per_payment"), "a", "b")
    put(world, "b", payee("110101199003070000"))
    world.join(("c", None))
    for shop, amount in (("a", 200_000), ("b", 100_000), ("c", 5_000)):
        earn(world, shop, amount, PAID, f"o-{shop}")
    world.earn(refunded("r", "o-a", {"1": 100_000}, PAID + timedelta(days=2)))
    pay(world, "april", APRIL)
    with world.container.begin() as conn:
        first = report(platform_report(conn, world.program, "2026-Q1", world.container.sealer))
        second = report(platform_report(conn, world.program, "2026-Q2", world.container.sealer))
    names = ("payee_name", "id_number", "shops", "gross_minor", "returned_minor", "net_minor", "paid_minor")
    assert [tuple(row[name] for name in names) for row in first] == [
        ("李雷", "110101199003070000", "2", "300000", "-10000", "290000", "0"),
        ("", "", "1", "5000", "0", "5000", "0"),
    ]
    assert [(row["paid_minor"], row["tax_minor"]) for row in second] == [("248000", "42000")]
    with world.container.begin() as conn, pytest.raises(Refusal):
        next(platform_report(conn, world.program, "2026-Q5", world.container.sealer))


def test_the_1099_report_counts_what_was_paid_in_the_year_against_its_threshold(world: World) -> None:
    open_shops(world, "a", "b")
    for shop, amount in (("a", 200_000), ("b", 199_999)):
        earn(world, shop, amount, PAID)
    pay(world, "april", APRIL)
    with world.container.begin() as conn:
        erase_payee(Unit(conn, world.program, COMMAND_LINE, APRIL), shop_no_of(conn, world.program, "b"))
        rows = report(us_1099_report(conn, world.program, 2026, world.container.sealer))
        before = report(us_1099_report(conn, world.program, 2025, world.container.sealer))
    reported = {(row["amount_minor"], row["reportable"], row["payee_name"], row["payments"]) for row in rows}
    assert reported == {("200000", "yes", "李雷", "1"), ("199999", "no", "", "1")}
    assert before == []


def test_the_quarterly_report_counts_what_came_back_before_the_settlement_with_the_settlement(world: World) -> None:
    open_shops(with_withholding(world, "per_payment"), "a")
    paid_at, back_at, settled_at = (PAID + timedelta(days=days) for days in (19, 29, 38))
    sold = {"paid_at": paid_at, "occurred_at": settled_at}
    world.earn(
        refunded("r", "o", {"1": 40_000}, back_at),
        paid("p", "o", "a", line(100_000), paid_at=paid_at),
        settled("e", "o", "a", line(100_000), **sold),
    )
    with world.container.begin() as conn:
        first = report(platform_report(conn, world.program, "2026-Q1", world.container.sealer))
        second = report(platform_report(conn, world.program, "2026-Q2", world.container.sealer))
    figures = [(row["gross_minor"], row["returned_minor"], row["net_minor"]) for row in second]
    assert (first, figures) == ([], [("10000", "-4000", "6000")])
