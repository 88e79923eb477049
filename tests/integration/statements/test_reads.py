"""Balances, statements and their files: the two identities, months of the program's own calendar, formula cells."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from distrib.domain.errors import Refusal
from distrib.domain.spreadsheet_cells import FORMULA_STARTS, neutralised, restored
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.statements import months as statements
from distrib.services.statements.months import BalanceView
from distrib.store.database import WEB_ROLE, enter_program, open_engine
from distrib.store.statements.months import FIGURES
from tests.world.documents import PAID, line, refunded, settled
from tests.world.world import World, chain

PLAN: dict[str, Any] = {
    "code": "two-level",
    "currency": "CNY",
    "policy": "open",
    "tiers": 1,
    "hold_days": 31,
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.20"},
        {"id": "up-1", "pay": "upline", "tier": 1, "rate": "0.10"},
    ],
}
MARCH, APRIL, MAY = 202603, 202604, 202605
MARCH_ENDS = datetime(2026, 3, 31, 16, tzinfo=UTC)
"""Midnight in Shanghai."""
LATER = datetime(2026, 7, 1, tzinfo=UTC)


def figures(row: dict[str, Any]) -> dict[str, int]:
    """A statement's figures that are not 0, without the unit in their names."""
    return {name.removesuffix("_minor"): row[name] for name in FIGURES if row[name]}


def check_identities(row: dict[str, Any]) -> None:
    """closing = opening + earned + reversed + adjusted − paid − tax = held + reserved + available."""
    moved = row["earned_minor"] + row["reversed_minor"] + row["adjusted_minor"] - row["paid_minor"] - row["tax_minor"]
    assert row["closing_minor"] == row["opening_minor"] + moved
    assert row["closing_minor"] == row["held_minor"] + row["reserved_minor"] + row["available_minor"]


def once(world: World, period: int) -> dict[str, int]:
    """The orders that earned anybody anything in a month, and the refunds that took from anybody, each once."""
    [row] = world.rows(
        "SELECT count(DISTINCT cause_no) FILTER (WHERE kind = 'earned'),"
        " count(DISTINCT event_no) FILTER (WHERE kind = 'reversed')"
        " FROM transfers WHERE program_id = :program AND period = :period",
        period=period,
    )
    return dict(zip(("orders", "refunds"), row, strict=True))


def whole(world: World, period: int, now: datetime = LATER, size: int = 500) -> dict[str, Any]:
    """A month's statement with the rows of all its pages."""
    with world.container.begin() as conn:
        first, after = statements.statement_totals_and_rows(
            Unit(conn, world.program, COMMAND_LINE, now), period, None, size
        )
        statement = asdict(first)
        while after is not None:
            page, after = statements.statement_totals_and_rows(
                Unit(conn, world.program, COMMAND_LINE, now), period, after, size
            )
            assert page.totals is None
            statement["data"] += map(asdict, page.data)
    return statement


def exported(world: World, period: int, detail: str, now: datetime = LATER) -> list[dict[str, str]]:
    """The rows of a month's file."""
    with world.container.begin() as conn:
        file = b"".join(statements.export_csv(Unit(conn, world.program, COMMAND_LINE, now), period, detail)).decode()
    return list(csv.DictReader(io.StringIO(file)))


def balance(world: World, shop_id: str, as_of: datetime) -> BalanceView:
    """A shop's balance."""
    with world.container.begin() as conn:
        number = conn.execute(text("SELECT shop_no FROM shops WHERE shop_id = :id"), {"id": shop_id}).scalar_one()
        return statements.balance(conn, world.program, number, as_of)


@pytest.fixture
def months(world: World) -> World:
    """Two orders of March and a refund of April; d was brought by c, idle earns nothing."""
    world.publish(PLAN)
    world.join(*chain("c", "d"), ("idle", None))
    world.earn(
        settled("e1", "o1", "d", line(10_000), occurred_at=PAID + timedelta(days=1)),
        settled("e2", "o2", "d", line(5_000), occurred_at=MARCH_ENDS - timedelta(seconds=1)),
        refunded("r1", "o2", {"1": 2_500}, occurred_at=MARCH_ENDS),
    )
    return world


