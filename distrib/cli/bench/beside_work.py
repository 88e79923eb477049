"""Measures how fast orders settle while an audit, a monthly evaluation or the monitors of compliance run beside them.

One worker settles as many orders alone and beside, by turns; what runs beside is begun anew until the orders are
settled, and undone. Each is measured on a copy of its own of a large program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, make_url

from distrib.auditor import audit_in_steps
from distrib.bootstrap import Container
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.figures import Rounds, ratio
from distrib.cli.bench.platform_world.keeping import open_world
from distrib.cli.bench.platform_world.shape import shop_id
from distrib.cli.bench.processes.databases import Databases, own_databases
from distrib.cli.bench.processes.hands import Hands
from distrib.cli.bench.ranking_world import MONTH
from distrib.cli.bench.ranking_world import PLAN as RANK_PLAN
from distrib.cli.bench.settling import environment
from distrib.cli.bench.world import PLAN
from distrib.domain.texts import Text
from distrib.services.compliance.monitors import MONITOR, run_monitors
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.orders.codec import decode_event
from distrib.services.orders.inbox import accept_events
from distrib.services.plans.versions import PublicationDraft, create_plan, publish_plan
from distrib.services.ranks.evaluation import evaluate_month

AUDIT_GOAL = 0.9
EVALUATION_GOAL = 0.8
_BATCH = 1_000
_PAID = datetime(2024, 4, 2, 4, tzinfo=UTC)
_RANKED_FROM = datetime(2024, 3, 22, tzinfo=UTC)
RANKED: dict[str, Any] = {**PLAN, "ranks": RANK_PLAN["ranks"]}


@dataclass(frozen=True, slots=True)
class BesideSize:
    """Shops and as many orders of the program, orders to settle a turn, and how many rounds there are."""

    shops: int
    orders: int
    rounds: int


SIZES = {"small": BesideSize(100_000, 20_000, 3), "full": BesideSize(1_000_000, 100_000, 3)}


class _Enough(Exception):
    """The orders are settled: what runs beside may end."""


@dataclass(slots=True)
class _Site:
    """A program on which orders settle, with or without something beside."""

    container: Container
    program: Program
    shops: int
    posted: int = 0
    runs: int = 0
    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)

    def post(self, orders: int) -> None:
        """Puts events of orders that nobody has seen yet into the inbox."""
        for start in range(self.posted, self.posted + orders, _BATCH):
            numbers = range(start, min(start + _BATCH, self.posted + orders))
            now = self.container.now()
            events = [event for n in numbers if (event := decode_event(self._event(n), now)) is not None]
            with self.container.begin() as conn:
                accept_events(Unit(conn, self.program, COMMAND_LINE, now), events)
        self.posted += orders

    @contextmanager
    def undone(self, settling: Future[float]) -> Iterator[Connection]:
        """A transaction that leaves nothing, refused once the orders are settled."""
        if settling.done():
            raise _Enough
        with self.container.worker_engine.connect() as conn:
            yield conn
            conn.rollback()

    def _event(self, number: int) -> dict[str, Any]:
        paid_at = (_PAID + timedelta(seconds=number // 20)).isoformat().replace("+00:00", "Z")
        line = {"id": "1", "sku": "s", "category": "food", "quantity": 1, "paid_minor": 990 + number * 37 % 20_000}
        order = {
            "id": f"beside-{number}",
            "shop_id": shop_id(1 + number * 7_919 % self.shops),
            "customer_id": f"c-{number}",
            "currency": "CNY",
            "paid_at": paid_at,
            "lines": [line],
        }
        return {"id": f"beside-{number}", "type": "order.settled", "occurred_at": paid_at, "order": order}


Beside = Callable[[_Site, Future[float]], None]


def bench_beside(container: Container, size: BesideSize, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of the benchmark of what runs beside the drain.

    Raises:
        BenchFailed: nothing ran beside, or not all orders settled.
    """
    figures: dict[str, Any] = {"rounds": size.rounds, "shops": size.shops, "orders_a_turn": size.orders}
    with own_databases(container.database_url) as databases, Hands("drain", 1) as worker:
        for neighbour in _NEIGHBOURS:
            say("prepare")
            site = neighbour.open_site(container, databases, size, say)
            try:
                reached = _rounds(site, size, worker, partial(say, f"{neighbour.name}_beside"), neighbour.run)
            finally:
                site.container.close()
            databases.drop(neighbour.name)
            figures |= {
                f"{neighbour.name}_alone_orders_per_second": round(Rounds(size.orders, site.alone).rate),
                f"{neighbour.name}_beside_orders_per_second": round(Rounds(size.orders, site.beside).rate),
                f"{neighbour.name}_ratio": round(reached, 3),
                f"{neighbour.name}_goal": neighbour.goal,
            }
    return {**figures, "met": all(figures[f"{neighbour.name}_ratio"] >= neighbour.goal for neighbour in _NEIGHBOURS)}


