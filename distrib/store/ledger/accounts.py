"""Reading the ledger as double entry: accounts with their balances, transfers with both sides and their cause.

Pages are found by key, never by offset. Balances come from the running totals, whose truth the audit holds against the
transfers. Nothing is written here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.store.pages.transfers import Wanted, keys_of_page, number_of_shop
from distrib.store.sql import execute, execute_as, figures, figures_or_none, row_as, value_or_none

_BALANCE = "earned_minor + reversed_minor + adjusted_minor - paid_minor - tax_minor"
# The program's own accounts are what all payables have on the other side; so no row is as hot as they would be.
_OWN = """
SELECT COALESCE(-sum(earned_minor + reversed_minor + adjusted_minor), 0)::bigint AS expense,
       COALESCE(sum(paid_minor), 0)::bigint AS clearing, COALESCE(sum(tax_minor), 0)::bigint AS tax,
       COALESCE(sum(version), 0)::bigint AS version
FROM account_months WHERE program_id = %(program)s
"""
# The same where the totals of all months are kept (migration 0021): what stands there, and what was posted since. A
# posting changes each running total that it moves once.
_TAIL = """
SELECT COALESCE(sum(t.signed_minor) FILTER (WHERE t.kind IN ('earned', 'pool')), 0) AS earned_minor,
       COALESCE(sum(t.signed_minor) FILTER (WHERE t.kind = 'reversed'), 0) AS reversed_minor,
       COALESCE(sum(t.signed_minor) FILTER (WHERE t.kind = 'adjusted'), 0) AS adjusted_minor,
       COALESCE(-sum(t.signed_minor) FILTER (WHERE t.kind = 'paid'), 0) AS paid_minor,
       COALESCE(-sum(t.signed_minor) FILTER (WHERE t.kind = 'tax'), 0) AS tax_minor,
       count(DISTINCT (t.posting_no, t.shop_no, t.period)) AS version
FROM (SELECT t.*, signed_minor(t.shop_no, t.credit_account, t.amount_minor) AS signed_minor
      FROM transfers t
      WHERE t.program_id = k.program_id AND t.posting_no > {after} AND t.posting_no <= {through} OFFSET 0) t
"""
_OWN_KEPT = f"""
SELECT -(k.earned_minor + k.reversed_minor + k.adjusted_minor + t.earned_minor + t.reversed_minor + t.adjusted_minor)
           AS expense,
       k.paid_minor + t.paid_minor AS clearing, k.tax_minor + t.tax_minor AS tax, k.version + t.version AS version
FROM statement_totals k
CROSS JOIN LATERAL ({_TAIL.format(after="k.through_posting", through="9223372036854775807")}) t
WHERE k.program_id = %(program)s AND k.period = 0
"""
_OWN_NAMES = ("earned_minor", "reversed_minor", "adjusted_minor", "paid_minor", "tax_minor", "version")
_KEEP_FIRST = f"""
INSERT INTO statement_totals AS k (program_id, period, held_from, through_posting, {", ".join(_OWN_NAMES)})
SELECT %(program)s, 0, '-infinity', %(through)s, {", ".join(f"m.{name} - t.{name}" for name in _OWN_NAMES)}
FROM (SELECT {", ".join(f"COALESCE(sum({name}), 0) AS {name}" for name in _OWN_NAMES)}
      FROM account_months WHERE program_id = %(program)s) m
CROSS JOIN (SELECT CAST(%(program)s AS integer) AS program_id) k
CROSS JOIN LATERAL ({_TAIL.format(after="%(through)s", through="9223372036854775807")}) t
ON CONFLICT (program_id, period) DO NOTHING
"""
_KEEP = f"""
UPDATE statement_totals u SET through_posting = %(through)s, {", ".join(f"{n} = k.{n} + t.{n}" for n in _OWN_NAMES)}
FROM statement_totals k CROSS JOIN LATERAL ({_TAIL.format(after="k.through_posting", through="%(through)s")}) t
WHERE u.program_id = %(program)s AND u.period = 0 AND k.program_id = u.program_id AND k.period = u.period
"""
_PAYABLES = f"""
SELECT s.shop_id, s.shop_no, COALESCE(m.balance_minor, 0)::bigint AS balance_minor,
       COALESCE(m.version, 0)::bigint AS version
