"""The benchmarks of the audit and of what runs beside live work do what they say; how fast is not judged here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from distrib.bootstrap import Container, open_container
from distrib.cli.bench.auditing import AuditSize, bench_audit
from distrib.cli.bench.beside_work import BesideSize, bench_beside
from distrib.cli.bench.processes.databases import WORLDS_PREFIX
from distrib.settings import Settings
from tests.world.databases import databases_like

SHOPS = 370
"""No other test makes a world of so many, or of a tenth."""


@pytest.fixture
def container(settings: Settings) -> Iterator[Container]:
    """A container on the test's own database; the worlds made are dropped after it."""
    with open_container(settings) as opened:
        yield opened
        with opened.worker_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("RESET ROLE"))
            for shops in (SHOPS, SHOPS // 10):
                for name in databases_like(conn, f"{WORLDS_PREFIX}{shops}_"):
                    conn.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


def test_an_audit_is_measured_on_two_worlds_and_leaves_no_row_in_them(container: Container) -> None:
    figures = bench_audit(container, AuditSize(SHOPS, 2), lambda step: None)
    assert figures["audit_seconds"] > 0
    assert figures["audit_growth"] > 0
    assert 0 < figures["longest_snapshot_seconds"] < figures["audit_seconds"] * 2
    with container.worker_engine.connect() as conn:
        [name] = databases_like(conn, f"{WORLDS_PREFIX}{SHOPS}_")
    url = container.worker_engine.url.set(database=name).render_as_string(hide_password=False)
    world = Container(container.settings, url, container.redis_url)
    try:
        with world.begin() as conn:
            assert conn.execute(text("SELECT count(*) FROM audits")).scalar() == 0
    finally:
        world.close()


def test_orders_settle_alone_and_beside_an_audit_an_evaluation_and_the_monitors(container: Container) -> None:
    figures = bench_beside(container, BesideSize(SHOPS, 40, 1), lambda step: None)
    for name in ("audit", "evaluation", "monitors"):
        assert figures[f"{name}_alone_orders_per_second"] > 0
        assert figures[f"{name}_beside_orders_per_second"] > 0
        assert figures[f"{name}_ratio"] > 0
