"""Simulated on files: what the same question comes to in the database, key by key, whoever works on the months."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distrib.domain.errors import Refusal
from distrib.domain.plans.document import canonical_json
from distrib.domain.plans.plan import Plan
from distrib.failpoints import arm_named
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.history import engines, reading
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.engines import Engine
from distrib.services.history.exporting import export_history
from distrib.services.history.months import FileQuestion
from distrib.services.history.simulating import simulate_files
from distrib.services.policies import load_policies
from distrib.services.simulations.running import REFUNDS, SimulationQuestion, enter_history, simulate
from distrib.settings import REPOSITORY
from distrib.store import customer_merges
from distrib.store.recorded import Recorded
from distrib.store.simulations.history import PaidSpan
from tests.integration.simulations.test_in_columns import HELD, SPAN, candidates, seed
from tests.integration.simulations.test_in_columns import told as eventful
from tests.integration.simulations.test_simulations import DAY, FLAT, PLAN, told
from tests.world.api import Api
from tests.world.commands import name_servers, run
from tests.world.documents import PAID, line, refunded, settled
from tests.world.processes import wait_until
from tests.world.world import World, chain

_Answer = TypeVar("_Answer")
__all__ = ["eventful", "seed", "told"]

COUNTED: dict[str, Any] = {**PLAN, "code": "counted"}
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


def test_orders_that_failed_and_customers_who_were_merged_count_as_in_the_database(
    api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world = api.world
    margin = {**PLAN, "code": "margin", "base": "margin", "rules": PLAN["rules"][:1], "pools": []}
    world.publish(margin, PAID - DAY)
    world.join(*chain("a", "b", "c"))
    world.set_rank("b", "gold", PAID - 20 * DAY)
    cost: dict[str, Any] = {"cost_minor": 100}
    for number in range(24):
        seller, customer = "abc"[number % 3], "xyz"[number // 3 % 3]
        more = {"customer_id": customer} if number % 5 else {}
        sold = line(1_000 + 77 * number, **(cost if number % 4 else {}))
        paid_at = PAID + (number * 2 - 10) * DAY
        world.post(settled(f"s{number}", f"o{number}", seller, sold, paid_at=paid_at, **more))
    world.drain()
    with world.container.begin() as conn:
        for customer, into in (("x", "y"), ("y", "z")):
            customer_merges.insert_merge(
                conn, world.program.program_id, customer, into, Recorded(PAID + 9 * DAY, "test")
            )
    codes = {row.code for row in world.rows("SELECT DISTINCT code FROM event_outcomes WHERE program_id = :program")}
    assert codes >= {"no_plan", "cost_missing"}
    name_servers(world.container.settings, monkeypatch)
    assert run("history", "export", "--to", tmp_path / "h").exit_code == 0
    files = []
    asked: list[dict[str, Any]] = [
        {"cap": {"per_month_minor": 900}},
        {"cap": {"per_customer_minor": 300}},
        {"where": {"customer": {"is": "returning", "within_orders": 2}}},
        {"where": {"customer": "new"}},
    ]
    for place, more_asked in enumerate(asked):
        rule = {"id": "seller", "pay": "seller", "rate": {"member": "0.10", "gold": "0.12"}, **more_asked}
        files.append(tmp_path / f"{place}.json")
        files[-1].write_text(json.dumps({**PLAN, "code": f"p{place}", "rules": [rule]}), "utf-8")
    words = ("--from", "2026-02-01", "--to", "2026-07-01")
    for some in (files[:1], files[1:2], files[2:], files):
        by_files = simulated(*some, *words, "--history", tmp_path / "h", "--processes", 1)
        assert by_files["result"] == simulated(*some, *words)["result"]
        assert by_files["result"]["failed_orders"] > 5


@pytest.mark.parametrize("base", ["list", "margin"])
def test_pools_of_any_base_are_shared_from_files_as_in_the_database(
    eventful: World, seed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, base: str
) -> None:
    free = [line(0, "1", list_minor=900, cost_minor=0), line(0, "2", list_minor=70)]
    mixed = [line(0, "1", list_minor=777, cost_minor=0), line(1_000, "2", list_minor=1_300, cost_minor=1)]
    eventful.earn(
        settled("free", "free", "a", *free, paid_at=PAID),
        settled("mixed", "mixed", "b", *mixed, paid_at=PAID + DAY),
        settled("free-2", "free-2", "b", *free, paid_at=PAID + DAY),
        refunded("m1", "mixed", {"2": 333}, PAID + 2 * DAY),
        refunded("m2", "mixed", {"2": 100}, PAID + 35 * DAY),
        refunded("f1", "free", None, PAID + 40 * DAY),
        refunded("f2", "free-2", None, PAID + 2 * DAY),
        refunded("f3", "free-2", None, PAID + 70 * DAY),
    )
    name_servers(eventful.container.settings, monkeypatch)
    assert run("history", "export", "--to", tmp_path / "h").exit_code == 0
    pools = [
        {"id": "all", "rate": "0.0123", "weights": {"gold": 3, "member": 1, "old": 2}},
        {"id": "top", "rate": "0.5", "weights": {"gold": 1}},
    ]
    plan = {**HELD, "code": "pooled", "base": base, "pools": pools}
    (tmp_path / "plan.json").write_text(json.dumps(plan), "utf-8")
    by_files = simulated(tmp_path / "plan.json", *WHOLE, "--history", tmp_path / "h")
    assert by_files["result"] == simulated(tmp_path / "plan.json", *WHOLE)["result"], seed
    assert by_files["result"]["candidates"][0]["pools_minor"]


def test_what_files_do_not_tell_is_refused_by_name(
    told: Api, monkeypatch: pytest.MonkeyPatch, plans: dict[str, Path], tmp_path: Path
) -> None:
    name_servers(told.world.container.settings, monkeypatch)
    assert run("history", "export", "--to", tmp_path / "h").exit_code == 0
    for wrong in (
        (plans["flat"], *WHOLE, "--engine", "dask"),
        (plans["flat"], *WHOLE, "--history", tmp_path / "h", "--output", tmp_path / "x.csv"),
        (plans["flat"], *WHOLE, "--history", tmp_path / "h", "--scheduler", "tcp://127.0.0.1:1"),
    ):
        refused = run("simulate", *wrong).exception
        assert isinstance(refused, Refusal)
        assert refused.code == "invalid"
    file = next((tmp_path / "h" / "orders").glob("*.parquet"))
    whole = file.read_bytes()
    for damaged in (whole[:4] + bytes(len(whole) - 4), whole[: len(whole) // 3].ljust(len(whole), b"-")):
        file.write_bytes(damaged)
        for processes in (1, 2):
            words = (plans["flat"], *WHOLE, "--history", tmp_path / "h", "--processes", processes)
            refused = run("simulate", *words).exception
            assert isinstance(refused, Refusal)
            assert (refused.code, refused.problems[0].pointer) == ("history_unreadable", str(file))
    file.unlink()
    refused = run("simulate", plans["flat"], *WHOLE, "--history", tmp_path / "h").exception
    assert isinstance(refused, Refusal)
    assert refused.code == "history_unreadable"


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


def by_a_worker_that_dies(
    cluster: Callable[..., subprocess.Popen[bytes]], directory: Path, ask: Callable[[Sequence[str]], _Answer]
) -> _Answer:
    """What is answered by a cluster whose only worker is killed in its first month, and replaced.

    Args:
        directory: of the cluster.
        ask: asks with these words, which name the scheduler.
    """
    worker = ("worker", "--nthreads", "1", "--no-nanny", "--local-directory", str(directory))
    doomed = cluster(*worker, "--preload", "tests.world.dying_worker")
    scheduler = json.loads((directory / "scheduler.json").read_text("utf-8"))["address"]

    def replace() -> None:
        assert doomed.wait(120) == -signal.SIGKILL
        cluster(*worker)

    with ThreadPoolExecutor(1) as beside:
        replaced = beside.submit(replace)
        answer = ask(["--engine", "dask", "--scheduler", scheduler])
        replaced.result()
    return answer


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
    by_dask = by_a_worker_that_dies(cluster, tmp_path, lambda scheduler: simulated(*words, *scheduler))
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


def dying(task: Callable[[int], Any]) -> None:
    """What a process is told that is to die in the middle of its first month."""
    engines.remember(task)
    arm_named("history.month:kill")


def as_text(plan: Plan) -> str:
    """A plan as JSON."""
    return canonical_json(plan.document)


@pytest.mark.parametrize("block_orders", [7, 4_000])
def test_any_plan_on_a_random_program_comes_to_the_same(
    eventful: World, seed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, block_orders: int
) -> None:
    monkeypatch.setattr(reading, "BLOCK_ORDERS", block_orders)
    container, program = eventful.container, eventful.program
    now = container.now()
    with container.worker_engine.begin() as conn:
        enter_history(conn)
        export_history(Unit(conn, program, COMMAND_LINE, now), eventful.policies, tmp_path)
    directory = HistoryDirectory.open(tmp_path)
    policies = load_policies(container.settings.config_dir)

    parts = PaidSpan(SPAN.since + timedelta(days=25), SPAN.until - timedelta(days=25, hours=7))

    @settings(max_examples=10)
    @given(
        st.lists(candidates().map(as_text), min_size=1, max_size=2),
        st.sampled_from(REFUNDS),
        st.sampled_from([SPAN, parts]),
    )
    def holds(documents: list[str], refunds: str, span: PaidSpan) -> None:
        by_files = FileQuestion(directory, tuple(documents), policies, span, refunds)
        question = SimulationQuestion(by_files.plans, span, refunds)
        with container.worker_engine.begin() as conn:
            enter_history(conn)
            unit = Unit(conn, program, COMMAND_LINE, now)
            expected = simulate(unit, eventful.policies, question, container.worker_engine.begin)
        assert simulate_files(by_files, Engine()) == expected, seed

    holds()
