"""Says what a benchmark found, and on what machine: a table in English or Chinese. No figure is made here."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from distrib.bootstrap import Container
from distrib.cli.output import open_console, print_line, print_table
from distrib.domain.texts import Text
from distrib.languages import render

_CPUINFO = Path("/proc/cpuinfo")

_STEPS = {
    "prepare": Text("Preparing shops and orders"),
    "drain": Text("Settling with two workers"),
    "drain_before": Text("Settling with two workers of the other build"),
    "raw": Text("Copying the same rows"),
    "orm": Text("Settling one order a transaction"),
    "memory": Text("Settling on, for the memory"),
    "engine": Text("Working out orders"),
    "kernel": Text("Working out orders in columns and one by one"),
    "drain_alone": Text("Settling in one process"),
    "simulate_as_were": Text("Simulating, ranks as they were"),
    "simulate_replayed": Text("Simulating, ranks replayed"),
    "simulate_files": Text("Exporting, then simulating on the files"),
    "memory_history": Text("Settling a longer history, and simulating it for the memory"),
    "evaluate_before": Text("Evaluating the month before"),
    "evaluate": Text("Evaluating all shops"),
    "network": Text("Passing over the tree"),
    "bare": Text("Copying the same rows, bare arithmetic"),
    "post": Text("Posting over HTTP"),
    "refund": Text("Giving everything back"),
    "peer": Text("Posting through pgledger"),
    "beside": Text("Settling single orders beside a large program"),
    "beside_close": Text("Settling single orders beside a close"),
    "beside_evaluation": Text("Settling single orders beside an evaluation"),
    "beside_export": Text("Settling single orders beside an export"),
    "audit": Text("Auditing the large program"),
    "audit_small": Text("Auditing a tenth of it"),
    "evaluation_beside": Text("Settling, with and without an evaluation beside"),
    "monitors_beside": Text("Settling, with and without the monitors beside"),
    "audit_beside": Text("Settling, with and without an audit beside"),
    "schema": Text("Migrating a new database"),
    "shops": Text("Making shops"),
    "referrals": Text("Making the tree"),
    "shop_statuses": Text("Making statuses"),
    "events": Text("Making orders and their events"),
    "settlements": Text("Making settlements"),
    "refund_lines": Text("Making refunds"),
    "transfers": Text("Making transfers"),
    "account_months": Text("Adding up months"),
    "transfer_blocks": Text("Noting what transfers there are"),
    "order_blocks": Text("Noting when orders were paid"),
    "indexes": Text("Building indexes"),
    "totals": Text("Keeping the totals of months"),
    "reads": Text("Reading every page of both programs"),
    "pages": Text("Looking at the pages of both programs"),
    "vacuum": Text("Vacuuming"),
    "post_before": Text("Posting to the other build"),
    "bare_route": Text("Posting to a bare route"),
    "help": Text("Listing the commands"),
    "serve_cold": Text("Serving from nothing"),
    "serve_warm": Text("Serving again"),
    "full_load": Text("Finding out the full load"),
    "loaded": Text("Watching single events under a third of it"),
    "idle": Text("Watching single events"),
    "killed": Text("Watching single events, Valkey killed"),
    "hung": Text("Watching single events, Valkey frozen"),
    "close": Text("Closing the month"),
    "aggregate": Text("Adding up the same transfers"),
    "export": Text("Writing the month's lines"),
    "nowhere": Text("Copying the same lines to nowhere"),
}
_NAMES = {
    "large_shops": Text("shops of the large program"),
    "large_orders": Text("its orders"),
    "requests": Text("pages read, with every filter"),
    "worst_ratio": Text("the worst page against the small program's"),
    "worst_ms": Text("ms of processor, the dearest page"),
    "pages_seen": Text("pages looked at"),
    "median_page_ms": Text("ms of processor, half of the pages"),
    "median_page_wall_ms": Text("ms by the clock, half of the pages"),
    "small_median_page_ms": Text("ms of processor, half of the small program's pages"),
    "dearest_page_ms": Text("ms of processor, the dearest page of all"),
    "orders_per_second": Text("orders a second"),
    "orders_per_second_before": Text("orders a second, the other build"),
    "times_before": Text("times the other build"),
    "python_us_per_order": Text("µs of processor an order, Python"),
    "postgresql_us_per_order": Text("µs of processor an order, PostgreSQL"),
    "wal_bytes_per_order": Text("bytes of the log an order"),
    "python_us_per_order_before": Text("µs of processor an order, Python of the other build"),
    "postgresql_us_per_order_before": Text("µs of processor an order, PostgreSQL of the other build"),
    "wal_bytes_per_order_before": Text("bytes of the log an order, the other build"),
    "bytes_per_order": Text("bytes copied an order"),
    "bare_orders_per_second": Text("the same orders a second, bare arithmetic"),
    "events_per_second": Text("events a second, over HTTP"),
    "events_per_second_before": Text("events a second, the other build"),
    "single_events_per_second": Text("events a second, one a post"),
    "bare_route_events_per_second": Text("the same events a second, a route with one INSERT"),
    "service_us_per_event": Text("µs of processor an event, service"),
    "postgresql_us_per_event": Text("µs of processor an event, PostgreSQL"),
    "service_us_per_event_before": Text("µs of processor an event, service of the other build"),
    "postgresql_us_per_event_before": Text("µs of processor an event, PostgreSQL of the other build"),
    "rows_per_order": Text("rows written an order"),
    "rows_per_event": Text("rows written an event"),
    "raw_orders_per_second": Text("the same orders a second, raw COPY"),
    "raw_events_per_second": Text("the same events a second, raw COPY"),
    "raw_rows_per_second": Text("rows a second, raw COPY"),
    "evaluation_seconds": Text("seconds for one evaluation"),
    "shops_per_second": Text("shops a second"),
    "bare_shops_per_second": Text("the same shops a second, bare COPY and arithmetic"),
    "help_processor_s": Text("seconds of processor, the list of commands"),
    "python_processor_s": Text("seconds of processor, Python alone"),
    "serve_ready_s": Text("seconds until serve is ready"),
    "serve_fresh_ready_s": Text("seconds until serve is ready, on an empty directory"),
    "serve_processor_s": Text("seconds of processor until serve is ready"),
    "full_load_events_per_second": Text("events a second, posted and worked on"),
    "idle_p50_ms": Text("ms until done, nothing else to do, half of them"),
    "idle_p99_ms": Text("ms until done, nothing else to do, 99 of 100"),
    "loaded_p50_ms": Text("ms until done, a third of full load, half of them"),
    "loaded_p99_ms": Text("ms until done, a third of full load, 99 of 100"),
    "killed_p99_ms": Text("ms until done, Valkey killed, 99 of 100"),
    "hung_p99_ms": Text("ms until done, Valkey frozen, 99 of 100"),
    "month_transfers": Text("transfers of the month"),
    "month_shops": Text("shops of the month"),
    "propose_seconds": Text("seconds to propose a close"),
    "confirm_seconds": Text("seconds to confirm it"),
    "aggregate_seconds": Text("seconds to add up the same transfers by shop"),
    "confirm_ratio": Text("ratio of the confirmation alone"),
    "pause_seconds": Text("longest time in which nobody could post, seconds"),
    "file_rows": Text("lines of the file"),
    "file_bytes": Text("bytes of the file"),
    "rows_per_second": Text("lines a second"),
    "copy_rows_per_second": Text("lines a second, COPY to nowhere"),
    "growth_bytes": Text("growth of the process meanwhile"),
    "ratio": Text("ratio"),
    "keys_ratio": Text("ratio to a COPY into tables with primary keys alone"),
    "mixed_orders_per_second": Text("orders a second, rules of every kind"),
    "bare_mixed_orders_per_second": Text("the same, bare arithmetic"),
    "mixed_ratio": Text("ratio"),
    "orm_orders_per_second": Text("orders a second, one ORM transaction each"),
    "times_orm": Text("times the ORM"),
    "memory_orders": Text("orders, for the memory"),
    "memory_after_first_tenth_bytes": Text("a worker's peak after the first tenth"),
    "memory_at_end_bytes": Text("a worker's peak at the end"),
    "memory_growth": Text("growth of that peak"),
    "audit_seconds": Text("seconds for one audit of everything"),
    "audit_seconds_of_a_tenth": Text("seconds for one of a tenth of the program"),
    "audit_growth": Text("times as long for ten times the orders"),
    "longest_snapshot_seconds": Text("seconds of the longest snapshot"),
    "python_microseconds_an_order": Text("processor time outside PostgreSQL, microseconds an order"),
    "audit_alone_orders_per_second": Text("orders a second alone"),
    "audit_beside_orders_per_second": Text("orders a second beside an audit"),
    "audit_ratio": Text("ratio"),
    "evaluation_alone_orders_per_second": Text("orders a second alone"),
    "evaluation_beside_orders_per_second": Text("orders a second beside an evaluation"),
    "evaluation_ratio": Text("ratio"),
    "monitors_alone_orders_per_second": Text("orders a second alone"),
    "monitors_beside_orders_per_second": Text("orders a second beside the monitors"),
    "monitors_ratio": Text("ratio"),
}
_NAMES |= {
    "large_processor_us": Text("processor time an order, large program, µs"),
    "small_processor_us": Text("processor time an order, small program, µs"),
    "flat_ratio": Text("large against small"),
    "large_wal": Text("log an order, large program, bytes"),
    "small_wal": Text("log an order, small program, bytes"),
    "wal_ratio": Text("log, large against small"),
    "settle_processor_us": Text("processor time of a settlement, µs"),
    "refund_processor_us": Text("processor time of a refund, µs"),
    "first_processor_us": Text("processor time an order, first program, µs"),
    "last_processor_us": Text("processor time an order, last program, µs"),
    "last_to_first": Text("last against first"),
    "beside_p50_s": Text("an order beside a large program, median, s"),
    "beside_p99_s": Text("an order beside a large program, 99 of 100, s"),
    "beside_close_p99_s": Text("an order beside a large program's close, 99 of 100, s"),
    "beside_evaluation_p99_s": Text("an order beside a large program's evaluation, 99 of 100, s"),
    "beside_export_p99_s": Text("an order beside a large program's export, 99 of 100, s"),
    "transfer_processor_us": Text("processor time a transfer, µs"),
    "peer_processor_us": Text("processor time a transfer, pgledger, µs"),
    "times_peer": Text("times pgledger"),
    "kernel_orders_per_second": Text("orders a second in columns, rates of the base"),
    "engine_orders_per_second": Text("the same orders a second, one by one"),
    "kernel_ratio": Text("kernel alone, rates of the base: times the engine of one order"),
    "kernel_mixed_orders_per_second": Text("orders a second in columns, rules of every kind"),
    "engine_mixed_orders_per_second": Text("the same orders a second, one by one"),
    "kernel_mixed_ratio": Text("kernel alone, rules of every kind: times the engine of one order"),
    "settle_python_us": Text("µs of processor an order, settling, Python"),
    "settle_postgresql_us": Text("µs of processor an order, settling, PostgreSQL"),
    "simulate_python_us": Text("µs of processor an order, simulating, Python"),
    "simulate_postgresql_us": Text("µs of processor an order, simulating, PostgreSQL"),
    "replay_python_us": Text("µs of processor an order, ranks replayed, Python"),
    "replay_postgresql_us": Text("µs of processor an order, ranks replayed, PostgreSQL"),
    "simulation_ratio": Text("a whole simulation: times settling the same orders"),
    "files_python_us": Text("µs of processor an order, simulating on files, Python"),
    "files_ratio": Text("a whole simulation on files: times settling the same orders"),
    "replayed_ratio": Text("ranks replayed against ranks as they were"),
    "simulation_memory_bytes": Text("the most memory of a simulation"),
    "simulation_memory_longer_bytes": Text("the same of ten times the orders"),
    "simulation_memory_growth": Text("growth of that memory"),
}
_GOALS = {
    "flat_ratio": ("flat_goal", "≤"),
    "small_wal": ("small_wal_goal", "≤"),
    "wal_ratio": ("wal_goal", "≤"),
    "last_to_first": ("last_to_first_goal", "≤"),
    "beside_p99_s": ("beside_p99_s_goal", "≤"),
    "beside_close_p99_s": ("beside_p99_s_goal", "≤"),
    "beside_evaluation_p99_s": ("beside_p99_s_goal", "≤"),
    "beside_export_p99_s": ("beside_p99_s_goal", "≤"),
    "times_peer": ("times_peer_goal", "≥"),
    "kernel_ratio": ("kernel_goal", "≥"),
    "kernel_mixed_ratio": ("kernel_mixed_goal", "≥"),
    "simulation_ratio": ("simulation_goal", "≥"),
    "files_ratio": ("files_goal", "≥"),
    "replayed_ratio": ("replayed_goal", "≥"),
    "simulation_memory_longer_bytes": ("simulation_memory_goal_bytes", "≤"),
    "simulation_memory_growth": ("simulation_memory_growth_goal", "≤"),
    "worst_ratio": ("worst_ratio_goal", "≤"),
    "worst_ms": ("worst_ms_goal", "≤"),
    "median_page_ms": ("median_page_ms_goal", "≤"),
    "small_median_page_ms": ("small_median_page_ms_goal", "≤"),
    "evaluation_seconds": ("evaluation_seconds_goal", "≤"),
    "ratio": ("goal", "≥"),
    "audit_seconds": ("audit_seconds_goal", "≤"),
    "audit_growth": ("audit_growth_goal", "≤"),
    "audit_ratio": ("audit_goal", "≥"),
    "evaluation_ratio": ("evaluation_goal", "≥"),
    "monitors_ratio": ("monitors_goal", "≥"),
    "times_orm": ("times_orm_goal", "≥"),
    "help_processor_s": ("help_processor_s_goal", "≤"),
    "serve_ready_s": ("serve_ready_s_goal", "≤"),
    "loaded_p99_ms": ("loaded_p99_ms_goal", "≤"),
    "killed_p99_ms": ("killed_p99_ms_goal", "≤"),
    "hung_p99_ms": ("hung_p99_ms_goal", "≤"),
    "times_before": ("times_before_goal", "≥"),
    "memory_growth": ("memory_growth_goal", "≤"),
    "pause_seconds": ("pause_seconds_goal", "≤"),
    "growth_bytes": ("growth_bytes_goal", "≤"),
    "orders_per_second": ("orders_per_second_goal", "≥"),
    "mixed_orders_per_second": ("mixed_orders_per_second_goal", "≥"),
}


@contextmanager
def teller(language: str) -> Iterator[Callable[[str], None]]:
    """Shows the step under way on a terminal, and nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step: None
        return
    with console.status("") as status:
        yield lambda step: status.update(render(_STEPS[step], language))


