"""Audits, apart from any request: those that are requested, and every program's once a day. No check may enter."""

from __future__ import annotations

from functools import partial

import structlog

from distrib.auditor import audit_in_steps
from distrib.bootstrap import Container
from distrib.services.audit.run import (
    answer_request,
    is_full_requested,
    programs_to_audit,
    requested_programs,
)
from distrib.services.context import Program
from workers.each_program import each_program

_log = structlog.get_logger(__name__)


def run_requested_audits(container: Container) -> None:
    """Runs the requested audits and records their results."""
    each_program(container, lambda conn, _: requested_programs(conn), partial(_audit, container))


def run_daily_audits(container: Container) -> None:
    """Runs the audit of every program whose last one is of a day that is over."""
    each_program(container, programs_to_audit, partial(_audit, container))


def _audit(container: Container, program: Program) -> None:
    with container.begin() as conn:
        is_full = is_full_requested(conn, program)
    result = audit_in_steps(container.begin, program, container.now(), container.policies, is_full=is_full)
    if not result.ok:
        failed = [check.name for check in result.checks if not check.ok]
        _log.error("audit_failed", program=program.code, checks=failed)
    with container.begin() as conn:
        answer_request(conn, program, result.as_of)
