"""Audits as they are requested and recorded, and the reads of the check that recomputes orders.

Only plain reads, a batch of orders at a time, so that no worker waits for an audit and memory
stays flat. What is right or wrong is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from distrib.store.database import driver, rows_as

FIELD, ROW = "\x1f", "\x1e"
"""What stands between the fields of a posted commission and between commissions; no id contains them."""

_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
_TIME_LIMIT = "SET LOCAL statement_timeout = '30min'"
_SETTLEMENTS = """
SELECT s.order_no, s.version_no, s.paid_minor, s.snapshot, e.payload
FROM settlements s JOIN events e USING (program_id, order_no, event_no)
WHERE s.program_id = %(program)s AND s.order_no > %(after)s ORDER BY s.order_no LIMIT %(limit)s
"""
_EARNED = """
SELECT cause_no, string_agg(line_id || E'\\x1f' || rule_id || E'\\x1f' || tier || E'\\x1f' || credit_account || E'\\x1f'
           || base_minor || E'\\x1f' || COALESCE(rate_ppm::text, '') || E'\\x1f' || amount_minor, E'\\x1e')
FROM transfers
WHERE program_id = %(program)s AND cause_no > %(after)s AND cause_no <= %(last)s AND kind = 'earned'
GROUP BY cause_no ORDER BY cause_no
"""
_REVERSED = """
SELECT cause_no AS order_no, line_id, rule_id, tier, shop_no,
       CASE WHEN credit_account = shop_no THEN amount_minor ELSE -amount_minor END AS amount_minor,
       event_no IS NULL AS is_decided
FROM transfers
WHERE program_id = %(program)s AND cause_no > %(after)s AND cause_no <= %(last)s AND kind = 'reversed'
"""
_REFUNDED = """
SELECT order_no, line_id, sum(amount_minor)::bigint AS amount_minor,
       sum(CASE WHEN starts_with(refund_id, '/reversed/') THEN -1 ELSE 1 END)::integer AS refunds,
       bool_and(is_dated_by_event) AS is_of_before
FROM refund_lines
WHERE program_id = %(program)s AND order_no > %(after)s AND order_no <= %(last)s GROUP BY order_no, line_id
"""


class SettledRow(NamedTuple):
    """An order as it was settled."""

    order_no: int
    version_no: int | None
    paid_minor: int
    snapshot: str
    payload: str


class ReversedRow(NamedTuple):
    """One change of a commission by a refund, or (``is_decided``) by a case; below zero where it takes back."""

    order_no: int
    line_id: str
    rule_id: str
    tier: int
    shop_no: int
    amount_minor: int
    is_decided: bool = False


class RefundedRow(NamedTuple):
    """What all refunds took of one line, how many of them stand, and whether all are of before migration 0020."""

    order_no: int
    line_id: str
    amount_minor: int
    refunds: int
    is_of_before: bool


class OrderBatch(NamedTuple):
    """Settled orders in the order of their numbers, and everything posted in that range of numbers.

    ``earned`` is one text an order: commissions parted by ``ROW``, their fields by ``FIELD``.
    """

    orders: Sequence[SettledRow]
    earned: dict[int, str]
    reversed: Sequence[ReversedRow]
    refunded: Sequence[RefundedRow]


def enter_snapshot(conn: Connection) -> None:
    """Makes every read of this transaction see one instant; nothing may have been read before."""
    conn.execute(text(_SNAPSHOT))
    conn.execute(text(_TIME_LIMIT))


def order_batches(conn: Connection, program_id: int, size: int) -> Iterator[OrderBatch]:
    """Yields all settled orders with what was posted for them, ``size`` orders at a time.

    The ranges of the batches leave no number out, so that what was posted for an order that never settled shows.
    """
    after = 0
    while True:
        bound = {"program": program_id, "after": after, "limit": size}
        orders = driver(conn).cursor(row_factory=rows_as(SettledRow)).execute(_SETTLEMENTS, bound).fetchall()
        is_last = len(orders) < size
        last = 2**63 - 1 if is_last else orders[-1].order_no
        bound = {"program": program_id, "after": after, "last": last}
        yield OrderBatch(
            orders,
            dict(driver(conn).execute(_EARNED, bound).fetchall()),
            driver(conn).cursor(row_factory=rows_as(ReversedRow)).execute(_REVERSED, bound).fetchall(),
            driver(conn).cursor(row_factory=rows_as(RefundedRow)).execute(_REFUNDED, bound).fetchall(),
        )
        if is_last:
            return
        after = last


def ids_of_orders(conn: Connection, program_id: int, numbers: Iterable[int]) -> dict[int, str]:
    """Reads the callers' ids of orders by number."""
    statement = text("SELECT order_no, order_id FROM orders WHERE program_id = :program AND order_no = ANY(:numbers)")
    rows = conn.execute(statement, {"program": program_id, "numbers": sorted(numbers)})
    return {row.order_no: row.order_id for row in rows}


