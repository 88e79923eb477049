"""Audits as they are requested and recorded, and the reads of the check that recomputes orders.

Only plain reads, a batch of orders at a time, so that no worker waits for an audit and memory
stays flat. What is right or wrong is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from distrib.store.audit.pages import Page, within
from distrib.store.database import allow_long_reads
from distrib.store.sql import column, execute, execute_as, only, value_or_none

_Row = TypeVar("_Row")

FIELD, ROW = "\x1f", "\x1e"
"""What stands between the fields of a posted commission and between commissions; no id contains them."""

_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
_MINUTES = 30
# What a part of an audit reads follows from its numbers, so that its plan must not be kept for others.
_OWN_PLANS = ("SET LOCAL plan_cache_mode = force_custom_plan", "SET LOCAL work_mem = '64MB'")
_SETTLEMENTS = """
SELECT s.order_no, s.version_no, s.paid_minor, s.snapshot, e.payload
FROM settlements s
JOIN events e ON e.program_id = s.program_id AND e.order_no = s.order_no AND e.event_no = s.event_no
     AND e.order_no IN %(page)s
WHERE s.program_id = %(program)s AND s.order_no IN %(page)s ORDER BY s.order_no
"""
_EARNED = """
SELECT cause_no, string_agg(line_id || E'\\x1f' || rule_id || E'\\x1f' || tier || E'\\x1f' || credit_account || E'\\x1f'
           || base_minor || E'\\x1f' || COALESCE(rate_ppm::text, '') || E'\\x1f' || amount_minor, E'\\x1e' ORDER BY seq)
FROM transfers
WHERE program_id = %(program)s AND cause_no IN %(page)s AND kind = 'earned'
GROUP BY cause_no ORDER BY cause_no
"""
_REVERSED = """
SELECT cause_no AS order_no, line_id, rule_id, tier, shop_no,
       signed_minor(shop_no, credit_account, amount_minor) AS amount_minor,
       event_no IS NULL AS is_decided
FROM transfers
WHERE program_id = %(program)s AND cause_no IN %(page)s AND kind = 'reversed'
"""
_REFUNDED = """
SELECT order_no, line_id, sum(amount_minor)::bigint AS amount_minor,
       sum(CASE WHEN starts_with(refund_id, '/reversed/') THEN -1 ELSE 1 END)::integer AS refunds,
       bool_and(is_dated_by_event) AS is_of_before
FROM refund_lines
WHERE program_id = %(program)s AND order_no IN %(page)s GROUP BY order_no, line_id
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
    execute(conn, _SNAPSHOT)
    allow_long_reads(conn, _MINUTES)
    for setting in _OWN_PLANS:
        execute(conn, setting)


def order_batch(conn: Connection, program_id: int, page: Page) -> OrderBatch:
    """Reads the settled orders of a page with everything that was posted for its numbers.

    A page leaves no number out, so that what was posted for an order that never settled shows.
    """
    bound = {"program": program_id, **page.bound}

    def rows(statement: str, kind: type[_Row]) -> list[_Row]:
        return execute_as(conn, kind, within(statement, page), bound).fetchall()

    return OrderBatch(
        rows(_SETTLEMENTS, SettledRow),
        dict(execute(conn, within(_EARNED, page), bound).fetchall()),
        rows(_REVERSED, ReversedRow),
        rows(_REFUNDED, RefundedRow),
    )


def ids_of_orders(conn: Connection, program_id: int, numbers: Iterable[int]) -> dict[int, str]:
    """Reads the callers' ids of orders by number."""
    statement = "SELECT order_no, order_id FROM orders WHERE program_id = %(program)s AND order_no = ANY(%(numbers)s)"
    return dict(execute(conn, statement, {"program": program_id, "numbers": sorted(numbers)}).fetchall())


class Rest(NamedTuple):
    """What of a program is at rest: posted up to ``through_posting``, all of it sealed and in closed months."""

    closed_through: int
    through_posting: int


class Mark(NamedTuple):
    """Where a later audit may begin: the last one, which found nothing wrong, and what was at rest then."""

    as_of: datetime
    closed_through: int
    through_posting: int


# The first posting that counts in an open month is looked for after what was at rest before, which the index can skip.
_REST = """
SELECT p.closed_through, LEAST(s.through_posting, (
    SELECT min(t.posting_no) - 1 FROM transfers t
    WHERE t.program_id = p.program_id AND t.posting_no > %(posting)s AND t.period > p.closed_through))
        AS through_posting
FROM programs p CROSS JOIN LATERAL (SELECT through_posting FROM seals s WHERE s.program_id = p.program_id
                                    ORDER BY seal_no DESC LIMIT 1) s
WHERE p.program_id = %(program)s AND p.closed_through > 0
"""
_MARK = (
    "SELECT as_of, closed_through, through_posting FROM audits WHERE program_id = %(program)s"
    " ORDER BY audit_no DESC LIMIT 1"
)


def rest_of(conn: Connection, program_id: int, posting_no: int) -> Rest | None:
    """Reads what is at rest now; None where nothing is both sealed and closed.

    Args:
        posting_no: what was at rest before reaches up to it.
    """
    row = execute(conn, _REST, {"program": program_id, "posting": posting_no}).fetchone()
    return None if row is None else Rest(*row)


