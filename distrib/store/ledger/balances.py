"""What shops' accounts hold at an instant, and how it splits: held, reserved, available.

The one place that knows the split; statements, balances and payouts build on its pieces. Held is what becomes
available later, and what a compliance case holds; reserved is what open payout lines took aside; the rest is available
and may be negative. A shop that is frozen or closed at the instant has nothing available: what would be counts as held
(plan.md, Order of work 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.compliance.cases import case_held_sql
from distrib.store.sql import execute_as

SIGNED = "CASE WHEN credit_account = shop_no THEN amount_minor ELSE -amount_minor END"
"""A transfer's amount as the shop sees it."""

# A line is reserved when its batch is neither cancelled by then nor its own result known by then.
_RESERVED = """
SELECT l.shop_no, sum(l.amount_minor)::bigint AS reserved_minor
FROM payout_lines l
WHERE l.program_id = {program} AND l.reserved_at {by} {as_of} {accounts}
  AND NOT EXISTS (SELECT 1 FROM payout_decisions d WHERE d.program_id = l.program_id AND d.payout_no = l.payout_no
                  AND d.decision = 'cancelled' AND d.decided_at {by} {as_of})
  AND NOT EXISTS (SELECT 1 FROM payout_results r WHERE r.program_id = l.program_id AND r.payout_no = l.payout_no
                  AND r.shop_no = l.shop_no AND r.occurred_at {by} {as_of})
GROUP BY l.shop_no
"""
# From the few rows that freeze or close, not from the newest row of every shop.
_FROZEN = """
SELECT h.shop_no FROM shop_statuses h
WHERE h.program_id = {program} AND h.status IN ('frozen', 'closed') AND h.effective_at {by} {as_of} {accounts}
  AND NOT EXISTS (SELECT 1 FROM shop_statuses n WHERE n.program_id = h.program_id AND n.shop_no = h.shop_no
                  AND n.effective_at {by} {as_of} AND (n.effective_at, n.seq) > (h.effective_at, h.seq))
"""
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
    FROM (SELECT period, available_at, kind,
                 CASE WHEN credit_account = shop_no THEN amount_minor ELSE -amount_minor END AS signed_minor
          FROM shop_transfers
          WHERE program_id = %(program)s AND shop_no = %(shop_no)s AND occurred_at <= %(as_of)s) t
), whole AS (
    SELECT (b.total_minor + n.total_minor)::bigint AS total_minor,
           (n.held_minor + COALESCE((SELECT case_held_minor FROM ({of_cases}) c), 0))::bigint AS held_minor,
           COALESCE((SELECT reserved_minor FROM ({reserved}) r), 0) AS reserved_minor,
           EXISTS ({frozen}) AS is_frozen, (b.paid_minor + n.paid_minor)::bigint AS paid_minor
    FROM before b CROSS JOIN near n
)
SELECT w.total_minor, {held} AS held_minor, w.reserved_minor, {available} AS available_minor, w.paid_minor FROM whole w
"""
_OF_ALL = """
SELECT w.shop_no, w.total_minor, {held} AS held_minor, w.reserved_minor, {available} AS available_minor,
       {frozen_part} AS frozen_minor
FROM (
    SELECT m.shop_no, m.total_minor,
           (COALESCE(h.held_minor, 0) + COALESCE(z.case_held_minor, 0))::bigint AS held_minor,
           COALESCE(r.reserved_minor, 0) AS reserved_minor, f.shop_no IS NOT NULL AS is_frozen
    FROM (SELECT account_no AS shop_no,
                 sum(earned_minor + reversed_minor + adjusted_minor - paid_minor - tax_minor)::bigint AS total_minor
          FROM account_months WHERE program_id = {program} AND account_no > 0 {of_accounts} GROUP BY account_no) m
    LEFT JOIN (SELECT shop_no, GREATEST(
                          sum({signed}) FILTER (WHERE kind NOT IN ('paid', 'tax')),
                          COALESCE(sum({signed}) FILTER (WHERE available_at > {as_of}), 0))::bigint AS held_minor
               FROM {transfers}
               WHERE program_id = {program} AND available_at > {free_at} AND shop_no > 0 {of_shops} GROUP BY shop_no) h
           ON h.shop_no = m.shop_no
    LEFT JOIN ({of_cases}) z ON z.shop_no = m.shop_no
    LEFT JOIN ({reserved}) r ON r.shop_no = m.shop_no
    LEFT JOIN ({frozen}) f ON f.shop_no = m.shop_no
) w
WHERE (w.total_minor, w.held_minor, w.reserved_minor) <> (0, 0, 0)
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


