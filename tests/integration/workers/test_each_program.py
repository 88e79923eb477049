"""What is done for each program: one for which it fails stops it for no other, and is told once all had their turn."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from distrib.services.context import Unit
from distrib.services.programs.tenants import ProgramDraft, create_program
from tests.world.api import Api
from workers.each_program import each_in_transaction


@pytest.fixture
def codes(api: Api) -> list[str]:
    """Three programs, in the order in which they are due."""
    container = api.world.container
    with container.begin() as conn:
        for code in ("second", "third"):
            create_program(conn, ProgramDraft(code, "CNY", "UTC", "open"), container.now(), container.policies)
    return [api.world.program.code, "second", "third"]


def due(conn: Connection, _: datetime) -> list[int]:
    return list(conn.execute(text("SELECT program_id FROM programs ORDER BY program_id")).scalars())


def test_those_after_a_program_that_fails_have_their_turn_and_what_it_did_is_undone(api: Api, codes: list[str]) -> None:
    done: list[str] = []

    def rename(unit: Unit) -> None:
        unit.conn.execute(text("UPDATE programs SET title = 'done' WHERE program_id = :no"), {"no": unit.program_id})
        done.append(unit.program.code)
        if unit.program.code == codes[0]:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        each_in_transaction(api.world.container, due, rename)
    assert done == codes
    titles = api.world.rows("SELECT code, title FROM programs ORDER BY program_id")
    assert [(row.code, row.title) for row in titles] == [(codes[0], None), ("second", "done"), ("third", "done")]


def test_a_lock_that_is_not_to_be_had_is_one_programs_trouble_and_a_lost_connection_everybodys(
    api: Api, codes: list[str]
) -> None:
    tried: list[str] = []

    def fail(unit: Unit) -> None:
        tried.append(unit.program.code)
        state = "55P03" if unit.program.code == codes[0] else "57P01"  # a lock in time; the server ends the connection
        unit.conn.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'so' USING ERRCODE = '{state}'; END $$")

    with pytest.raises(DBAPIError):
        each_in_transaction(api.world.container, due, fail)
    assert tried == codes[:2]
