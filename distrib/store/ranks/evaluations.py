"""Monthly evaluations as they are kept: one row a month, and who failed to keep a rank. No rule may enter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import Connection, text

from distrib.store.database import driver
from distrib.store.locks import EVALUATIONS, PROMOTIONS

_COLUMNS = (
    "period, version_no, effective_at, shops, promoted, lowered, taken_back, failing, ranks_seq, evaluated_at,"
    " evaluated_by"
)
_FIND = f"SELECT {_COLUMNS} FROM rank_evaluations WHERE program_id = :program AND period = :period"
_NEWEST = f"SELECT {_COLUMNS} FROM rank_evaluations WHERE program_id = :program ORDER BY period DESC LIMIT 1"
_LIST = f"""
SELECT {_COLUMNS} FROM rank_evaluations WHERE program_id = :program AND period < :before
ORDER BY period DESC LIMIT :limit
"""
_INSERT = f"""
INSERT INTO rank_evaluations (program_id, {_COLUMNS})
VALUES (:program, :period, :version_no, :effective_at, :shops, :promoted, :lowered, :taken_back, :failing, :ranks_seq,
    :evaluated_at, :evaluated_by)
"""
# Queued orders have work of that day or a later one; signals are looks at promotions that are still to be decided.
_PENDING = """
SELECT (SELECT count(*) FROM queue WHERE program_id = :program AND day < :day)
    + (SELECT count(*) FROM rank_signals WHERE program_id = :program AND day < :day)
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
WHERE program_id = %s AND shop_no = ANY(%b::bigint[]) AND cause IN ('promotion', 'evaluation') AND effective_at <= %s
ORDER BY shop_no, effective_at, seq
"""
_LOCK_SHOPS = """
SELECT shop_no FROM shops WHERE program_id = %s AND shop_no = ANY(%b::bigint[]) ORDER BY shop_no FOR NO KEY UPDATE
"""
_FAILURES = """
SELECT shop_no, rank, failures FROM rank_failures WHERE program_id = %s AND period = %s AND NOT is_lowered
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


@dataclass(frozen=True, slots=True)
class PromotedRow:
    """A promotion with the numbers that decided it, as JSON."""

    shop_no: int
    seq: int
    rank: str
    reason: str


def lock_evaluations(conn: Connection, program_id: int) -> None:
    """Until the transaction ends nobody else evaluates ranks of the program, nor decides promotions."""
    for lock in (EVALUATIONS, PROMOTIONS):
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock, :program)"), {"lock": lock, "program": program_id})


def find_evaluation(conn: Connection, program_id: int, period: int) -> EvaluationRow | None:
    """That month's evaluation."""
    row = conn.execute(text(_FIND), {"program": program_id, "period": period}).mappings().first()
    return None if row is None else EvaluationRow(**row)


def newest_evaluation(conn: Connection, program_id: int) -> EvaluationRow | None:
    """The evaluation of the latest month that has one."""
    row = conn.execute(text(_NEWEST), {"program": program_id}).mappings().first()
    return None if row is None else EvaluationRow(**row)


def list_evaluations(conn: Connection, program_id: int, before: int, limit: int) -> list[EvaluationRow]:
    """Evaluations of months before ``before``, newest first."""
    values = {"program": program_id, "before": before, "limit": limit}
    return [EvaluationRow(**row) for row in conn.execute(text(_LIST), values).mappings()]


def insert_evaluation(conn: Connection, program_id: int, row: EvaluationRow) -> None:
    """Notes a month's evaluation."""
    conn.execute(text(_INSERT), asdict(row) | {"program": program_id})


def count_pending(conn: Connection, program_id: int, before: date) -> int:
    """Orders with work, and looks at promotions, of days before that one."""
    return int(conn.execute(text(_PENDING), {"program": program_id, "day": before}).scalar_one())


def opened_at(conn: Connection, program_id: int) -> datetime:
    """When the program was opened."""
    at: datetime = conn.execute(
        text("SELECT created_at FROM programs WHERE program_id = :program"), {"program": program_id}
    ).scalar_one()
    return at


def newest_rank_seq(conn: Connection, program_id: int) -> int:
    """The newest row of the program's rank history."""
    statement = text("SELECT COALESCE(max(seq), 0) FROM shop_ranks WHERE program_id = :program")
    return int(conn.execute(statement, {"program": program_id}).scalar_one())


def promoted_shops(conn: Connection, program_id: int, since: datetime, seq: int, until: datetime) -> list[int]:
    """Who was promoted from after ``since`` (or, by rows newer than ``seq``, at any time) to ``until``."""
    values = {"program": program_id, "since": since, "seq": seq, "until": until}
    return [row[0] for row in driver(conn).execute(_PROMOTED_SHOPS, values)]


def promotions(
    conn: Connection, program_id: int, shops: Sequence[int], since: datetime, seq: int, until: datetime
) -> list[PromotedRow]:
    """The promotions of those shops from after ``since`` (or newer than ``seq``) to ``until``."""
    values = {"program": program_id, "since": since, "seq": seq, "until": until, "shops": list(shops)}
    return [PromotedRow(*row) for row in driver(conn).execute(_PROMOTED, values)]


def earned_rows(
    conn: Connection, program_id: int, shops: Sequence[int], until: datetime
) -> dict[int, list[tuple[datetime, int, str]]]:
    """What those shops earned by ``until``: (effective_at, sequence, rank), in the order in which they hold."""
    found: dict[int, list[tuple[datetime, int, str]]] = {}
    for shop_no, at, seq, rank in driver(conn).execute(_EARNED_ROWS, (program_id, list(shops), until)):
        found.setdefault(shop_no, []).append((at, seq, rank))
    return found


def lock_shops(conn: Connection, program_id: int, shops: Sequence[int]) -> None:
    """Until the transaction ends nobody else changes what those shops are."""
    driver(conn).execute(_LOCK_SHOPS, (program_id, list(shops)))


def failures_of(conn: Connection, program_id: int, period: int) -> list[tuple[int, str, int]]:
    """(Shop, rank, for which time in a row) of whoever failed to keep its rank that month and did not lose it."""
    return driver(conn).execute(_FAILURES, (program_id, period)).fetchall()


def copy_failures(
    conn: Connection, program_id: int, period: int, failures: Iterable[tuple[int, str, int, bool]]
) -> None:
    """Notes who failed: (shop, rank, for which time in a row, whether the rank is lost)."""
    target = "rank_failures (program_id, period, shop_no, rank, failures, is_lowered)"
    with driver(conn).cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
        for failure in failures:
            copy.write_row((program_id, period, *failure))
