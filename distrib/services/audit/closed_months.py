"""The audit of closed months: figures against the ledger, and every digest recomputed. No SQL may enter."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection

from distrib.services.context import Program, period_bounds
from distrib.services.statements import close_figures, closing
from distrib.store.audit import closed as audit_closed
from distrib.store.audit.questions import MOST_ROWS, AuditAnswer, ask
from distrib.store.statements import exports


def check_closed_months(conn: Connection, program: Program) -> dict[str, AuditAnswer]:
    """Checks every closed month of a program: figures, sequence and digests, by name of the check."""
    bound = {"program": program.program_id, "time_zone": program.time_zone}
    questions = (audit_closed.MATCH, audit_closed.SEQUENCE)
    answers = {question.name: ask(conn, question, bound) for question in questions}
    return answers | {"closed_digests_hold": _digests(conn, program)}


def _digests(conn: Connection, program: Program) -> AuditAnswer:
    periods = audit_closed.closed_periods(conn, program.program_id)
    wrong = [row for period in periods for row in _wrong_in(conn, program, period)]
    return AuditAnswer(len(periods), len(wrong), wrong[:MOST_ROWS])


def _wrong_in(conn: Connection, program: Program, period: int) -> list[dict[str, Any]]:
    """Recomputes a closed month's files and lists the figures that are no longer what was fixed."""
    closed = closing.find_closed(conn, program, period)
    if closed is None:
        return []
    _, end = period_bounds(period, program.zone)
    head = closing.file_head(conn, program, period, end)
    lines, lines_minor = exports.lines_total(conn, program.program_id, period)
    recomputed = {
        "digest": close_figures.digest_of(exports.export_shops(conn, head)),
        "lines_digest": close_figures.digest_of(exports.export_lines(conn, head)),
        "lines": lines,
        "lines_minor": lines_minor,
    }
    if json.loads(closed.totals)["shops"] != closed.shops:
        recomputed["shops"] = json.loads(closed.totals)["shops"]
    return [
        {"period": period, "figure": name, "found": value, "closed": getattr(closed, name)}
        for name, value in recomputed.items()
        if value != getattr(closed, name)
    ]
