"""Reads and writes penalties and their withdrawals, as rows that only grow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.penalties import CRIMINAL
from distrib.store.recorded import Part, Recorded
from distrib.store.sql import execute

_INSERT = (
    "INSERT INTO penalties (program_id, penalty_id, digest, shop_no, organiser_id, kind, decided_on, authority,"
    " reference, reason, recorded_at, recorded_by) VALUES (%(program)s, %(id)s, %(digest)s, %(shop_no)s,"
    " %(organiser_id)s, %(kind)s,"
    " %(decided_on)s, %(authority)s, %(reference)s, %(reason)s, %(now)s, %(by)s) ON CONFLICT (program_id,"
    " penalty_id) DO NOTHING"
)
_WITHDRAW = (
    "INSERT INTO penalty_withdrawals (program_id, penalty_no, reason, withdrawn_at, withdrawn_by)"
    " VALUES (%(program)s, %(number)s, %(reason)s, %(now)s, %(by)s) ON CONFLICT DO NOTHING"
)
_SELECT = """
SELECT p.penalty_no, p.penalty_id, p.digest, s.shop_id, p.organiser_id, p.kind, p.decided_on, p.authority, p.reference,
       p.reason, p.recorded_at, p.recorded_by, w.withdrawn_at, w.withdrawn_by, w.reason AS withdrawal_reason
FROM penalties p
LEFT JOIN shops s ON s.program_id = p.program_id AND s.shop_no = p.shop_no
LEFT JOIN penalty_withdrawals w ON w.program_id = p.program_id AND w.penalty_no = p.penalty_no
WHERE p.program_id = %(program)s
"""
_FIND = _SELECT + " AND p.penalty_id = %(id)s"
_LIST = (
    _SELECT + " AND p.penalty_no > %(after)s AND (CAST(%(shop_id)s AS text) IS NULL OR s.shop_id = %(shop_id)s)"
    " AND (CAST(%(organiser_id)s AS text) IS NULL OR p.organiser_id = %(organiser_id)s)"
    " ORDER BY p.penalty_no LIMIT %(limit)s"
)
_NAMED = _SELECT + " AND p.penalty_no = ANY(CAST(%(numbers)s AS bigint[])) ORDER BY p.penalty_no"
# Recorded by then and not withdrawn; a criminal one counts whenever it was, others were decided lately.
_STANDING = (
    "SELECT p.penalty_no, p.shop_no, p.organiser_id, p.kind, p.decided_on FROM penalties p"
    " WHERE p.program_id = %(program)s AND p.recorded_at <= %(at)s AND (p.kind = %(criminal)s"
    " OR p.decided_on >= %(since)s)"
    " AND NOT EXISTS (SELECT 1 FROM penalty_withdrawals w WHERE w.program_id = p.program_id"
    " AND w.penalty_no = p.penalty_no AND w.withdrawn_at <= %(at)s) ORDER BY p.penalty_no"
)


class PenaltyRow(NamedTuple):
    """A penalty, and its withdrawal where there is one."""

    penalty_no: int
    penalty_id: str
    digest: bytes
    shop_id: str | None
    organiser_id: str | None
    kind: str
    decided_on: date
    authority: str | None
    reference: str | None
    reason: str
    recorded_at: datetime
    recorded_by: str
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    withdrawal_reason: str | None


class NewPenalty(NamedTuple):
    """A penalty to be recorded, of a shop by its number or of an organiser."""

    id: str
    digest: bytes
    shop_no: int | None
    organiser_id: str | None
    kind: str
    decided_on: date
    authority: str | None
    reference: str | None
    reason: str


class StandingPenalty(NamedTuple):
    """A penalty that was recorded and not withdrawn: its shop or organiser, its kind and its day."""

    penalty_no: int
    shop_no: int | None
    organiser_id: str | None
    kind: str
    decided_on: date


def insert_penalty(conn: Connection, program_id: int, penalty: NewPenalty, now: datetime, by: str) -> bool:
    """Writes a penalty; False where its id is taken."""
    return execute(conn, _INSERT, {**penalty._asdict(), "program": program_id, "now": now, "by": by}).rowcount == 1


def insert_withdrawal(conn: Connection, program_id: int, penalty_no: int, reason: str, recorded: Recorded) -> None:
    """Writes a withdrawal; where there is one, that stands. Of two at once the second waits for the first."""
    bound = {"program": program_id, "number": penalty_no, "reason": reason}
    execute(conn, _WITHDRAW, bound | {"now": recorded.instant, "by": recorded.by})


def find_penalty(conn: Connection, program_id: int, penalty_id: str) -> PenaltyRow | None:
    """Finds the penalty of that id."""
    row = execute(conn, _FIND, {"program": program_id, "id": penalty_id}).fetchone()
    return None if row is None else PenaltyRow._make(row)


def list_penalties(
    conn: Connection, program_id: int, shop_id: str | None, organiser_id: str | None, part: Part[int]
) -> list[PenaltyRow]:
    """Lists penalties in the order they were recorded; of one shop or one organiser where that is given."""
    wanted = {"program": program_id, "shop_id": shop_id, "organiser_id": organiser_id}
    wanted |= {"after": part.place, "limit": part.limit}
    return [PenaltyRow._make(row) for row in execute(conn, _LIST, wanted)]


def penalties_of_numbers(conn: Connection, program_id: int, numbers: Sequence[int]) -> list[PenaltyRow]:
    """Lists the penalties of those numbers, in the order they were recorded."""
    return [PenaltyRow._make(row) for row in execute(conn, _NAMED, {"program": program_id, "numbers": list(numbers)})]


def standing_penalties_at(conn: Connection, program_id: int, as_of: datetime, since: date) -> list[StandingPenalty]:
    """Lists penalties recorded and not withdrawn at an instant; of administrative ones those decided since a day."""
    wanted = {"program": program_id, "at": as_of, "since": since, "criminal": CRIMINAL}
    return [StandingPenalty._make(row) for row in execute(conn, _STANDING, wanted)]