def last_mark(conn: Connection, program_id: int) -> Mark | None:
    """Reads what the last audit leaves to rest upon; None where it found anything wrong, or nothing was at rest."""
    row = execute(conn, _MARK, {"program": program_id}).fetchone()
    return None if row is None or row[-1] is None else Mark(*row)


def keep_audit(conn: Connection, program_id: int, as_of: datetime, result: str, rest: Rest | None) -> None:
    """Writes the result of an audit, for ever, with what later ones may rest upon."""
    statement = (
        "INSERT INTO audits (program_id, as_of, result, closed_through, through_posting)"
        " VALUES (%(program)s, %(as_of)s, %(result)s, %(closed)s, %(posting)s)"
    )
    closed, posting = (None, None) if rest is None else rest
    values = {"program": program_id, "as_of": as_of, "result": result, "closed": closed, "posting": posting}
    execute(conn, statement, values)


def latest_audit(conn: Connection, program_id: int) -> str | None:
    """Reads the newest result; None where there was no audit yet."""
    statement = "SELECT result FROM audits WHERE program_id = %(program)s ORDER BY audit_no DESC LIMIT 1"
    return value_or_none(conn, str, statement, {"program": program_id})


_AUDITS = (
    "SELECT audit_no, as_of, (result::json ->> 'ok')::boolean AS ok,"
    " ARRAY(SELECT c ->> 'name' FROM json_array_elements(result::json -> 'checks') c WHERE NOT (c ->> 'ok')::boolean)"
    " AS failed FROM audits WHERE program_id = %(program)s AND audit_no < %(before)s ORDER BY audit_no DESC"
    " LIMIT %(limit)s"
)


class KeptAudit(NamedTuple):
    """An audit that was made: when, and which checks did not hold."""

    audit_no: int
    as_of: datetime
    ok: bool
    failed: Sequence[str]


def list_audits(conn: Connection, program_id: int, before: int, limit: int) -> list[KeptAudit]:
    """Lists the audits of a program, the newest first, from the one before ``before`` on."""
    values = {"program": program_id, "before": before, "limit": limit}
    return [KeptAudit._make(row) for row in execute(conn, _AUDITS, values)]


def request_audit(conn: Connection, program_id: int, now: datetime, *, is_full: bool) -> None:
    """Writes the request for an audit; of two the later stands, in full if either asked for it."""
    statement = (
        "INSERT INTO audit_requests AS r (program_id, requested_at, is_full) VALUES (%(program)s, %(now)s, %(is_full)s)"
        " ON CONFLICT (program_id) DO UPDATE"
        " SET requested_at = EXCLUDED.requested_at, is_full = r.is_full OR EXCLUDED.is_full"
    )
    execute(conn, statement, {"program": program_id, "now": now, "is_full": is_full})


def requested_at(conn: Connection, program_id: int) -> datetime | None:
    """Reads since when an audit is requested; None where none is."""
    statement = "SELECT requested_at FROM audit_requests WHERE program_id = %(program)s"
    return value_or_none(conn, datetime, statement, {"program": program_id})


def is_full_requested(conn: Connection, program_id: int) -> bool:
    """Whether an audit of everything is requested."""
    statement = "SELECT is_full FROM audit_requests WHERE program_id = %(program)s"
    return bool(value_or_none(conn, bool, statement, {"program": program_id}))


def requested_programs(conn: Connection, limit: int) -> list[int]:
    """Lists the programs whose audit is requested, the longest waiting first."""
    statement = "SELECT program_id FROM audit_requests ORDER BY requested_at, program_id LIMIT %(limit)s"
    return column(conn, int, statement, {"limit": limit})


def answer_request(conn: Connection, program_id: int, as_of: datetime) -> None:
    """Deletes the request that an audit as of that instant has answered."""
    statement = "DELETE FROM audit_requests WHERE program_id = %(program)s AND requested_at <= %(as_of)s"
    execute(conn, statement, {"program": program_id, "as_of": as_of})


# The day is the program's own; a program is audited when a day of it is over, its first one too.
_DUE = """
SELECT program_id FROM (
    SELECT p.program_id, p.time_zone, GREATEST(p.created_at, max(a.as_of)) AS since
    FROM programs p LEFT JOIN audits a USING (program_id) GROUP BY p.program_id) p
WHERE (since AT TIME ZONE time_zone)::date < (CAST(%(now)s AS timestamptz) AT TIME ZONE time_zone)::date
ORDER BY since, program_id LIMIT %(limit)s
"""
_STATE = "SELECT failed, oldest FROM audit_figures()"


def programs_to_audit(conn: Connection, now: datetime, limit: int) -> list[int]:
    """Lists the programs whose last audit is of a day that is over."""
    return column(conn, int, _DUE, {"now": now, "limit": limit})


def audit_state(conn: Connection) -> tuple[int, datetime | None]:
    """Counts, over all programs, those that failed their last audit; with the oldest of the last audits."""
    failed, oldest = only(conn, _STATE)
    return failed, oldest
