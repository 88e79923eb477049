"""What works for the service: which processes live and what they are at, and how the periodic jobs go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from flask import Blueprint

from distrib.console.cells import BadgeState, state_badge
from distrib.console.frame import HtmlPage, Visit, page
from distrib.domain.texts import Text
from distrib.services.heartbeats import BUSY, DRAINS, ENDED, IDLE, LOST, LOST_AFTER, SUPERVISOR, SWEEPS, WORKER

_STATES: Final[Mapping[str, BadgeState]] = {
    BUSY: BadgeState(Text("busy", "process"), "blue", "refresh"),
    IDLE: BadgeState(Text("idle", "process"), "green", "check"),
    LOST: BadgeState(Text("dead: not heard of", "process"), "red", "alert-triangle"),
    ENDED: BadgeState(Text("ended", "process"), "", "x"),
}
_LATENESS: Final[Mapping[str, BadgeState]] = {
    "late": BadgeState(Text("late", "job"), "red", "alert-triangle"),
    "on time": BadgeState(Text("on time", "job"), "green", "check"),
}
_KINDS: Final = {SUPERVISOR: Text("supervisor", "process"), WORKER: Text("worker", "process")}
_ACTIVITIES: Final = {
    DRAINS: Text("settles orders", "process"),
    SWEEPS: Text("settles what no worker came for", "process"),
}
JOBS: Final[Mapping[str, Text]] = {
    "requested_audits": Text("audits that were asked for", "job"),
    "due_evaluations": Text("evaluation of ranks", "job"),
    "daily_monitors": Text("structure monitors", "job"),
    "daily_audits": Text("daily audit", "job"),
    "seals": Text("seals of the ledger", "job"),
    "statement_totals": Text("totals of open months", "job"),
    "sorted_shops": Text("order of shops by money and sales", "job"),
    "retention": Text("how many shops stay", "job"),
    "large_programs": Text("large programs", "job"),
    "held_changes": Text("changes whose day has come", "job"),
    "branches": Text("sales of branches", "job"),
    "near_ranks": Text("who is near the next rank", "job"),
    "funnels": Text("funnel", "job"),
    "visitors": Text("forgetting of visitors", "job"),
    "webhooks": Text("deliveries of webhooks", "job"),
    "tasks": Text("tasks that people began", "job"),
    "simulations": Text("simulations", "job"),
    "task_files": Text("forgetting of files of tasks", "job"),
}


def worker_pages(blueprint: Blueprint) -> None:
    """Adds the page of processes and periodic jobs."""

    @page(blueprint, "/operations/workers", needs="show_workers", entry="operations")
    def workers(visit: Visit) -> HtmlPage:
        shown = visit.call("show_workers")
        values = {
            "tab": "workers",
            "processes": [_process(visit, row) for row in shown["processes"]],
            "is_live": any(row["state"] in (BUSY, IDLE) for row in shown["processes"]),
            "jobs": [_job(visit, row) for row in shown["jobs"]],
            "lost_after": round(LOST_AFTER.total_seconds()),
        }
        return HtmlPage("console/workers.html", values)


def _process(visit: Visit, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "state": state_badge(_STATES, row["state"], visit.reader.language),
        "kind": visit.say(_KINDS[row["kind"]]),
        "activity": visit.say(_ACTIVITIES[row["activity"]]) if row["activity"] else "",
    }


def _job(visit: Visit, row: Mapping[str, Any]) -> dict[str, Any]:
    seconds: int = row["every_seconds"]
    often = (
        Text("every {minutes} min", minutes=seconds // 60)
        if seconds % 60 == 0
        else Text("every {seconds} s", seconds=seconds)
    )
    return {
        **row,
        "name": visit.say(JOBS.get(row["name"], row["name"])),
        "often": visit.say(often),
        "state": state_badge(_LATENESS, "late" if row["is_late"] else "on time", visit.reader.language),
        "has_failed_last": _is_after(row["last_failure_at"], row["last_success_at"]),
    }


def _is_after(instant: datetime | None, other: datetime | None) -> bool:
    return instant is not None and (other is None or instant > other)
