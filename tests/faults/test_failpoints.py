"""Every point on the ways of money × every way to be interrupted there: what is done again comes to what it would have.

Of each way the books of an undisturbed run are the measure; nothing in them says that anything happened.
"""

from __future__ import annotations

import multiprocessing
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from distrib import failpoints
from distrib.failpoints import POINTS
from distrib.settings import REPOSITORY, Settings
from tests.world.lossy import Lossy
from tests.world.ways import WAYS, Site, books_of, die_on_the_way, faults_of, open_site

_DIES_WITHIN_S = 60
_numbers = count(1)
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.world.ways"])
CASES = [(name, point) for name, way in WAYS.items() for point in POINTS if point.partition(".")[0] in way.rooms]
OF_FILES = {
    "history.month": "tests/integration/simulations/test_history_simulated.py",
    "history.written": "tests/integration/simulations/test_history_files.py",
}
"""Points where files are written or read and no books are changed: where they are killed at."""


@pytest.fixture
def prepare(own_settings: Settings, tmp_path: Path) -> Callable[[str], Site]:
    """Opens a program on which a way may begin."""

    def open_prepared(name: str) -> Site:
        site = open_site(own_settings, f"{name}-{next(_numbers)}", tmp_path)
        with site.open() as world:
            WAYS[name].prepare(world)
        return site

    return open_prepared


@pytest.fixture(scope="module")
def undisturbed(shared_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """The books of a way on which nothing happens."""

    @cache
    def books(name: str) -> dict[str, Any]:
        site = open_site(shared_settings, f"{name}-undisturbed", tmp_path_factory.mktemp(name))
        with site.open() as world:
            WAYS[name].prepare(world)
            WAYS[name].act(site, world)
            world.drain()
            return books_of(world)

    return books


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command reads the environment, and what a test puts there goes with it."""
    monkeypatch.delenv("DISTRIB_FAILPOINT", raising=False)
    for name in ("DATABASE_URL", "REDIS_URL", "VAR_DIR", "KEY_PEPPER", "DATA_KEY", "WEBHOOK_ALLOW_PRIVATE"):
        monkeypatch.setenv(f"DISTRIB_{name}", "")
    for name in ("DRAIN_BATCH_ORDERS", "SWEEP_INTERVAL_MS"):
        monkeypatch.setenv(f"DISTRIB_{name}", "")


def _ends_as(site: Site, name: str, books: dict[str, Any]) -> None:
    """What was interrupted is done again, to the end: the books are those of the undisturbed run, and hold."""
    with site.open() as world:
        WAYS[name].act(site, world)
        world.drain()
        assert books_of(world) == books
        assert faults_of(world) == []


@pytest.mark.faults
@pytest.mark.parametrize(("name", "point"), CASES)
def test_a_process_killed_there_leaves_nothing_half_done(
    prepare: Callable[[str], Site], undisturbed: Callable[[str], dict[str, Any]], name: str, point: str
) -> None:
    site = prepare(name)
    victim = _forks.Process(target=die_on_the_way, args=(name, site, point))
    victim.start()
    victim.join(_DIES_WITHIN_S)
    assert victim.exitcode == -signal.SIGKILL
    _ends_as(site, name, undisturbed(name))


@pytest.mark.faults
@pytest.mark.parametrize(("name", "point"), CASES)
def test_an_error_that_nobody_expects_there_leaves_nothing_half_done(
    prepare: Callable[[str], Site], undisturbed: Callable[[str], dict[str, Any]], name: str, point: str
) -> None:
    site = prepare(name)
    with site.open() as world:
        failpoints.arm_named(f"{point}:raise")
        with suppress(failpoints.Interrupted, AssertionError):
            WAYS[name].act(site, world)
    assert failpoints.disarm() == [], "the point was reached"
    _ends_as(site, name, undisturbed(name))


@pytest.mark.faults
@pytest.mark.parametrize("what", ["commit", "answer"])
@pytest.mark.parametrize(("name", "point"), CASES)
def test_a_commit_lost_after_it_or_only_its_answer_comes_to_the_same(
    prepare: Callable[[str], Site],
    undisturbed: Callable[[str], dict[str, Any]],
    lossy: Lossy,
    name: str,
    point: str,
    what: str,
) -> None:
    site, lost_before = prepare(name), lossy.lost
    with site.open(lossy.url) as world:
        failpoints.arm(point, lambda: lossy.lose(what))
        with suppress(AssertionError):
            WAYS[name].act(site, world)
    assert failpoints.disarm() == [], "the point was reached"
    is_last = lossy.loses is not None  # nothing was committed after it
    lossy.loses = None
    assert is_last or lossy.lost == lost_before + 1
    _ends_as(site, name, undisturbed(name))


def test_every_point_stands_on_a_way_and_at_one_place_of_the_code() -> None:
    assert sorted([*(point for _, point in CASES), *OF_FILES]) == sorted(POINTS)
    for point, file in OF_FILES.items():
        assert f"{point}:kill" in (REPOSITORY / file).read_text("utf-8")
    reached = [
        point
        for path in sorted((REPOSITORY / "distrib").rglob("*.py"))
        for point in re.findall(r"\breach\(\"([a-z.]+)\"\)", path.read_text("utf-8"))
    ]
    assert sorted(reached) == sorted(POINTS)
