"""Monthly evaluations of ranks that are due by themselves. No rule of its own may enter."""

from __future__ import annotations

import structlog

from distrib.bootstrap import Container
from distrib.domain.errors import Refusal
from distrib.services.context import Actor
from distrib.services.programs.tenants import list_programs
from distrib.services.ranks.evaluation import due_period, evaluate_month

CLOCK = Actor(key_id="distrib", name="distrib", role="admin")

_log = structlog.get_logger(__name__)


def run_due_evaluations(container: Container) -> None:
    """Evaluates the next month of every program whose turn it is; one that is not ready yet waits."""
    with container.begin() as conn:
        now = container.now()
        due = [(program, due_period(conn, program, now)) for program in list_programs(conn)]
    for program, period in due:
        if period is None:
            continue
        try:
            with container.begin() as conn:
                row, is_new = evaluate_month(conn, program, period, CLOCK, container.now())
        except Refusal as refusal:
            _log.info("evaluation_waits", program=program.code, code=refusal.code)
            continue
        if is_new:
            _log.info("evaluated", program=program.code, period=row.period, promoted=row.promoted, lowered=row.lowered)
