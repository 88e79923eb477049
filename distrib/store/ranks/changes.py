"""Changes of rank of all shops, the newest first. What a rank means may not enter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute_as

# A page of each cause by the index that holds them in this order, then the newest of these.
_LIST = """
SELECT k.seq, s.shop_id, s.name, k.effective_at, k.rank, b.rank AS rank_before, k.cause, k.reason, k.recorded_at,
       k.recorded_by
FROM (
    SELECT k.* FROM unnest(%(causes)s::text[]) c (cause) CROSS JOIN LATERAL (
        SELECT r.* FROM shop_ranks r
        WHERE r.program_id = (SELECT %(program)s::integer) AND r.cause = c.cause{within}
        ORDER BY r.effective_at DESC, r.seq DESC LIMIT %(limit)s) k
    ORDER BY k.effective_at DESC, k.seq DESC LIMIT %(limit)s) k
CROSS JOIN LATERAL (
    SELECT shop_id, name FROM shops WHERE program_id = k.program_id AND shop_no = k.shop_no OFFSET 0) s
LEFT JOIN LATERAL (
    SELECT p.rank FROM shop_ranks p
    WHERE p.program_id = k.program_id AND p.shop_no = k.shop_no
      AND (p.effective_at, p.seq) < (k.effective_at, k.seq)
    ORDER BY p.effective_at DESC, p.seq DESC LIMIT 1) b ON true
ORDER BY k.effective_at DESC, k.seq DESC
"""
_BEFORE = " AND (r.effective_at, r.seq) < (%(instant)s, %(seq)s)"
# Beside an evaluation's own rows only the promotions of the month's last day hold from the same instant on.
_OF_EVALUATION = " AND r.effective_at = %(from)s AND starts_with(r.reason, %(begins)s)"


class RankChangeRow(NamedTuple):
    """A change of a shop's rank, with the rank of the row before it."""

    seq: int
    shop_id: str
    name: str | None
    effective_at: datetime
    rank: str | None
    rank_before: str | None
    cause: str
    reason: str
    recorded_at: datetime
    recorded_by: str


def list_changes(
    conn: Connection, program_id: int, causes: Sequence[str], before: tuple[datetime, int] | None, limit: int
) -> list[RankChangeRow]:
    """Lists changes of those causes that hold from before a place (instant, number), the newest first."""
    return _rows(conn, program_id, causes, before, limit, "", {})


def of_evaluation(
    conn: Connection,
    program_id: int,
    causes: Sequence[str],
    effective_at: datetime,
    begins: str,
    before: tuple[datetime, int] | None,
    limit: int,
) -> list[RankChangeRow]:
    """Lists the changes of the evaluation that took effect then, as ``list_changes``.

    Args:
        begins: what the reasons that it gave begin with.
    """
    bound = {"from": effective_at, "begins": begins}
    return _rows(conn, program_id, causes, before, limit, _OF_EVALUATION, bound)


def _rows(
    conn: Connection,
    program_id: int,
    causes: Sequence[str],
    before: tuple[datetime, int] | None,
    limit: int,
    within: str,
    bound: dict[str, object],
) -> list[RankChangeRow]:
    instant, seq = before or (None, None)
    statement = _LIST.format(within=within + ("" if before is None else _BEFORE))
    values = {"program": program_id, "causes": list(causes), "instant": instant, "seq": seq, "limit": limit, **bound}
    return execute_as(conn, RankChangeRow, statement, values).fetchall()
