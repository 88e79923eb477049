"""What a program's history has beside its months: payees, penalties, packs, evaluations, and what still waits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute, execute_as, streamed

# Numbers that say nothing of who a payee is; of payees that one shop alone has there is none. Who was erased is gone.
_PAYEES: Final = """
WITH shared AS (
    SELECT shop_no, version, dense_rank() OVER (ORDER BY identity_hash) AS payee_no FROM (
        SELECT k.shop_no, k.version, k.identity_hash,
               min(k.shop_no) OVER same <> max(k.shop_no) OVER same AS is_shared
        FROM payee_keys k WHERE k.program_id = %(program)s WINDOW same AS (PARTITION BY k.identity_hash)) h
    WHERE is_shared
)
SELECT v.shop_no, v.version, v.recorded_at, s.payee_no FROM payee_versions v
LEFT JOIN shared s ON s.shop_no = v.shop_no AND s.version = v.version
WHERE v.program_id = %(program)s AND v.shop_no IN (SELECT shop_no FROM shared) ORDER BY v.shop_no, v.version
"""
_PENALTIES: Final = """
SELECT p.penalty_no, p.shop_no, p.organiser_id, p.kind, p.decided_on, p.recorded_at, w.withdrawn_at FROM penalties p
LEFT JOIN penalty_withdrawals w ON w.program_id = p.program_id AND w.penalty_no = p.penalty_no
WHERE p.program_id = %(program)s ORDER BY p.penalty_no
"""
_PACKS: Final = """
SELECT before::json ->> 'policy' AS policy, changed_at AS until FROM program_changes
WHERE program_id = %(program)s AND before::json ->> 'policy' IS NOT NULL ORDER BY seq
"""
_EVALUATIONS: Final = """
SELECT period, effective_at, ranks_seq FROM rank_evaluations WHERE program_id = %(program)s ORDER BY period
"""
_WAITING: Final = """
SELECT LEAST((SELECT min(day) FROM queue WHERE program_id = %(program)s),
             (SELECT min(day) FROM rank_signals WHERE program_id = %(program)s))
"""


class PenaltySpan(NamedTuple):
    """A penalty about a shop or an organiser: its kind, its day, and when it was recorded and withdrawn."""

    penalty_no: int
    shop_no: int | None
    organiser_id: str | None
    kind: str
    decided_on: date
    recorded_at: datetime
    withdrawn_at: datetime | None


class PackBefore(NamedTuple):
    """A policy pack that a program had until an instant."""

    policy: str
    until: datetime


class EvaluatedPeriod(NamedTuple):
    """A month that was evaluated: from when its ranks hold, and the newest rank that was there before."""

    period: int
    effective_at: datetime
    ranks_seq: int


def payee_rows(conn: Connection, program_id: int, size: int) -> Iterator[list[tuple[object, ...]]]:
    """Yields, version by version, the payees of shops that had one which another shop had, in their file's columns."""
    with streamed(conn, "history_payees", _PAYEES, {"program": program_id}, binary=True) as cursor:
        while page := cursor.fetchmany(size):
            yield page


def penalties(conn: Connection, program_id: int) -> list[PenaltySpan]:
    """Lists all penalties in the order they were recorded."""
    return execute_as(conn, PenaltySpan, _PENALTIES, {"program": program_id}).fetchall()


def packs_before(conn: Connection, program_id: int) -> list[PackBefore]:
    """Lists the policy packs that a program had before its present one, the earliest first."""
    return execute_as(conn, PackBefore, _PACKS, {"program": program_id}).fetchall()


def evaluations(conn: Connection, program_id: int) -> Sequence[EvaluatedPeriod]:
    """Lists the months that were evaluated."""
    return execute_as(conn, EvaluatedPeriod, _EVALUATIONS, {"program": program_id}).fetchall()


def waiting_from(conn: Connection, program_id: int) -> date | None:
    """The earliest day of which events or promotions are still to be decided; None where all is done."""
    row = execute(conn, _WAITING, {"program": program_id}).fetchone()
    day: date | None = None if row is None else row[0]
    return day
