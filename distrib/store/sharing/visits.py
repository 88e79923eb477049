"""Visits of invite links, counted once a visitor and day; salts and digests of visitors as long as the day lasts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute, value, value_or_none

_IMPATIENT = (("SET LOCAL lock_timeout = '200ms'"), "SET LOCAL statement_timeout = '500ms'")
_KEEP_SALT = (
    "INSERT INTO visit_salts (program_id, day, salt) VALUES (%(program)s, %(day)s, %(salt)s) ON CONFLICT DO NOTHING"
)
_SALT = "SELECT salt FROM visit_salts WHERE program_id = %(program)s AND day = %(day)s"
_COUNT = """
WITH fresh AS (
    INSERT INTO visitors (program_id, day, shop_no, digest) VALUES (%(program)s, %(day)s, %(shop)s, %(digest)s)
    ON CONFLICT DO NOTHING RETURNING program_id, day, shop_no
), of_day AS (
    INSERT INTO visit_days AS t (program_id, day, source, slot, visits)
    SELECT program_id, day, %(source)s, %(slot)s, 1 FROM fresh
    ON CONFLICT (program_id, day, source, slot) DO UPDATE SET visits = t.visits + 1
)
INSERT INTO visits AS t (program_id, shop_no, day, source, visits)
SELECT program_id, shop_no, day, %(source)s, 1 FROM fresh
ON CONFLICT (program_id, shop_no, day, source) DO UPDATE SET visits = t.visits + 1
"""
_DROP_SALTS = """
DELETE FROM visit_salts s USING programs p
WHERE p.program_id = s.program_id AND s.day < (CAST(%(now)s AS timestamptz) AT TIME ZONE p.time_zone)::date
"""
_DROP_VISITORS = """
DELETE FROM visitors WHERE ctid = ANY(ARRAY(
    SELECT v.ctid FROM programs p CROSS JOIN LATERAL (
        SELECT v.ctid FROM visitors v WHERE v.program_id = p.program_id
          AND v.day < (CAST(%(now)s AS timestamptz) AT TIME ZONE p.time_zone)::date LIMIT %(limit)s) v
    LIMIT %(limit)s))
"""
_OF_SHOP = """
SELECT day, source, visits FROM visits
WHERE program_id = %(program)s AND shop_no = %(shop)s AND day >= %(from_day)s AND day < %(to_day)s
"""
_OF_PROGRAM = """
SELECT day, source, sum(visits)::bigint AS visits FROM visit_days
WHERE program_id = %(program)s AND day >= %(from_day)s AND day < %(to_day)s GROUP BY day, source
"""


class VisitRow(NamedTuple):
    """How many visited on a day by a source."""

    day: date
    source: str
    visits: int


class NewVisit(NamedTuple):
    """A visit: on which day, from where, by whom as a digest, and to which part of the day's sum it is added."""

    day: date
    source: str
    digest: bytes
    slot: int


def be_impatient(conn: Connection) -> None:
    """Lets no statement of this transaction wait or take long: a visit that is not counted harms nobody."""
    for statement in _IMPATIENT:
        execute(conn, statement)


def salt_of_day(conn: Connection, program_id: int, day: date, fresh: bytes) -> bytes:
    """Reads the salt of a program's day; where there is none yet, ``fresh`` becomes it."""
    values = {"program": program_id, "day": day}
    salt = value_or_none(conn, bytes, _SALT, values)
    if salt is None:
        execute(conn, _KEEP_SALT, values | {"salt": fresh})
        salt = value(conn, bytes, _SALT, values)
    return salt


def count_visit(conn: Connection, program_id: int, shop_no: int, visit: NewVisit) -> None:
    """Counts a visit of a shop's link, unless that visitor was counted that day."""
    execute(conn, _COUNT, {"program": program_id, "shop": shop_no} | visit._asdict())


def drop_salts(conn: Connection, now: datetime) -> None:
    """Deletes the salts of days that are over, of all programs."""
    execute(conn, _DROP_SALTS, {"now": now})


def drop_visitors(conn: Connection, now: datetime, limit: int) -> int:
    """Deletes up to ``limit`` visitors of days that are over, of all programs; counts them."""
    return execute(conn, _DROP_VISITORS, {"now": now, "limit": limit}).rowcount


def visits_of(
    conn: Connection, program_id: int, shop_no: int | None, from_day: date, to_day: date
) -> Sequence[VisitRow]:
    """Lists the visits by day and source, of a shop or of the whole program, from a day to before another."""
    values = {"program": program_id, "shop": shop_no, "from_day": from_day, "to_day": to_day}
    rows = execute(conn, _OF_PROGRAM if shop_no is None else _OF_SHOP, values)
    return [VisitRow._make(row) for row in rows]
