"""The ways of money that faults are tried on: what stands before, what is done, and what the books say after.

What is done may be done again, by whoever does not know whether it was: it comes to the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from flask import Flask
from sqlalchemy import text

from distrib.api.calls.backend import EXTENSION
from distrib.app import backend_of, create_app
from distrib.bootstrap import Container
from distrib.domain.errors import Refusal
from distrib.failpoints import arm_named
from distrib.services.audit.run import enter_snapshot
from distrib.services.context import COMMAND_LINE, Actor, Unit
from distrib.services.orders import inbox
from distrib.services.payouts import batches
from distrib.services.payouts.batches import PayoutDraft
from distrib.services.payouts.results import record_results
from distrib.services.payouts.sheet import ResultDraft
from distrib.services.programs import keys, tenants
from distrib.services.programs.keys import KeyDraft
from distrib.services.programs.tenants import ProgramDraft
from distrib.services.ranks.evaluation import evaluate_month, list_evaluations
from distrib.services.statements import closing
from distrib.settings import Settings
from distrib.transactions import in_transaction
from tests.world import audited, commands
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.payouts import open_shops
from tests.world.world import World, chain

MARCH: Final = 202603
ANN, BEN = Actor("ann", "Ann", "finance"), Actor("ben", "Ben", "finance")
_AVAILABLE = datetime(2026, 6, 1, tzinfo=UTC)
_SALES = {"metric": "personal_sales_minor"}
_RANKED: dict[str, Any] = {
    "code": "ranked",
    "currency": "CNY",
    "hold_days": 0,
    "ranks": [
        {"code": "member"},
        {
            "code": "owner",
            "promote": {**_SALES, "window": "30d", "at_least": 10_000},
            "keep": {**_SALES, "window": "month", "at_least": 90_000},
            "grace": 0,
        },
    ],
    "rules": [{"id": "seller", "pay": "seller", "rate": {"member": "0.10", "owner": "0.20"}}],
}


@dataclass(frozen=True, kw_only=True)
class Site:
    """A program on servers, as any process can open it."""

    settings: Settings
    code: str
    key: str
    directory: Path

    @contextmanager
    def open(self, database_url: str | None = None) -> Iterator[World]:
        """The program's world in this process; reached by another address if one is given."""
        url, redis_url = database_url or self.settings.database_url, self.settings.redis_url
        assert url is not None
        assert redis_url is not None
        container = Container(self.settings, url, redis_url)
        container.policies = audited.packs()  # read once a process and not once a case
        try:
            with container.begin() as conn:
                program = container.program(conn, self.code)
            yield World(container, program)
        finally:
            container.close()


def open_site(settings: Settings, code: str, directory: Path) -> Site:
    """A site with a new program, which has nothing but a key for its order system."""
    assert settings.database_url is not None
    assert settings.redis_url is not None
    container = Container(settings, settings.database_url, settings.redis_url)
    container.policies = audited.packs()
    try:
        with container.begin() as conn:
            opened_at = datetime(2026, 1, 1, tzinfo=UTC)
            program = tenants.create_program(
                conn, ProgramDraft(code, "CNY", "Asia/Shanghai", "open"), opened_at, container.policies
            )
            pepper = settings.key_pepper.encode()
            key = keys.create_key(
                Unit(conn, program, COMMAND_LINE, container.now()), KeyDraft("orders", "orders", None), pepper
            )
    finally:
        container.close()
    return Site(settings=settings, code=code, key=key, directory=directory)


# --- what is done ---


def _orders(count: int) -> list[dict[str, Any]]:
    """Orders of shop b, below a, the first of which is refunded in part."""
    sold = [settled(f"e{number}", f"o{number}", "b", line(10_000 + number)) for number in range(count)]
    return [*sold, refunded("r0", "o0", {"1": 2_500})]


def _two_shops(world: World) -> None:
    rules = [*SELLER_TEN_PERCENT["rules"], {"id": "upline", "pay": "upline", "tier": 1, "rate": "0.05"}]
    world.publish({**SELLER_TEN_PERCENT, "tiers": 1, "rules": rules})
    world.join(*chain("a", "b"))


def _sold(world: World) -> None:
    _two_shops(world)
    world.earn(*_orders(3))


def _posted(world: World) -> None:
    _two_shops(world)
    world.post(*_orders(4))


def _earned(world: World) -> None:
    open_shops(world, "a", "b")
    world.earn(settled("e1", "o1", "a", line(20_000)), settled("e2", "o2", "b", line(30_000)))


def _promoted(world: World) -> None:
    """Two shops have sold enough to be promoted, which nobody has looked at yet."""
    world.publish(_RANKED)
    world.join(("a", None), ("b", None))
    later = PAID + timedelta(days=2)
    world.post(
        settled("e1", "o1", "a", line(20_000)),
        settled("e2", "o2", "b", line(30_000)),
        settled("e3", "o3", "a", line(1_000), paid_at=later),
    )


def _ranked(world: World) -> None:
    _promoted(world)
    world.drain()


_apps: list[Flask] = []


def _app(container: Container) -> Flask:
    """The API on a container: made once a process, for that takes longer than all else."""
    if not _apps:
        _apps.append(create_app(container))
    _apps[0].extensions[EXTENSION] = backend_of(container)
    return _apps[0]


