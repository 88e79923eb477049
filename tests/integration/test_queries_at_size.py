"""Every statement of the store on a program of 100,000 shops: none reads a table whole, none is planned wrongly.

A tenth of a platform, with a tenth of what posts and batches hold. What must read all is in ``ALLOWED``, by the
function of the store that runs it, with the reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from distrib.app import create_app
from distrib.bootstrap import Container
from distrib.cli.bench.platform_world.keeping import make_world
from distrib.cli.bench.platform_world.shape import PlatformWorld
from distrib.settings import Settings
from tests.world.allowed_queries import ALLOWED
from tests.world.api import Api
from tests.world.databases import Desk, empty_redis, fresh_database
from tests.world.explained import Recorder, findings_of, sizes_of
from tests.world.platform_day import BATCH_ORDERS, PlatformDay
from tests.world.store_queries import unseen
from tests.world.world import World

PROGRAM = PlatformWorld(100_000, 30_000)
NUMBER = 1_000_000
"""Of the database: no other test's."""


@pytest.fixture
def container(desk: Desk, tmp_path: Path) -> Iterator[Container]:
    """A database for the program alone; the audit of its day is part of the test."""
    empty_redis(desk.scratch_redis_url)
    with fresh_database(desk, NUMBER) as url:
        settings = Settings(
            database_url=url,
            redis_url=desk.scratch_redis_url,
            var_dir=tmp_path / "var",
            key_pepper="the pepper of the tests",
            webhook_allow_private=True,
            drain_batch_orders=BATCH_ORDERS,
            statement_timeout_ms=600_000,
        )
        opened = Container(settings, url, desk.scratch_redis_url)
        yield opened
        opened.close()


@pytest.mark.timeout(1_800)  # about eighty seconds of processor, on machines that are busy
def test_no_statement_reads_a_table_whole_or_is_planned_wrongly_by_a_hundred(container: Container) -> None:
    program = make_world(container, container.database_url, PROGRAM, lambda step: None)
    recorder = Recorder()
    recorder.listen(container.worker_engine)
    recorder.listen(container.web_engine)
    with container.begin() as conn:
        sizes = sizes_of(conn)
    day = PlatformDay(Api(create_app(container), World(container, program)), PROGRAM)
    day.run()
    container.close()
    queries, origins = set[str](), set[str]()
    wrong: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for explanation in recorder.explanations():
        queries.add(explanation.query)
        origins.add(explanation.origin)
        for finding in findings_of(explanation, sizes):
            wrong[finding.origin, finding.kind].add(f"{finding.subject}: {finding.figures}")
    not_allowed = [f"{key}: {sorted(figures)[0]}" for key, figures in sorted(wrong.items()) if key not in ALLOWED]
    assert not not_allowed, "\n".join(not_allowed)
    not_run = unseen(queries)
    assert not not_run, "SQL of the store that the day does not run:\n" + "\n".join(map(str, not_run.items()))
    assert {origin for origin, _ in ALLOWED} - origins == set(), "in the list, and in no statement"
