"""Audits that were asked for over HTTP, run apart from the request. No check of its own may enter."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.services.audit import answer_request, enter_snapshot, requested_programs, run_audit
from distrib.services.programs import get_program


def run_requested_audits(container: Container) -> None:
    """Runs the audit of every program that asked for one and keeps the result."""
    with container.begin() as conn:
        programs = [get_program(conn, number) for number in requested_programs(conn)]
    for program in programs:
        with container.begin() as conn:
            enter_snapshot(conn)
            result = run_audit(conn, program, container.now(), container.policies)
        with container.begin() as conn:
            answer_request(conn, program, result.as_of)
