"""Payout batches, their lines, decisions and results; every row stays as it was written. No rule may enter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from distrib.store.database import Bound
from distrib.store.locks import PAYOUTS
from distrib.store.payouts.batch_rows import (
    BatchHead,
    BatchSums,
    ClosingHead,
    IncomeMonths,
    LineRow,
    OwnLineRow,
    RefusalCount,
    RefusalRow,
)
from distrib.store.recorded import Part, Recorded, TimeSpan
from distrib.store.sql import column, columns_of, execute, execute_as, row_as, value, value_or_none

_Row = TypeVar("_Row")

_CANCELLED = """EXISTS (SELECT 1 FROM payout_decisions d WHERE d.program_id = l.program_id
    AND d.payout_no = l.payout_no AND d.decision = 'cancelled')"""
_RESULT = """EXISTS (SELECT 1 FROM payout_results r WHERE r.program_id = l.program_id AND r.payout_no = l.payout_no
    AND r.shop_no = l.shop_no{status})"""
_HEAD = """
SELECT p.payout_no, p.payout_id, p.digest, p.up_to, p.min_minor, p.channel, p.withholding, p.selection, p.reason,
       p.created_at, p.created_by, d.decision, d.decided_at, d.decided_by
FROM payouts p LEFT JOIN payout_decisions d USING (program_id, payout_no)
WHERE p.program_id = %(program)s
"""
# A batch is settled once each of its lines has a result.
_IS_SETTLED = """EXISTS (SELECT 1 FROM payout_sums s WHERE s.program_id = p.program_id AND s.payout_no = p.payout_no
    AND s.lines > 0 AND s.lines = s.paid + s.failed + s.returned)"""
_STATES = {
    "proposed": "d.decision IS NULL",
    "approved": f"d.decision = 'approved' AND NOT {_IS_SETTLED}",
    "settled": f"d.decision = 'approved' AND {_IS_SETTLED}",
    "cancelled": "d.decision = 'cancelled'",
}
_LAST_INSTANT = """
SELECT GREATEST((SELECT max(created_at) FROM payouts WHERE program_id = %(program)s),
                (SELECT max(decided_at) FROM payout_decisions WHERE program_id = %(program)s))
"""
# Kept with the lines, their results and returns (migration 0021).
_SUMS = """
SELECT payout_no, lines, amount_minor, tax_minor, fee_minor, paid, failed, returned, paid_minor, returned_minor
FROM payout_sums WHERE program_id = %(program)s AND payout_no = ANY(%(numbers)s)
"""
_LINES = """
SELECT s.shop_id, l.shop_no, l.line_no, l.amount_minor, l.tax_minor, l.fee_minor,
       l.amount_minor - l.tax_minor - l.fee_minor AS net_minor, l.payee_version, l.payee_kind, l.tax_period,
       l.months_counted, l.months_given, l.income_before_minor, l.tax_before_minor,
       r.status, r.reference, r.reason, r.occurred_at, r.recorded_at,
       b.occurred_at AS returned_at, b.reference AS return_reference, b.reason AS return_reason,
       b.recorded_at AS return_recorded_at, CASE WHEN v.version > 1 THEN v.recorded_at END AS account_changed_at
FROM payout_lines l JOIN shops s USING (program_id, shop_no)
LEFT JOIN payout_results r USING (program_id, payout_no, shop_no)
LEFT JOIN payout_returns b USING (program_id, payout_no, shop_no)
LEFT JOIN payee_versions v ON v.program_id = l.program_id AND v.shop_no = l.shop_no AND v.version = l.payee_version
WHERE l.program_id = %(program)s AND l.payout_no = %(payout)s
"""
# What of a person's income stands: paid, in the month of its day of payment, or still on its way, in that of its batch.
# What failed, came back or was cancelled does not. Earlier batches that were paid late are looked up by their numbers.
_INCOME = f"""
SELECT l.payee_hash, m.period, sum(l.amount_minor)::bigint AS income_minor, sum(l.tax_minor)::bigint AS withheld_minor
FROM (
    SELECT * FROM payout_lines
    WHERE program_id = %(program)s AND payee_hash = ANY(%(hashes)b::bytea[]) AND payee_kind = 'person'
      AND tax_period BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT * FROM payout_lines
    WHERE program_id = %(program)s AND payee_hash = ANY(%(hashes)b::bytea[]) AND payee_kind = 'person'
      AND payout_no = ANY(%(late)b::bigint[])) l
