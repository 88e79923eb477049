"""Balances and monthly statements: what each shop had, earned, gave back and holds.

A month's row satisfies closing = opening + earned + reversed + adjusted − paid − tax, and
closing = held + reserved + available as of the month's last instant, or as of now while the month
lasts. No SQL may enter.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.texts import Text, Wording
from distrib.services.context import ListPart, Program, Unit, format_period
from distrib.services.orders.commissions import CommissionQuery, CommissionView, list_commissions
from distrib.services.statements import close_figures, closing
from distrib.services.statements.sorting import list_month
from distrib.services.statements.totals import held_from_of
from distrib.store.ledger import balances
from distrib.store.network.shops import ids_of
from distrib.store.orders import expected
from distrib.store.recorded import Part
from distrib.store.statements import exports, totals
from distrib.store.statements import months as rows
from distrib.store.statements.months import StatementFigures, StatementRow
from distrib.store.statements.periods import ClosedPeriod

SHOPS, LINES = "shops", "lines"
FIGURES = rows.FIGURES
_TICK = timedelta(microseconds=1)
_Head: TypeAlias = tuple[str, str, str, str, datetime, str | None, datetime | None, str | None, str | None]
_Figures: TypeAlias = tuple[int, int, int, int, int, int, int, int, int, int, int, int]
_NOTHING: _Figures = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class BalanceView:
    """What a shop has at an instant; what is expected is apart from it."""

    held_minor: int
    available_minor: int
    reserved_minor: int
    expected_minor: int
    paid_minor: int
    currency: str
    as_of: datetime


def balance(conn: Connection, program: Program, shop_no: int, as_of: datetime) -> BalanceView:
    """Reads what a shop has at an instant; ``available_minor`` may be negative."""
    period = program.period_of(as_of)
    split = balances.balance_of(conn, program.program_id, shop_no, period, as_of)
    return BalanceView(
        held_minor=split.held_minor,
        available_minor=split.available_minor,
        reserved_minor=split.reserved_minor,
        expected_minor=expected.expected_of_shop(conn, program.program_id, shop_no, as_of),
        paid_minor=split.paid_minor,
        currency=program.currency,
        as_of=as_of,
    )


@dataclass(frozen=True, slots=True)
class StatementHead:
    """Whose month a statement is of and as of when; of a closed one its digest, and who closed it when."""

    program: str
    period: str
    currency: str
    status: str
    as_of: datetime
    digest: str | None
    closed_at: datetime | None
    proposed_by: str | None
    confirmed_by: str | None


@dataclass(frozen=True, slots=True)
class MonthStatement(StatementHead):
    """A month's totals, on the first page alone, and a page of its rows, one a shop.

    ``totals`` has ``shops``, how many rows there are, and each of ``FIGURES``.
    """

    totals: Mapping[str, int] | None
    data: list[StatementRow]


@dataclass(frozen=True, slots=True)
class SortedStatement(MonthStatement):
    """The same in another order, as of when it was kept; None where it is worked out as asked."""

    sorted_as_of: datetime | None


@dataclass(frozen=True, slots=True)
class ShopStatement(StatementHead):
    """One shop's month with a page of its commissions."""

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
    lines: list[CommissionView]


@dataclass(frozen=True, slots=True)
class ShopsFile:
    """What ``shops.csv`` of a month has."""

    rows: int
    totals: Mapping[str, int]
    digest: str


@dataclass(frozen=True, slots=True)
class LinesFile:
    """What ``lines.csv`` of a month has."""

    rows: int
    amount_minor: int
    digest: str


@dataclass(frozen=True, slots=True)
class MonthManifest(StatementHead):
    """What the files of a month have, with the SHA-256 of each."""

    shops: ShopsFile
    lines: LinesFile


