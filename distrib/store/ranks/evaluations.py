"""Reads and writes monthly evaluations: one row a month, and the shops that failed to keep a rank."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.copying import copy_into
from distrib.store.locks import EVALUATIONS, PROMOTIONS
from distrib.store.sql import execute, execute_as, value

_COLUMNS = (
    "period, version_no, effective_at, shops, promoted, lowered, taken_back, failing, ranks_seq, evaluated_at,"
    " evaluated_by"
)
_FIND = f"SELECT {_COLUMNS} FROM rank_evaluations WHERE program_id = %(program)s AND period = %(period)s"
_NEWEST = f"SELECT {_COLUMNS} FROM rank_evaluations WHERE program_id = %(program)s ORDER BY period DESC LIMIT 1"
_LIST = f"""
SELECT {_COLUMNS} FROM rank_evaluations WHERE program_id = %(program)s AND period < %(before)s
ORDER BY period DESC LIMIT %(limit)s
"""
_INSERT = f"""
INSERT INTO rank_evaluations (program_id, {_COLUMNS})
VALUES (%(program)s, %(period)s, %(version_no)s, %(effective_at)s, %(shops)s, %(promoted)s, %(lowered)s,
    %(taken_back)s, %(failing)s, %(ranks_seq)s,
    %(evaluated_at)s, %(evaluated_by)s)
"""
# Queued orders have pending events of that day or a later one; signals are promotions that are still to be decided.
_PENDING = """
SELECT (SELECT count(*) FROM queue WHERE program_id = %(program)s AND day < %(day)s)
    + (SELECT count(*) FROM rank_signals WHERE program_id = %(program)s AND day < %(day)s)
"""
_LOCK = "SELECT pg_advisory_xact_lock(%(lock)s, %(program)s)"
_NEWER = """
SELECT EXISTS (SELECT 1 FROM shop_ranks WHERE program_id = %(program)s AND seq > %(seq)s AND effective_at <= %(until)s)
"""
_PROMOTED = """
SELECT shop_no, seq, rank, reason FROM shop_ranks
WHERE program_id = %(program)s AND cause = 'promotion' AND effective_at <= %(until)s
    AND (effective_at > %(since)s OR seq > %(seq)s) AND shop_no = ANY(%(shops)b::bigint[])
ORDER BY shop_no, seq
"""
_PROMOTED_SHOPS = """
SELECT DISTINCT shop_no FROM shop_ranks
WHERE program_id = %(program)s AND cause = 'promotion' AND effective_at <= %(until)s
    AND (effective_at > %(since)s OR seq > %(seq)s) ORDER BY shop_no
"""
_EARNED_ROWS = """
SELECT shop_no, effective_at, seq, rank FROM shop_ranks
WHERE program_id = %(program)s AND shop_no = ANY(%(shops)b::bigint[]) AND cause IN ('promotion',
    'evaluation') AND effective_at <= %(until)s
ORDER BY shop_no, effective_at, seq
"""
_LOCK_SHOPS = """
SELECT shop_no FROM shops WHERE program_id = %(program)s AND shop_no = ANY(%(shops)b::bigint[])
ORDER BY shop_no FOR NO KEY UPDATE
"""
_FAILURES = """
SELECT shop_no, rank, failures, is_lowered FROM rank_failures WHERE program_id = %(program)s AND period = %(period)s
    AND NOT is_lowered
"""


@dataclass(frozen=True, slots=True)
class EvaluationRow:
    """One month's evaluation and what it came to."""

    period: int
    version_no: int | None
    effective_at: datetime
    shops: int
    promoted: int
    lowered: int
    taken_back: int
    failing: int
    ranks_seq: int
    evaluated_at: datetime
    evaluated_by: str


class EvaluationMark(NamedTuple):
    """Where the previous evaluation ended: promotions after that instant, or by newer rows, are checked by this one."""

    instant: datetime
    seq: int


class PromotedRow(NamedTuple):
    """A promotion with the figures that decided it, as JSON."""

    shop_no: int
    seq: int
    rank: str
    reason: str


class EarnedRankRow(NamedTuple):
    """A rank that a shop has earned from an instant on."""

    shop_no: int
    effective_at: datetime
    seq: int
    rank: str


class Failure(NamedTuple):
    """A shop that failed to keep a rank: for which time in a row, and whether the rank is lost by it."""

    shop_no: int
    rank: str
    failures: int
    is_lowered: bool


def lock_evaluations(conn: Connection, program_id: int) -> None:
    """Locks the evaluations of a program against other transactions until this one ends."""
    execute(conn, _LOCK, {"lock": EVALUATIONS, "program": program_id})


def lock_promotions(conn: Connection, program_id: int) -> None:
    """Locks the promotions of a program against other transactions until this one ends: its drain waits for a day."""
    execute(conn, _LOCK, {"lock": PROMOTIONS, "program": program_id})