def test_a_statement_row_says_what_a_month_brought_and_what_is_held(months: World) -> None:
    march, april, may = (whole(months, period) for period in (MARCH, APRIL, MAY))
    assert {row["shop_id"]: figures(row) for row in march["data"]} == {
        "c": {"earned": 1_500, "closing": 1_500, "held": 1_500, "orders": 2},
        "d": {"earned": 3_000, "closing": 3_000, "held": 3_000, "orders": 2},
    }
    assert {row["shop_id"]: figures(row) for row in april["data"]} == {
        "c": {"opening": 1_500, "reversed": -250, "closing": 1_250, "held": 250, "available": 1_000, "refunds": 1},
        "d": {"opening": 3_000, "reversed": -500, "closing": 2_500, "held": 500, "available": 2_000, "refunds": 1},
    }
    assert figures(may["totals"]) == {"opening": 3_750, "closing": 3_750, "available": 3_750}
    assert (march["totals"]["shops"], april["totals"]["shops"], may["totals"]["shops"]) == (2, 2, 2)


def test_a_month_ends_at_midnight_of_the_programs_own_time_zone(months: World) -> None:
    lines = {row["event_id"]: row["period"] for row in exported(months, APRIL, "lines")}
    assert lines == {"r1": "2026-04"}
    assert whole(months, MARCH)["as_of"] == MARCH_ENDS - timedelta(microseconds=1)


def test_an_open_month_stands_as_of_now(months: World) -> None:
    released_at = PAID + timedelta(days=32)
    for now, held in ((released_at - timedelta(microseconds=1), 3_750), (released_at, 750)):
        statement = whole(months, APRIL, now)
        assert (statement["as_of"], statement["totals"]["held_minor"]) == (now, held)
    assert whole(months, 202602)["data"] == []


def test_a_shop_without_money_or_movement_is_left_out_and_reads_as_zeros(months: World) -> None:
    assert "idle" not in [row["shop_id"] for row in whole(months, MARCH)["data"]]
    with months.container.begin() as conn:
        number = conn.execute(text("SELECT shop_no FROM shops WHERE shop_id = 'idle'")).scalar_one()
        view, follows = statements.shop_statement(
            Unit(conn, months.program, COMMAND_LINE, LATER), MARCH, number, None, 10
        )
    assert (view.shop_id, figures(asdict(view)), view.lines, follows) == ("idle", {}, [], None)


def test_one_shops_statement_has_its_lines_page_by_page(months: World) -> None:
    with months.container.begin() as conn:
        number = conn.execute(text("SELECT shop_no FROM shops WHERE shop_id = 'd'")).scalar_one()
        first, after = statements.shop_statement(
            Unit(conn, months.program, COMMAND_LINE, LATER), MARCH, number, None, 1
        )
        second, end = statements.shop_statement(
            Unit(conn, months.program, COMMAND_LINE, LATER), MARCH, number, after, 1
        )
    assert figures(asdict(first)) == {"earned": 3_000, "closing": 3_000, "held": 3_000, "orders": 2}
    assert [row.amount_minor for row in first.lines + second.lines] == [2_000, 1_000]
    assert (after is not None, end) == (True, None)


@pytest.mark.parametrize(
    ("as_of", "held", "available"),
    [
        (PAID, 0, 0),
        (PAID + timedelta(days=1), 2_000, 0),
        (MARCH_ENDS - timedelta(seconds=2), 2_000, 0),
        (MARCH_ENDS - timedelta(seconds=1), 3_000, 0),
        (MARCH_ENDS, 2_500, 0),
        (PAID + timedelta(days=32), 500, 2_000),
        (LATER, 0, 2_500),
    ],
)
def test_a_balance_is_as_of_an_instant(months: World, as_of: datetime, held: int, available: int) -> None:
    amounts = balance(months, "d", as_of)
    assert (amounts.held_minor, amounts.available_minor, amounts.as_of) == (held, available, as_of)
    assert (amounts.reserved_minor, amounts.expected_minor, amounts.paid_minor) == (0, 0, 0)
    assert balance(months, "idle", as_of).available_minor == 0


