"""Audits that were asked for over HTTP, run apart from the request. No check of its own may enter."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.services import audit_requests


def run_requested_audits(container: Container) -> None:
    """Runs the audit of every program that asked for one and keeps the result."""
    with container.begin() as conn:
        programs = audit_requests.requested(conn)
    for program in programs:
        audit_requests.run(container.worker_engine, program, container.policies, container.now())
