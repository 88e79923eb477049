"""The audit of closed months: every digest recomputed. No SQL may enter."""

from __future__ import annotations

import json

from sqlalchemy import Connection

from distrib.services.context import Program, period_bounds
from distrib.services.statements import close_figures, closing
from distrib.store.audit.questions import MOST_ROWS, AuditAnswer
from distrib.store.statements import exports

DIGESTS = "closed_digests_hold"


def check_digests(conn: Connection, program: Program, period: int) -> dict[str, AuditAnswer]:
    """Recomputes a closed month's files and compares their figures and digests with those that were fixed."""
    wrong = _wrong_in(conn, program, period)
    return {DIGESTS: AuditAnswer(1, len(wrong), wrong[:MOST_ROWS])}


def _wrong_in(conn: Connection, program: Program, period: int) -> list[dict[str, object]]:
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
