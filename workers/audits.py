"""Audits, apart from any request: those that are requested, and every program's once a day. No check may enter."""

from __future__ import annotations

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
from distrib.services.programs.tenants import get_program

_log = structlog.get_logger(__name__)


def run_requested_audits(container: Container) -> None:
    """Runs the requested audits and records their results."""
    with container.begin() as conn:
        programs = [get_program(conn, number) for number in requested_programs(conn)]
    for program in programs:
        _audit(container, program)


def run_daily_audits(container: Container) -> None:
    """Runs the audit of every program whose last one is of a day that is over."""
    with container.begin() as conn:
        programs = [get_program(conn, number) for number in programs_to_audit(conn, container.now())]
    for program in programs:
        _audit(container, program)


def _audit(container: Container, program: Program) -> None:
    with container.begin() as conn:
        is_full = is_full_requested(conn, program)
    result = audit_in_steps(container.begin, program, container.now(), container.policies, is_full=is_full)
    if not result.ok:
        failed = [check.name for check in result.checks if not check.ok]
        _log.error("audit_failed", program=program.code, checks=failed)
    with container.begin() as conn:
        answer_request(conn, program, result.as_of)
