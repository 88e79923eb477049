"""Simulated on files: what the same question comes to in the database, key by key, whoever works on the months."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from distrib.domain.errors import Refusal
from distrib.failpoints import arm_named
from distrib.services.history import engines
from distrib.services.history.months import FileQuestion
from distrib.settings import REPOSITORY
from tests.integration.simulations.test_simulations import EVENTS, FLAT, PLAN, told
from tests.world.api import Api
from tests.world.commands import name_servers, run
from tests.world.processes import wait_until
from tests.world.world import World

__all__ = ["told"]

COUNTED: dict[str, Any] = {
    **PLAN,
    "code": "counted",
    "rules": [{key: value for key, value in rule.items() if key != "requires"} for rule in PLAN["rules"]],
}
MONTHLY: dict[str, Any] = {
    **COUNTED,
    "code": "monthly",
    "rules": [rule for rule in COUNTED["rules"] if "per_customer_minor" not in rule.get("cap", {})],
}
WHOLE = ("--from", "2026-03-01", "--to", "2026-06-01")


def simulated(*words: object) -> dict[str, Any]:
    """What the command says."""
    result = run("simulate", *words, "--json")
    assert result.exit_code == 0, result.output
    view: dict[str, Any] = json.loads(result.stdout)
    return view


@pytest.fixture
def plans(tmp_path: Path) -> dict[str, Path]:
    """Plans as files."""
    files = {}
    for plan in (FLAT, COUNTED, MONTHLY):
        files[plan["code"]] = tmp_path / f"{plan['code']}.json"
        files[plan["code"]].write_text(json.dumps(plan), "utf-8")
    return files


@pytest.mark.parametrize("span", [WHOLE, ("--from", "2026-03-02", "--to", "2026-04-03")])
def test_files_come_to_what_the_database_comes_to(
    told: Api, monkeypatch: pytest.MonkeyPatch, plans: dict[str, Path], tmp_path: Path, span: tuple[str, ...]
) -> None:
    name_servers(told.world.container.settings, monkeypatch)
    assert run("history", "export", "--to", tmp_path / "h").exit_code == 0
    for refunds in ("known", "none"):
        for some in (["flat", "counted"], ["monthly", "flat"]):
            words = [*(plans[name] for name in some), *span, "--refunds", refunds]
            by_files = simulated(*words, "--history", tmp_path / "h")
            assert by_files["result"] == simulated(*words)["result"]
            assert by_files["result"]["orders"] > 2


def test_several_processes_and_dask_come_to_the_same(
    told: Api, monkeypatch: pytest.MonkeyPatch, plans: dict[str, Path], tmp_path: Path
) -> None:
    name_servers(told.world.container.settings, monkeypatch)
    assert run("history", "export", "--to", tmp_path / "h").exit_code == 0
    words = [plans["monthly"], plans["flat"], *WHOLE, "--history", tmp_path / "h"]
    alone = simulated(*words)
    assert simulated(*words, "--processes", 2) == alone
    assert simulated(*words, "--engine", "dask") == alone


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts processes of Dask: a scheduler, and workers that find it by its file."""
    begun: list[subprocess.Popen[bytes]] = []
    said = tmp_path / "scheduler.json"

    def start(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *words, "--scheduler-file", str(said), "--no-dashboard"]
        begun.append(subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL))
        return begun[-1]

    start("scheduler", "--host", "127.0.0.1", "--port", "0")
    wait_until(said.exists, "the scheduler")
    yield start
    for process in reversed(begun):
        process.kill()
        process.wait()


def test_a_worker_of_dask_that_dies_in_the_middle_changes_nothing(
    told: Api,
    monkeypatch: pytest.MonkeyPatch,
    plans: dict[str, Path],
    tmp_path: Path,
    cluster: Callable[..., subprocess.Popen[bytes]],
) -> None:
    name_servers(told.world.container.settings, monkeypatch)
    assert run("history", "export", "--to", tmp_path / "h").exit_code == 0
    words = [plans["monthly"], plans["flat"], *WHOLE, "--history", tmp_path / "h"]
    worker = ("worker", "--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path))
    dying = cluster(*worker, "--preload", "tests.world.dying_worker")
    scheduler = json.loads((tmp_path / "scheduler.json").read_text("utf-8"))["address"]

    def replace() -> None:
        assert dying.wait(120) == -signal.SIGKILL
        cluster(*worker)

    with ThreadPoolExecutor(1) as beside:
        replaced = beside.submit(replace)
        by_dask = simulated(*words, "--engine", "dask", "--scheduler", scheduler)
        replaced.result()
    assert by_dask == simulated(*words)


def test_a_process_that_dies_in_the_middle_is_one_message(
    told: Api, monkeypatch: pytest.MonkeyPatch, plans: dict[str, Path], tmp_path: Path
) -> None:
    name_servers(told.world.container.settings, monkeypatch)
    assert run("history", "export", "--to", tmp_path / "h").exit_code == 0
    words = [plans["flat"], *WHOLE, "--history", tmp_path / "h", "--processes", 2]
    monkeypatch.setattr(engines, "remember", dying)
    refused = run("simulate", *words).exception
    assert isinstance(refused, Refusal)
    assert refused.code == "history_worker_lost"


def dying(question: FileQuestion) -> None:
    """What a process is told that is to die in the middle of its first month."""
    engines.remember(question)
    arm_named("history.month:kill")
