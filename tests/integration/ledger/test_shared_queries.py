"""What several nouns ask is a function of the database: costs what its text would, says the same of one and of all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network.standing import set_status
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.payouts import make, payee, put
from tests.world.world import World, chain

SHOPS = ("a", "b", "c", "d")
NOW = datetime(2026, 4, 20, tzinfo=UTC)
_OURS = """
SELECT proname, pg_get_function_arguments(oid), proretset FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'sql')
  AND (proretset AND NOT prosecdef OR proname = 'signed_minor') ORDER BY 1
"""
_VALUES = {
    "integer": "1",
    "bigint": "s.shop_no",
    "bigint[]": "ARRAY[1, 2]::bigint[]",
    "timestamp with time zone": "now()",
    "text": "s.shop_id",
    "boolean": "s.shop_no > 1",
}


@pytest.fixture
def moved(world: World) -> World:
    """Four shops that sold in two months; of one something came back, one waits for a payout, one is frozen."""
    world.publish(SELLER_TEN_PERCENT | {"hold_days": 10})
    world.join(*chain(*SHOPS))
    for place, shop in enumerate(SHOPS):
        put(world, shop, payee(f"11010119900307{place:04d}"))
    april = datetime(2026, 4, 6, tzinfo=UTC)
    world.earn(*(settled(f"e{shop}", f"o{shop}", shop, line(10_000)) for shop in SHOPS))
    world.earn(settled("late", "late", "a", line(3_000), paid_at=april + timedelta(days=9)))
    world.earn(refunded("r1", "oa", None, PAID + timedelta(days=3)))
    make(world, "p1", april + timedelta(days=10), shop_ids=("b",))
    with world.container.begin() as conn:
        set_status(Unit(conn, world.program, COMMAND_LINE, april), "c", "frozen", april, "looked into")
    return world


@contextmanager
def asked_by(world: World, role: str | None) -> Iterator[Connection]:
    """A transaction of the owner, or of the role that answers requests of the program."""
    with world.container.begin() as conn:
        if role is not None:
            conn.execute(text(f"SET LOCAL ROLE {role}"))
            conn.execute(
                text("SELECT set_config('distrib.program_id', :program, true)"),
                {"program": str(world.program.program_id)},
            )
        yield conn


@pytest.mark.parametrize("role", [None, "distrib_web"])
def test_the_planner_puts_each_in_the_place_where_it_is_called(moved: World, role: str | None) -> None:
    with asked_by(moved, role) as conn:
        functions = conn.execute(text(_OURS)).fetchall()
        assert len(functions) == 12
        for name, arguments, is_table in functions:
            values = ", ".join(_VALUES[re.sub(r"^\w+ ", "", argument)] for argument in arguments.split(", "))
            source = f"shops s CROSS JOIN LATERAL {name}({values}) f" if is_table else "shops s"
            shown = "f.*" if is_table else f"{name}({values})"
            plan = conn.execute(text(f"EXPLAIN (VERBOSE) SELECT {shown} FROM {source}")).scalars().all()
            called = [line for line in plan if "Function Scan" in line or f"{name}(" in line]
            assert called == [], name


def test_of_some_accounts_money_is_what_it_is_of_all(moved: World) -> None:
    of_all = "SELECT * FROM account_money(:program, :free_at, :now) WHERE shop_no = ANY (:some) ORDER BY shop_no"
    of_some = "SELECT * FROM account_money_of(:program, :some, :free_at, :now) ORDER BY shop_no"
    for free_at in (NOW, PAID, NOW - timedelta(days=9)):
        bound = {"some": numbers(moved), "free_at": free_at, "now": NOW}
        rows = moved.rows(of_all, **bound)
        assert rows == moved.rows(of_some, **bound)
        assert [row.reserved_minor > 0 for row in rows] == [False, True, False, False]
        assert all(row.total_minor == row.held_minor + row.reserved_minor + row.available_minor for row in rows)
    assert [row.withheld_minor > 0 for row in rows] == [False, False, True, False]


def test_of_one_account_a_statement_is_what_it_is_among_all(moved: World) -> None:
    of_all = "SELECT * FROM statement_figures(:program, :month, :held_from) ORDER BY account_no"
    of_one = (
        "SELECT f.* FROM unnest(CAST(:some AS bigint[])) n (no)"
        " CROSS JOIN LATERAL statement_figures_of(:program, n.no, :month, :held_from) f ORDER BY f.account_no"
    )
    for month, held_from in ((202603, PAID), (202603, datetime(2026, 4, 1, tzinfo=UTC)), (202604, NOW)):
        bound = {"month": month, "held_from": held_from}
        rows = moved.rows(of_all, **bound)
        assert rows == moved.rows(of_one, some=numbers(moved), **bound)
        assert rows
        for row in rows:
            assert row.closing_minor == row.held_minor + row.reserved_minor + row.available_minor


def numbers(world: World) -> list[int]:
    """The accounts of the shops."""
    return [row.shop_no for row in world.rows("SELECT shop_no FROM shops WHERE program_id = :program ORDER BY 1")]
