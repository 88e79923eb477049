"""What a close fixes, worked out while orders go on being settled, and whether it still holds once nobody posts.

Figures are kept under a number, so that what a proposal worked out is there for its confirmation. A mark says up to
where the books stood before; what was posted or dated into the month after it makes them void, whether they saw it or
not. No SQL may enter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from distrib.services.context import Program, format_period, period_bounds
from distrib.store.ledger import books
from distrib.store.orders import queue
from distrib.store.statements import exports, months, periods
from distrib.store.statements.exports import FileHead

_Count = TypeVar("_Count")


class BooksMark(NamedTuple):
    """How the books of a month stood at an instant: see ``periods.Proposal``."""

    through_posting: int
    dated_facts: list[int]


class MonthFigures(NamedTuple):
    """A month's figures as kept: their number, what they add up to, and the SHA-256 of their ``shops.csv``."""

    figures_no: int
    totals: dict[str, int]
    digest: str


class MonthLines(NamedTuple):
    """A month's commissions: how many, what they add up to, and the SHA-256 of ``lines.csv``."""

    lines: int
    amount_minor: int
    digest: str


def hold(conn: Connection, program: Program) -> int:
    """Keeps plans from being published and everybody from posting until the transaction or savepoint ends.

    Waits for those who post at this instant; returns the last closed period.
    """
    queue.hold_timeline(conn, program.program_id)
    return books.hold_alone(conn, program.program_id)


def mark_month(conn: Connection, program: Program, period: int) -> tuple[int, BooksMark]:
    """Reads the last closed period and the mark of a month: all that was being posted is in, nobody is held up after.

    Every statement after this one sees at least what the mark covers.
    """
    start, end = period_bounds(period, program.zone)
    with conn.begin_nested() as moment:
        closed_through = books.hold_alone(conn, program.program_id)
        through_posting = books.last_posting(conn)
        moment.rollback()
    return closed_through, BooksMark(through_posting, periods.dated_facts(conn, program.program_id, start, end))


def is_as_marked(conn: Connection, program: Program, period: int, mark: BooksMark) -> bool:
    """Whether nothing that bears on the month's figures or lines came since the mark."""
    start, end = period_bounds(period, program.zone)
    if periods.posted_since(conn, program.program_id, period, mark.through_posting):
        return False
    return periods.dated_facts(conn, program.program_id, start, end) == mark.dated_facts


def compute_figures(conn: Connection, program: Program, period: int) -> MonthFigures:
    """Computes and keeps every shop's row of an open month at its end; all rows are of one instant."""
    _, end = period_bounds(period, program.zone)
    figures_no = periods.keep_figures(conn, program.program_id, period, end)
    return MonthFigures(
        figures_no,
        kept_totals(conn, program, period, figures_no),
        digest_of(exports.export_shops(conn, _head(program, period, figures_no))),
    )


def kept_totals(conn: Connection, program: Program, period: int, figures_no: int) -> dict[str, int]:
    """Adds up kept figures: ``shops``, how many rows, and each figure in the order of the columns."""
    totals = periods.kept_totals(conn, program.program_id, period, figures_no)
    return {"shops": totals["shops"], **{name: totals[name] for name in months.FIGURES}}


def compute_lines(conn: Connection, program: Program, period: int, totals: Mapping[str, int]) -> MonthLines:
    """Computes how many lines ``lines.csv`` of an open month has, and its digest.

    Args:
        totals: of the month's figures; what the lines add up to is in them: all that was earned, reversed, adjusted.
    """
    digest, count = _digest_and_count(exports.export_lines(conn, _head(program, period, None)))
    return MonthLines(count, totals["earned_minor"] + totals["reversed_minor"] + totals["adjusted_minor"], digest)


def digest_of(pieces: Generator[bytes, None, object]) -> str:
    """Computes the SHA-256 of a file in hex, piece by piece."""
    return _digest_and_count(pieces)[0]


def _digest_and_count(pieces: Generator[bytes, None, _Count]) -> tuple[str, _Count]:
    digest = hashlib.sha256()
    while True:
        try:
            digest.update(next(pieces))
        except StopIteration as end:
            return digest.hexdigest(), end.value


def _head(program: Program, period: int, figures_no: int | None) -> FileHead:
    _, end = period_bounds(period, program.zone)
    return FileHead(
        program.program_id,
        program.code,
        program.currency,
        period,
        format_period(period),
        end,
        figures_no=figures_no,
        lines_form=exports.LINES_FORM,
    )
