"""The benchmarks do what they say, at a tiny scale; how fast is not judged here."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from distrib.bootstrap import Container, open_container
from distrib.cli.bench import bench, ingesting
from distrib.cli.bench.closes import CloseSize, bench_close, bench_export
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.ingesting import IngestSize, bench_single
from distrib.cli.bench.limits.rows import count_rows, extract
from distrib.cli.bench.platform_world.keeping import drop_world, open_world
from distrib.cli.bench.platform_world.shape import PlatformWorld
from distrib.cli.bench.processes.builds import Build, build_in
from distrib.cli.bench.processes.databases import PREFIX, own_databases
from distrib.cli.bench.processes.hands import Hands
from distrib.cli.bench.ranking import RankSize, bench_network, bench_ranks
from distrib.cli.bench.ranking_world import RankWorld
from distrib.cli.bench.settling import SettleSize, bench_settle, prepare
from distrib.cli.bench.world import World
from distrib.domain.texts import Text
from distrib.settings import Settings
from tests.world.commands import name_servers
from tests.world.databases import databases_like

TINY = SettleSize(World(60, 60), 1, 3, World(60, 40))


@pytest.fixture
def container(settings: Settings) -> Iterator[Container]:
    """A container on the test's own database."""
    with open_container(settings) as opened:
        yield opened


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of somebody who types a command."""
    for name in [name for name in os.environ if name.startswith("DISTRIB_")]:
        monkeypatch.delenv(name)
    name_servers(settings, monkeypatch)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What looks like a checkout of another commit with its own Python, and is this one."""
    python = tmp_path / "checkout" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nPYTHONPATH= exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return tmp_path / "checkout"


def test_settling_is_measured_over_exactly_the_rows_that_the_drain_writes(container: Container, checkout: Path) -> None:
    before = count_rows(container.database_url)
    figures = bench_settle(container, TINY, lambda step: None, checkout)
    assert figures["rows_written"].pop("account_months") <= 60
    assert figures["rows_written"] == {"event_outcomes": 60, "settlements": 60, "transfers": 60 * 9}
    assert figures["ratio"] > 0
    assert figures["keys_ratio"] > 0
    assert figures["times_before"] > 0
    assert figures["times_orm"] > 0
    assert figures["bytes_per_order"] > 9 * 100
    assert figures["wal_bytes_per_order"] > 0
    assert figures["memory_at_end_bytes"] >= figures["memory_after_first_tenth_bytes"] > 0
    assert count_rows(container.database_url) == before, "the user's own database"


def test_a_checkout_without_a_python_of_its_own_is_refused(container: Container, tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match="no Python of its own"):
        bench_settle(container, TINY, lambda step: None, tmp_path)


def test_a_run_drops_its_databases_even_when_it_fails(container: Container) -> None:
    made: list[str] = []

    def fail() -> None:
        with own_databases(container.database_url) as databases:
            made.append(databases.make("one"))
            raise BenchFailed(Text("asked to"))

    with pytest.raises(BenchFailed, match="asked to"):
        fail()
    name = made[0].partition("?")[0].rpartition("/")[2]
    with container.worker_engine.connect() as conn:
        assert databases_like(conn, name) == []


def test_what_a_killed_run_left_is_dropped_by_the_next_and_a_living_runs_is_not(container: Container) -> None:
    left = f"{PREFIX}2147483647_prepared"
    with own_databases(container.database_url) as databases:
        living = databases.make("one").partition("?")[0].rpartition("/")[2]
        with container.worker_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("RESET ROLE"))
            conn.execute(text(f'CREATE DATABASE "{left}"'))
            with own_databases(container.database_url):
                assert databases_like(conn, left) == []
                assert databases_like(conn, living) == [living]


def test_a_process_that_fails_ends_the_benchmark_with_its_name_and_status(container: Container) -> None:
    with Hands("drain", 1) as hands, pytest.raises(BenchFailed, match="drain ended with status 1"):
        hands.run([{"environment": {"DISTRIB_DATABASE_URL": "not an address"}, "first_orders": 1}])