def _rounds(site: _Site, size: BesideSize, worker: Hands, say: Callable[[], None], beside: Beside) -> float:
    """Settles alone and beside by turns; the ratio of the two."""
    with ThreadPoolExecutor(1) as thread:
        for turn in range(size.rounds + 1):
            for seconds, is_beside in ((site.alone, False), (site.beside, True)):
                site.post(size.orders)
                say()
                settling = thread.submit(_settled, site, size, worker)
                if is_beside:
                    _until_settled(site, settling, beside)
                if turn:  # the first turn warms up
                    seconds.append(settling.result())
                else:
                    settling.result()
    if not site.runs:
        raise BenchFailed(Text("nothing ran beside the orders"))
    return ratio(Rounds(1, site.beside), Rounds(1, site.alone))


def _until_settled(site: _Site, settling: Future[float], beside: Beside) -> None:
    while not settling.done():
        site.runs += 1
        try:
            beside(site, settling)
        except _Enough:
            return


def _settled(site: _Site, size: BesideSize, worker: Hands) -> float:
    url = site.container.database_url
    run = worker.run([{"environment": environment(site.container, url), "first_orders": size.orders}])
    if run.reports[0]["orders"] != size.orders:
        raise BenchFailed(Text("not all orders were settled"), run.reports[0])
    return run.seconds


def _audit(site: _Site, settling: Future[float]) -> None:
    begin = partial(site.undone, settling)
    audit_in_steps(begin, site.program, site.container.now(), site.container.policies, is_full=True)


def _evaluate(site: _Site, settling: Future[float]) -> None:
    with site.undone(settling) as conn:
        evaluate_month(Unit(conn, site.program, COMMAND_LINE, site.container.now()), MONTH)


def _monitor(site: _Site, settling: Future[float]) -> None:
    with site.undone(settling) as conn:
        run_monitors(Unit(conn, site.program, MONITOR, site.container.now()), site.container.policies)


def _platform(
    name: str, container: Container, databases: Databases, size: BesideSize, say: Callable[[str], None]
) -> _Site:
    with open_world(container, size.shops, size.shops, say) as opened:
        opened.container.close()
        url = databases.make(name, source=make_url(opened.url).database)
        return _Site(_on(container, url), opened.program, size.shops)


def _ranked(
    name: str, container: Container, databases: Databases, size: BesideSize, say: Callable[[str], None]
) -> _Site:
    """The platform's program with ranks to be won; nothing was paid since the plan took effect."""
    site = _platform(name, container, databases, size, say)
    with site.container.begin() as conn:
        now, packs = site.container.now(), site.container.policies
        plan = create_plan(Unit(conn, site.program, COMMAND_LINE, now), RANKED, packs)
        publish_plan(
            Unit(conn, site.program, COMMAND_LINE, now),
            packs,
            plan.code,
            plan.version,
            PublicationDraft(_RANKED_FROM, "bench"),
        )
    return site


def _on(container: Container, url: str) -> Container:
    return Container(replace(container.settings), url, container.redis_url)


@dataclass(frozen=True, slots=True)
class _Neighbour:
    """What runs beside the orders, where, and which part of their speed it has to leave them."""

    name: str
    goal: float
    open_site: Callable[[Container, Databases, BesideSize, Callable[[str], None]], _Site]
    run: Beside


_NEIGHBOURS = (
    _Neighbour("audit", AUDIT_GOAL, partial(_platform, "audit"), _audit),
    _Neighbour("evaluation", EVALUATION_GOAL, partial(_ranked, "evaluation"), _evaluate),
    _Neighbour("monitors", EVALUATION_GOAL, partial(_platform, "monitors"), _monitor),
)
