"""What integration tests share: a world of their own, and the API on it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from distrib.services.network import registration
from distrib.settings import Settings
from distrib.store.database import open_engine
from tests.world.api import Api, app_on
from tests.world.world import World, open_world


@pytest.fixture
def world(settings: Settings, database_url: str, redis_url: str) -> Iterator[World]:
    """A program under the `open` pack, with nothing in it."""
    opened = open_world(settings, database_url, redis_url)
    yield opened
    opened.container.close()


@pytest.fixture
def api(world: World) -> Api:
    """The API on the test's own world."""
    return Api(app_on(world.container), world)


@pytest.fixture
def owner(database_url: str) -> Iterator[Engine]:
    """Connections of the login that owns the tables, whom no wall holds."""
    engine = open_engine(database_url, None)
    yield engine
    engine.dispose()


@pytest.fixture
def plain_invite_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn invite codes all begin with Z: a shop asked for by a beginning is looked for among them too."""
    drawn = registration.new_invite_code
    monkeypatch.setattr(registration, "new_invite_code", lambda: f"Z{drawn()[1:]}")
