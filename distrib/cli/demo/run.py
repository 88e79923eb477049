"""The demo from the file to the figures: everything goes in over HTTP, and what came out is read back.

A run has a program of its own: history cannot be deleted, so a second run makes another one
beside it. Printing must not enter; the result is one JSON-able document.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError

from distrib.bootstrap import Container
from distrib.cli.demo.checks import control_checks
from distrib.cli.demo.facts import DemoFailed
from distrib.cli.demo.poster import Client, Posted, post_events, publish_plan, register_shops
from distrib.cli.demo.readback import explained, largest, monthly_statements, months_of
from distrib.cli.demo.service import Service, running_service
from distrib.cli.demo.sources import Loaded, order_to_explain
from distrib.cli.demo.stream import batches, tell
from distrib.cli.demo.texts import Say
from distrib.cli.demo.watch import Watch
from distrib.cli.local_service import HOST
from distrib.services.audit import audit_view, enter_snapshot, run_audit
from distrib.services.context import Program
from distrib.services.keys import create_key
from distrib.services.programs import create_program, list_programs
from distrib.services.totals import Progress, Totals, program_totals, progress
from distrib.services.yaml_documents import read_yaml

PLAN_FILE = Path("plans") / "cdnow-demo.yaml"
POLICY = "open"
ROLES = ("orders", "finance", "admin")
STANDSTILL_S = 180
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Ground:
    """What a run stands on: its program, keys and folder."""

    program: Program
    earlier: tuple[str, ...]
    keys: Mapping[str, str]
    folder: Path


@dataclass(frozen=True, slots=True)
class Worked:
    """What the way in came to."""

    plan: dict[str, Any]
    posted: Posted
    settle_seconds: float


def run_demo(container: Container, loaded: Loaded, watch: Watch, say: Say) -> dict[str, Any]:
    """Runs the whole way and answers every figure of it; ``ok`` says whether all of them agree.

    Raises:
        DemoFailed: something stands in the way; what was done so far stays.
    """
    ground = open_ground(container, loaded)
    with running_service(container.settings, ground.folder / "service.log") as service:
        worked = _way_in(container, loaded, ground, service, watch, say)
        watch.step(say("reading_back"))
        with _client(service, ground, "finance") as reader:
            read = _read_back(reader, loaded, ground)
    with container.begin() as conn:
        totals = program_totals(conn, ground.program)
    watch.step(say("auditing"))
    audit = _audit(container, ground.program)
    return _figures(loaded, ground, worked, totals, read, audit)


def open_ground(container: Container, loaded: Loaded) -> Ground:
    """A program that no run has used, with a key for each role; the keys go to a file of the owner's."""
    source, now = loaded.history.source, container.now()
    with container.begin() as conn:
        taken = {program.code for program in list_programs(conn)}
        earlier = tuple(sorted(code for code in taken if code.startswith(source.program)))
        code = _free_code(source.program, taken)
        program = create_program(conn, code, source.currency, source.time_zone, POLICY, now, container.policies)
        pepper = container.settings.key_pepper.encode()
        keys = {role: create_key(conn, program, role, f"demo {role}", None, pepper, now) for role in ROLES}
    folder = container.settings.var_dir / "demo" / code
    folder.mkdir(parents=True, exist_ok=True)
    _write_keys(folder / "keys", keys)
    return Ground(program, earlier, keys, folder)


def _free_code(base: str, taken: set[str]) -> str:
    """``base``, or ``base-2``, ``base-3``, … where that is taken."""
    numbered = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return next(code for code in numbered if code not in taken)