FROM shops s LEFT JOIN LATERAL (
    SELECT sum({_BALANCE}) AS balance_minor, sum(version) AS version
    FROM account_months WHERE program_id = s.program_id AND account_no = s.shop_no) m ON true
WHERE s.program_id = %(program)s
"""
_CHANGES = """
WITH moves AS (
    SELECT posting_no, period,
           sum(signed_minor(shop_no, credit_account, amount_minor))::bigint AS amount_minor
    FROM shop_transfers WHERE program_id = %(program)s AND shop_no = %(shop_no)s GROUP BY posting_no, period
), running AS (
    SELECT row_number() OVER w AS version, posting_no, period, amount_minor, sum(amount_minor) OVER w AS balance_minor
    FROM moves WINDOW w AS (ORDER BY posting_no, period)
)
SELECT version, posting_no, period, (balance_minor - amount_minor)::bigint AS previous_minor, amount_minor,
       balance_minor::bigint AS balance_minor
FROM running WHERE version > %(after)s ORDER BY version LIMIT %(limit)s
"""
# Of the keys of one page alone, each row and each id by its own key.
_TRANSFERS = """
SELECT t.cause_no, t.seq, t.posting_no, t.kind::text AS kind, t.debit_account, t.credit_account, h.shop_id,
       t.amount_minor, t.occurred_at, t.available_at, t.period, t.belongs_to_period, e.event_id, t.line_id, t.rule_id,
       t.tier, t.base_minor, t.rate_ppm, t.reverses_seq, v.code AS plan_code, v.version AS plan_version,
       u.cause_type, u.cause_id
FROM unnest(CAST(%(causes)s AS bigint[]), CAST(%(seqs)s AS integer[])) WITH ORDINALITY k (cause_no, seq, place)
CROSS JOIN LATERAL (SELECT * FROM transfers
                    WHERE program_id = %(program)s AND cause_no = k.cause_no AND seq = k.seq OFFSET 0) t
LEFT JOIN LATERAL (SELECT shop_id FROM shops
                   WHERE program_id = t.program_id AND shop_no = t.shop_no OFFSET 0) h ON true
LEFT JOIN LATERAL (SELECT cause_type, cause_id FROM causes
                   WHERE program_id = t.program_id AND cause_no = t.cause_no OFFSET 0) u ON true
LEFT JOIN LATERAL (SELECT event_id FROM events
                   WHERE program_id = t.program_id AND order_no = t.cause_no AND event_no = t.event_no
                   OFFSET 0) e ON true
LEFT JOIN LATERAL (SELECT code, version FROM plan_versions
                   WHERE program_id = t.program_id AND version_no = t.version_no OFFSET 0) v ON true
ORDER BY k.place
"""
_CAUSE = """
SELECT cause_no FROM causes WHERE program_id = %(program)s AND cause_type = %(cause_type)s
AND cause_id = %(cause_id)s
"""


@dataclass(frozen=True, slots=True)
class TransferFilters:
    """Which transfers are asked for; what is None does not matter.

    ``until`` is not part of what it ends; a cause is its type and its id.
    """

    shop_id: str | None = None
    kinds: list[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    period: int | None = None
    cause: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class OwnBalances:
    """The balances of the program's own accounts, and how often the totals behind them moved."""

    expense: int
    clearing: int
    tax: int
    version: int


@dataclass(frozen=True, slots=True)
class PayableRow:
    """What a shop is owed, and how often that moved."""

    shop_id: str
    shop_no: int
    balance_minor: int
    version: int


@dataclass(frozen=True, slots=True)
class AccountChangeRow:
    """One version of a payable account: what a posting moved, and the balance before and after it."""

    version: int
    posting_no: int
    period: int
    previous_minor: int
    amount_minor: int
    balance_minor: int