def statement_totals_and_rows(
    unit: Unit, period: int, after: str | None, limit: int
) -> tuple[MonthStatement, str | None]:
    """Reads a month's totals and a page of its rows, one a shop by id; of a closed month as it was closed.

    Returns:
        The statement with up to ``limit`` rows in ``data``, and the shop's id to go on after (None at the
        end). ``totals`` stands on the first page and is None on those after it.
    """
    held_from = held_from_of(unit.program, period, unit.now)
    closed = closing.find_closed(unit.conn, unit.program, period)
    if closed is not None:
        listed = rows.closed_rows(unit.conn, unit.program_id, period, after or "", limit + 1)
    else:
        listed = rows.statement_rows(unit.conn, unit.program_id, period, held_from, Part(after or "", limit + 1))
    page = listed[:limit]
    totals = _totals(unit.conn, unit.program, period, held_from, closed) if after is None else None
    statement = MonthStatement(*_head(unit.conn, unit.program, period, held_from, closed), totals, page)
    return statement, page[-1].shop_id if len(listed) > limit else None


def sorted_statement(
    unit: Unit, period: int, sort: str, state: str | None, asked: ListPart[tuple[int, int]]
) -> tuple[SortedStatement, tuple[int, int] | None]:
    """Reads a month's totals, which are of all its shops, and a page of its rows in another order.

    Args:
        sort: one of ``sorting.MONTH_SORTS`` but the id of the shop.
        state: ``owed`` or ``in_debt``, where only those are wanted.

    Returns:
        As ``statement_totals_and_rows``; ``sorted_as_of`` says of when the order is, where it was kept.
    """
    held_from = held_from_of(unit.program, period, unit.now)
    closed = closing.find_closed(unit.conn, unit.program, period)
    page = list_month(unit, period, sort, state, asked)
    totals = _totals(unit.conn, unit.program, period, held_from, closed) if asked.after is None else None
    head = _head(unit.conn, unit.program, period, held_from, closed)
    return SortedStatement(*head, totals, page.rows, page.sorted_as_of), page.follows


def shop_statement(
    unit: Unit, period: int, shop_no: int, after: tuple[int, int] | None, limit: int
) -> tuple[ShopStatement, tuple[int, int] | None]:
    """Reads one shop's month with a page of its commissions in ``lines``.

    Args:
        after: the key of the line to go on after.
    """
    held_from = held_from_of(unit.program, period, unit.now)
    shop_id = ids_of(unit.conn, unit.program_id, {shop_no})[shop_no]
    closed = closing.find_closed(unit.conn, unit.program, period)
    if closed is not None:
        row: StatementRow | StatementFigures | None = rows.closed_row(unit.conn, unit.program_id, period, shop_id)
    else:
        row = rows.statement_of_account(unit.conn, unit.program_id, period, held_from, shop_no)
    query = CommissionQuery(shop_no=shop_no, period=period)
    lines, follows = list_commissions(unit, query, after, limit)
    figures = _NOTHING if row is None else _figures(row)
    head = _head(unit.conn, unit.program, period, held_from, closed)
    return ShopStatement(*head, shop_id, *figures, lines), follows


def export_csv(unit: Unit, period: int, detail: str, shop_id: str | None = None) -> Generator[bytes, None, int | None]:
    """Streams a month as CSV in UTF-8; the connection is the export's own until the last piece.

    Args:
        detail: ``shops`` for one row per shop, ``lines`` for every commission.
        shop_id: only what concerns that shop.

    Raises:
        Refusal: ``invalid`` for any other detail, before the first piece.
    """
    if detail not in (SHOPS, LINES):
        raise Refusal("invalid", detail=detail)
    head = file_head(unit, period, shop_id)
    return exports.export_shops(unit.conn, head) if detail == SHOPS else exports.export_lines(unit.conn, head)


def file_head(unit: Unit, period: int, shop_id: str | None = None) -> exports.FileHead:
    """Builds the head of a month's file, as of its end or, while it lasts, as of now."""
    return closing.file_head(unit.conn, unit.program, period, held_from_of(unit.program, period, unit.now), shop_id)