def keep_audit(conn: Connection, program_id: int, as_of: datetime, result: str) -> None:
    """Writes the result of an audit, for ever."""
    statement = text("INSERT INTO audits (program_id, as_of, result) VALUES (:program, :as_of, :result)")
    conn.execute(statement, {"program": program_id, "as_of": as_of, "result": result})


def latest_audit(conn: Connection, program_id: int) -> str | None:
    """Reads the newest result; None where there was no audit yet."""
    statement = text("SELECT result FROM audits WHERE program_id = :program ORDER BY audit_no DESC LIMIT 1")
    return conn.execute(statement, {"program": program_id}).scalar()


def request_audit(conn: Connection, program_id: int, now: datetime) -> None:
    """Writes the request for an audit; of two the later stands."""
    statement = text(
        "INSERT INTO audit_requests (program_id, requested_at) VALUES (:program, :now)"
        " ON CONFLICT (program_id) DO UPDATE SET requested_at = EXCLUDED.requested_at"
    )
    conn.execute(statement, {"program": program_id, "now": now})


def requested_at(conn: Connection, program_id: int) -> datetime | None:
    """Reads since when an audit is requested; None where none is."""
    statement = text("SELECT requested_at FROM audit_requests WHERE program_id = :program")
    return conn.execute(statement, {"program": program_id}).scalar()


def requested_programs(conn: Connection, limit: int) -> list[Any]:
    """Lists the programs whose audit is requested, the longest waiting first."""
    statement = text("SELECT program_id FROM audit_requests ORDER BY requested_at, program_id LIMIT :limit")
    return list(conn.execute(statement, {"limit": limit}).scalars())


def answer_request(conn: Connection, program_id: int, as_of: datetime) -> None:
    """Deletes the request that an audit as of that instant has answered."""
    statement = text("DELETE FROM audit_requests WHERE program_id = :program AND requested_at <= :as_of")
    conn.execute(statement, {"program": program_id, "as_of": as_of})


# The day is the program's own; a program is audited when a day of it is over, its first one too.
_DUE = text(
    """
SELECT program_id FROM (
    SELECT p.program_id, p.time_zone, GREATEST(p.created_at, max(a.as_of)) AS since
    FROM programs p LEFT JOIN audits a USING (program_id) GROUP BY p.program_id) p
WHERE (since AT TIME ZONE time_zone)::date < (CAST(:now AS timestamptz) AT TIME ZONE time_zone)::date
ORDER BY since, program_id LIMIT :limit
"""
)
_STATE = text(
    """
SELECT count(*) FILTER (WHERE result::json ->> 'ok' = 'false'), min(as_of)
FROM (SELECT DISTINCT ON (program_id) result, as_of FROM audits ORDER BY program_id, audit_no DESC) a
"""
)


def programs_to_audit(conn: Connection, now: datetime, limit: int) -> list[int]:
    """Lists the programs whose last audit is of a day that is over."""
    return list(conn.execute(_DUE, {"now": now, "limit": limit}).scalars())


def audit_state(conn: Connection) -> tuple[int, datetime | None]:
    """Counts, over all programs, those that failed their last audit; with the oldest of the last audits."""
    failed, oldest = conn.execute(_STATE).one()
    return failed, oldest
