"""What integration tests share: a world of their own."""

from collections.abc import Iterator

import pytest

from distrib.settings import Settings
from tests.world.worlds import World, open_world


@pytest.fixture
def world(settings: Settings, database_url: str, redis_url: str) -> Iterator[World]:
    """A program under the `open` pack, with nothing in it."""
    opened = open_world(settings, database_url, redis_url)
    yield opened
    opened.container.close()
