"""Reads and writes the dated statuses and ranks of shops; the newest of each stands on the shop's row, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.recorded import Recorded
from distrib.store.sql import execute, execute_as


class NewStatus(NamedTuple):
    """A status that a shop is to have from an instant on."""

    shop_no: int
    effective_at: datetime
    status: str
    reason: str


class NewRank(NamedTuple):
    """A rank that a shop is to have from an instant on (None: none set by hand any more), and by what cause."""

    shop_no: int
    effective_at: datetime
    rank: str | None
    cause: str
    reason: str


class RenamedRanks(NamedTuple):
    """New codes of ranks by the former ones, and from when to before when what takes effect has them."""

    codes: Mapping[str, str]
    since: datetime
    until: datetime | None


class RankRow(NamedTuple):
    """One row of a shop's history of ranks."""

    seq: int
    effective_at: datetime
    rank: str | None
    cause: str
    reason: str
    recorded_at: datetime
    recorded_by: str


class StandingRow(NamedTuple):
    """One row of a shop's history: a ``status``, or a ``sponsor`` by its id (None: a root)."""

    kind: str
    seq: int
    effective_at: datetime
    value: str | None
    reason: str
    recorded_at: datetime
    recorded_by: str


_INSERT_STATUS = """
INSERT INTO shop_statuses (program_id, shop_no, effective_at, status, reason, recorded_at, recorded_by)
VALUES (%(program)s, %(shop_no)s, %(effective_at)s, %(status)s, %(reason)s, %(now)s, %(by)s)
"""
_NEWEST_STATUS = """
UPDATE shops SET status = %(status)s, status_since = %(effective_at)s
WHERE program_id = %(program)s AND shop_no = %(shop_no)s AND status_since <= %(effective_at)s
"""
# In the order given: of several at one instant the last one written holds.
_INSERT_STATUSES = """
INSERT INTO shop_statuses (program_id, shop_no, effective_at, status, reason, recorded_at, recorded_by)
SELECT %(program)s, n.shop_no, n.effective_at, n.status, n.reason, %(now)s, %(by)s
FROM unnest(%(shop_no)b::bigint[], %(effective_at)b::timestamptz[], %(status)b::text[], %(reason)b::text[])
    WITH ORDINALITY AS n (shop_no, effective_at, status, reason, place) ORDER BY n.place
"""
_NEWEST_STATUSES = """
UPDATE shops s SET status = n.status, status_since = n.effective_at
FROM (SELECT DISTINCT ON (shop_no) *
      FROM unnest(%(shop_no)b::bigint[], %(effective_at)b::timestamptz[], %(status)b::text[])
          WITH ORDINALITY AS n (shop_no, effective_at, status, place)
      ORDER BY shop_no, effective_at DESC, place DESC) n
WHERE s.program_id = %(program)s AND s.shop_no = n.shop_no AND s.status_since <= n.effective_at
"""
_INSERT_RANK = """
INSERT INTO shop_ranks (program_id, shop_no, effective_at, rank, cause, reason, recorded_at, recorded_by)
VALUES (%(program)s, %(shop_no)s, %(effective_at)s, %(rank)s, %(cause)s, %(reason)s, %(now)s, %(by)s)
"""
_NEWEST_RANK = """
UPDATE shops SET rank = %(rank)s, rank_since = %(effective_at)s
WHERE program_id = %(program)s AND shop_no = %(shop_no)s AND rank_since <= %(effective_at)s
"""
_HISTORY = """
SELECT seq, effective_at, rank, cause, reason, recorded_at, recorded_by FROM shop_ranks
WHERE program_id = %(program)s AND shop_no = %(shop_no)s AND (effective_at, seq) > (%(instant)s::timestamptz, %(seq)s)
ORDER BY effective_at, seq LIMIT %(limit)s
"""
# Few rows a shop: each of both histories is found by its key.
_STANDINGS = """
SELECT kind, seq, effective_at, value, reason, recorded_at, recorded_by FROM (
    SELECT 'status' AS kind, h.seq, h.effective_at, h.status AS value, h.reason, h.recorded_at, h.recorded_by
    FROM shop_statuses h WHERE h.program_id = %(program)s AND h.shop_no = %(shop)s
    UNION ALL
    SELECT 'sponsor', r.seq, r.effective_at, p.shop_id, r.reason, r.recorded_at, r.recorded_by
    FROM referrals r LEFT JOIN shops p ON p.program_id = r.program_id AND p.shop_no = r.sponsor_no
    WHERE r.program_id = %(program)s AND r.shop_no = %(shop)s
) standings
WHERE (effective_at, kind, seq) > (%(after)s::timestamptz, %(kind)s, %(seq)s)
ORDER BY effective_at, kind, seq LIMIT %(limit)s
"""
_RANKS_HELD = "SELECT rank, count(*) FROM shops WHERE program_id = %(program)s AND rank IS NOT NULL GROUP BY rank"
_SHOPS_WITH_RANKS = """
SELECT DISTINCT shop_no FROM shop_ranks WHERE program_id = %(program)s AND rank = ANY(%(ranks)b::text[])
    ORDER BY shop_no
"""
# Rows that take effect while the version is in force were written under the one before it.
_RENAME = """
INSERT INTO shop_ranks (program_id, shop_no, effective_at, rank, cause, reason, recorded_at, recorded_by)
SELECT r.program_id, r.shop_no, r.effective_at, m.new, r.cause, r.reason, %(now)s, %(by)s
FROM unnest(%(old)b::text[], %(new)b::text[]) AS m (old, new)
JOIN shop_ranks r ON r.program_id = %(program)s AND r.rank = m.old
WHERE r.effective_at >= %(since)s AND r.effective_at < COALESCE(%(until)s::timestamptz, 'infinity')
ORDER BY r.shop_no, r.effective_at, r.seq
"""
_RENAME_NEWEST = """
UPDATE shops s SET rank = m.new FROM unnest(%(old)b::text[], %(new)b::text[]) AS m (old, new)
WHERE s.program_id = %(program)s AND s.rank = m.old AND s.rank_since >= %(since)s
AND s.rank_since < COALESCE(%(until)s::timestamptz, 'infinity')
"""


