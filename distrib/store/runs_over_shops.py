"""What is worked out over all shops of a program now and then: whose turn it is, and who is at it. No SQL of nouns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute, value

_DUE = """
SELECT p.program_id FROM programs p LEFT JOIN {table} r USING (program_id)
WHERE r.as_of IS NULL
   OR r.as_of <= CASE WHEN r.shops > %(many)s THEN %(now)s - %(slowly)s::interval ELSE %(now)s - %(often)s::interval END
ORDER BY r.as_of NULLS FIRST, p.program_id LIMIT %(limit)s
"""
_LOCK = "SELECT pg_try_advisory_xact_lock(%(lock)s, %(program)s)"


class RunPace(NamedTuple):
    """How long ago a program may have been done: ``often``, or ``slowly`` where it has over ``many`` shops."""

    often: timedelta
    slowly: timedelta
    many: int


@dataclass(frozen=True, slots=True)
class RunsOverShops:
    """The table with a row a program, as of when and over how many shops it was done, and the lock of who does it."""

    table: str
    lock: int

    def programs_due(self, conn: Connection, now: datetime, pace: RunPace, limit: int) -> list[int]:
        """Lists the programs that are due at that pace, the longest due first."""
        bound = {"now": now, "limit": limit} | pace._asdict()
        return [row[0] for row in execute(conn, _DUE.replace("{table}", self.table), bound)]

    def try_lock(self, conn: Connection, program_id: int) -> bool:
        """Keeps others from doing a program until the transaction ends; False where one does."""
        return value(conn, bool, _LOCK, {"lock": self.lock, "program": program_id})