def find_evaluation(conn: Connection, program_id: int, period: int) -> EvaluationRow | None:
    """Finds a month's evaluation; None where the month is not evaluated."""
    return execute_as(conn, EvaluationRow, _FIND, {"program": program_id, "period": period}).fetchone()


def newest_evaluation(conn: Connection, program_id: int) -> EvaluationRow | None:
    """Finds the evaluation of the latest month that has one."""
    return execute_as(conn, EvaluationRow, _NEWEST, {"program": program_id}).fetchone()


def list_evaluations(conn: Connection, program_id: int, before: int, limit: int) -> list[EvaluationRow]:
    """Lists up to ``limit`` evaluations of months before ``before``, newest first."""
    values = {"program": program_id, "before": before, "limit": limit}
    return execute_as(conn, EvaluationRow, _LIST, values).fetchall()


def insert_evaluation(conn: Connection, program_id: int, row: EvaluationRow) -> None:
    """Writes a month's evaluation."""
    execute(conn, _INSERT, asdict(row) | {"program": program_id})


def count_pending(conn: Connection, program_id: int, before: date) -> int:
    """Counts orders with pending events, and promotions to be decided, of days before ``before``."""
    return value(conn, int, _PENDING, {"program": program_id, "day": before})


def opened_at(conn: Connection, program_id: int) -> datetime:
    """Reads when the program was opened."""
    created_at: datetime = value(
        conn, datetime, "SELECT created_at FROM programs WHERE program_id = %(program)s", {"program": program_id}
    )
    return created_at


def newest_rank_seq(conn: Connection, program_id: int) -> int:
    """Reads the sequence number of the newest row of the program's rank history; 0 where there is none."""
    statement = "SELECT COALESCE(max(seq), 0) FROM shop_ranks WHERE program_id = %(program)s"
    return value(conn, int, statement, {"program": program_id})


def settled_rank_seq(conn: Connection, program_id: int) -> int:
    """Reads the sequence number up to which no promotion is being decided: a newer row has a greater one."""
    with conn.begin_nested() as savepoint:  # what is locked after a savepoint is free when it is rolled back to
        lock_promotions(conn, program_id)
        seq = newest_rank_seq(conn, program_id)
        savepoint.rollback()
    return seq


def has_newer_ranks(conn: Connection, program_id: int, seq: int, until: datetime) -> bool:
    """Tells whether a rank was written after sequence number ``seq`` that holds by ``until``."""
    values = {"program": program_id, "seq": seq, "until": until}
    return value(conn, bool, _NEWER, values)


def promoted_shops(conn: Connection, program_id: int, since: EvaluationMark, until: datetime) -> list[int]:
    """Lists shops promoted from after a mark (or, by rows newer than its, at any time) to ``until``."""
    values = {"program": program_id, "since": since.instant, "seq": since.seq, "until": until}
    return [shop_no for (shop_no,) in execute(conn, _PROMOTED_SHOPS, values)]


def promotions(
    conn: Connection, program_id: int, shops: Sequence[int], since: EvaluationMark, until: datetime
) -> list[PromotedRow]:
    """Lists the promotions of those shops from after a mark to ``until``."""
    values = {"program": program_id, "since": since.instant, "seq": since.seq, "until": until, "shops": list(shops)}
    return execute_as(conn, PromotedRow, _PROMOTED, values).fetchall()


def earned_rows(
    conn: Connection, program_id: int, shops: Sequence[int], until: datetime
) -> dict[int, list[EarnedRankRow]]:
    """Lists by shop the ranks that those shops earned by ``until``, in the order in which they hold."""
    ranks: dict[int, list[EarnedRankRow]] = {}
    for row in execute_as(
        conn, EarnedRankRow, _EARNED_ROWS, {"program": program_id, "shops": list(shops), "until": until}
    ):
        ranks.setdefault(row.shop_no, []).append(row)
    return ranks


def lock_shops(conn: Connection, program_id: int, shops: Sequence[int]) -> None:
    """Locks the rows of those shops against other writers until the transaction ends."""
    execute(conn, _LOCK_SHOPS, {"program": program_id, "shops": list(shops)})


def failures_of(conn: Connection, program_id: int, period: int) -> list[Failure]:
    """Lists the shops that failed to keep a rank in a month's evaluation and did not lose it."""
    return execute_as(conn, Failure, _FAILURES, {"program": program_id, "period": period}).fetchall()


def copy_failures(conn: Connection, program_id: int, period: int, failures: Iterable[Failure]) -> None:
    """Writes the failures to keep a rank of a month's evaluation, by COPY."""
    with copy_into(conn, "rank_failures", ("program_id", "period", *Failure._fields)) as copy:
        for failure in failures:
            copy.write_row((program_id, period, *failure))