def _write_keys(path: Path, keys: Mapping[str, str]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.writelines(f"{role} {key}\n" for role, key in keys.items())


def _client(service: Service, ground: Ground, role: str) -> AbstractContextManager[Client]:
    return closing(Client(HOST, service.port, ground.keys[role], service.must_live))


def _way_in(
    container: Container, loaded: Loaded, ground: Ground, service: Service, watch: Watch, say: Say
) -> Worked:
    with _client(service, ground, "admin") as admin:
        plan = _publish(admin, _plan_document(container, loaded), loaded)
        watch.step(say("registering"), len(loaded.network.shops))
        register_shops(admin, loaded.network.shops)
    watch.step(say("posting"), len(loaded.history.sales) + len(loaded.history.refunds))
    started = time.monotonic()
    with _client(service, ground, "orders") as orders:
        posted = post_events(orders, batches(tell(loaded.history, loaded.network)), watch.advance)
    watch.step(say("settling"), len(loaded.history.sales))
    _wait_until_through(container, ground.program, service, watch)
    return Worked(plan, posted, time.monotonic() - started)


def _plan_document(container: Container, loaded: Loaded) -> dict[str, Any]:
    """The plan of config/plans, in the source's currency."""
    document = read_yaml((container.settings.config_dir / PLAN_FILE).read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        raise DemoFailed(f"{PLAN_FILE} is no plan / 不是方案文件")
    return {**document, "currency": loaded.history.source.currency}


def _publish(admin: Client, document: dict[str, Any], loaded: Loaded) -> dict[str, Any]:
    code, version = publish_plan(admin, document, loaded.plan_from)
    ranks = [rank["code"] for rank in document["ranks"]]
    effective_from = loaded.plan_from.isoformat()
    return {
        "code": code, "version": version, "title": document["title"], "ranks": ranks, "effective_from": effective_from
    }  # fmt: skip


def _wait_until_through(container: Container, program: Program, service: Service, watch: Watch) -> None:
    """Waits until the database says that nothing is left to do; who does it, and how often it dies, does not matter."""
    seen: tuple[int, int] | None = None
    moved_at = time.monotonic()
    while True:
        found = _progress(container, program)
        if found is not None and found.is_through:
            return
        service.must_live()
        if found is not None and (found.queued, found.settled) != seen:
            seen, moved_at = (found.queued, found.settled), time.monotonic()
            watch.reached(found.settled)
        if time.monotonic() - moved_at > STANDSTILL_S:
            raise DemoFailed(f"nothing moved for {STANDSTILL_S} s, see {service.log} / 长时间没有进展，请查看日志")
        time.sleep(POLL_S)


def _progress(container: Container, program: Program) -> Progress | None:
    """How far the work is; None where the database cannot say just now."""
    try:
        with container.begin() as conn:
            return progress(conn, program)
    except OperationalError:
        return None


def _audit(container: Container, program: Program) -> dict[str, Any]:
    with container.begin() as conn:
        enter_snapshot(conn)
        return audit_view(run_audit(conn, program, container.now(), container.policies))


def _read_back(reader: Client, loaded: Loaded, ground: Ground) -> dict[str, Any]:
    months = monthly_statements(reader, months_of(loaded.history), ground.folder)
    best = max(months, key=lambda month: int(month["totals"]["earned_minor"]))
    order_id = order_to_explain(loaded)
    return {
        "explained": None if order_id is None else explained(reader, order_id),
        "statement": {"period": best["period"], "totals": best["totals"], "largest": largest(reader, best["period"])},
        "statements": months,
    }


def _figures(
    loaded: Loaded, ground: Ground, worked: Worked, totals: Totals, read: dict[str, Any], audit: dict[str, Any]
) -> dict[str, Any]:
    checks = control_checks(loaded, totals, worked.posted.events, read["statements"])
    posted, history = worked.posted, loaded.history
    return {
        "source": {**asdict(history.source), "seed": loaded.seed},
        "program": {**asdict(ground.program), "earlier": list(ground.earlier)},
        "plan": worked.plan,
        "shops": {
            "registered": len(loaded.network.shops),
            "roots": sum(shop.sponsor_id is None for shop in loaded.network.shops),
            "levels": loaded.levels,
        },
        "events": {
            "accepted": posted.events,
            "sent_again": posted.duplicate,
            "calls": posted.calls,
            "seconds": round(posted.seconds, 3),
            "per_second": round(posted.events / posted.seconds),
        },
        "orders": {
            "settled": totals.orders_settled,
            "of_shops": totals.orders_of_shops,
            "paid_minor": totals.paid_minor,
            "seconds": round(worked.settle_seconds, 3),
            "per_second": round(totals.orders_settled / worked.settle_seconds),
        },
        "refunds": {"count": totals.refunds, "amount_minor": totals.refunded_minor},
        "commissions": {"count": totals.earned[0], "amount_minor": totals.earned[1]},
        "reversals": {"count": totals.reversed[0], "amount_minor": -totals.reversed[1]},
        "promotions": totals.promotions,
        "left_out": history.left_out,
        **read,
        "audit": audit,
        "control": [{**asdict(check), "ok": check.ok} for check in checks],
        "folder": str(ground.folder),
        "ok": bool(audit["ok"]) and all(check.ok for check in checks),
    }