LEFT JOIN payout_results r USING (program_id, payout_no, shop_no)
CROSS JOIN LATERAL (SELECT CASE WHEN r.status IS NULL THEN l.tax_period ELSE
    (EXTRACT(year FROM r.occurred_at AT TIME ZONE %(zone)s) * 100
     + EXTRACT(month FROM r.occurred_at AT TIME ZONE %(zone)s))::integer END AS period) m
WHERE m.period BETWEEN %(first)s AND %(last)s AND r.status IS DISTINCT FROM 'failed' AND NOT {_CANCELLED}
  AND NOT EXISTS (SELECT 1 FROM payout_returns b WHERE b.program_id = l.program_id AND b.payout_no = l.payout_no
                  AND b.shop_no = l.shop_no)
GROUP BY l.payee_hash, m.period
"""
_OF_SHOP = """
SELECT p.payout_no, p.payout_id, p.channel, p.created_at, d.decision, d.decided_at, l.shop_no, l.line_no,
       l.amount_minor, l.tax_minor, l.fee_minor, l.amount_minor - l.tax_minor - l.fee_minor AS net_minor, r.status,
       r.reference, r.reason, r.occurred_at, r.recorded_at, b.occurred_at AS returned_at, b.reason AS return_reason
FROM payout_lines l
JOIN payouts p USING (program_id, payout_no)
LEFT JOIN payout_decisions d USING (program_id, payout_no)
LEFT JOIN payout_results r USING (program_id, payout_no, shop_no)
LEFT JOIN payout_returns b USING (program_id, payout_no, shop_no)
WHERE l.program_id = %(program)s AND l.shop_no = %(shop)s
"""
_PAID_LATE = """
SELECT p.payout_no FROM payouts p WHERE p.program_id = %(program)s AND p.created_at < %(since)s AND EXISTS (
    SELECT 1 FROM payout_results r
    WHERE r.program_id = p.program_id AND r.payout_no = p.payout_no AND r.occurred_at >= %(since)s)
"""
_LAST_CLOSING = """
SELECT p.payout_no, p.payout_id, d.decision
FROM payout_lines l
JOIN payouts p USING (program_id, payout_no)
LEFT JOIN payout_decisions d USING (program_id, payout_no)
WHERE l.program_id = %(program)s AND l.shop_no = %(shop)s AND p.selection = 'closing'
ORDER BY p.payout_no DESC LIMIT 1
"""
_INSERT_PAYOUT = """
INSERT INTO payouts (program_id, payout_id, digest, up_to, min_minor, channel, withholding, selection, reason,
    created_at, created_by)
VALUES (%(program)s, %(payout_id)s, %(digest)s, %(up_to)s, %(min_minor)s, %(channel)s, %(withholding)s,
    %(selection)s, %(reason)s,
    %(created_at)s, %(created_by)s)
RETURNING payout_no
"""
_INSERT_LINES = """
INSERT INTO payout_lines (program_id, payout_no, reserved_at, shop_no, line_no, amount_minor, tax_minor, fee_minor,
    payee_version, payee_kind, payee_hash, tax_period, months_counted, months_given, income_before_minor,
    tax_before_minor)
SELECT %(program)s, %(payout_no)s, %(reserved_at)s, * FROM unnest(%(shop_no)b::bigint[], %(line_no)b::integer[],
    %(amount_minor)b::bigint[], %(tax_minor)b::bigint[], %(fee_minor)b::bigint[], %(payee_version)b::integer[],
    %(payee_kind)b::text[], %(payee_hash)b::bytea[], %(tax_period)b::integer[], %(months_counted)b::smallint[],
        %(months_given)b::boolean[], %(income_before_minor)b::bigint[], %(tax_before_minor)b::bigint[])