def file_facts(unit: Unit, period: int) -> list[tuple[Text, Wording]]:
    """Reads what stands over a month's file for people: whose month it is, as of when, and how it shows money."""
    held_from = held_from_of(unit.program, period, unit.now)
    closed = closing.find_closed(unit.conn, unit.program, period)
    is_closed = closed is not None or closing.is_sealed(unit.conn, unit.program, period)
    as_of = (held_from - _TICK).astimezone(unit.program.zone).isoformat(" ", "seconds")
    facts: list[tuple[Text, Wording]] = [
        (
            Text("Program"),
            unit.program.code if unit.program.title is None else f"{unit.program.title} ({unit.program.code})",
        ),
        (Text("Month"), format_period(period)),
        (Text("State", "month"), Text("closed", "paper") if is_closed else Text("open", "paper")),
        (Text("As of"), as_of),
        (Text("Times", "sheet"), Text("on the program's clock, {zone}", zone=unit.program.time_zone)),
        (
            Text("Amounts", "sheet"),
            Text(
                "in {currency}, exact; one of more than 15 digits is a text, for a spreadsheet holds no more",
                currency=unit.program.currency,
            ),
        ),
    ]
    if closed is not None:
        facts.append((Text("SHA-256 of the month's shops.csv"), closed.digest))
    return facts


def manifest(unit: Unit, period: int) -> MonthManifest:
    """Reads rows, totals and the SHA-256 of each of the month's CSV files.

    Of a closed month as it was closed; of an open one computed as of now, which reads the whole month.
    """
    held_from = held_from_of(unit.program, period, unit.now)
    closed = closing.find_closed(unit.conn, unit.program, period)
    head = _head(unit.conn, unit.program, period, held_from, closed)
    totals = _totals(unit.conn, unit.program, period, held_from, closed)
    if closed is not None:
        lines = LinesFile(closed.lines, closed.lines_minor, closed.lines_digest)
        return MonthManifest(*head, ShopsFile(closed.shops, totals, closed.digest), lines)
    file = file_head(unit, period)
    shops_digest = close_figures.digest_of(exports.export_shops(unit.conn, file))
    lines_digest = close_figures.digest_of(exports.export_lines(unit.conn, file))
    count, amount_minor = exports.lines_total(unit.conn, unit.program_id, period)
    shops = ShopsFile(totals["shops"], totals, shops_digest)
    return MonthManifest(*head, shops, LinesFile(count, amount_minor, lines_digest))


def digest_of_file(conn: Connection, program: Program, period: int, detail: str) -> str | None:
    """Reads the SHA-256 of a closed month's CSV file in hex; None while the month is open."""
    closed = closing.find_closed(conn, program, period)
    if closed is None:
        return None
    return closed.digest if detail == SHOPS else closed.lines_digest


def _totals(
    conn: Connection, program: Program, period: int, held_from: datetime, closed: ClosedPeriod | None
) -> Mapping[str, int]:
    if closed is not None:
        kept: dict[str, int] = json.loads(closed.totals)
        return kept
    summed = totals.read_totals(conn, program.program_id, period, held_from)
    if summed is None:
        summed = rows.statement_totals(conn, program.program_id, period, held_from)
    return {"shops": summed.shops, **dict(zip(rows.FIGURES, _figures(summed), strict=True))}


def _head(conn: Connection, program: Program, period: int, held_from: datetime, closed: ClosedPeriod | None) -> _Head:
    """The fields of a ``StatementHead``, in their order."""
    is_closed = closed is not None or closing.is_sealed(conn, program, period)
    return (
        program.code,
        format_period(period),
        program.currency,
        "closed" if is_closed else "open",
        (held_from - _TICK).astimezone(UTC),
        None if closed is None else closed.digest,
        None if closed is None else closed.closed_at,
        None if closed is None else closed.proposed_by,
        None if closed is None else closed.confirmed_by,
    )


def _figures(row: StatementRow | StatementFigures) -> _Figures:
    """The figures of a row, in the order of ``FIGURES``."""
    return (
        row.opening_minor,
        row.earned_minor,
        row.reversed_minor,
        row.adjusted_minor,
        row.paid_minor,
        row.tax_minor,
        row.closing_minor,
        row.held_minor,
        row.reserved_minor,
        row.available_minor,
        row.orders,
        row.refunds,
    )
