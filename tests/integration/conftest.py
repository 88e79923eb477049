"""What integration tests share: a world of their own, and the API on it."""

from collections.abc import Iterator

import pytest

from distrib.app import create_app
from distrib.settings import Settings
from tests.world.api import Api
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
    return Api(create_app(world.container), world)