def test_files_have_the_contracts_columns(months: World) -> None:
    with months.container.begin() as conn:
        shops, lines = (
            b"".join(statements.export_csv(Unit(conn, months.program, COMMAND_LINE, LATER), 202601, detail)).decode()
            for detail in ("shops", "lines")
        )
    assert shops == (
        "program,period,shop_id,currency,opening_minor,earned_minor,reversed_minor,adjusted_minor,paid_minor,tax_minor,"
        "closing_minor,held_minor,reserved_minor,available_minor,orders,refunds\n"
    )
    assert lines == (
        "program,id,event_id,order_id,line_id,shop_id,rule,tier,kind,base_minor,rate,amount_minor,currency,"
        "plan_version,occurred_at,available_at,period,belongs_to_period,reverses_id,"
        "adjustment_id,reason\n"
    )


def test_a_line_of_the_file_is_a_commission(months: World) -> None:
    [first, *_] = exported(months, MARCH, "lines")
    assert {name: value for name, value in first.items() if name != "id"} == {
        "program": "test",
        "event_id": "e1",
        "order_id": "o1",
        "line_id": "1",
        "shop_id": "d",
        "rule": "seller",
        "tier": "0",
        "kind": "earned",
        "base_minor": "10000",
        "rate": "0.2",
        "amount_minor": "2000",
        "currency": "CNY",
        "plan_version": "two-level@1",
        "occurred_at": "2026-03-02T02:00:00Z",
        "available_at": "2026-04-02T02:00:00Z",
        "period": "2026-03",
        "belongs_to_period": "",
        "reverses_id": "",
        "adjustment_id": "",
        "reason": "",
    }
    [taken, *_] = exported(months, APRIL, "lines")
    assert (taken["kind"], int(taken["amount_minor"]), taken["reverses_id"] != "") == ("reversed", -500, True)


def test_the_file_of_shops_says_what_the_statement_says(months: World) -> None:
    for period in (MARCH, APRIL, MAY):
        statement_rows = [{name: str(value) for name, value in row.items()} for row in whole(months, period)["data"]]
        written = exported(months, period, "shops")
        assert [{name: row[name] for name in statement_rows[0]} for row in written] == statement_rows
        assert {(row["program"], row["currency"]) for row in written} == {("test", "CNY")}


def test_what_a_spreadsheet_would_take_for_a_formula_is_neutralised(world: World) -> None:
    world.publish(PLAN)
    world.join(("=1+1", None), ("@cmd", "=1+1"), ('a"b,c', None))
    world.earn(
        settled("+e", "-o", "@cmd", line(1_000, '="x"')),
        settled("e2", "订单", 'a"b,c', line(1_000)),
    )
    assert [row["shop_id"] for row in exported(world, MARCH, "shops")] == ["'=1+1", "'@cmd", 'a"b,c']
    row = exported(world, MARCH, "lines")[0]
    assert [row[name] for name in ("shop_id", "event_id", "order_id", "line_id")] == ["'@cmd", "'+e", "'-o", '\'="x"']
    assert exported(world, MARCH, "lines")[-1]["order_id"] == "订单"


def test_every_id_is_read_back_from_the_file_as_it_was(world: World) -> None:
    names = ["=1+1", "'=1+1", "''=1+1", "'=", "'tis", "'", "+8613800138000", "-1", "@a", "店"]
    world.publish(PLAN)
    world.join(*((name, None) for name in names))
    world.earn(*(settled(f"e-{number}", f"o-{number}", name, line(100)) for number, name in enumerate(names)))
    cells = [row["shop_id"] for row in exported(world, MARCH, "shops")]
    assert not any(cell.startswith(FORMULA_STARTS) for cell in cells)
    assert sorted(cells) == sorted(neutralised(name) for name in names)
    assert sorted(restored(cell) for cell in cells) == sorted(names)


