"""The chain of seals over transfers: its rows, and the canonical form of what a seal covers.

The form is fixed for ever (docs/ledger.md): a line of JSON a transfer, in the order of postings. Digests are computed
by the services.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.ledger import ACCOUNT_NAMES
from distrib.store import locks
from distrib.store.database import allow_minutes
from distrib.store.sql import column, execute, execute_as, streamed_as, value

_ROWS_CHUNK = 5_000


class SealRow(NamedTuple):
    """One seal as stored: it covers the postings after ``after_posting`` up to ``through_posting``."""

    seal_no: int
    after_posting: int
    through_posting: int
    transfers: int
    total_minor: int
    previous_digest: bytes | None
    digest: bytes
    sealed_at: datetime


class SealedTransfer(NamedTuple):
    """One transfer in its canonical form."""

    posting_no: int
    amount_minor: int
    line: str


_COLUMNS = ", ".join(SealRow._fields)
_LIST = f"""
SELECT {_COLUMNS} FROM seals WHERE program_id = %(program)s AND seal_no > %(after)s ORDER BY seal_no LIMIT %(limit)s
"""
_FIND = f"SELECT {_COLUMNS} FROM seals WHERE program_id = %(program)s AND seal_no = %(seal_no)s"
_LAST = f"SELECT {_COLUMNS} FROM seals WHERE program_id = %(program)s ORDER BY seal_no DESC LIMIT 1"
_INSERT = f"""
INSERT INTO seals (program_id, {_COLUMNS}) VALUES (%(program)s, {", ".join(f"%({name})s" for name in SealRow._fields)})
"""
# The day is the program's own; a day is sealed when it is over, a program's first one too.
_DUE = """
SELECT program_id FROM (
    SELECT p.program_id, p.time_zone, GREATEST(p.created_at, max(s.sealed_at)) AS since,
           COALESCE(max(s.through_posting), -1) AS through
    FROM programs p LEFT JOIN seals s USING (program_id) GROUP BY p.program_id) p
WHERE (since AT TIME ZONE time_zone)::date < (CAST(%(now)s AS timestamptz) AT TIME ZONE time_zone)::date
  AND EXISTS (SELECT 1 FROM transfers t WHERE t.program_id = p.program_id AND t.posting_no > p.through)
ORDER BY since, program_id LIMIT %(limit)s
"""
_OWN = " ".join(f"WHEN {number} THEN '{name}'" for number, name in ACCOUNT_NAMES.items())


def _account(field: str) -> str:
    """The expression of an account's readable name, or of its number where it belongs to nobody."""
    shop = f"SELECT 'payable:' || s.shop_id FROM shops s WHERE s.program_id = t.program_id AND s.shop_no = {field}"
    return f"COALESCE(CASE {field} {_OWN} END, ({shop}), {field}::text)"


def _time(field: str) -> str:
    return f"to_char({field} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


# The ids of shops are looked up row by row: a join would read those of all shops for a day of few postings.
_TRANSFERS = f"""
SELECT t.posting_no, t.amount_minor, json_build_array(
    t.posting_no, t.cause_no, t.seq, t.kind, {_account("t.debit_account")}, {_account("t.credit_account")},
    t.amount_minor, {_time("t.occurred_at")}, {_time("t.available_at")}, t.period, t.belongs_to_period, t.event_no,
    t.line_id, t.rule_id, t.tier, t.base_minor, t.rate_ppm, t.version_no, t.reverses_seq)::text AS line
FROM transfers t
WHERE t.program_id = %(program)s AND t.posting_no > %(after)s AND t.posting_no <= %(through)s
ORDER BY t.posting_no, t.cause_no, t.seq
"""


def lock_chain(conn: Connection, program_id: int) -> bool:
    """Locks the chain of seals until the transaction ends; False where another seals this program."""
    statement = "SELECT pg_try_advisory_xact_lock(%(seals)s, %(program)s)"
    return value(conn, bool, statement, {"seals": locks.SEALS, "program": program_id})


def posting_horizon(conn: Connection) -> int:
    """Reads the number up to which every posting there can ever be is seen by the next statement."""
    return value(conn, int, "SELECT posting_horizon()")


def sealed_transfers(conn: Connection, program_id: int, after: int, through: int) -> Iterator[SealedTransfer]:
    """Streams the transfers of a range of postings in their canonical form and order."""
    allow_minutes(conn, 30)
    bound = {"program": program_id, "after": after, "through": through}
    with streamed_as(conn, "sealed_transfers", SealedTransfer, _TRANSFERS, bound) as cursor:
        cursor.itersize = _ROWS_CHUNK
        yield from cursor


def last_seal(conn: Connection, program_id: int) -> SealRow | None:
    """Reads the newest seal; None before the first."""
    return execute_as(conn, SealRow, _LAST, {"program": program_id}).fetchone()


def find_seal(conn: Connection, program_id: int, seal_no: int) -> SealRow | None:
    """Reads the seal of that number; None without one."""
    return execute_as(conn, SealRow, _FIND, {"program": program_id, "seal_no": seal_no}).fetchone()


def list_seals(conn: Connection, program_id: int, after: int, limit: int) -> list[SealRow]:
    """Lists seals by number, from the one after ``after`` on."""
    bound = {"program": program_id, "after": after, "limit": limit}
    return execute_as(conn, SealRow, _LIST, bound).fetchall()


def insert_seal(conn: Connection, program_id: int, row: SealRow) -> None:
    """Writes the next seal of the chain."""
    execute(conn, _INSERT, row._asdict() | {"program": program_id})


def programs_to_seal(conn: Connection, now: datetime, limit: int) -> list[int]:
    """Lists the programs that have postings of days that are over and not sealed."""
    return column(conn, int, _DUE, {"now": now, "limit": limit})
