"""The periodic jobs, as one table: what, how often. What each does is a service's business."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from distrib.bootstrap import Container
from distrib.services.heartbeats import JobRun, note_run
from workers.audits import run_daily_audits, run_requested_audits
from workers.branches import refresh_branches
from workers.evaluations import run_due_evaluations
from workers.funnels import keep_funnels
from workers.held_changes import apply_due_changes
from workers.monitors import run_daily_monitors
from workers.near_ranks import refresh_near_ranks
from workers.seals import seal_days
from workers.simulations import run_simulations
from workers.tasks import forget_task_files, run_tasks
from workers.totals import begin_statement_totals, keep_retention, keep_sorted_shops, keep_statement_totals
from workers.visits import forget_past_visitors
from workers.webhooks import deliver_webhooks

_STOP_WAIT_S = 5.0
_NOTED_EVERY_S = 10.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Periodic:
    """One job of the table; it may run at any time, any number of times, beside any other and itself."""

    name: str
    every_seconds: float
    run: Callable[[Container], None]


TABLE: tuple[Periodic, ...] = (
    Periodic("requested_audits", 1.0, run_requested_audits),
    Periodic("due_evaluations", 60.0, run_due_evaluations),
    Periodic("daily_monitors", 60.0, run_daily_monitors),
    Periodic("daily_audits", 60.0, run_daily_audits),
    Periodic("seals", 60.0, seal_days),
    Periodic("statement_totals", 10.0, keep_statement_totals),
    Periodic("sorted_shops", 30.0, keep_sorted_shops),
    Periodic("retention", 600.0, keep_retention),
    Periodic("large_programs", 60.0, begin_statement_totals),
    Periodic("held_changes", 10.0, apply_due_changes),
    Periodic("branches", 60.0, refresh_branches),
    Periodic("near_ranks", 60.0, refresh_near_ranks),
    Periodic("funnels", 60.0, keep_funnels),
    Periodic("visitors", 60.0, forget_past_visitors),
    Periodic("webhooks", 1.0, deliver_webhooks),
    Periodic("tasks", 1.0, run_tasks),
    Periodic("simulations", 1.0, run_simulations),
    Periodic("task_files", 600.0, forget_task_files),
)


class Tending:
    """Runs every job of the table in a thread of its own: none waits for another, and the sweeper for none."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._stop = threading.Event()
        self._threads: dict[str, threading.Thread] = {}
        self._noted: dict[str, float] = {}

    def keep(self) -> None:
        """Starts a thread for every job, and anew for one whose thread an error has ended."""
        for job in TABLE:
            known = self._threads.get(job.name)
            if known is None or not known.is_alive():
                if known is not None:
                    _log.error("periodic_job_died", job=job.name)
                thread = threading.Thread(target=self._tend, args=(job, known is not None), daemon=True)
                self._threads[job.name] = thread
                thread.start()

    def stop(self) -> None:
        """Starts nothing more; a job that runs may take a moment, and is rolled back if it takes longer."""
        self._stop.set()
        until = monotonic() + _STOP_WAIT_S
        for thread in self._threads.values():
            thread.join(max(0.0, until - monotonic()))

    def _tend(self, job: Periodic, waits_first: bool) -> None:
        if waits_first:
            self._stop.wait(job.every_seconds)
        while not self._stop.is_set():
            began = monotonic()
            try:
                job.run(self._container)
            except (DBAPIError, psycopg.Error) as error:
                _log.warning("periodic_job_failed", job=job.name, error=type(error).__name__)
                self._note(job, began, type(error).__name__)
            except Exception as error:
                self._note(job, began, type(error).__name__)
                raise
            else:
                self._note(job, began, None)
            self._stop.wait(job.every_seconds)

    def _note(self, job: Periodic, began: float, error: str | None) -> None:
        """Keeps how a run went; of one success after the other no more than every few seconds."""
        ended = monotonic()
        if error is None and ended - self._noted.get(job.name, -_NOTED_EVERY_S) < _NOTED_EVERY_S:
            return
        try:
            with self._container.begin() as conn:
                took_ms = round((ended - began) * 1_000)
                note_run(
                    conn, JobRun(job.name, max(1, round(job.every_seconds)), took_ms, error), self._container.now()
                )
        except (SQLAlchemyError, psycopg.Error):
            return  # the database is away, which the log says already
        if error is None:
            self._noted[job.name] = ended
        else:
            self._noted.pop(job.name, None)