@dataclass(frozen=True, slots=True)
class TransferWithCause:
    """One transfer with both its accounts and the ids its callers know."""

    cause_no: int
    seq: int
    posting_no: int
    kind: str
    debit_account: int
    credit_account: int
    shop_id: str | None
    amount_minor: int
    occurred_at: datetime
    available_at: datetime
    period: int
    belongs_to_period: int | None
    event_id: str | None
    line_id: str | None
    rule_id: str | None
    tier: int | None
    base_minor: int | None
    rate_ppm: int | None
    reverses_seq: int | None
    plan_code: str | None
    plan_version: int | None
    cause_type: str | None
    cause_id: str | None


def own_accounts(conn: Connection, program_id: int) -> OwnBalances:
    """Reads the balances of ``expense``, ``clearing`` and ``tax``, and how often the totals behind them moved."""
    bound = {"program": program_id}
    return OwnBalances(**(figures_or_none(conn, _OWN_KEPT, bound) or figures(conn, _OWN, bound)))


def keep_own(conn: Connection, program_id: int, through: int) -> None:
    """Keeps what all months of all accounts come to after the posting ``through``, which all before it were seen by."""
    bound = {"program": program_id, "through": through}
    if execute(conn, _KEEP_FIRST, bound).rowcount == 0:
        execute(conn, _KEEP, bound)


_PAYABLES_AFTER = f"{_PAYABLES} AND s.shop_id > %(after)s ORDER BY s.shop_id LIMIT %(limit)s"


def payable_accounts(conn: Connection, program_id: int, after: str, limit: int) -> list[PayableRow]:
    """Lists the payable accounts by shop, from the one after ``after`` on."""
    return execute_as(
        conn, PayableRow, _PAYABLES_AFTER, {"program": program_id, "after": after, "limit": limit}
    ).fetchall()


_PAYABLE = f"{_PAYABLES} AND s.shop_id = %(shop_id)s"


def payable_account(conn: Connection, program_id: int, shop_id: str) -> PayableRow | None:
    """Reads the payable account of one shop; None where there is no such shop."""
    return row_as(conn, PayableRow, _PAYABLE, {"program": program_id, "shop_id": shop_id})


def account_changes(conn: Connection, program_id: int, shop_no: int, after: int, limit: int) -> list[AccountChangeRow]:
    """Lists the versions of an account after ``after``: what each posting moved, the balance before and after it."""
    values = {"program": program_id, "shop_no": shop_no, "after": after, "limit": limit}
    return execute_as(conn, AccountChangeRow, _CHANGES, values).fetchall()


def list_transfers(
    conn: Connection, program_id: int, filters: TransferFilters, after: tuple[int, int], limit: int
) -> list[TransferWithCause]:
    """Lists transfers by cause and number, ``limit`` at the most after the key ``after``."""
    wanted = _wanted(conn, program_id, filters)
    keys = [] if wanted is None else keys_of_page(conn, program_id, wanted, after, limit)
    if not keys:
        return []
    causes, seqs = zip(*keys, strict=True)
    bound = {"program": program_id, "causes": list(causes), "seqs": list(seqs)}
    return execute_as(conn, TransferWithCause, _TRANSFERS, bound).fetchall()


def _wanted(conn: Connection, program_id: int, filters: TransferFilters) -> Wanted | None:
    """The same filters with numbers in place of ids; None where nothing can fit."""
    shop_no = cause_no = None
    if filters.shop_id is not None:
        shop_no = number_of_shop(conn, program_id, filters.shop_id)
        if shop_no is None:
            return None
    if filters.cause is not None:
        cause_type, cause_id = filters.cause
        bound = {"program": program_id, "cause_type": cause_type, "cause_id": cause_id}
        cause_no = value_or_none(conn, int, _CAUSE, bound)
        if cause_no is None:
            return None
    return Wanted(
        shop_no=shop_no,
        cause_no=cause_no,
        kinds=None if filters.kinds is None else tuple(filters.kinds),
        period=filters.period,
        since=filters.since,
        until=filters.until,
    )
