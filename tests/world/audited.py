"""Audits what a test left behind: whatever it did, every invariant has to hold, unless it tampers on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from distrib.domain.policies.policy import Policy
from distrib.services.audit.run import audit_view, enter_snapshot, run_audit
from distrib.services.policies import load_policies
from distrib.services.programs.tenants import get_program
from distrib.store.database import WORKER_ROLE, open_engine

CONFIG = Path(__file__).resolve().parents[2] / "config"


def tampers(request: pytest.FixtureRequest) -> bool:
    """Whether the test damages its rows on purpose."""
    return request.node.get_closest_marker("tampers") is not None


def audit_all(database_url: str, after: int = 0) -> None:
    """Audits every program of a database that was opened after the program of that number.

    Raises:
        AssertionError: with the checks that do not hold and their rows.
    """
    engine = open_engine(database_url, WORKER_ROLE, pool_size=1)
    try:
        with engine.connect() as conn:
            numbers = programs_after(conn, after)
        for number in numbers:
            with engine.begin() as conn:
                enter_snapshot(conn)
                failed = wrong(conn, number)
                conn.rollback()
            assert not failed, f"the audit after the test fails: {failed}"
    finally:
        engine.dispose()


def programs_after(conn: Connection, after: int) -> list[int]:
    """The numbers of programs opened after that one; none where there is no schema to speak of."""
    if conn.execute(text("SELECT to_regclass('seals')")).scalar() is None:
        return []
    statement = text("SELECT program_id FROM programs WHERE program_id > :after ORDER BY program_id")
    return list(conn.execute(statement, {"after": after}).scalars())


def wrong(conn: Connection, number: int) -> list[dict[str, Any]]:
    """The checks of a program that do not hold."""
    program = get_program(conn, number)
    now = conn.execute(text("SELECT now()")).scalar_one()
    checks: list[dict[str, Any]] = audit_view(run_audit(conn, program, now, packs()))["checks"]
    return [check for check in checks if not check["ok"]]


@cache
def packs() -> Mapping[str, Policy]:
    """The policy packs, read once a process."""
    return load_policies(CONFIG)
