"""What shops' accounts hold at an instant, and how it splits: held, reserved, available.

How it splits is a function of the database (``money_split``), which statements and payouts ask, too. Held is what
becomes available later, and what a compliance case holds; reserved is what open payout lines took aside; the rest is
available and may be negative. A shop that is frozen or closed at the instant has nothing available: what would be
counts as held (plan.md, Order of work 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute_as

# Whole months before `period` come from the running totals; no transfer is counted by both.
_BALANCE = """
WITH before AS (
    SELECT COALESCE(sum(earned_minor + reversed_minor + adjusted_minor - paid_minor - tax_minor), 0) AS total_minor,
           COALESCE(sum(paid_minor), 0) AS paid_minor
    FROM account_months WHERE program_id = %(program)s AND account_no = %(shop_no)s AND period < %(period)s
), near AS (
    SELECT COALESCE(sum(signed_minor) FILTER (WHERE period >= %(period)s), 0) AS total_minor,
           COALESCE(sum(signed_minor) FILTER (WHERE available_at > %(as_of)s), 0) AS held_minor,
           COALESCE(sum(-signed_minor) FILTER (WHERE period >= %(period)s AND kind = 'paid'), 0) AS paid_minor
    FROM (SELECT period, available_at, kind, signed_minor(shop_no, credit_account, amount_minor) AS signed_minor
          FROM shop_transfers
          WHERE program_id = %(program)s AND shop_no = %(shop_no)s AND occurred_at <= %(as_of)s) t
), whole AS (
    SELECT (b.total_minor + n.total_minor)::bigint AS total_minor,
           (n.held_minor + COALESCE(z.minor, 0))::bigint AS held_minor, COALESCE(r.minor, 0)::bigint AS reserved_minor,
           f.is_withheld, (b.paid_minor + n.paid_minor)::bigint AS paid_minor
    FROM before b CROSS JOIN near n
    CROSS JOIN (SELECT sum(signed_minor) AS minor FROM case_holdings(%(program)s, %(as_of)s)
                WHERE shop_no = %(shop_no)s AND occurred_at <= %(as_of)s) z
    CROSS JOIN (SELECT sum(amount_minor) AS minor FROM open_payout_lines(%(program)s, %(as_of)s)
                WHERE shop_no = %(shop_no)s) r
    CROSS JOIN (SELECT count(*) > 0 AS is_withheld FROM withheld_shops(%(program)s, %(as_of)s)
                WHERE shop_no = %(shop_no)s) f
)
SELECT w.total_minor, s.held_minor, w.reserved_minor, s.available_minor, w.paid_minor
FROM whole w CROSS JOIN LATERAL money_split(w.total_minor, w.held_minor, w.reserved_minor, w.is_withheld) s
"""
_OF_SHOPS = """
SELECT shop_no, total_minor, held_minor, reserved_minor, available_minor
FROM account_money_of(%(program)s, %(numbers)s::bigint[], %(now)s, %(now)s)
"""
_OF_ALL = """
SELECT shop_no, total_minor, held_minor, reserved_minor, available_minor
FROM account_money(%(program)s, %(free_at)s, %(as_of)s) ORDER BY shop_no
"""


class Split(NamedTuple):
    """What a shop has, as the payouts see it: total = held + reserved + available."""

    shop_no: int
    total_minor: int
    held_minor: int
    reserved_minor: int
    available_minor: int


class Balance(NamedTuple):
    """What a shop has at an instant, and what was paid out to it by then."""

    total_minor: int
    held_minor: int
    reserved_minor: int
    available_minor: int
    paid_minor: int


def balance_of(conn: Connection, program_id: int, shop_no: int, period: int, as_of: datetime) -> Balance:
    """Reads an account's total, how it splits, and what was paid out, at ``as_of`` in month ``period``."""
    wanted = {"program": program_id, "shop_no": shop_no, "period": period, "as_of": as_of}
    return execute_as(conn, Balance, _BALANCE, wanted).fetchall()[0]


def balances_of(conn: Connection, program_id: int, numbers: Sequence[int], now: datetime) -> dict[int, Split]:
    """Reads what each of some shops has now, by number; shops without any money are left out."""
    bound = {"program": program_id, "numbers": list(numbers), "now": now}
    return {split.shop_no: split for split in execute_as(conn, Split, _OF_SHOPS, bound)}


def available_of_all(conn: Connection, program_id: int, free_at: datetime, as_of: datetime) -> list[Split]:
    """Reads what every shop with money has, by number, the first one first.

    Everything posted counts; held is what becomes available after ``free_at``; reservations and freezes are those of
    ``as_of``. With both the present instant it is what can be paid out now; with an earlier ``free_at``, what of it
    was free by then and is still there.
    """
    bound = {"program": program_id, "free_at": free_at, "as_of": as_of}
    return execute_as(conn, Split, _OF_ALL, bound).fetchall()
