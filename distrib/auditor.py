"""Conducts audits beside live work: each step a short snapshot of its own, with rests while orders wait.

Serves the workers' jobs and ``distrib audit`` alike. No check and no SQL may enter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from distrib.domain.policies.policy import Policy
from distrib.services.audit.run import AuditResult, audit_steps, enter_snapshot
from distrib.services.context import Program
from distrib.services.orders import queue
from distrib.services.steps import Step, conducted
from distrib.transactions import LOCK_NOT_AVAILABLE, in_transaction

_RESTS = 4.0
"""While orders wait, an audit rests so many times as long as a step took: two cores lose a tenth to it."""
_LONGEST_REST_S = 5.0


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

    def run(step: Step) -> None:
        started = time.monotonic()
        is_busy = in_transaction(snapshot, partial(_done, step, now), also={LOCK_NOT_AVAILABLE})
        if is_busy:
            time.sleep(min((time.monotonic() - started) * _RESTS, _LONGEST_REST_S))

    return conducted(audit_steps(program, now, policies, is_full=is_full), run)


def _done(step: Step, now: datetime, conn: Connection) -> bool:
    """Runs a step; returns whether orders wait to be settled meanwhile."""
    step(conn)
    return bool(queue.programs_with_pending_events(conn, now))
