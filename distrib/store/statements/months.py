"""Statement figures: one row per shop and month, from the running totals and what is held.

``opening`` is all that the months before left; ``held`` is what the month's transfers and those
before it brought and the instant ``held_from`` does not yet release. Rows without money and
without movement are left out. One query a question, for a page, a shop, the totals or a file.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection

from distrib.store.compliance.cases import case_held_sql
from distrib.store.ledger.balances import frozen_sql, reserved_sql, split_sql
from distrib.store.recorded import Part
from distrib.store.sql import column, execute_as, row_as
from distrib.store.statements.counts import COUNTS, OF_MONTH


@dataclass(frozen=True, slots=True)
class StatementFigures:
    """What a statement says of a shop or of all: amounts, and how many orders and refunds moved something."""

    opening_minor: int
    earned_minor: int
    reversed_minor: int
    adjusted_minor: int
    paid_minor: int
    tax_minor: int
    closing_minor: int
    held_minor: int
    reserved_minor: int
    available_minor: int
    orders: int
    refunds: int


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One shop's row of a month: whose it is, and its figures."""

    shop_id: str
    opening_minor: int
    earned_minor: int
    reversed_minor: int
    adjusted_minor: int
    paid_minor: int
    tax_minor: int
    closing_minor: int
    held_minor: int
    reserved_minor: int
    available_minor: int
    orders: int
    refunds: int


@dataclass(frozen=True, slots=True)
class StatementTotals(StatementFigures):
    """What all rows of a month add up to: how many they are, and what of the held a freeze alone keeps."""

    shops: int
    frozen_minor: int


FIGURES = tuple(field.name for field in fields(StatementFigures))
"""The figures of a statement row, in the order of the export's columns."""

# What every account had, or those that {accounts} leaves.
MONTHS = """
SELECT account_no,
       COALESCE(sum(earned_minor + reversed_minor + adjusted_minor - paid_minor - tax_minor)
                FILTER (WHERE period < %(period)s), 0)::bigint AS opening_minor,
       COALESCE(sum(earned_minor) FILTER (WHERE period = %(period)s), 0)::bigint AS earned_minor,
       COALESCE(sum(reversed_minor) FILTER (WHERE period = %(period)s), 0)::bigint AS reversed_minor,
       COALESCE(sum(adjusted_minor) FILTER (WHERE period = %(period)s), 0)::bigint AS adjusted_minor,
       COALESCE(sum(paid_minor) FILTER (WHERE period = %(period)s), 0)::bigint AS paid_minor,
       COALESCE(sum(tax_minor) FILTER (WHERE period = %(period)s), 0)::bigint AS tax_minor,
       COALESCE(sum(orders) FILTER (WHERE period = %(period)s), 0)::bigint AS orders,
       COALESCE(sum(refunds) FILTER (WHERE period = %(period)s), 0)::bigint AS refunds
FROM account_months WHERE program_id = %(program)s AND period <= %(period)s AND account_no > 0 {accounts}
GROUP BY account_no
"""
# By when they become available alone: a reversal may be dated long before the commission that it takes back.
# What a case holds stays held whatever its date.
_HELD = """
SELECT shop_no, sum(held_minor)::bigint AS held_minor FROM (
    SELECT shop_no, sum(CASE WHEN credit_account = shop_no THEN amount_minor ELSE -amount_minor END) AS held_minor
    FROM {transfers}
    WHERE program_id = %(program)s AND period <= %(period)s AND available_at >= %(held_from)s AND shop_no > 0 {accounts}
    GROUP BY shop_no
    UNION ALL
    {of_cases}
) every GROUP BY shop_no
"""
# Accounts whose row has anything to say. What is free of a frozen or closed shop counts as held: see `balances`.
_FIGURES = """
SELECT c.account_no, c.opening_minor, c.earned_minor, c.reversed_minor, c.adjusted_minor, c.paid_minor, c.tax_minor,
       c.closing_minor, {held_minor} AS held_minor, c.reserved_minor, {available_minor} AS available_minor,
       c.orders, c.refunds, {frozen_minor} AS frozen_minor
FROM (
    SELECT m.*, COALESCE(h.held_minor, 0) AS held_minor, COALESCE(r.reserved_minor, 0) AS reserved_minor,
           f.shop_no IS NOT NULL AS is_frozen, m.opening_minor + m.earned_minor + m.reversed_minor
           + m.adjusted_minor - m.paid_minor - m.tax_minor AS closing_minor
    FROM ({months}) m
    LEFT JOIN ({held}) h ON h.shop_no = m.account_no
    LEFT JOIN ({reserved}) r ON r.shop_no = m.account_no
    LEFT JOIN ({frozen}) f ON f.shop_no = m.account_no
) c
WHERE (c.opening_minor, c.earned_minor, c.reversed_minor, c.adjusted_minor, c.paid_minor, c.tax_minor, c.orders,
       c.refunds, c.held_minor, c.reserved_minor) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
"""
_TOTALS = """
SELECT {names}, t.shops, t.frozen_minor
FROM (SELECT count(*) AS shops, {sums} FROM ({figures}) f) t CROSS JOIN ({of_month}) o
"""
# Shops in which nothing ever moved are passed over by one look each.
_PAGE = """
SELECT s.shop_id, {names} FROM shops s
CROSS JOIN LATERAL (SELECT 1 FROM account_months
                    WHERE program_id = s.program_id AND account_no = s.shop_no AND period <= %(period)s LIMIT 1) m
CROSS JOIN LATERAL ({figures}) f
WHERE s.program_id = %(program)s AND s.shop_id > %(after)s ORDER BY s.shop_id LIMIT %(limit)s
"""
_CLOSED = f"""
SELECT shop_id, {", ".join(FIGURES)} FROM closed_statements WHERE program_id = %(program)s AND period = %(period)s
AND figures_no = (SELECT figures_no FROM closed_periods WHERE program_id = %(program)s AND period = %(period)s)
"""
_CLOSED_PAGE = f"{_CLOSED} AND shop_id > %(after)s ORDER BY shop_id LIMIT %(limit)s"
_CLOSED_ROW = f"{_CLOSED} AND shop_id = %(shop_id)s"


