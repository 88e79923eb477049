"""What a page costs on a platform of size: every GET with its filters, on a large program and on a small one in turn.

Processor time decides, of this process and of the database's own, where the server lets it be read; a busy machine
shows in the other figure alone. Nothing is written to either program but a key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from distrib.app import create_app
from distrib.bootstrap import Container
from distrib.cli.bench.platform_world.keeping import OpenedWorld, open_world
from distrib.cli.bench.platform_world.shape import SMALL_PROGRAM, WORLD_SIZES
from distrib.cli.bench.reading_requests import PageRead, requests_of
from distrib.logs import configure_logs
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network.branches import keep_branches
from distrib.services.network.retention import keep_due_retention
from distrib.services.ranks.near import keep_near_ranks
from distrib.services.statements.sorting import keep_due_order
from distrib.services.statements.totals import is_large, keep_due_totals
from distrib.store.sql import column

MOST_RATIO = 2.0
MOST_MS = 200.0
LEAST_MS = 20.0
"""Below this a page is quick whatever the small program takes: there the noise of a machine is the ratio."""
ROUNDS = 3
_PIDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one answer took at best: processor time and wall time in milliseconds; its status, and its rows."""

    status: int
    rows: int
    cpu_ms: float
    wall_ms: float


class Clock:
    """Takes the cost of what a client in this process asks, with what its database spends on it."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def cost(self, ask: Callable[[], TestResponse], rounds: int = ROUNDS) -> tuple[Cost, TestResponse]:
        """What an answer costs at best of some rounds, and the last of them."""
        costs = []
        for _ in range(rounds):
            before, began, spent = self._database_ns(), time.perf_counter(), time.process_time()
            response = ask()
            wall, own = time.perf_counter() - began, time.process_time() - spent
            after = self._database_ns()
            database = sum(after[pid] - before.get(pid, after[pid]) for pid in after) / 1e9
            costs.append(Cost(response.status_code, 0, (own + database) * 1e3, wall * 1e3))
        best = min(costs, key=lambda cost: cost.cpu_ms)
        return replace(best, wall_ms=min(cost.wall_ms for cost in costs)), response

    def _database_ns(self) -> dict[int, int]:
        """Processor time so far of the server's processes for this database, by process; none where it is elsewhere."""
        with self._container.worker_engine.connect() as conn:
            pids = column(conn, int, _PIDS)
        spent = {}
        for pid in pids:
            with suppress(OSError, ValueError, IndexError):
                spent[pid] = int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[0])
        return spent


class Reader:
    """Asks one program's API, in this process and under the role of the web."""

    def __init__(self, opened: OpenedWorld) -> None:
        self._clock = Clock(opened.container)
        self._client: FlaskClient = create_app(opened.container).test_client()
        self._headers = {"Authorization": f"Bearer {opened.key}"}
        self.description: dict[str, Any] = self._client.get("/v1/openapi.json").get_json()

    def cost(self, url: str) -> tuple[Cost, dict[str, Any]]:
        """What an address costs at best of some rounds, and its answer."""
        cost, response = self._clock.cost(partial(self._client.get, url, headers=self._headers))
        parsed = response.get_json(silent=True)
        answer = parsed if isinstance(parsed, dict) else {}
        return replace(cost, rows=len(answer.get("data") or answer.get("lines") or ())), answer


def bench_reads(container: Container, scale: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Asks for every page of both programs; answers the worst figures, and all of them in ``pages``."""
    with both_programs(container, scale, say) as (large, small):
        say("reads")
        return compare(large, small)


@contextmanager
def both_programs(
    container: Container, scale: str, say: Callable[[str], None]
) -> Iterator[tuple[OpenedWorld, OpenedWorld]]:
    """Opens a large program and a small one, as the workers leave them, for calls that are measured in this process."""
    size = WORLD_SIZES[scale]
    with (
        open_world(container, size.shops, size.orders, say) as large,
        open_world(container, SMALL_PROGRAM.shops, SMALL_PROGRAM.orders, say) as small,
    ):
        configure_logs("WARNING")  # no line a call among the figures
        say("totals")
        for opened in (large, small):
            keep_what_workers_keep(opened)
        yield large, small


def keep_what_workers_keep(opened: OpenedWorld) -> None:
    """Keeps what periodic tasks keep of a program: of a large one totals, orders and who stays, of any its lists."""
    keepers: tuple[Callable[[Unit], object], ...] = (
        keep_due_totals,
        keep_due_order,
        keep_branches,
        keep_near_ranks,
    )
    with opened.container.begin() as conn:
        is_kept_large = is_large(conn, opened.program)
    for keep in (*keepers, keep_due_retention) if is_kept_large else keepers:
        with opened.container.begin() as conn:
            keep(Unit(conn, opened.program, COMMAND_LINE, opened.container.now()))


def compare(large: OpenedWorld, small: OpenedWorld) -> dict[str, Any]:
    """Asks for every page of two programs in turn; answers as ``bench_reads``."""
    readers = Reader(large), Reader(small)
    asked = zip(
        requests_of(readers[0].description, large.world),
        requests_of(readers[1].description, small.world),
        strict=True,
    )
    pages = [page for of_large, of_small in asked for page in _pages(readers, (of_large, of_small))]
    worst = sorted(pages, key=lambda page: page["excess"], reverse=True)
    return {
        "large_shops": large.world.shops,
        "large_orders": large.world.orders,
        "requests": len(pages),
        "worst_ratio": max(page["ratio"] for page in pages),
        "worst_ratio_goal": MOST_RATIO,
        "worst_ms": max(page["large_ms"] for page in pages),
        "worst_ms_goal": MOST_MS,
        "met": not any(page["excess"] > 1 for page in pages),
        "pages": worst,
    }


def _pages(readers: tuple[Reader, Reader], asked: tuple[PageRead, PageRead]) -> list[dict[str, Any]]:
    """The first page of both programs, and the next one where both have one."""
    (large, first), (small, other) = map(Reader.cost, readers, (request.url() for request in asked))
    pages = [_page(asked[0].name, "first", large, small)]
    cursors = first.get("next_cursor"), other.get("next_cursor")
    if cursors[0]:
        large, _ = readers[0].cost(asked[0].url(cursors[0]))
        if cursors[1]:
            small, _ = readers[1].cost(asked[1].url(cursors[1]))
        pages.append(_page(asked[0].name, "later", large, small))
    return pages


def _page(name: str, place: str, large: Cost, small: Cost) -> dict[str, Any]:
    """One line of the table; ``excess`` above 1 is a page that is too dear.

    The ratio counts where both programs show about as many rows, and the large one's page is not quick anyway.
    """
    ratio = round(large.cpu_ms / max(small.cpu_ms, 0.01), 2)
    excess = large.cpu_ms / MOST_MS
    is_alike = large.cpu_ms > LEAST_MS and small.rows * 2 >= large.rows
    if is_alike:
        excess = max(excess, ratio / MOST_RATIO)
    return {
        "request": name,
        "page": place,
        "status": large.status,
        "large_ms": round(large.cpu_ms, 1),
        "small_ms": round(small.cpu_ms, 1),
        "large_wall_ms": round(large.wall_ms, 1),
        "small_wall_ms": round(small.wall_ms, 1),
        "rows": large.rows,
        "ratio": ratio if is_alike else min(ratio, MOST_RATIO),
        "excess": round(max(excess, 2.0 if large.status >= 500 else 0.0), 2),
    }
