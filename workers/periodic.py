"""The periodic jobs, as one table: what, how often. What each does is a service's business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from distrib.bootstrap import Container
from workers.audits import run_requested_audits
from workers.evaluations import run_due_evaluations
from workers.monitors import run_daily_monitors


@dataclass(frozen=True, slots=True)
class Periodic:
    """One job of the table; it may run at any time, any number of times."""

    name: str
    every_seconds: float
    run: Callable[[Container], None]


TABLE: tuple[Periodic, ...] = (
    Periodic("requested_audits", 1.0, run_requested_audits),
    Periodic("due_evaluations", 60.0, run_due_evaluations),
    Periodic("daily_monitors", 60.0, run_daily_monitors),
)


def run_due(container: Container, last_run: dict[str, float]) -> None:
    """Runs every job of the table whose time has come; ``last_run`` remembers when each ran."""
    for job in TABLE:
        if monotonic() - last_run.get(job.name, float("-inf")) >= job.every_seconds:
            last_run[job.name] = monotonic()
            job.run(container)
