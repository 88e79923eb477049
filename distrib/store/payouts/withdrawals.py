"""Withdrawals that shops asked for, what was decided of them, and the lines that pay them. No rule may enter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.recorded import Part, Recorded
from distrib.store.sql import execute, execute_as


class NewWithdrawal(NamedTuple):
    """A withdrawal that is asked for, with the digest of what was sent."""

    id: str
    digest: bytes
    shop_no: int
    amount_minor: int
    fee_minor: int


class DecidedWithdrawal(NamedTuple):
    """What was decided of the withdrawal of that number, and why."""

    number: int
    decision: str
    reason: str | None


class WithdrawalRow(NamedTuple):
    """One withdrawal as it stands; what has not happened yet is None."""

    withdrawal_no: int
    withdrawal_id: str
    digest: bytes
    shop_no: int
    shop_id: str
    amount_minor: int
    fee_minor: int
    requested_at: datetime
    requested_by: str
    state: str
    approved_at: datetime | None
    approved_by: str | None
    ended_at: datetime | None
    ended_by: str | None
    payout_id: str | None
    settled_at: datetime | None
    reason: str | None


# The state is that of the line which pays it, where a batch that was not cancelled has one.
_STATE = """CASE WHEN e.decision IS NOT NULL THEN e.decision
    WHEN l.payout_no IS NOT NULL THEN COALESCE(l.status, 'in_payout')
    WHEN a.decision IS NOT NULL THEN 'approved' ELSE 'requested' END"""
_SELECT = f"""
SELECT w.withdrawal_no, w.withdrawal_id, w.digest, w.shop_no, s.shop_id, w.amount_minor, w.fee_minor, w.requested_at,
       w.requested_by, {_STATE} AS state, a.decided_at AS approved_at, a.decided_by AS approved_by,
       e.decided_at AS ended_at, e.decided_by AS ended_by, l.payout_id, l.settled_at,
       COALESCE(e.reason, l.reason) AS reason
FROM withdrawals w
JOIN shops s ON s.program_id = w.program_id AND s.shop_no = w.shop_no
LEFT JOIN withdrawal_decisions a
  ON a.program_id = w.program_id AND a.withdrawal_no = w.withdrawal_no AND a.decision = 'approved'
LEFT JOIN withdrawal_decisions e
  ON e.program_id = w.program_id AND e.withdrawal_no = w.withdrawal_no AND e.decision <> 'approved'
LEFT JOIN LATERAL (
    SELECT p.payout_no, p.payout_id, CASE WHEN b.shop_no IS NULL THEN r.status ELSE 'returned' END AS status,
           COALESCE(b.reason, r.reason) AS reason, COALESCE(b.occurred_at, r.occurred_at) AS settled_at
    FROM withdrawal_lines x
    JOIN payouts p ON p.program_id = x.program_id AND p.payout_no = x.payout_no
    LEFT JOIN payout_results r
      ON r.program_id = x.program_id AND r.payout_no = x.payout_no AND r.shop_no = x.shop_no
    LEFT JOIN payout_returns b
      ON b.program_id = x.program_id AND b.payout_no = x.payout_no AND b.shop_no = x.shop_no
    WHERE x.program_id = w.program_id AND x.withdrawal_no = w.withdrawal_no
      AND NOT EXISTS (SELECT 1 FROM payout_decisions d WHERE d.program_id = x.program_id
                      AND d.payout_no = x.payout_no AND d.decision = 'cancelled')
    ORDER BY x.payout_no DESC LIMIT 1) l ON true
WHERE w.program_id = %(program)s
"""
_FILTERS = {
    "shop_id": " AND w.shop_no = (SELECT shop_no FROM shops WHERE program_id = %(program)s AND shop_id = %(shop_id)s)",
    "state": f" AND {_STATE} = %(state)s",
}
# Where few have a state, they are found by the rows that say so and not by a walk through all.
_OPEN = " AND w.withdrawal_no IN (SELECT o.withdrawal_no FROM open_withdrawals o WHERE o.program_id = %(program)s)"
_DECIDED = """ AND w.withdrawal_no IN (SELECT o.withdrawal_no FROM withdrawal_decisions o
    WHERE o.program_id = %(program)s AND o.decision <> 'approved')"""
_NARROWED = {"requested": _OPEN, "approved": _OPEN, "in_payout": _OPEN, "refused": _DECIDED, "cancelled": _DECIDED}
_INSERT = """
WITH asked AS (
    INSERT INTO withdrawals (program_id, withdrawal_id, digest, shop_no, amount_minor, fee_minor, requested_at,
        requested_by)
    VALUES (%(program)s, %(id)s, %(digest)s, %(shop_no)s, %(amount_minor)s, %(fee_minor)s, %(now)s, %(by)s)
    ON CONFLICT (program_id, withdrawal_id) DO NOTHING
    RETURNING program_id, withdrawal_no)
INSERT INTO open_withdrawals (program_id, withdrawal_no) SELECT program_id, withdrawal_no FROM asked
"""
_END = "DELETE FROM open_withdrawals WHERE program_id = %(program)s AND withdrawal_no = ANY(%(numbers)b::bigint[])"
_DECIDE = """
INSERT INTO withdrawal_decisions (program_id, withdrawal_no, decision, reason, decided_at, decided_by)
VALUES (%(program)s, %(number)s, %(decision)s, %(reason)s, %(now)s, %(by)s)
"""
# What waits still has to be paid from the balance; what came to nothing counts for no bound of how often.
_OF_SHOP = f"""
SELECT COALESCE(sum(amount_minor) FILTER (WHERE state IN ('requested', 'approved')), 0)::bigint AS waiting_minor,
       COALESCE(sum(amount_minor) FILTER (WHERE state = 'approved'), 0)::bigint AS approved_minor,
       count(*) FILTER (WHERE counts AND requested_at >= %(day)s) AS today,
       count(*) FILTER (WHERE counts AND requested_at >= %(month)s) AS this_month
