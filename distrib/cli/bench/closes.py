"""Measures the close of a month against one aggregate query, and the file of its lines against COPY to nowhere.

Both on a program of platform size. A close is proposed and confirmed by two keys and then undone, so that every round
finds the same program; beside it another connection asks all the time, as a drain does, whether it may post.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import Any

import psycopg

from distrib.bootstrap import Container
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.figures import Rounds, ratio
from distrib.cli.bench.limits.months import aggregate_month, copy_to_nowhere
from distrib.cli.bench.limits.rows import vacuum
from distrib.cli.bench.platform_world.keeping import OpenedWorld, open_world
from distrib.cli.bench.platform_world.shape import WORLD_SIZES, PlatformWorld
from distrib.domain.texts import Text
from distrib.services.context import COMMAND_LINE, Actor, Program, Unit
from distrib.services.statements import closing, months
from distrib.services.statements.files import CSV, FileWish, export_file
from distrib.store.database import driver
from distrib.store.ledger import books
from distrib.store.statements import exports

MONTH = 202401
"""The first month of the world: none before it has to be closed."""
CLOSE_GOAL = 0.3
PAUSE_GOAL_S = 1.0
EXPORT_GOAL = 0.8
GROWTH_GOAL = 50_000_000
_ANN, _BEN = Actor("ann", "Ann", "finance"), Actor("ben", "Ben", "finance")
_ASKED_EVERY_S = 0.005


@dataclass(frozen=True, slots=True)
class CloseSize:
    """How large the program is, and how many rounds there are."""

    world: PlatformWorld
    rounds: int


CLOSE_SIZES = {"small": CloseSize(WORLD_SIZES["small"], 3), "full": CloseSize(PlatformWorld(1_000_000, 1_000_000), 3)}


def bench_close(container: Container, size: CloseSize, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of the benchmark of a close: both steps, the aggregate query, and how long nobody could post."""
    with open_world(container, size.world.shops, size.world.orders, say) as opened:
        proposing: list[float] = []
        confirming: list[float] = []
        bare: list[float] = []
        pauses: list[float] = []
        shops = transfers = 0
        for _ in range(size.rounds):
            say("close")
            proposed, confirmed, pause = _closed(opened)
            proposing.append(proposed)
            confirming.append(confirmed)
            pauses.append(pause)
            say("aggregate")
            seconds, counts = _timed(lambda: aggregate_month(opened.url, opened.program.program_id, MONTH))
            bare.append(seconds)
            shops, transfers = counts
        vacuum(opened.url)
    both = Rounds(1, [sum(steps) for steps in zip(proposing, confirming, strict=True)])
    reached, pause = ratio(both, Rounds(1, bare)), max(pauses)
    return {
        "rounds": size.rounds,
        "world": asdict(size.world),
        "month_shops": shops,
        "month_transfers": transfers,
        "propose_seconds": round(1 / Rounds(1, proposing).rate, 2),
        "confirm_seconds": round(1 / Rounds(1, confirming).rate, 2),
        "aggregate_seconds": round(1 / Rounds(1, bare).rate, 2),
        "confirm_ratio": round(ratio(Rounds(1, confirming), Rounds(1, bare)), 3),
        "ratio": round(reached, 3),
        "goal": CLOSE_GOAL,
        "pause_seconds": round(pause, 3),
        "pause_seconds_goal": PAUSE_GOAL_S,
        "met": reached >= CLOSE_GOAL and pause < PAUSE_GOAL_S,
    }


def bench_export(container: Container, size: CloseSize, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of the benchmark of a month's file of lines: rows a second, and by how much the process grows.

    Raises:
        BenchFailed: the file has not as many lines as the query has rows.
    """
    with open_world(container, size.world.shops, size.world.orders, say) as opened:
        ours: list[float] = []
        bare: list[float] = []
        growth = rows = 0
        for _ in range(size.rounds):
            say("export")
            before = _peak_from_now()
            seconds, size_bytes = _timed(lambda: export_lines(opened.container, opened.program, MONTH))
            ours.append(seconds)
            growth = max(growth, _peak() - before)
            say("nowhere")
            seconds, rows = _timed(lambda: _copied(opened))
            bare.append(seconds)
        if size_bytes <= rows:
            raise BenchFailed(Text("the two sides differ"), f"{size_bytes} bytes, {rows} rows")
    done, limit = Rounds(rows, ours), Rounds(rows, bare)
    reached = ratio(done, limit)
    return {
        "rounds": size.rounds,
        "world": asdict(size.world),
        "file_rows": rows,
        "file_bytes": size_bytes,
        "rows_per_second": round(done.rate),
        "copy_rows_per_second": round(limit.rate),
        "ratio": round(reached, 3),
        "goal": EXPORT_GOAL,
        "growth_bytes": growth,
        "growth_bytes_goal": GROWTH_GOAL,
        "met": reached >= EXPORT_GOAL and growth < GROWTH_GOAL,
    }


def _closed(opened: OpenedWorld) -> tuple[float, float, float]:
    """Proposes, confirms and undoes; answers the seconds of both, and how long at the most nobody could post."""
    is_over = Event()
    with ThreadPoolExecutor(1) as pool:
        watch = pool.submit(_longest_pause, opened, is_over)
        try:
            proposing, confirming = close_and_undo(opened.container, opened.program, MONTH)
        finally:
            is_over.set()
        return proposing, confirming, watch.result()


def close_and_undo(container: Container, program: Program, month: int) -> tuple[float, float]:
    """Proposes and confirms the close of a month, and undoes both; answers the seconds that each took."""
    now = container.now()
    with container.worker_engine.connect() as conn:
        proposing, _ = _timed(lambda: closing.propose_close(Unit(conn, program, _ANN, now), month))
        confirming, _ = _timed(lambda: closing.confirm_close(Unit(conn, program, _BEN, now), month))
        conn.rollback()
    return proposing, confirming


def _longest_pause(opened: OpenedWorld, is_over: Event) -> float:
    """Asks for the books as a drain does, over and over; answers the longest time between two times it got them."""
    longest, last = 0.0, time.perf_counter()
    while not is_over.wait(_ASKED_EVERY_S):
        with opened.container.begin() as conn:
            is_open = books.try_to_hold_open(conn, opened.program.program_id) is not None
        if is_open:
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
    return max(longest, time.perf_counter() - last)


def export_lines(container: Container, program: Program, month: int) -> int:
    """Writes the file of a month's lines to nowhere; answers its bytes."""
    wish = FileWish(month, CSV, months.LINES)
    with container.begin() as conn:
        return sum(len(piece) for piece in export_file(Unit(conn, program, COMMAND_LINE, container.now()), wish))


def _copied(opened: OpenedWorld) -> int:
    with opened.container.begin() as conn:
        head = months.file_head(Unit(conn, opened.program, COMMAND_LINE, opened.container.now()), MONTH)
        query = psycopg.ClientCursor(driver(conn)).mogrify(exports.lines_sql(head), asdict(head))
    return copy_to_nowhere(opened.url, query, exports.FOR_WHOLE_MONTHS)


def _peak_from_now() -> int:
    """Forgets the peak of this process's memory, and answers what it has now, in bytes."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    return _peak()


def _peak() -> int:
    status = Path("/proc/self/status").read_text("ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def _timed(run: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    answer = run()
    return time.perf_counter() - started, answer
