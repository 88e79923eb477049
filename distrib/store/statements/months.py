"""Statement figures: one row per shop and month, from the running totals and what is held.

``opening`` is all that the months before left; ``held`` is what the month's transfers and those
before it brought and the instant ``held_from`` does not yet release. Rows without money and
without movement are left out. One query a question, for a page, a shop, the totals or a file.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection

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

_TOTALS = """
SELECT {names}, t.shops, t.withheld_minor AS frozen_minor
FROM (SELECT count(*) AS shops, {sums} FROM statement_figures(%(program)s, %(period)s, %(held_from)s) f) t
CROSS JOIN ({of_month}) o
"""
# Shops in which nothing ever moved are passed over by one look each.
_PAGE = """
SELECT s.shop_id, {names} FROM shops s
CROSS JOIN LATERAL (SELECT 1 FROM account_months
                    WHERE program_id = s.program_id AND account_no = s.shop_no AND period <= %(period)s LIMIT 1) m
CROSS JOIN LATERAL statement_figures_of(%(program)s, s.shop_no, %(period)s, %(held_from)s) f
WHERE s.program_id = %(program)s AND s.shop_id > %(after)s ORDER BY s.shop_id LIMIT %(limit)s
"""
_CLOSED = f"""
SELECT shop_id, {", ".join(FIGURES)} FROM closed_statements WHERE program_id = %(program)s AND period = %(period)s
AND figures_no = (SELECT figures_no FROM closed_periods WHERE program_id = %(program)s AND period = %(period)s)
"""
_CLOSED_PAGE = f"{_CLOSED} AND shop_id > %(after)s ORDER BY shop_id LIMIT %(limit)s"
_CLOSED_ROW = f"{_CLOSED} AND shop_id = %(shop_id)s"


def _names(table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in FIGURES)


_ROWS_AFTER = _PAGE.format(names=_names("f"))


def statement_rows(
    conn: Connection, program_id: int, period: int, held_from: datetime, part: Part[str]
) -> list[StatementRow]:
    """Lists one row per shop by id."""
    wanted = {"program": program_id, "period": period, "held_from": held_from}
    wanted |= {"after": part.place, "limit": part.limit}
    return execute_as(conn, StatementRow, _ROWS_AFTER, wanted).fetchall()


_OF_ACCOUNT = f"""
SELECT {_names("f")} FROM statement_figures_of(%(program)s, %(account_no)s, %(period)s, %(held_from)s) f
"""


def statement_of_account(
    conn: Connection, program_id: int, period: int, held_from: datetime, account_no: int
) -> StatementFigures | None:
    """Reads one account's figures; None where there is nothing to say."""
    wanted = {"program": program_id, "period": period, "held_from": held_from, "account_no": account_no}
    return row_as(conn, StatementFigures, _OF_ACCOUNT, wanted)


_ADDED_UP = _TOTALS.format(
    sums=", ".join(
        f"COALESCE(sum(f.{name}), 0)::bigint AS {name}" for name in (*FIGURES, "withheld_minor") if name not in COUNTS
    ),
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