def test_rows_are_read_back_in_the_transactions_that_wrote_them(container: Container, tmp_path: Path) -> None:
    with own_databases(container.database_url) as databases:
        url = databases.make("prepared")
        prepare(container, url, World(60, 30))
        extracted = extract(url, ["orders", "events"], 2, tmp_path)
    assert extracted.rows == {"orders": 30, "events": 30}
    assert extracted.transactions == 1


@pytest.mark.usefixtures("environment")
def test_ingest_counts_exactly_the_rows_of_posts_and_the_exit_status_says_whether_the_goal_is_met(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(ingesting.SIZES, "small", IngestSize(World(60, 40), 1))
    result = CliRunner().invoke(bench, ["ingest", "--json"])
    figures = json.loads(result.stdout)
    assert (figures["bench"], figures["scale"]) == ("ingest", "small")
    assert figures["rows_written"] == {"events": 40, "orders": 40, "queue": 40}
    assert figures["ratio"] > 0
    assert result.exit_code == (0 if figures["met"] else 1)


def test_single_posts_are_kept_by_both_sides_and_processor_time_is_told(container: Container) -> None:
    before = count_rows(container.database_url)
    figures = bench_single(container, IngestSize(World(60, 4), 1), lambda step: None)
    assert figures["ratio"] > 0
    assert figures["service_us_per_event"] >= 0
    assert figures["met"] == (figures["ratio"] >= figures["goal"])
    assert count_rows(container.database_url) == before, "the user's own database"


def test_another_build_is_spoken_to_by_its_commands_and_needs_a_python_of_its_own(
    container: Container, tmp_path: Path
) -> None:
    with pytest.raises(BenchFailed, match=r"there is no Python of its own"):
        build_in(tmp_path)
    with own_databases(container.database_url) as databases:
        url = databases.make("prepared")
        key = Build().open_program({**container.environment(), "DISTRIB_DATABASE_URL": url})
        assert key.startswith("dk_")
        assert count_rows(url)["programs"] == 1


def test_processor_time_counts_what_a_process_has_started_and_seen_the_end_of() -> None:
    """In a process of its own: what other tests have started below this one may end in between."""
    parent = """
import os, subprocess, sys
from distrib.cli.bench.processes.processor import processor_seconds
before = processor_seconds(os.getpid())
subprocess.run([sys.executable, "-c", "import time\\nwhile time.process_time() < 0.2: pass"], check=True)
print(processor_seconds(os.getpid()) - before)
"""
    ran = subprocess.run([sys.executable, "-c", parent], check=True, capture_output=True, text=True)
    ticks_cut_off = 4 / os.sysconf("SC_CLK_TCK")  # two numbers are read of a process and two of its children, in ticks
    assert float(ran.stdout) >= 0.2 - ticks_cut_off


def test_an_evaluation_is_measured_whole_and_undone_and_the_tree_comes_to_the_same_on_both_sides(
    container: Container,
) -> None:
    size = RankSize(RankWorld(3_000, 15_000), 1)
    before = count_rows(container.database_url)
    figures = bench_ranks(container, size, lambda step: None)
    assert min(figures["changes"].values()) > 0
    assert figures["evaluation_seconds"] > 0
    assert bench_network(container, size, lambda step: None)["ratio"] > 0
    assert count_rows(container.database_url) == before, "the user's own database"


def test_a_close_and_a_file_of_lines_are_measured_on_a_world_that_they_leave_as_it_was(container: Container) -> None:
    size = CloseSize(PlatformWorld(60, 200), 1)
    try:
        closed = bench_close(container, size, lambda step: None)
        exported = bench_export(container, size, lambda step: None)
        with open_world(container, 60, 200) as opened:
            rows = count_rows(opened.url)
    finally:
        drop_world(container, size.world)
    assert (rows["close_proposals"], rows["closed_periods"], rows["closed_statements"]) == (0, 0, 0)
    assert 0 < closed["month_shops"] <= 60
    assert closed["month_transfers"] == exported["file_rows"] > 0
    assert min(closed["ratio"], closed["confirm_ratio"], closed["pause_seconds"], exported["ratio"]) > 0
    assert exported["file_bytes"] > exported["file_rows"] * 100
