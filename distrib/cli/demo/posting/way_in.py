"""The way in: the plan, the shops, and events over HTTP until none of them is pending.

Nothing that is read back may enter.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.exc import OperationalError

from distrib.bootstrap import Container
from distrib.cli.demo.facts import DemoFailed, History
from distrib.cli.demo.posting.ground import Stage
from distrib.cli.demo.posting.poster import Client, PostedEvents, post_events, publish_plan, register_shops
from distrib.cli.demo.posting.stream import batches, events_of
from distrib.cli.demo.sources.known import LoadedSource
from distrib.domain.texts import Text
from distrib.services.context import Program
from distrib.services.programs.totals import Progress, progress
from distrib.services.yaml_documents import read_yaml, text_of

PLAN_FILE = Path("plans") / "cdnow-demo.yaml"
STANDSTILL_S = 180
POLL_S = 0.1


def publish_and_register(stage: Stage) -> dict[str, Any]:
    """Publishes the plan and registers the shops; returns the plan's code, version, title and ranks."""
    with stage.client("admin") as admin:
        plan = _publish(admin, _plan_document(stage.container, stage.loaded), stage.loaded)
        stage.step("registering", len(stage.loaded.network.shops))
        register_shops(admin, stage.loaded.network.shops)
    return plan


def post_and_settle(stage: Stage, history: History) -> tuple[PostedEvents, float]:
    """Posts a part of the history and waits until it is settled; returns what was posted and the seconds of both."""
    stage.step("posting", len(history.sales) + len(history.refunds))
    started = time.monotonic()
    with stage.client("orders") as orders:
        posted = post_events(orders, batches(events_of(history, stage.loaded.network)), stage.watch.advance)
    stage.step("settling", len(stage.loaded.history.sales))
    _wait_until_through(stage)
    return posted, time.monotonic() - started


def together(parts: Iterable[PostedEvents]) -> PostedEvents:
    """The sums of several parts of the posting."""
    all_parts = list(parts)
    return PostedEvents(
        sum(part.calls for part in all_parts),
        sum(part.accepted for part in all_parts),
        sum(part.duplicate for part in all_parts),
        sum(part.seconds for part in all_parts),
    )


def _plan_document(container: Container, loaded: LoadedSource) -> dict[str, Any]:
    """The plan of config/plans, in the source's currency."""
    document = read_yaml(text_of(container.settings.config_dir / PLAN_FILE))
    if not isinstance(document, dict):
        raise DemoFailed(Text("{name} is no plan", name=PLAN_FILE))
    return {**document, "currency": loaded.history.source.currency}


def _publish(admin: Client, document: dict[str, Any], loaded: LoadedSource) -> dict[str, Any]:
    code, version = publish_plan(admin, document, loaded.plan_from)
    ranks = [rank["code"] for rank in document["ranks"]]
    effective_from = loaded.plan_from.isoformat()
    return {
        "code": code,
        "version": version,
        "title": document["title"],
        "ranks": ranks,
        "effective_from": effective_from,
    }


def _wait_until_through(stage: Stage) -> None:
    """Waits until the database says that nothing is pending; which worker settles it does not matter."""
    seen: tuple[int, int] | None = None
    moved_at = time.monotonic()
    while True:
        current = _progress(stage.container, stage.ground.program)
        if current is not None and current.is_through:
            return
        stage.service.must_live()
        if current is not None and (current.queued, current.settled) != seen:
            seen, moved_at = (current.queued, current.settled), time.monotonic()
            stage.watch.reached(current.settled)
        if time.monotonic() - moved_at > STANDSTILL_S:
            log = stage.service.log
            raise DemoFailed(Text("nothing moved for {seconds} s, see {log}", seconds=STANDSTILL_S, log=log))
        time.sleep(POLL_S)


def _progress(container: Container, program: Program) -> Progress | None:
    """How far the settling is; None where the database cannot say just now."""
    try:
        with container.begin() as conn:
            return progress(conn, program)
    except (OperationalError, psycopg.OperationalError):
        return None