def add_status(conn: Connection, program_id: int, status: NewStatus, recorded: Recorded) -> None:
    """Writes a status into the history, and onto the shop's row where none takes effect later."""
    bound = {"program": program_id} | status._asdict()
    execute(conn, _INSERT_STATUS, bound | {"now": recorded.instant, "by": recorded.by})
    execute(conn, _NEWEST_STATUS, bound)


def add_statuses(conn: Connection, program_id: int, statuses: Sequence[NewStatus], now: datetime, by: str) -> None:
    """Writes statuses of many shops into the history, and onto the rows of those of which none takes effect later."""
    columns = {name: [getattr(row, name) for row in statuses] for name in NewStatus._fields}
    bound = {"program": program_id, "now": now, "by": by, **columns}
    execute(conn, _INSERT_STATUSES, bound)
    execute(conn, _NEWEST_STATUSES, bound)


def add_rank(conn: Connection, program_id: int, rank: NewRank, recorded: Recorded) -> None:
    """Writes a rank into the history, and onto the shop's row where none takes effect later."""
    bound = {"program": program_id} | rank._asdict()
    execute(conn, _INSERT_RANK, bound | {"now": recorded.instant, "by": recorded.by})
    execute(conn, _NEWEST_RANK, bound)


def rank_history(conn: Connection, program_id: int, shop_no: int, after: tuple[str, int], limit: int) -> list[RankRow]:
    """Lists a shop's ranks by when they take effect, from after (instant, sequence) on."""
    instant, seq = after
    bound = {"program": program_id, "shop_no": shop_no, "instant": instant, "seq": seq, "limit": limit}
    return execute_as(conn, RankRow, _HISTORY, bound).fetchall()


def standing_history(
    conn: Connection, program_id: int, shop_no: int, after: tuple[str, str, int], limit: int
) -> list[StandingRow]:
    """Lists a shop's statuses and sponsors by when they take effect, from after (instant, kind, sequence) on."""
    instant, kind, seq = after
    values = {"program": program_id, "shop": shop_no, "after": instant, "kind": kind, "seq": seq, "limit": limit}
    return execute_as(conn, StandingRow, _STANDINGS, values).fetchall()


def ranks_held(conn: Connection, program_id: int) -> dict[str, int]:
    """Counts the shops that hold each rank by their newest row."""
    return dict(execute(conn, _RANKS_HELD, {"program": program_id}).fetchall())


def shops_with_ranks(conn: Connection, program_id: int, ranks: Sequence[str]) -> list[int]:
    """Lists the shops that ever got one of the ranks, those from a later instant on included."""
    return [shop_no for (shop_no,) in execute(conn, _SHOPS_WITH_RANKS, {"program": program_id, "ranks": list(ranks)})]


def rename_later_ranks(conn: Connection, program_id: int, renamed: RenamedRanks, recorded: Recorded) -> None:
    """Writes again, under their new codes, the ranks that take effect in that time."""
    values = {"program": program_id, "since": renamed.since, "until": renamed.until}
    values |= {"by": recorded.by, "now": recorded.instant}
    columns = {"old": list(renamed.codes), "new": list(renamed.codes.values())}
    execute(conn, _RENAME, values | columns)
    execute(conn, _RENAME_NEWEST, values | columns)
