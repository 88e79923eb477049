"""What tests of faults share: one database and one lossy way to it for all of a file, a program for each test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from distrib.settings import Settings
from tests.world import databases
from tests.world.lossy import Lossy, lossy_way

_NUMBER = 1_000_000
"""Of the database, in its name: above those of all tests."""


@pytest.fixture(scope="module")
def shared_settings(desk: databases.Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings for a database that lives as long as the tests of a file."""
    with databases.fresh_database(desk, _NUMBER) as url:
        yield Settings(
            database_url=url,
            redis_url=desk.scratch_redis_url,
            var_dir=tmp_path_factory.mktemp("var"),
            key_pepper="the pepper of the tests",
            drain_batch_orders=50,
        )


@pytest.fixture(scope="module")
def lossy(shared_settings: Settings) -> Iterator[Lossy]:
    """A way to that database on which answers get lost."""
    assert shared_settings.database_url is not None
    with lossy_way(shared_settings.database_url) as way:
        yield way


@pytest.fixture
def own_settings(shared_settings: Settings, tmp_path: Path) -> Settings:
    """The same with a directory of the test's own."""
    return replace(shared_settings, var_dir=tmp_path)
