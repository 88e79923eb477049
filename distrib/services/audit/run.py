"""The audit: everything that must hold, checked against the rows themselves.

Reads only, so that no worker waits for it; the one row it writes is its result. It finds and never repairs. What is
asked, and in which parts, stands in ``asking``. No SQL may enter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.json_values import JsonObject
from distrib.domain.policies.policy import Policy
from distrib.services.audit.asking import Asked, ask_everything
from distrib.services.audit.results import AuditCheck, AuditResult, audit_view, checks_of, warnings_of
from distrib.services.context import Program, Unit
from distrib.services.steps import Steps, conducted, step
from distrib.store.audit import runs

_NEWEST = 2**63 - 1
__all__ = ["AuditCheck", "AuditResult", "audit_view"]


def enter_snapshot(conn: Connection) -> None:
    """Makes the caller's transaction one that sees a single instant, as every part of an audit needs.

    Call it first in a transaction of its own, under the worker's role: REPEATABLE READ takes no lock
    that a worker would wait for.
    """
    runs.enter_snapshot(conn)


def run_audit(unit: Unit, policies: Mapping[str, Policy] | None = None, *, is_full: bool = False) -> AuditResult:
    """Runs every check of a program within one snapshot and records the result.

    For small programs and tests: while one snapshot is held, nothing that anybody deletes is cleared away. What runs
    beside live work conducts ``audit_steps`` instead, each step in a transaction of its own.

    Args:
        unit: in a transaction that ``enter_snapshot`` opened; its instant dates the result.
        policies: the policy packs, to hold the tree against the program's own; without them it is not.
        is_full: asks what is at rest again.
    """
    return conducted(audit_steps(unit.program, unit.now, policies, is_full=is_full), lambda perform: perform(unit.conn))


def audit_steps(
    program: Program, now: datetime, policies: Mapping[str, Policy] | None = None, *, is_full: bool = False
) -> Steps[AuditResult]:
    """Checks a program step by step and records the result in the last one; arguments as of ``run_audit``.

    What holds at every commit holds in the snapshot of each step. What is at rest is not asked again where the last
    audit found it clean, unless ``is_full``: see ``asking``.
    """
    asked: Asked = yield from ask_everything(program, policies, is_full=is_full)
    checks: list[AuditCheck] = yield from step(checks_of, program=program, answers=asked.answers)
    warnings: list[AuditCheck] = yield from step(warnings_of, program=program, now=now)
    result = AuditResult(all(check.ok for check in checks), now, tuple(checks), asked.covers, tuple(warnings))
    yield from step(_keep, program=program, result=result, asked=asked)
    return result


def _keep(conn: Connection, program: Program, result: AuditResult, asked: Asked) -> None:
    shown = json.dumps(audit_view(result), default=str, ensure_ascii=False)
    runs.keep_audit(conn, program.program_id, result.as_of, shown, asked.rest if result.ok else None)


@dataclass(frozen=True, slots=True)
class AuditMade:
    """When an audit was made, and which checks of it did not hold."""

    as_of: datetime
    ok: bool
    failed: list[str]


def latest_audit(conn: Connection, program: Program) -> JsonObject | None:
    """Reads the newest result as ``audit_view`` gives it (times as text); None before the first audit."""
    kept = runs.latest_audit(conn, program.program_id)
    if kept is None:
        return None
    shown: JsonObject = {"warnings": [], **json.loads(kept)}
    return shown


def list_audits(
    conn: Connection, program: Program, before: int | None, limit: int
) -> tuple[list[AuditMade], int | None]:
    """Lists the audits that were made, the newest first, and before which number the next page begins."""
    kept = runs.list_audits(conn, program.program_id, _NEWEST if before is None else before, limit + 1)
    views = [AuditMade(row.as_of, row.ok, list(row.failed)) for row in kept[:limit]]
    return views, kept[limit - 1].audit_no if len(kept) > limit else None


def request_audit(unit: Unit, *, is_full: bool = False) -> None:
    """Records the request for an audit, or for one of everything; a worker runs it soon."""
    runs.request_audit(unit.conn, unit.program_id, unit.now, is_full=is_full)


def is_full_requested(conn: Connection, program: Program) -> bool:
    """Whether the audit that is requested is one of everything."""
    return runs.is_full_requested(conn, program.program_id)


def requested_at(conn: Connection, program: Program) -> datetime | None:
    """Since when an audit is requested and not yet answered; None without a request."""
    return runs.requested_at(conn, program.program_id)


def requested_programs(conn: Connection, limit: int = 100) -> list[int]:
    """Lists the numbers of the programs that wait for an audit, the longest waiting first."""
    return runs.requested_programs(conn, limit)


def answer_request(conn: Connection, program: Program, as_of: datetime) -> None:
    """Deletes the request that an audit as of ``as_of`` has answered; in a transaction after the audit's own."""
    runs.answer_request(conn, program.program_id, as_of)


def programs_to_audit(conn: Connection, now: datetime, limit: int = 100) -> list[int]:
    """Lists the numbers of the programs whose last audit is of a day that is over."""
    return runs.programs_to_audit(conn, now, limit)


def audit_state(conn: Connection) -> tuple[int, datetime | None]:
    """Counts, over all programs, those that failed their last audit; with the oldest of the last audits."""
    return runs.audit_state(conn)