"""
_INSERT_REFUSALS = """
INSERT INTO payout_refusals (program_id, payout_no, shop_no, code, amount_minor)
SELECT %(program)s, %(payout_no)s, * FROM unnest(%(shop_no)b::bigint[], %(code)b::text[], %(amount_minor)b::bigint[])
"""
_REFUSALS = """
SELECT s.shop_id, f.code, f.amount_minor FROM payout_refusals f JOIN shops s USING (program_id, shop_no)
WHERE f.program_id = %(program)s AND f.payout_no = %(payout)s AND s.shop_id > %(after)s
  AND (CAST(%(code)s AS text) IS NULL OR f.code = %(code)s)
ORDER BY s.shop_id LIMIT %(limit)s
"""
_REFUSAL_COUNTS = """
SELECT code, count(*) AS shops, sum(amount_minor)::bigint AS amount_minor FROM payout_refusals
WHERE program_id = %(program)s AND payout_no = %(payout)s GROUP BY code ORDER BY code
"""
_INSERT_DECISION = """
INSERT INTO payout_decisions (program_id, payout_no, decision, decided_at, decided_by)
VALUES (%(program)s, %(payout)s, %(decision)s, %(at)s, %(by)s)
"""
_INSERT_RESULTS = """
INSERT INTO payout_results (program_id, payout_no, recorded_at, recorded_by, shop_no, status, occurred_at, reference,
    reason)
SELECT %(program)s, %(payout_no)s, %(recorded_at)s, %(by)s, * FROM unnest(%(shop_no)b::bigint[], %(status)b::text[],
    %(occurred_at)b::timestamptz[], %(reference)b::text[], %(reason)b::text[])
"""
_INSERT_RETURNS = """
INSERT INTO payout_returns (program_id, payout_no, recorded_at, recorded_by, shop_no, occurred_at, reference, reason)
SELECT %(program)s, %(payout_no)s, %(recorded_at)s, %(by)s, * FROM unnest(%(shop_no)b::bigint[],
    %(occurred_at)b::timestamptz[], %(reference)b::text[], %(reason)b::text[])
"""
_HEAD_OF_ID = _HEAD + " AND p.payout_id = %(id)s"
_LINES_AFTER = _LINES + " AND l.line_no > %(after)s ORDER BY l.line_no LIMIT %(limit)s"
_LINES_OF_SHOPS = _LINES + " AND s.shop_id = ANY(%(shops)b::text[])"
_OF_SHOP_BEFORE = _OF_SHOP + " AND l.payout_no < %(before)s ORDER BY l.payout_no DESC LIMIT %(limit)s"
_OF_SHOP_IN = _OF_SHOP + " AND p.payout_id = %(id)s"
_LINES_OF_NUMBERS = _LINES + " AND l.line_no = ANY(%(numbers)b::integer[])"
_HAS_OPEN_LINE = f"""
SELECT EXISTS (SELECT 1 FROM payout_lines l WHERE l.program_id = %(program)s AND l.shop_no = %(shop)s
    AND NOT {_CANCELLED} AND NOT {_RESULT.format(status="")})
"""


class MonthIncome(NamedTuple):
    """What one person was paid by payouts in a month, and the tax withheld of it."""

    payee_hash: bytes
    period: int
    income_minor: int
    withheld_minor: int


class RefusedShop(NamedTuple):
    """A shop with money that gets no line, with the code why."""

    shop_no: int
    code: str
    amount_minor: int


class NewLine(NamedTuple):
    """A line to be written: reserved is ``amount_minor``, ``tax_minor`` and ``fee_minor`` of it are kept."""

    shop_no: int
    line_no: int
    amount_minor: int
    tax_minor: int
    fee_minor: int
    payee_version: int
    payee_kind: str
    payee_hash: bytes
    tax_period: int
    months_counted: int | None
    months_given: bool
    income_before_minor: int
    tax_before_minor: int


class NewResult(NamedTuple):
    """The result of one line to be written; it counts at ``occurred_at``."""

    shop_no: int
    status: str
    occurred_at: datetime
    reference: str | None
    reason: str | None


class NewReturn(NamedTuple):
    """The return of one line's payment to be written; it counts at ``occurred_at``."""

    shop_no: int
    occurred_at: datetime
    reference: str | None
    reason: str | None


