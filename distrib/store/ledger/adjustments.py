"""Adjustments by hand as recorded: proposals, and the approvals that posted them. No rule may enter."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.recorded import Part, Recorded
from distrib.store.sql import execute, execute_as


class NewAdjustment(NamedTuple):
    """An adjustment that is proposed, with the digest of what was sent."""

    id: str
    digest: bytes
    shop_no: int
    amount_minor: int
    reason: str


class AdjustmentRow(NamedTuple):
    """A proposal, and its approval where there is one."""

    adjustment_no: int
    adjustment_id: str
    digest: bytes
    shop_no: int
    shop_id: str
    amount_minor: int
    reason: str
    proposed_at: datetime
    proposed_by: str
    period: int | None
    approved_at: datetime | None
    approved_by: str | None


_SELECT = """
SELECT a.adjustment_no, a.adjustment_id, a.digest, a.shop_no, s.shop_id, a.amount_minor, a.reason, a.proposed_at,
       a.proposed_by, p.period, p.approved_at, p.approved_by
FROM adjustments a
JOIN shops s ON s.program_id = a.program_id AND s.shop_no = a.shop_no
LEFT JOIN adjustment_approvals p ON p.program_id = a.program_id AND p.adjustment_no = a.adjustment_no
WHERE a.program_id = %(program)s
"""
_FIND = _SELECT + " AND a.adjustment_id = %(id)s"
_LIST = (
    _SELECT + " AND a.adjustment_no > %(after)s AND (CAST(%(shop_id)s AS text) IS NULL OR s.shop_id = %(shop_id)s)"
    " AND (CAST(%(approved)s AS boolean) IS NULL OR (p.adjustment_no IS NOT NULL) = %(approved)s)"
    " ORDER BY a.adjustment_no LIMIT %(limit)s"
)
_INSERT = (
    "INSERT INTO adjustments (program_id, adjustment_id, digest, shop_no, amount_minor, reason, proposed_at,"
    " proposed_by) VALUES (%(program)s, %(id)s, %(digest)s, %(shop_no)s, %(amount_minor)s, %(reason)s, %(now)s, %(by)s)"
    " ON CONFLICT (program_id, adjustment_id) DO NOTHING"
)
_APPROVE = (
    "INSERT INTO adjustment_approvals (program_id, adjustment_no, period, approved_at, approved_by)"
    " VALUES (%(program)s, %(number)s, %(period)s, %(now)s, %(by)s) ON CONFLICT DO NOTHING"
)


def insert_adjustment(conn: Connection, program_id: int, adjustment: NewAdjustment, recorded: Recorded) -> bool:
    """Writes a proposal; False where the id is taken."""
    values = {"program": program_id, "now": recorded.instant, "by": recorded.by}
    return execute(conn, _INSERT, values | adjustment._asdict()).rowcount == 1


def insert_approval(conn: Connection, program_id: int, adjustment_no: int, period: int, recorded: Recorded) -> bool:
    """Writes an approval; False where there is one. Of two at once the second waits for the first."""
    values = {"program": program_id, "number": adjustment_no, "period": period}
    return execute(conn, _APPROVE, values | {"now": recorded.instant, "by": recorded.by}).rowcount == 1


def find_adjustment(conn: Connection, program_id: int, adjustment_id: str) -> AdjustmentRow | None:
    """Reads the adjustment of that id; None without one."""
    return execute_as(conn, AdjustmentRow, _FIND, {"program": program_id, "id": adjustment_id}).fetchone()


def list_adjustments(
    conn: Connection, program_id: int, shop_id: str | None, approved: bool | None, part: Part[int]
) -> list[AdjustmentRow]:
    """Lists adjustments by number, those of one shop or of one state where that is asked for."""
    wanted = {"program": program_id, "shop_id": shop_id, "approved": approved}
    wanted |= {"after": part.place, "limit": part.limit}
    return execute_as(conn, AdjustmentRow, _LIST, wanted).fetchall()
