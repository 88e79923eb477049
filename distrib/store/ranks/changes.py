"""Changes of rank of all shops, the newest first. What a rank means may not enter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection

from distrib.store.database import Bound
from distrib.store.recorded import Part
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


ChangePlace: TypeAlias = tuple[datetime, int]
"""From when on a change holds, and its number."""


class MadeChanges(NamedTuple):
    """The changes of one evaluation: from when on they hold, and what the reasons that it gave begin with."""

    effective_at: datetime
    begins: str


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
    conn: Connection, program_id: int, causes: Sequence[str], part: Part[ChangePlace | None]
) -> list[RankChangeRow]:
    """Lists changes of those causes, the newest first; the place None stands before all."""
    return _rows(conn, "", {"program": program_id, "causes": list(causes)}, part)


def of_evaluation(
    conn: Connection, program_id: int, causes: Sequence[str], made: MadeChanges, part: Part[ChangePlace | None]
) -> list[RankChangeRow]:
    """Lists the changes of those causes that an evaluation made, as ``list_changes``."""
    bound = {"program": program_id, "causes": list(causes), "from": made.effective_at, "begins": made.begins}
    return _rows(conn, _OF_EVALUATION, bound, part)


def _rows(conn: Connection, within: str, bound: Bound, part: Part[ChangePlace | None]) -> list[RankChangeRow]:
    instant, seq = part.place or (None, None)
    statement = _LIST.format(within=within + ("" if part.place is None else _BEFORE))
    values = {**bound, "instant": instant, "seq": seq, "limit": part.limit}
    return execute_as(conn, RankChangeRow, statement, values).fetchall()