def lock_payouts(conn: Connection, program_id: int) -> None:
    """Makes batches, decisions and results of a program wait for one another until the transaction ends."""
    wanted = {"lock": PAYOUTS, "program": program_id}
    execute(conn, "SELECT pg_advisory_xact_lock(%(lock)s, %(program)s)", wanted)


def closed_through(conn: Connection, program_id: int) -> int:
    """Reads the last closed period and keeps it so until the transaction ends."""
    statement = "SELECT closed_through FROM programs WHERE program_id = %(program)s FOR SHARE"
    return value(conn, int, statement, {"program": program_id})


def last_instant(conn: Connection, program_id: int) -> datetime | None:
    """Reads when the last batch was created or decided on; None without one. The payouts must be locked."""
    return value_or_none(conn, datetime, _LAST_INSTANT, {"program": program_id})


def head_of(conn: Connection, program_id: int, payout_id: str) -> BatchHead | None:
    """Reads the batch of that id with its decision; None without one."""
    return row_as(conn, BatchHead, _HEAD_OF_ID, {"program": program_id, "id": payout_id})


def heads_before(
    conn: Connection,
    program_id: int,
    part: Part[int],
    state: str | None = None,
    made: TimeSpan | None = None,
) -> list[BatchHead]:
    """Lists the batches by number, the newest first.

    Args:
        state: one of ``_STATES``; None: any.
        made: when they were made.
    """
    conditions = "" if state is None else f" AND {_STATES[state]}"
    bound: dict[str, object] = {"program": program_id, "before": part.place, "limit": part.limit}
    if made is not None:
        conditions += " AND p.created_at >= %(since)s AND p.created_at < %(until)s"
        bound |= {"since": made.since, "until": made.until}
    statement = f"{_HEAD} AND p.payout_no < %(before)s{conditions} ORDER BY p.payout_no DESC LIMIT %(limit)s"
    return execute_as(conn, BatchHead, statement, bound).fetchall()


def sums_of(conn: Connection, program_id: int, numbers: Sequence[int]) -> dict[int, BatchSums]:
    """Reads what lines, amounts and results of batches come to, by number of the batch."""
    bound = {"program": program_id, "numbers": list(numbers)}
    return {row.payout_no: row for row in execute_as(conn, BatchSums, _SUMS, bound)}


def insert_payout(conn: Connection, program_id: int, **columns: object) -> int:
    """Writes a batch without lines and returns its number."""
    return value(conn, int, _INSERT_PAYOUT, {"program": program_id, **columns})


def paid_late(conn: Connection, program_id: int, since: datetime) -> list[int]:
    """Lists the numbers of the batches made before an instant of which a line was settled at or after it."""
    return column(conn, int, _PAID_LATE, {"program": program_id, "since": since})


def income_by_month(
    conn: Connection, program_id: int, hashes: Sequence[bytes], months: IncomeMonths
) -> list[MonthIncome]:
    """Reads the income and tax of the persons of those hashes, a row a month.

    What was paid counts in the month of its day, what is on its way in that of its batch; what failed, came back or
    was cancelled does not count.
    """
    bound = {"program": program_id, "hashes": list(hashes), "late": list(months.late), "zone": months.zone}
    return execute_as(conn, MonthIncome, _INCOME, bound | {"first": months.first, "last": months.last}).fetchall()


def insert_lines(
    conn: Connection, program_id: int, payout_no: int, lines: Sequence[NewLine], reserved_at: datetime
) -> None:
    """Writes lines, which reserves their money."""
    if lines:
        bound = {"program": program_id, "payout_no": payout_no, "reserved_at": reserved_at}
        execute(conn, _INSERT_LINES, bound | columns_of(NewLine, lines))


def insert_refusals(conn: Connection, program_id: int, payout_no: int, refusals: Sequence[RefusedShop]) -> None:
    """Writes which shops got no line of a batch, and why."""
    if refusals:
        bound = columns_of(RefusedShop, refusals)
        execute(conn, _INSERT_REFUSALS, {"program": program_id, "payout_no": payout_no, **bound})


def refusals_of(
    conn: Connection, program_id: int, payout_no: int, code: str | None, part: Part[str]
) -> list[RefusalRow]:
    """Lists the shops that got no line, by id; those of one code where that is asked."""
    wanted = {"program": program_id, "payout": payout_no, "code": code, "after": part.place, "limit": part.limit}
    return execute_as(conn, RefusalRow, _REFUSALS, wanted).fetchall()


