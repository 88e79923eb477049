"""The audit: everything that must hold, checked against the rows themselves.

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

from distrib.domain.ledger import CLEARING, EXPENSE, TAX
from distrib.domain.plans.document import DEFAULT_HOLD_DAYS
from distrib.domain.policies.policy import Policy
from distrib.services.audit.closed_months import check_closed_months
from distrib.services.audit.expected import recompute_expected
from distrib.services.audit.orders import recompute_orders
from distrib.services.context import Program, period_bounds
from distrib.services.ledger.seals import verify_chain
from distrib.store.audit import kept, lives, proofs, questions, runs
from distrib.store.audit.customers import EARLIER_ORDERS
from distrib.store.audit.limits import MERGES, RULE_TOTALS
from distrib.store.audit.questions import MOST_ROWS, AuditAnswer
from distrib.store.network import shops
from distrib.store.statements import months

_ANY_LEVEL = 2**31 - 1
_QUESTIONS = (
    *questions.QUESTIONS,
    *lives.QUESTIONS,
    RULE_TOTALS,
    EARLIER_ORDERS,
    MERGES,
    *proofs.QUESTIONS,
    *kept.QUESTIONS,
)


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """The result of one check: how many rows were looked at, how many are wrong, and the first of those."""

    name: str
    ok: bool
    figure: int
    wrong: int
    rows: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The results of all checks of one program at one instant."""

    ok: bool
    as_of: datetime
    checks: tuple[AuditCheck, ...]


def enter_snapshot(conn: Connection) -> None:
    """Makes the caller's transaction one that sees a single instant, as an audit needs.

    Call it first in a transaction of its own, under the worker's role: REPEATABLE READ takes no lock
    that a worker would wait for.
    """
    runs.enter_snapshot(conn)


def run_audit(
    conn: Connection, program: Program, now: datetime, policies: Mapping[str, Policy] | None = None
) -> AuditResult:
    """Runs every check of a program within one snapshot and records the result.

    Args:
        conn: a transaction that ``enter_snapshot`` opened.
        now: the instant the result is dated by.
        policies: the policy packs, to hold the tree against the program's own; without them it is not.
    """
    answers = {question.name: answer for question, answer in _questions(conn, program, policies)}
    answers |= recompute_orders(conn, program)
    answers |= recompute_expected(conn, program)
    answers["statements_add_up"] = _statements(conn, program)
    answers |= check_closed_months(conn, program)
    answers["seals_unbroken"] = verify_chain(conn, program)
    checks = [_check(conn, program, name, answer) for name, answer in answers.items()]
    result = AuditResult(all(check.ok for check in checks), now, tuple(checks))
    runs.keep_audit(conn, program.program_id, now, json.dumps(audit_view(result), default=str, ensure_ascii=False))
    return result


def latest_audit(conn: Connection, program: Program) -> dict[str, Any] | None:
    """Reads the newest result as ``audit_view`` gives it (times as text); None before the first audit."""
    kept = runs.latest_audit(conn, program.program_id)
    result: dict[str, Any] | None = None if kept is None else json.loads(kept)
    return result


def request_audit(conn: Connection, program: Program, now: datetime) -> None:
    """Records the request for an audit; a worker runs it soon."""
    runs.request_audit(conn, program.program_id, now)


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


def audit_view(result: AuditResult) -> dict[str, Any]:
    """The result as the API and ``--json`` show it."""
    as_of = result.as_of.isoformat().replace("+00:00", "Z")
    return {"ok": result.ok, "as_of": as_of, "checks": [asdict(check) for check in result.checks]}


def _check(conn: Connection, program: Program, name: str, answer: AuditAnswer) -> AuditCheck:
    rows = _with_ids(conn, program, answer.rows)
    return AuditCheck(name, answer.wrong == 0, answer.figure, answer.wrong, rows)


def _with_ids(conn: Connection, program: Program, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Adds to wrong rows the callers' ids of their orders and shops."""
    orders = {number for row in rows if (number := _order_of(row)) is not None}
    accounts = {number for row in rows if (number := _account_of(row)) is not None}
    order_ids = runs.ids_of_orders(conn, program.program_id, orders) if orders else {}
    shop_ids = shops.ids_of(conn, program.program_id, accounts) if accounts else {}
    return [_named(row, order_ids, shop_ids) for row in rows]


def _order_of(row: Mapping[str, Any]) -> int | None:
    number: int | None = row.get("order_no", row.get("cause_no"))
    return number


def _account_of(row: Mapping[str, Any]) -> int | None:
    number: int | None = row.get("shop_no", row.get("account_no"))
    return number


def _named(row: dict[str, Any], order_ids: Mapping[int, str], shop_ids: Mapping[int, str]) -> dict[str, Any]:
    order_no, account_no = _order_of(row), _account_of(row)
    names: dict[str, Any] = {}
    if order_no is not None:
        names["order_id"] = order_ids.get(order_no)
    if account_no is not None:
        names["shop_id"] = shop_ids.get(account_no)
    return {**names, **row}


def _questions(
    conn: Connection, program: Program, policies: Mapping[str, Policy] | None
) -> list[tuple[questions.Question, AuditAnswer]]:
    pack = None if policies is None else policies[program.policy]
    levels = None if pack is None else pack.max_tree_levels
    periods = months.periods_with_movement(conn, program.program_id)
    bounds = [period_bounds(period, program.zone) for period in periods]
    bound = {
        **_bound(program),
        "periods": periods,
        "starts": [start for start, _ in bounds],
        "ends": [end for _, end in bounds],
        "expense": EXPENSE,
        "clearing": CLEARING,
        "tax": TAX,
        "default_hold": DEFAULT_HOLD_DAYS,
        "max_levels": _ANY_LEVEL if levels is None else levels,
    }
    return [(question, questions.ask(conn, question, bound)) for question in _QUESTIONS]


def _bound(program: Program) -> dict[str, Any]:
    return {"program": program.program_id, "time_zone": program.time_zone}


def _statements(conn: Connection, program: Program) -> AuditAnswer:
    """Checks each month's statement against the transfers by date (freezes, reservations apart), and its opening."""
    buckets = questions.money_by_month(conn, _bound(program))
    periods = months.periods_with_movement(conn, program.program_id)
    wrong: list[dict[str, Any]] = []
    closing = 0
    for period in periods:
        _, end = period_bounds(period, program.zone)
        totals = months.statement_totals(conn, program.program_id, period, end)
        totals["held_minor"] -= totals["frozen_minor"]
        totals["available_minor"] += totals["frozen_minor"] + totals["reserved_minor"]
        expected = {
            "opening_minor": closing,
            "closing_minor": sum(amount for counted, _, amount in buckets if counted <= period),
            "held_minor": sum(amount for counted, free, amount in buckets if counted <= period < free),
            "available_minor": sum(amount for counted, free, amount in buckets if max(counted, free) <= period),
        }
        closing = totals["closing_minor"]
        wrong += [
            {"period": period, "figure": name, "expected_minor": amount, "told_minor": totals[name]}
            for name, amount in expected.items()
            if totals[name] != amount
        ]
    return AuditAnswer(len(periods), len(wrong), wrong[:MOST_ROWS])