def test_shops_are_sorted_by_id_whatever_the_locale(world: World) -> None:
    world.publish(PLAN)
    names = ["b", "a", "B", "店", "ä", "10", "9"]
    world.join(*((name, None) for name in names))
    world.earn(*(settled(f"e-{number}", f"o-{number}", name, line(100)) for number, name in enumerate(names)))
    expected = sorted(names, key=str.encode)
    assert [row["shop_id"] for row in whole(world, MARCH, size=2)["data"]] == expected
    assert [row["shop_id"] for row in exported(world, MARCH, "shops")] == expected


def test_an_export_of_any_other_detail_is_refused_before_it_begins(world: World) -> None:
    with world.container.begin() as conn, pytest.raises(Refusal):
        statements.export_csv(Unit(conn, world.program, COMMAND_LINE, LATER), MARCH, "pages")


def test_an_export_that_is_given_up_leaves_the_connection_usable(months: World) -> None:
    with months.container.begin() as conn:
        pieces = statements.export_csv(Unit(conn, months.program, COMMAND_LINE, LATER), MARCH, "lines")
        next(pieces)
        pieces.close()
        assert conn.execute(text("SELECT 1")).scalar() == 1


def test_the_web_role_reads_and_exports_its_own_program_only(months: World, database_url: str) -> None:
    engine = open_engine(database_url, WEB_ROLE)
    other = Program(months.program.program_id + 1, "other", "CNY", "Asia/Shanghai", "open")
    with engine.begin() as conn:
        enter_program(conn, other.program_id)
        for program in (other, months.program):
            file = b"".join(statements.export_csv(Unit(conn, program, COMMAND_LINE, LATER), MARCH, "lines"))
            assert file.count(b"\n") == 1
        enter_program(conn, months.program.program_id)
        assert (
            b"".join(statements.export_csv(Unit(conn, months.program, COMMAND_LINE, LATER), MARCH, "shops")).count(
                b"\n"
            )
            == 3
        )
    engine.dispose()


def test_whatever_happens_months_follow_each_other_and_both_identities_hold(world: World) -> None:
    dice = random.Random(7)
    world.publish(PLAN)
    world.join(*chain("s0", "s1", "s2", "s3"), *((f"t{number}", "s1") for number in range(4)))
    sellers = ["s0", "s1", "s2", "s3", "t0", "t1", "t2", "t3"]
    for number in range(60):
        instant = PAID + timedelta(hours=dice.randrange(24 * 90))
        sold = line(dice.randrange(1, 9_999))
        world.post(settled(f"e{number}", f"o{number}", dice.choice(sellers), sold, paid_at=instant))
        if dice.random() < 0.4:
            later = instant + timedelta(hours=dice.randrange(1, 24 * 60))
            amounts = dice.choice([None, {"1": 1}])
            world.post(refunded(f"r{number}", f"o{number}", amounts, occurred_at=min(later, LATER)))
    world.drain()
    closing: dict[str, int] = {}
    for period in (202602, MARCH, APRIL, MAY, 202606, 202607):
        statement = whole(world, period, size=3)
        statement_rows = {row["shop_id"]: row for row in statement["data"]}
        assert {shop: row["opening_minor"] for shop, row in statement_rows.items() if row["opening_minor"]} == {
            shop: amount for shop, amount in closing.items() if amount
        }
        for row in [*statement_rows.values(), statement["totals"]]:
            check_identities(row)
        for name in FIGURES:
            summed = sum(row[name] for row in statement_rows.values())
            counted = once(world, period).get(name, summed)
            assert counted <= summed
            assert statement["totals"][name] == counted
        for shop_id, row in statement_rows.items():
            instant = min(statement["as_of"], LATER)
            at_end = balance(world, shop_id, instant)
            assert (at_end.held_minor, at_end.available_minor) == (row["held_minor"], row["available_minor"])
        closing = {shop: row["closing_minor"] for shop, row in statement_rows.items()}
    assert {shop: amount for shop, amount in closing.items() if amount} == {
        shop: amount for shop, amount in world.earned().items() if amount
    }
