"""Balances and monthly statements: what each shop had, earned, gave back and holds.

A month's row satisfies closing = opening + earned + reversed + adjusted − paid − tax, and
closing = held + reserved + available as of the month's last instant, or as of now while the month
lasts. No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.services.commissions import CommissionQuery, list_commissions
from distrib.services.context import Program, format_period, period_bounds
from distrib.store import balances, exports
from distrib.store import statements as rows
from distrib.store.shops import ids_of

SHOPS, LINES = "shops", "lines"
_TICK = timedelta(microseconds=1)


def balance(conn: Connection, program: Program, shop_no: int, as_of: datetime) -> dict[str, Any]:
    """What a shop has at an instant; ``available_minor`` may be negative."""
    period = program.period_of(as_of)
    found = balances.balance_of(conn, program.program_id, shop_no, period, as_of)
    return {
        "held_minor": found["held_minor"],
        "available_minor": found["available_minor"],
        "reserved_minor": found["reserved_minor"],
        "expected_minor": 0,
        "paid_minor": found["paid_minor"],
        "currency": program.currency,
        "as_of": as_of,
    }


def statement_totals_and_rows(
    conn: Connection, program: Program, period: int, after: str | None, limit: int, now: datetime
) -> tuple[dict[str, Any], str | None]:
    """A month's statement: its totals, and one row per shop by id.

    Returns:
        The statement with up to ``limit`` rows in ``data``, and the shop's id to go on after (None at the
        end). ``totals`` stands on the first page and is None on those after it.
    """
    held_from = _held_from(program, period, now)
    found = rows.statement_rows(conn, program.program_id, period, held_from, after or "", limit + 1)
    page = found[:limit]
    totals = None
    if after is None:
        summed = rows.statement_totals(conn, program.program_id, period, held_from)
        totals = {"shops": summed["shops"], **_figures(summed)}
    data = [{"shop_id": row["shop_id"], **_figures(row)} for row in page]
    statement = {**_head(program, period, held_from), "totals": totals, "data": data}
    return statement, page[-1]["shop_id"] if len(found) > limit else None


def shop_statement(
    conn: Connection,
    program: Program,
    period: int,
    shop_no: int,
    after: tuple[int, int] | None,
    limit: int,
    now: datetime,
) -> tuple[dict[str, Any], tuple[int, int] | None]:
    """One shop's month with a page of its commissions in ``lines``.

    Args:
        after: the key of the line to go on after.
    """
    held_from = _held_from(program, period, now)
    found = rows.statement_of_account(conn, program.program_id, period, held_from, shop_no)
    query = CommissionQuery(shop_no=shop_no, period=period)
    lines, follows = list_commissions(conn, program, query, after, limit, now)
    figures = dict.fromkeys(rows.FIGURES, 0) if found is None else _figures(found)
    shop_id = ids_of(conn, program.program_id, {shop_no})[shop_no]
    return {**_head(program, period, held_from), "shop_id": shop_id, **figures, "lines": lines}, follows


def export_csv(
    conn: Connection, program: Program, period: int, detail: str, now: datetime
) -> Generator[bytes, None, None]:
    """A month as CSV in UTF-8, in pieces; the connection is the export's own until the last one.

    Args:
        detail: ``shops`` for one row per shop, ``lines`` for every commission.
        now: decides what an open month still holds.

    Raises:
        Refusal: ``invalid`` for any other detail, before the first piece.
    """
    head = exports.FileHead(program.program_id, program.code, program.currency, period, format_period(period))
    if detail == SHOPS:
        return exports.export_shops(conn, head, _held_from(program, period, now))
    if detail == LINES:
        return exports.export_lines(conn, head)
    raise Refusal("invalid", detail=detail)


def _held_from(program: Program, period: int, now: datetime) -> datetime:
    """What becomes available from then on is held: the end of the month, or what follows now."""
    _, end = period_bounds(period, program.zone)
    return min(end, now + _TICK)


def _head(program: Program, period: int, held_from: datetime) -> dict[str, Any]:
    return {
        "program": program.code,
        "period": format_period(period),
        "currency": program.currency,
        "status": "open",
        "as_of": (held_from - _TICK).astimezone(UTC),
    }


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in rows.FIGURES}