def _post(site: Site, world: World) -> None:
    caller = _app(world.container).test_client()
    answer = caller.post("/v1/events", json={"events": _orders(3)}, headers={"Authorization": f"Bearer {site.key}"})
    assert answer.status_code == 202, answer.text


def _import(site: Site, world: World) -> None:
    file = site.directory / "events.ndjson"
    file.write_text("\n".join(map(json.dumps, _orders(3))), "utf-8")
    os.environ |= world.container.environment()
    result = commands.run("import", "events", file, "--program", site.code)
    assert result.exit_code == 0, result.output


def _drain(_site: Site, world: World) -> None:
    world.drainer.run()


def _close(_site: Site, world: World) -> None:
    """Proposes and confirms; who finds the month closed has done so before."""
    begin, program, now = world.container.begin, world.program, world.now()
    try:
        in_transaction(begin, lambda conn: closing.propose_close(Unit(conn, program, ANN, now), MARCH))
    except Refusal as refusal:
        if refusal.code != "period_closed":
            raise
    in_transaction(begin, lambda conn: closing.confirm_close(Unit(conn, program, BEN, now), MARCH))


def _pay(_site: Site, world: World) -> None:
    """A batch is made, approved and paid, with one line that failed."""
    begin, program, channels = world.container.begin, world.program, world.container.channels
    draft = PayoutDraft("p1", _AVAILABLE)
    results = [ResultDraft("a", "paid"), ResultDraft("b", "failed", reason="account closed")]
    in_transaction(begin, lambda conn: batches.create_payout(Unit(conn, program, ANN, world.now()), draft, channels))
    in_transaction(begin, lambda conn: batches.approve_payout(Unit(conn, program, BEN, world.now()), "p1"))
    in_transaction(begin, lambda conn: record_results(Unit(conn, program, BEN, world.now()), "p1", results, channels))


def _evaluate(_site: Site, world: World) -> None:
    begin, program = world.container.begin, world.program
    in_transaction(begin, lambda conn: evaluate_month(Unit(conn, program, COMMAND_LINE, world.now()), MARCH))


@dataclass(frozen=True)
class Way:
    """A way: what stands before, what is done, and the rooms of the points on it."""

    prepare: Callable[[World], None]
    act: Callable[[Site, World], None]
    rooms: tuple[str, ...]


WAYS: Final = {
    "post": Way(_two_shops, _post, ("event", "request")),
    "import": Way(_two_shops, _import, ("import",)),
    "drain": Way(_posted, _drain, ("drain",)),
    "promotion": Way(_promoted, _drain, ("promotion",)),
    "close": Way(_sold, _close, ("close",)),
    "payout": Way(_earned, _pay, ("payout",)),
    "evaluation": Way(_ranked, _evaluate, ("evaluation",)),
}


def die_on_the_way(name: str, site: Site, point: str) -> None:
    """Goes a way in this process, which ends at the point without a chance to clean up."""
    with site.open() as world:
        arm_named(f"{point}:kill")
        WAYS[name].act(site, world)


# --- what the books say ---

_COUNTED = (
    "SELECT 'transfers', kind, count(*), sum(amount_minor) FROM transfers WHERE program_id = :program GROUP BY kind",
    "SELECT 'messages', type, count(*) FROM outbox WHERE program_id = :program GROUP BY type",
    "SELECT 'rank', s.shop_id, r.rank, r.effective_at, r.cause FROM shop_ranks r"
    " JOIN shops s USING (program_id, shop_no) WHERE program_id = :program",
    "SELECT 'queue', count(*) FROM queue WHERE program_id = :program",
)


def books_of(world: World) -> dict[str, Any]:
    """All that a program's books say and that does not tell when, or by which number, it was written."""
    program = world.program
    with world.begin() as conn:
        events = [(row.id, row.status) for row in inbox.list_events(conn, program, inbox.EventFilters(), None, 500)[0]]
        closed = closing.find_closed(conn, program, MARCH)
        evaluated = list_evaluations(conn, program)[0]
        made = [row.id for row in batches.list_payouts(Unit(conn, program, COMMAND_LINE, world.now()), None, 50)[0]]
        payouts = [
            batches.payout_view(Unit(conn, program, COMMAND_LINE, world.now()), payout_id, 0, 500)[0]
            for payout_id in made
        ]
        rows = [sorted(map(tuple, conn.execute(text(query), {"program": program.program_id}))) for query in _COUNTED]
    return {
        "earned": world.earned(),
        "events": sorted(events),
        "closed": closed and (closed.totals, closed.lines, closed.lines_minor),
        "evaluated": [(row.period, row.shops, row.promoted, row.lowered, row.failing) for row in evaluated],
        "payouts": [(view.batch.status, [(x.shop_id, x.status, x.net_minor) for x in view.lines]) for view in payouts],
        "counted": rows,
    }


def faults_of(world: World) -> list[dict[str, Any]]:
    """The checks of the audit that do not hold."""
    with world.container.begin() as conn:
        enter_snapshot(conn)
        failed = audited.wrong(conn, world.program.program_id)
        conn.rollback()
    return failed