def refusal_counts(conn: Connection, program_id: int, payout_no: int) -> list[RefusalCount]:
    """Counts the shops that got no line and adds up what they have, by code."""
    return execute_as(conn, RefusalCount, _REFUSAL_COUNTS, {"program": program_id, "payout": payout_no}).fetchall()


def lines_after(conn: Connection, program_id: int, payout_no: int, after: int, limit: int) -> list[LineRow]:
    """Lists the lines numbered above ``after``, with their results."""
    bound = {"program": program_id, "payout": payout_no, "after": after, "limit": limit}
    return _rows(conn, LineRow, _LINES_AFTER, bound)


def lines_of_shops(conn: Connection, program_id: int, payout_no: int, shop_ids: Sequence[str]) -> dict[str, LineRow]:
    """Reads the lines of those shops, by id."""
    bound = {"program": program_id, "payout": payout_no, "shops": list(shop_ids)}
    return {row.shop_id: row for row in _rows(conn, LineRow, _LINES_OF_SHOPS, bound)}


def lines_of_shop_before(conn: Connection, program_id: int, shop_no: int, before: int, limit: int) -> list[OwnLineRow]:
    """Lists one shop's lines in the batches numbered below ``before``, the newest first, each with its batch."""
    return _rows(
        conn, OwnLineRow, _OF_SHOP_BEFORE, {"program": program_id, "shop": shop_no, "before": before, "limit": limit}
    )


def line_of_shop(conn: Connection, program_id: int, shop_no: int, payout_id: str) -> OwnLineRow | None:
    """Reads one shop's line in the batch of that id, with its batch; None without one."""
    stored = _rows(conn, OwnLineRow, _OF_SHOP_IN, {"program": program_id, "shop": shop_no, "id": payout_id})
    return stored[0] if stored else None


def lines_of_numbers(conn: Connection, program_id: int, payout_no: int, numbers: Sequence[int]) -> dict[int, LineRow]:
    """Reads the lines of those numbers, by number."""
    bound = {"program": program_id, "payout": payout_no, "numbers": list(numbers)}
    return {row.line_no: row for row in _rows(conn, LineRow, _LINES_OF_NUMBERS, bound)}


def last_closing(conn: Connection, program_id: int, shop_no: int) -> ClosingHead | None:
    """Reads the newest closing payment of a shop, with what was decided of it; None without one."""
    return row_as(conn, ClosingHead, _LAST_CLOSING, {"program": program_id, "shop": shop_no})


def has_open_line(conn: Connection, program_id: int, shop_no: int) -> bool:
    """Whether money of the shop is reserved."""
    return value(conn, bool, _HAS_OPEN_LINE, {"program": program_id, "shop": shop_no})


def insert_decision(conn: Connection, program_id: int, payout_no: int, decision: str, recorded: Recorded) -> None:
    """Writes the approval or cancellation of a batch, once."""
    wanted = {"program": program_id, "payout": payout_no, "decision": decision}
    execute(conn, _INSERT_DECISION, wanted | {"at": recorded.instant, "by": recorded.by})


def insert_results(
    conn: Connection, program_id: int, payout_no: int, results: Sequence[NewResult], recorded: Recorded
) -> None:
    """Writes results, once a line."""
    bound = {"program": program_id, "payout_no": payout_no, "recorded_at": recorded.instant, "by": recorded.by}
    execute(conn, _INSERT_RESULTS, bound | columns_of(NewResult, results))


def insert_returns(
    conn: Connection, program_id: int, payout_no: int, returns: Sequence[NewReturn], recorded: Recorded
) -> None:
    """Writes what came back, once a line."""
    bound = {"program": program_id, "payout_no": payout_no, "recorded_at": recorded.instant, "by": recorded.by}
    execute(conn, _INSERT_RETURNS, bound | columns_of(NewReturn, returns))


def _rows(conn: Connection, kind: type[_Row], statement: str, bound: Bound) -> list[_Row]:
    return execute_as(conn, kind, statement, bound).fetchall()
