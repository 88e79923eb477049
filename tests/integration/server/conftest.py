"""One program on a database of its own, and the API served for it as real processes, three times: see each fixture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from distrib.bootstrap import Container
from distrib.services.context import Program
from distrib.settings import Settings
from tests.world import databases
from tests.world.live import Client, Live, served_api

_DATABASE = 500_000
"""A number that no other fixture counts up to."""


@dataclass(frozen=True)
class Served:
    """The service, and a program on it."""

    live: Live
    program: Program

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.live.port

    def client(self, role: str = "admin") -> Client:
        """A client with a new key of that role."""
        return self.live.client(self.program, role)


@pytest.fixture(scope="session")
def served_container(desk: databases.Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """What the three services share."""
    with databases.fresh_database(desk, _DATABASE) as database_url:
        settings = Settings(
            database_url=database_url,
            redis_url=desk.redis_url,
            var_dir=tmp_path_factory.mktemp("served"),
            key_pepper="the pepper of the tests",
        )
        container = Container(settings, database_url, desk.redis_url)
        yield container
        container.close()


@pytest.fixture(scope="session")
def usual(served_container: Container) -> Iterator[Served]:
    """As it is served: two processes, the usual limits."""
    with served_api(served_container, processes=2) as live:
        yield Served(live, live.open_program("usual"))


@pytest.fixture(scope="session")
def hasty(served_container: Container) -> Iterator[Served]:
    """One process that waits a second for whatever its callers do, and takes four connections of an address."""
    with served_api(served_container, app="tests.world.hasty:app") as live:
        yield Served(live, live.open_program("hasty"))


@pytest.fixture(scope="session")
def patient(served_container: Container) -> Iterator[Served]:
    """One process that waits for its callers for as long as a test takes."""
    with served_api(served_container, app="tests.world.patient:app") as live:
        yield Served(live, live.open_program("patient"))
