"""How a shop's money splits at an instant: by date, by what payouts took aside, by freezes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network import standing
from distrib.services.statements import months
from distrib.store.ledger.balances import Split, available_of_all
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import World, chain

SOLD = PAID + timedelta(hours=1)
FREE = SOLD + timedelta(days=10)
NOW = datetime(2026, 4, 20, tzinfo=UTC)


@pytest.fixture
def sold(world: World) -> World:
    """a and b earned 1,000 each, b gave 300 back; held for ten days."""
    world.publish({**SELLER_TEN_PERCENT, "hold_days": 10})
    world.join(*chain("a", "b"))
    world.earn(
        settled("e1", "o1", "a", line(10_000)),
        settled("e2", "o2", "b", line(10_000)),
        refunded("r", "o2", {"1": 3_000}),
    )
    return world


def number(world: World, shop_id: str) -> int:
    """The store's number of a shop."""
    return int(world.rows("SELECT shop_no FROM shops WHERE program_id = :program AND shop_id = :id", id=shop_id)[0][0])


def splits(world: World, free_at: datetime, as_of: datetime = NOW) -> dict[int, tuple[int, ...]]:
    """By shop: total, held, reserved, available."""
    with world.container.begin() as conn:
        return {row.shop_no: row[1:] for row in available_of_all(conn, world.program.program_id, free_at, as_of)}


def reserve(world: World, shop_id: str, amount_minor: int, reserved_at: datetime, payout_no: int = 900) -> None:
    """Puts a payout line aside, as the payouts do."""
    params = {"p": world.program.program_id, "n": payout_no, "s": number(world, shop_id), "a": amount_minor}
    with world.container.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO payouts (program_id, payout_no, payout_id, digest, up_to, min_minor, channel, created_at,"
                " created_by) VALUES (:p, :n, 'b' || :n, '', :t, 0, 'csv', :t, 'k')"
            ),
            params | {"t": reserved_at},
        )
        conn.execute(
            text(
                "INSERT INTO payout_lines (program_id, payout_no, shop_no, amount_minor, reserved_at)"
                " VALUES (:p, :n, :s, :a, :t)"
            ),
            params | {"t": reserved_at},
        )


def decide(world: World, table: str, decided_at: datetime, payout_no: int = 900) -> None:
    """Cancels the batch, or fails its only line."""
    statement = (
        "INSERT INTO payout_decisions SELECT program_id, payout_no, 'cancelled', :t, 'k' FROM payouts"
        if table == "cancelled"
        else "INSERT INTO payout_results"
        " (program_id, payout_no, shop_no, status, occurred_at, recorded_at, recorded_by)"
        " SELECT program_id, payout_no, shop_no, 'failed', :t, :t, 'k' FROM payout_lines"
    )
    with world.container.begin() as conn:
        conn.execute(text(statement + " WHERE payout_no = :n"), {"t": decided_at, "n": payout_no})


def freeze(world: World, shop_id: str, status: str, effective_at: datetime) -> None:
    """Sets a shop's status."""
    with world.container.begin() as conn:
        standing.set_status(Unit(conn, world.program, COMMAND_LINE, NOW), shop_id, status, effective_at, "test")


def balance(world: World, shop_id: str, as_of: datetime) -> tuple[int, int, int]:
    """Held, reserved and available of the balance call."""
    with world.container.begin() as conn:
        view = months.balance(conn, world.program, number(world, shop_id), as_of)
    return view.held_minor, view.reserved_minor, view.available_minor


def test_all_shops_money_splits_by_when_it_becomes_available(sold: World) -> None:
    a, b = number(sold, "a"), number(sold, "b")
    assert splits(sold, FREE) == {a: (1_000, 0, 0, 1_000), b: (700, 0, 0, 700)}
    assert splits(sold, FREE - timedelta(microseconds=1)) == {a: (1_000, 1_000, 0, 0), b: (700, 700, 0, 0)}


@pytest.mark.tampers
@pytest.mark.parametrize("ending", ["cancelled", "failed"])
def test_what_a_payout_line_reserves_is_apart_until_its_end(sold: World, ending: str) -> None:
    a = number(sold, "a")
    reserve(sold, "a", 400, FREE + timedelta(days=1))
    assert splits(sold, NOW, FREE)[a] == (1_000, 0, 0, 1_000)
    assert splits(sold, NOW, FREE + timedelta(days=1))[a] == (1_000, 0, 400, 600)
    decide(sold, ending, FREE + timedelta(days=3))
    assert splits(sold, NOW, FREE + timedelta(days=3) - timedelta(microseconds=1))[a] == (1_000, 0, 400, 600)
    assert splits(sold, NOW, FREE + timedelta(days=3))[a] == (1_000, 0, 0, 1_000)
    assert balance(sold, "a", FREE + timedelta(days=2)) == (0, 400, 600)
    assert balance(sold, "a", FREE + timedelta(days=3)) == (0, 0, 1_000)


@pytest.mark.parametrize("status", ["frozen", "closed"])
def test_a_frozen_or_closed_shops_free_money_is_held_while_it_is(sold: World, status: str) -> None:
    a = number(sold, "a")
    reserve(sold, "a", 400, FREE)
    freeze(sold, "a", status, FREE + timedelta(days=1))
    assert splits(sold, NOW, FREE)[a] == (1_000, 0, 400, 600)
    assert splits(sold, NOW, FREE + timedelta(days=1))[a] == (1_000, 600, 400, 0)
    assert balance(sold, "a", FREE + timedelta(days=1)) == (600, 400, 0)
    freeze(sold, "a", "active", FREE + timedelta(days=2))
    assert splits(sold, NOW, FREE + timedelta(days=2))[a] == (1_000, 0, 400, 600)


def test_a_frozen_shops_debt_stays_a_debt(sold: World) -> None:
    sold.earn(refunded("r2", "o2", None, occurred_at=PAID + timedelta(days=20)))
    reserve(sold, "b", 500, FREE)
    freeze(sold, "b", "frozen", FREE)
    assert splits(sold, NOW)[number(sold, "b")] == (0, 0, 500, -500)


def test_a_statement_splits_as_of_the_months_last_instant(sold: World) -> None:
    end = datetime(2026, 3, 31, 16, tzinfo=UTC)
    reserve(sold, "a", 400, end - timedelta(microseconds=1), 901)
    reserve(sold, "a", 100, end, 902)
    freeze(sold, "b", "frozen", end - timedelta(microseconds=1))
    with sold.container.begin() as conn:
        view, _ = months.statement_totals_and_rows(Unit(conn, sold.program, COMMAND_LINE, NOW), 202603, None, 10)
    rows = {row.shop_id: row for row in view.data}
    splits_of_shops = {shop: (row.held_minor, row.reserved_minor, row.available_minor) for shop, row in rows.items()}
    assert splits_of_shops == {"a": (0, 400, 600), "b": (700, 0, 0)}


def test_a_split_always_adds_up(sold: World) -> None:
    reserve(sold, "a", 400, FREE)
    freeze(sold, "a", "closed", FREE)
    with sold.container.begin() as conn:
        rows: list[Split] = available_of_all(conn, sold.program.program_id, FREE, NOW)
    assert [row.total_minor for row in rows] == [
        row.held_minor + row.reserved_minor + row.available_minor for row in rows
    ]
