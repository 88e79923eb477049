"""Conducts audits beside live work: each step a short snapshot of its own, and on a core's share.

Serves the workers' jobs and ``distrib audit`` alike. No check and no SQL may enter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from distrib.domain.policies.policy import Policy
from distrib.services.audit.run import AuditResult, audit_steps, enter_snapshot
from distrib.services.context import Program
from distrib.services.steps import Step, conducted
from distrib.transactions import LOCK_NOT_AVAILABLE, in_transaction


def audit_in_steps(
    begin: Callable[[], AbstractContextManager[Connection]],
    program: Program,
    now: datetime,
    policies: Mapping[str, Policy] | None,
    *,
    is_full: bool = False,
) -> AuditResult:
    """Audits a program and records the result, no snapshot held longer than a step takes.

    Args:
        begin: opens a transaction under the worker's role, committed when it is left without an error.
        now: the instant the result is dated by; what happens later may be among what was asked, or not.
        is_full: asks what is at rest again.
    """

    @contextmanager
    def snapshot() -> Iterator[Connection]:
        with begin() as conn:
            enter_snapshot(conn)
            yield conn

    def run(step: Step) -> Any:
        return in_transaction(snapshot, step, also={LOCK_NOT_AVAILABLE})

    return conducted(audit_steps(program, now, policies, is_full=is_full), run)