def reserved_sql(program: str, as_of: str, only: str | None = None, *, until: bool = False) -> str:
    """Builds the query of what open payout lines reserve at an instant, by shop: ``shop_no, reserved_minor``.

    Args:
        program: the place of the program's number, as ``%(program)s``.
        as_of: the place of the instant.
        only: the place of one shop's number, where one alone is asked for; ``ANY(…)`` for several.
        until: the instant itself no longer counts: the last one before it does.
    """
    accounts = "" if only is None else f"AND l.shop_no = {only}"
    return _RESERVED.format(program=program, as_of=as_of, accounts=accounts, by="<" if until else "<=")


def frozen_sql(program: str, as_of: str, only: str | None = None, *, until: bool = False) -> str:
    """Builds the query of the shops frozen or closed at an instant: ``shop_no``; arguments as in ``reserved_sql``."""
    accounts = "" if only is None else f"AND h.shop_no = {only}"
    return _FROZEN.format(program=program, as_of=as_of, accounts=accounts, by="<" if until else "<=")


def split_sql(total: str, held: str, reserved: str, is_frozen: str) -> tuple[str, str, str]:
    """Builds the expressions of held, of available, and of what of the held a freeze alone keeps.

    Args:
        total: what the account has.
        held: what of it becomes available later, by date.
        reserved: what open payout lines took aside.
        is_frozen: whether the shop is frozen or closed.
    """
    free = f"{total} - {held} - {reserved}"
    frozen = f"CASE WHEN {is_frozen} THEN GREATEST({free}, 0) ELSE 0 END"
    return f"({held} + {frozen})", f"({free} - {frozen})", frozen


_HELD_OF_W, _AVAILABLE_OF_W, _FROZEN_OF_W = split_sql(
    "w.total_minor", "w.held_minor", "w.reserved_minor", "w.is_frozen"
)
_BALANCE = _BALANCE.format(
    of_cases=case_held_sql("%(program)s", "%(as_of)s", "AND shop_no = %(shop_no)s AND occurred_at <= %(as_of)s"),
    reserved=reserved_sql("%(program)s", "%(as_of)s", "%(shop_no)s"),
    frozen=frozen_sql("%(program)s", "%(as_of)s", "%(shop_no)s"),
    held=_HELD_OF_W,
    available=_AVAILABLE_OF_W,
)


def balance_of(conn: Connection, program_id: int, shop_no: int, period: int, as_of: datetime) -> Balance:
    """Reads an account's total, how it splits, and what was paid out, at ``as_of`` in month ``period``."""
    wanted = {"program": program_id, "shop_no": shop_no, "period": period, "as_of": as_of}
    return execute_as(conn, Balance, _BALANCE, wanted).fetchall()[0]


def available_sql(program: str, free_at: str, as_of: str, only: str | None = None) -> str:
    """Builds the query of every account with money: total, held, reserved, available and frozen by ``shop_no``.

    Everything posted counts; held is what becomes available after ``free_at``; reservations and freezes are those of
    ``as_of``. With both the present instant it is what can be paid out now; with an earlier ``free_at``, what of it
    was free by then and is still there: what was paid out since is gone, and no later loss is forgotten. Frozen is
    what of the held the shop's status alone keeps. ``only`` is as in ``reserved_sql``.
    """
    of_shops = "" if only is None else f"AND shop_no = {only}"
    return _OF_ALL.format(
        program=program,
        transfers="transfers" if only is None else "shop_transfers",
        of_accounts="" if only is None else f"AND account_no = {only}",
        of_shops=of_shops,
        of_cases=case_held_sql(program, free_at, of_shops),
        free_at=free_at,
        as_of=as_of,
        signed=SIGNED,
        reserved=reserved_sql(program, as_of, only),
        frozen=frozen_sql(program, as_of, only),
        held=_HELD_OF_W,
        available=_AVAILABLE_OF_W,
        frozen_part=_FROZEN_OF_W,
    )


_OF_SHOPS = f"""
SELECT {", ".join(Split._fields)} FROM ({available_sql("%(program)s", "%(now)s", "%(now)s", "ANY(%(numbers)s)")}) a
"""


def balances_of(conn: Connection, program_id: int, numbers: Sequence[int], now: datetime) -> dict[int, Split]:
    """Reads what each of some shops has now, by number; shops without any money are left out."""
    bound = {"program": program_id, "numbers": list(numbers), "now": now}
    return {split.shop_no: split for split in execute_as(conn, Split, _OF_SHOPS, bound)}


_AVAILABLE_OF_ALL = f"""
SELECT {", ".join(Split._fields)} FROM ({available_sql("%(program)s", "%(free_at)s", "%(as_of)s")}) a
ORDER BY a.shop_no
"""


def available_of_all(conn: Connection, program_id: int, free_at: datetime, as_of: datetime) -> list[Split]:
    """Reads what every shop with money has, by number; see ``available_sql``."""
    bound = {"program": program_id, "free_at": free_at, "as_of": as_of}
    return execute_as(conn, Split, _AVAILABLE_OF_ALL, bound).fetchall()