def figures_sql(only: str | None = None) -> str:
    """Builds the query of statement figures by account, bound to program, period and held_from; ``only``: of one."""
    months = MONTHS.format(accounts="" if only is None else f"AND account_no = {only}")
    accounts = "" if only is None else f"AND shop_no = {only}"
    of_cases = case_held_sql("%(held_from)s", f"AND period <= %(period)s {accounts}", until=True)
    transfers = "transfers" if only is None else "shop_transfers"
    held = _HELD.format(transfers=transfers, accounts=accounts, of_cases=of_cases)
    split = split_sql("c.closing_minor", "c.held_minor", "c.reserved_minor", "c.is_frozen")
    held_minor, available_minor, frozen_minor = split
    return _FIGURES.format(
        months=months,
        held=held,
        reserved=reserved_sql("%(held_from)s", only, until=True),
        frozen=frozen_sql("%(held_from)s", only, until=True),
        held_minor=held_minor,
        available_minor=available_minor,
        frozen_minor=frozen_minor,
    )


def _names(table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in FIGURES)


_ROWS_AFTER = _PAGE.format(names=_names("f"), figures=figures_sql(only="s.shop_no"))


def statement_rows(
    conn: Connection, program_id: int, period: int, held_from: datetime, part: Part[str]
) -> list[StatementRow]:
    """Lists one row per shop by id."""
    wanted = {"program": program_id, "period": period, "held_from": held_from}
    wanted |= {"after": part.place, "limit": part.limit}
    return execute_as(conn, StatementRow, _ROWS_AFTER, wanted).fetchall()


_OF_ACCOUNT = f"SELECT {_names('f')} FROM ({figures_sql(only='%(account_no)s')}) f"


def statement_of_account(
    conn: Connection, program_id: int, period: int, held_from: datetime, account_no: int
) -> StatementFigures | None:
    """Reads one account's figures; None where there is nothing to say."""
    wanted = {"program": program_id, "period": period, "held_from": held_from, "account_no": account_no}
    return row_as(conn, StatementFigures, _OF_ACCOUNT, wanted)


_ADDED_UP = _TOTALS.format(
    sums=", ".join(
        f"COALESCE(sum(f.{name}), 0)::bigint AS {name}" for name in (*FIGURES, "frozen_minor") if name not in COUNTS
    ),
    figures=figures_sql(),
    names=", ".join(f"{'o' if name in COUNTS else 't'}.{name}" for name in FIGURES),
    of_month=OF_MONTH,
)


def statement_totals(conn: Connection, program_id: int, period: int, held_from: datetime) -> StatementTotals:
    """Adds up all rows of a month: how many, the figures, and what of the held a freeze alone keeps.

    Orders and refunds count once each, whatever number of shops they moved something for.
    """
    wanted = {"program": program_id, "period": period, "held_from": held_from}
    return execute_as(conn, StatementTotals, _ADDED_UP, wanted).fetchall()[0]


def periods_with_movement(conn: Connection, program_id: int) -> list[int]:
    """Lists the months in which any account moved, the first one first."""
    statement = "SELECT DISTINCT period FROM account_months WHERE program_id = %(program)s ORDER BY period"
    return column(conn, int, statement, {"program": program_id})


def closed_rows(conn: Connection, program_id: int, period: int, after: str, limit: int) -> list[StatementRow]:
    """Lists a closed month's rows, one a shop by id, as closed; ``limit`` at the most after the id ``after``."""
    wanted = {"program": program_id, "period": period, "after": after, "limit": limit}
    return execute_as(conn, StatementRow, _CLOSED_PAGE, wanted).fetchall()


def closed_row(conn: Connection, program_id: int, period: int, shop_id: str) -> StatementRow | None:
    """Reads one shop's row of a closed month; None where there was nothing to say."""
    wanted = {"program": program_id, "period": period, "shop_id": shop_id}
    return row_as(conn, StatementRow, _CLOSED_ROW, wanted)
