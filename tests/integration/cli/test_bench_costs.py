"""The benchmarks that count processor time do all of their work, at a tiny scale; what it costs is not judged here."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from distrib.bootstrap import Container, open_container
from distrib.cli.bench import bench, console_pages
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.growing import FlatSize, bench_flat
from distrib.cli.bench.limits.rows import count_rows
from distrib.cli.bench.many_programs import ProgramsSize, bench_programs
from distrib.cli.bench.peering import PeerSize, bench_peer
from distrib.cli.bench.platform_world.keeping import drop_world, open_world
from distrib.cli.bench.platform_world.shape import PlatformWorld
from distrib.cli.bench.refunding import RefundSize, bench_refund
from distrib.cli.bench.spending import processor_s, spent_by
from distrib.cli.bench.world import World
from distrib.settings import Settings
from tests.world.commands import name_servers

# As much of a ledger as the benchmark asks for: accounts, and a batch with or without the time of its event.
LEDGER = """
CREATE TABLE pgledger_accounts (id text PRIMARY KEY, name text, currency text);
CREATE TABLE posted (source text, target text, amount numeric, event_at timestamptz);
CREATE TYPE transfer_request AS (from_account_id text, to_account_id text, amount numeric);
CREATE FUNCTION pgledger_create_account(name text, currency text) RETURNS SETOF pgledger_accounts
    LANGUAGE sql AS $$ INSERT INTO pgledger_accounts VALUES ('id-' || name, name, currency) RETURNING * $$;
CREATE FUNCTION pgledger_create_transfers(asked transfer_request[], event_at timestamptz DEFAULT NULL)
    RETURNS SETOF posted LANGUAGE sql AS $$
    INSERT INTO posted SELECT from_account_id, to_account_id, amount, event_at FROM unnest(asked) RETURNING * $$;
CREATE FUNCTION pgledger_create_transfers(VARIADIC asked transfer_request[]) RETURNS SETOF posted
    LANGUAGE sql AS $$ SELECT * FROM pgledger_create_transfers(asked, NULL) $$;
"""


@pytest.fixture
def container(settings: Settings) -> Iterator[Container]:
    """A container on the test's own database."""
    with open_container(settings) as opened:
        yield opened


def silent(_: str) -> None:
    """Says nothing of any step."""


def test_an_order_is_measured_on_a_large_and_on_a_small_program_and_the_kept_ones_stay_as_they_were(
    container: Container,
) -> None:
    large, small = PlatformWorld(120, 110), PlatformWorld(60, 50)
    try:
        figures = bench_flat(container, FlatSize(large, small, 100, 1), silent)
    finally:
        names = drop_world(container, large) + drop_world(container, small)
    assert figures["flat_ratio"] > 0
    assert figures["wal_ratio"] > 0
    assert figures["large"]["shops"] == 120
    assert figures["small_wal"] > 0
    assert len(names) == 2


def test_refunds_are_measured_at_as_many_transfers_as_the_orders_wrote(container: Container) -> None:
    before = count_rows(container.database_url)
    figures = bench_refund(container, RefundSize(World(60, 80), 1), silent)
    assert figures["transfers_each"] == 9
    assert figures["ratio"] > 0
    assert count_rows(container.database_url) == before, "the user's own database"


def test_programs_are_measured_one_after_another_and_a_small_one_beside_a_large_one(container: Container) -> None:
    figures = bench_programs(container, ProgramsSize(World(60, 50), 3, World(60, 60), 2.0), silent)
    assert len(figures["processor_us"]) == 3
    assert figures["beside_orders"] > 0
    assert figures["beside_p99_s"] >= figures["beside_p50_s"] > 0
    for work in ("close", "evaluation", "export"):
        assert figures[f"beside_{work}_orders"] > 0
        assert figures[f"beside_{work}_p99_s"] > 0


def test_a_peer_is_measured_with_the_files_that_the_user_names(container: Container, tmp_path: Path) -> None:
    parts = [tmp_path / "first.sql", tmp_path / "second.sql"]
    half = LEDGER.index("CREATE TYPE")
    parts[0].write_text(LEDGER[:half])
    parts[1].write_text(LEDGER[half:])
    figures = bench_peer(container, PeerSize(World(60, 50), 1, 1), silent, parts)
    assert figures["times_peer"] >= 0  # so little to do may take no time that is counted
    assert figures["peer_transfer"]["wal_bytes"] > 0


def test_files_that_make_no_peer_end_the_benchmark_with_what_the_server_says(
    container: Container, tmp_path: Path
) -> None:
    other = tmp_path / "other.sql"
    other.write_text("CREATE TABLE other (n integer)")
    with pytest.raises(BenchFailed, match=r"do not make pgledger[^$]*pgledger_create_account"):
        bench_peer(container, PeerSize(World(60, 50), 1, 1), silent, [other])


def test_processor_time_of_a_server_on_another_machine_and_of_nothing_done_cannot_be_counted(
    container: Container,
) -> None:
    with pytest.raises(BenchFailed, match="must run on this machine"):
        processor_s(2**22 + 1)
    with container.worker_engine.connect() as conn:
        pid = conn.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
    with pytest.raises(BenchFailed, match="nothing was done"):
        spent_by(container.database_url, pid, lambda: 0)


def test_pages_of_the_console_and_of_an_owner_are_looked_at_on_a_large_and_on_a_small_program(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound, value in (("MOST_PAGES", 30), ("OF_A_KIND", 1), ("ROUNDS", 1)):
        monkeypatch.setattr(console_pages, bound, value)
    large, small = PlatformWorld(130, 110), PlatformWorld(70, 50)
    try:
        with open_world(container, 130, 110) as first, open_world(container, 70, 50) as second:
            figures = console_pages.compare(first, second)
    finally:
        names = drop_world(container, large) + drop_world(container, small)
    kinds = [page["kind"] for page in figures["pages"]]
    assert {"/console/p/<program>", "/console/p/<program>/shops", "/my", "/my/team"} <= {*kinds}
    assert len(kinds) == len({*kinds}) == figures["pages_seen"]
    assert 0 < figures["median_page_ms"] <= figures["dearest_page_ms"]
    assert len(names) == 2


def test_all_of_them_run_one_after_another_and_one_that_fails_is_told_of(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name_servers(settings, monkeypatch)
    other = tmp_path / "other.sql"
    other.write_text("CREATE TABLE other (n integer)")
    done = CliRunner().invoke(bench, ["all", "--only", "engine", "--pgledger", str(other), "--json"])
    figures = json.loads(done.stdout)
    assert (done.exit_code, figures["met"], [*figures["of"]]) == (1, False, ["engine", "peer"])
    assert figures["of"]["engine"]["orders_per_second"] > 0
    assert "do not make pgledger" in figures["of"]["peer"]["failed"]
