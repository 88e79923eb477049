"""Audits what a test left behind: whatever it did, every invariant has to hold, unless it tampers on purpose.

An audit of a fresh database costs a quarter of a second, two fifths of what such a test takes: most of it is planning a
hundred queries anew. So of the tests that are not about faults every tenth is audited, drawn by the seed of the run
(always the same ones in CI); TEST_AUDIT=all audits every one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Connection, Engine, text

from distrib.domain.policies.policy import Policy
from distrib.services.audit.run import enter_snapshot, run_audit
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.policies import load_policies
from distrib.services.programs.tenants import get_program
from distrib.services.simulations.checking import check_as_published
from distrib.services.simulations.running import PaidSpan
from distrib.store.database import WORKER_ROLE, PoolSize, open_engine

EVER = PaidSpan(datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
CONFIG = Path(__file__).resolve().parents[2] / "config"


ONE_IN = 10
ALWAYS = ("tests/faults/", "tests/property/", "tests/integration/audit/")


def is_due(request: pytest.FixtureRequest) -> bool:
    """Whether what the test leaves behind is to be audited in this run."""
    test: str = request.node.nodeid
    if tampers(request):
        return False
    if os.environ.get("TEST_AUDIT") == "all" or test.startswith(ALWAYS):
        return True
    seed = "" if hypothesis_settings().derandomize else request.config.getoption("hypothesis_seed")
    return crc32(f"{seed} {test}".encode()) % ONE_IN == 0


def tampers(request: pytest.FixtureRequest) -> bool:
    """Whether the test damages its rows on purpose."""
    return request.node.get_closest_marker("tampers") is not None


def audit_all(database_url: str, after: int = 0) -> None:
    """Audits every program of a database that was opened after the program of that number.

    Raises:
        AssertionError: with the checks that do not hold and their rows.
    """
    with auditing_engine(database_url) as engine:
        audit_programs(engine, after)


@contextmanager
def auditing_engine(database_url: str) -> Iterator[Engine]:
    """What audits a database; where there are several audits of one, the later ones cost half."""
    engine = open_engine(database_url, WORKER_ROLE, pool=PoolSize(1))
    try:
        yield engine
    finally:
        engine.dispose()


def audit_programs(engine: Engine, after: int) -> None:
    """Audits every program that was opened after the program of that number.

    Raises:
        AssertionError: with the checks that do not hold and their rows.
    """
    with engine.connect() as conn:
        numbers = programs_after(conn, after)
    for number in numbers:
        with engine.begin() as conn:
            enter_snapshot(conn)
            failed = wrong(conn, number)
            conn.rollback()
        assert not failed, f"the audit after the test fails: {failed}"


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
    checks: list[dict[str, Any]] = list(map(asdict, run_audit(Unit(conn, program, COMMAND_LINE, now), packs()).checks))
    simulated = check_as_published(conn, program, packs(), EVER).view() | {"name": "simulated"}
    return [check for check in [*checks, simulated] if not check["ok"]]


@cache
def packs() -> Mapping[str, Policy]:
    """The policy packs, read once a process."""
    return load_policies(CONFIG)
