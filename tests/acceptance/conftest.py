"""One live service for a process's acceptance tests; each test opens programs of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from distrib.bootstrap import Container
from distrib.settings import Settings
from tests.world import audited, databases
from tests.world.live import Live, live_service


@pytest.fixture(autouse=True)
def audit_follows(request: pytest.FixtureRequest) -> Iterator[None]:
    """Audits the programs that a test opened on the live service, once it is over."""
    if "live" not in request.fixturenames or audited.tampers(request):
        yield
        return
    live: Live = request.getfixturevalue("live")
    with audited.auditing_engine(live.container.database_url) as engine:
        with engine.connect() as conn:
            before = audited.programs_after(conn, 0)
        yield
        audited.audit_programs(engine, max(before, default=0))


@pytest.fixture(scope="session")
def live(desk: databases.Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The API and a worker on a database of their own."""
    with databases.fresh_database(desk, 0) as database_url:
        settings = Settings(
            database_url=database_url,
            redis_url=desk.redis_url,
            var_dir=tmp_path_factory.mktemp("live"),
            key_pepper="the pepper of the tests",
        )
        container = Container(settings, database_url, desk.redis_url)
        with live_service(container) as service:
            yield service
        container.close()
