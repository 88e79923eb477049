"""The audit: everything that must hold, looked at again from the rows themselves.

Reads only, within one snapshot, so that no worker waits for it; the one row it writes is its
result. It finds and never repairs. No SQL may enter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from distrib.domain.ledger import EXPENSE
from distrib.domain.plan_document import DEFAULT_HOLD_DAYS
from distrib.domain.policy import Policy
from distrib.services.audit_orders import recompute_orders
from distrib.services.context import Program, period_bounds
from distrib.store import audit_questions, audits, statements
from distrib.store.audit_questions import MOST_ROWS, Answer

_ANY_LEVEL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """One thing that must hold: how many rows were looked at, how many are wrong, and the first of those."""

    name: str
    ok: bool
    figure: int
    wrong: int
    rows: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class AuditResult:
    """All checks of one program at one instant."""

    ok: bool
    as_of: datetime
    checks: tuple[AuditCheck, ...]


def enter_snapshot(conn: Connection) -> None:
    """Makes the caller's transaction one that sees a single instant, as an audit needs.

    Call it first in a transaction of its own, under the worker's role: REPEATABLE READ takes no lock
    that a worker would wait for.
    """
    audits.enter_snapshot(conn)


def run_audit(
    conn: Connection, program: Program, now: datetime, policies: Mapping[str, Policy] | None = None
) -> AuditResult:
    """Checks everything and keeps the result.

    Args:
        conn: a transaction that ``enter_snapshot`` opened.
        now: the instant the result is dated by.
        policies: the policy packs, to hold the tree against the program's own; without them it is not.
    """
    checks = [_check(question.name, answer) for question, answer in _questions(conn, program, policies)]
    checks += [_check(name, answer) for name, answer in recompute_orders(conn, program).items()]
    checks.append(_check("statements_add_up", _statements(conn, program)))
    result = AuditResult(all(check.ok for check in checks), now, tuple(checks))
    audits.keep_audit(conn, program.program_id, now, json.dumps(audit_view(result), default=str, ensure_ascii=False))
    return result


def latest_audit(conn: Connection, program: Program) -> dict[str, Any] | None:
    """The newest result as ``audit_view`` gives it (times as text), or None before the first audit."""
    kept = audits.latest_audit(conn, program.program_id)
    found: dict[str, Any] | None = None if kept is None else json.loads(kept)
    return found


def request_audit(conn: Connection, program: Program, now: datetime) -> None:
    """Asks for an audit; a worker runs it soon."""
    audits.request_audit(conn, program.program_id, now)


def requested_at(conn: Connection, program: Program) -> datetime | None:
    """Since when an audit is asked for and not yet answered."""
    return audits.requested_at(conn, program.program_id)


def requested_programs(conn: Connection, limit: int = 100) -> list[int]:
    """The numbers of the programs that wait for an audit, the longest waiting first."""
    return audits.requested_programs(conn, limit)


def answer_request(conn: Connection, program: Program, as_of: datetime) -> None:
    """Strikes the request that an audit as of ``as_of`` has answered; in a transaction after the audit's own."""
    audits.answer_request(conn, program.program_id, as_of)


def audit_view(result: AuditResult) -> dict[str, Any]:
    """The result as the API and ``--json`` show it."""
    as_of = result.as_of.isoformat().replace("+00:00", "Z")
    return {"ok": result.ok, "as_of": as_of, "checks": [asdict(check) for check in result.checks]}


def _check(name: str, answer: Answer) -> AuditCheck:
    return AuditCheck(name, answer.wrong == 0, answer.figure, answer.wrong, answer.rows)


def _questions(
    conn: Connection, program: Program, policies: Mapping[str, Policy] | None
) -> list[tuple[audit_questions.Question, Answer]]:
    pack = None if policies is None else policies[program.policy]
    levels = None if pack is None else pack.max_tree_levels
    periods = statements.periods_with_movement(conn, program.program_id)
    bounds = [period_bounds(period, program.zone) for period in periods]
    bound = {
        **_bound(program),
        "periods": periods,
        "starts": [start for start, _ in bounds],
        "ends": [end for _, end in bounds],
        "expense": EXPENSE,
        "default_hold": DEFAULT_HOLD_DAYS,
        "max_levels": _ANY_LEVEL if levels is None else levels,
    }
    return [(question, audit_questions.ask(conn, question, bound)) for question in audit_questions.QUESTIONS]


def _bound(program: Program) -> dict[str, Any]:
    return {"program": program.program_id, "time_zone": program.time_zone}


def _statements(conn: Connection, program: Program) -> Answer:
    """Every month's statement against the transfers by date, and its opening against the month before."""
    buckets = audit_questions.money_by_month(conn, _bound(program))
    periods = statements.periods_with_movement(conn, program.program_id)
    wrong: list[dict[str, Any]] = []
    closing = 0
    for period in periods:
        _, end = period_bounds(period, program.zone)
        told = statements.statement_totals(conn, program.program_id, period, end)
        expected = {
            "opening_minor": closing,
            "closing_minor": sum(amount for counted, _, amount in buckets if counted <= period),
            "held_minor": sum(amount for counted, free, amount in buckets if counted <= period < free),
            "available_minor": sum(amount for counted, free, amount in buckets if max(counted, free) <= period),
        }
        closing = told["closing_minor"]
        wrong += [
            {"period": period, "figure": name, "expected_minor": amount, "told_minor": told[name]}
            for name, amount in expected.items()
            if told[name] != amount
        ]
    return Answer(len(periods), len(wrong), wrong[:MOST_ROWS])