FROM (SELECT o.*, o.state NOT IN ('refused', 'cancelled', 'failed', 'returned') AS counts
      FROM ({_SELECT} AND w.shop_no = %(shop_no)s) o) v
"""
_INSERT_LINES = """
INSERT INTO withdrawal_lines (program_id, payout_no, shop_no, withdrawal_no)
SELECT %(program)s, %(payout_no)s, * FROM unnest(%(shops)b::bigint[], %(numbers)b::bigint[])
"""
_PAID_BY = """ AND w.withdrawal_no IN (SELECT x.withdrawal_no FROM withdrawal_lines x
    WHERE x.program_id = %(program)s AND x.payout_no = %(payout)s{of_shops})
ORDER BY w.shop_no, w.withdrawal_no
"""
_OF_PAYOUT = _SELECT + _PAID_BY.format(of_shops="")
_OF_LINES = _SELECT + _PAID_BY.format(of_shops=" AND x.shop_no = ANY(%(shops)b::bigint[])")


class ShopWithdrawals(NamedTuple):
    """A shop's withdrawals so far: what waits, what of it is approved, and how many counted today and this month."""

    waiting_minor: int
    approved_minor: int
    today: int
    this_month: int


def insert_withdrawal(conn: Connection, program_id: int, withdrawal: NewWithdrawal, recorded: Recorded) -> bool:
    """Writes a withdrawal that is asked for; False where the id is taken."""
    values = {"program": program_id, "now": recorded.instant, "by": recorded.by}
    return execute(conn, _INSERT, values | withdrawal._asdict()).rowcount == 1


def insert_decision(conn: Connection, program_id: int, decided: DecidedWithdrawal, recorded: Recorded) -> None:
    """Writes what was decided of a withdrawal."""
    values = {"program": program_id, "now": recorded.instant, "by": recorded.by}
    execute(conn, _DECIDE, values | decided._asdict())


def end_withdrawals(conn: Connection, program_id: int, numbers: Sequence[int]) -> None:
    """Takes ended withdrawals out of those that are open; where they are out already nothing changes."""
    execute(conn, _END, {"program": program_id, "numbers": list(numbers)})


_OF_IDS = _SELECT + " AND w.withdrawal_id = ANY(%(ids)b::text[]) ORDER BY w.withdrawal_no"


def of_ids(conn: Connection, program_id: int, ids: Sequence[str]) -> list[WithdrawalRow]:
    """Reads the withdrawals of those ids, in the order they were asked for; unknown ones are left out."""
    return _rows(conn, _OF_IDS, {"program": program_id, "ids": list(ids)})


def of_lines(conn: Connection, program_id: int, payout_no: int, shops: Sequence[int]) -> list[WithdrawalRow]:
    """Reads the withdrawals that the lines of those shops pay, by shop."""
    return _rows(conn, _OF_LINES, {"program": program_id, "payout": payout_no, "shops": list(shops)})


def of_payout(conn: Connection, program_id: int, payout_no: int) -> list[WithdrawalRow]:
    """Reads the withdrawals that a batch took, by shop, as they stand; also where it was cancelled since."""
    return _rows(conn, _OF_PAYOUT, {"program": program_id, "payout": payout_no})


def list_withdrawals(
    conn: Connection, program_id: int, shop_id: str | None, state: str | None, part: Part[int]
) -> list[WithdrawalRow]:
    """Lists withdrawals by number, the newest first, of one shop or state where that is asked."""
    wanted = {name: value for name, value in (("shop_id", shop_id), ("state", state)) if value is not None}
    statement = _SELECT + "".join(_FILTERS[name] for name in wanted) + _NARROWED.get(state or "", "")
    statement += " AND w.withdrawal_no < %(before)s ORDER BY w.withdrawal_no DESC LIMIT %(limit)s"
    return _rows(conn, statement, wanted | {"program": program_id, "before": part.place, "limit": part.limit})


def of_shop(conn: Connection, program_id: int, shop_no: int, day: datetime, month: datetime) -> ShopWithdrawals:
    """Adds up a shop's withdrawals; ``day`` and ``month`` are the first instants of those that now belongs to."""
    bound = {"program": program_id, "shop_no": shop_no, "day": day, "month": month}
    row = execute_as(conn, ShopWithdrawals, _OF_SHOP, bound).fetchone()
    return row or ShopWithdrawals(0, 0, 0, 0)


def insert_lines(conn: Connection, program_id: int, payout_no: int, withdrawals: Sequence[WithdrawalRow]) -> None:
    """Writes which withdrawals a batch pays."""
    if not withdrawals:
        return
    shops, numbers = ([row.shop_no for row in withdrawals], [row.withdrawal_no for row in withdrawals])
    execute(conn, _INSERT_LINES, {"program": program_id, "payout_no": payout_no, "shops": shops, "numbers": numbers})


def _rows(conn: Connection, statement: str, bound: dict[str, object]) -> list[WithdrawalRow]:
    return execute_as(conn, WithdrawalRow, statement, bound).fetchall()
