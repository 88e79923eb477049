"""Monthly evaluations of ranks that are due by themselves. No rule of its own may enter."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import structlog
from sqlalchemy import Connection

from distrib.bootstrap import Container
from distrib.domain.errors import Refusal
from distrib.services.context import SERVICE, Program, Unit
from distrib.services.programs.tenants import list_programs
from distrib.services.ranks.evaluation import due_period, evaluate_month
from workers.each_program import each_program

_log = structlog.get_logger(__name__)


def run_due_evaluations(container: Container) -> None:
    """Evaluates the next month of every program whose turn it is; one that is not ready yet waits."""
    each_program(container, _programs_due, partial(_evaluate, container))


def _programs_due(conn: Connection, now: datetime) -> list[int]:
    programs = list_programs(conn)
    return [program.program_id for program in programs if due_period(Unit(conn, program, SERVICE, now)) is not None]


def _evaluate(container: Container, program: Program) -> None:
    try:
        with container.begin() as conn:
            period = due_period(Unit(conn, program, SERVICE, container.now()))
            if period is None:
                return
            row, is_new = evaluate_month(Unit(conn, program, SERVICE, container.now()), period)
    except Refusal as refusal:
        _log.info("evaluation_waits", program=program.code, code=refusal.code)
        return
    if is_new:
        _log.info("evaluated", program=program.code, period=row.period, promoted=row.promoted, lowered=row.lowered)