def show(figures: Mapping[str, Any], language: str) -> None:
    """Prints the figures as a table, goals beside them."""
    title = f"distrib bench {figures['bench']} --scale {figures['scale']}"
    headings = {Text("figure", "bench"): False, Text("measured"): True, Text("goal"): True}
    columns = {render(heading, language): is_figure for heading, is_figure in headings.items()}
    rows = [
        (render(name, language), _shown(key, figures[key]), _goal(key, figures))
        for key, name in _NAMES.items()
        if key in figures
    ]
    met = Text("Every goal is met.") if figures["met"] else Text("A goal is not met.")
    console = open_console()
    if "failed" in figures:
        print_line(console, f"{title}: {figures['failed']}")
        return
    print_table(console, title, columns, rows)
    print_line(console, render(met, language))


def show_world(answer: Mapping[str, Any], language: str) -> None:
    """Prints the database of a world with its rows, or the names of those that were dropped."""
    console = open_console()
    if "dropped" in answer:
        dropped = Text("Dropped: {names}", names=", ".join(answer["dropped"]) or "–")
        print_line(console, render(dropped, language))
        return
    columns = {render(Text("table", "bench"), language): False, render(Text("rows", "bench"), language): True}
    print_table(console, answer["database"], columns, [(name, f"{count:,}") for name, count in answer["rows"].items()])
    print_line(console, answer["url"])


def machine(container: Container | None = None) -> dict[str, Any]:
    """What the figures depend on: processor, cores, versions; PostgreSQL's where it had a part."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **({} if container is None else {"postgresql": _postgresql(container)}),
        "distrib": version("distrib"),
    }


def _postgresql(container: Container) -> str:
    with container.worker_engine.connect() as conn:
        number = conn.connection.dbapi_connection.info.server_version  # type: ignore[union-attr]
    return f"{number // 10_000}.{number % 10_000}"


def _goal(key: str, figures: Mapping[str, Any]) -> str:
    name, sign = _GOALS.get(key, ("", ""))
    return f"{sign} {_goal_text(figures[name])}" if figures.get(name) is not None else ""


def _goal_text(figure: float) -> str:
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:g}"


def _shown(key: str, figure: float) -> str:
    if key.endswith("_bytes"):
        return f"{figure / 2**20:.1f} MiB"
    return f"{figure:,}"


def _processor() -> str:
    if _CPUINFO.exists():
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return platform.processor()
