"""Statement files as rows of the database: CSV straight from COPY, typed rows by cursor, both with flat memory.

Text that a spreadsheet would take for a formula is marked in CSV, as ``distrib.domain.spreadsheet_cells`` has it;
numbers stay numbers. The connection is the export's own until it ends. No file format but CSV is
made here.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection

from distrib.domain.spreadsheet_cells import FORMULA_STARTS, MARK
from distrib.store.database import Bound, allow_minutes, driver
from distrib.store.sql import execute, only, streamed
from distrib.store.statements.months import FIGURES

SHOPS_COLUMNS = ("program", "period", "shop_id", "currency", *FIGURES)
LINES_COLUMNS = (
    "program",
    "id",
    "event_id",
    "order_id",
    "line_id",
    "shop_id",
    "rule",
    "tier",
    "kind",
    "base_minor",
    "rate",
    "amount_minor",
    "currency",
    "plan_version",
    "occurred_at",
    "available_at",
    "period",
    "belongs_to_period",
    "reverses_id",
    "adjustment_id",
    "reason",
)
LINES_FORM = 2
"""The form of ``lines.csv`` that is written today; a closed month keeps the one whose bytes its digest is of."""
_COLUMNS_OF_FORM = {1: LINES_COLUMNS.index("adjustment_id"), LINES_FORM: len(LINES_COLUMNS)}
"""By form, how many of the columns it has: form 1 knew neither the id nor the reason of an adjustment."""
ROWS_CHUNK = 5_000

_CHUNK_BYTES = 64 * 1024
MINUTES = 30
FOR_THIS_FILE = "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'"
# Statistics know nothing of a program that is new: joined row by row, its first big month would take minutes. With the
# memory of a common server the hashes of shops and orders would be written out and read again.
FOR_WHOLE_MONTHS = f"{FOR_THIS_FILE}; SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '32MB'"
_QUOTED_MARK = f"'{MARK * 2}'"
_STARTS = ", ".join(str(ord(start)) for start in FORMULA_STARTS)
# No start of a formula, and not the mark, is a letter or a digit: such texts, nearly all, are known by one comparison.
_MARKED = (
    """CASE WHEN {0} >= 'A' COLLATE "C" OR {0} >= '0' COLLATE "C" AND {0} < ':' COLLATE "C" THEN {0}"""
    f" WHEN ascii(ltrim({{0}}, {_QUOTED_MARK})) IN ({_STARTS}) THEN {_QUOTED_MARK} || {{0}} ELSE {{0}} END"
)
_COPY = "COPY ({rows}) TO STDOUT WITH (FORMAT csv)"


def _text(column: str, is_neutral: bool) -> str:
    """The expression of a text, where asked as ``neutralised`` has it."""
    return _MARKED.format(column) if is_neutral else column


def _time(column: str) -> str:
    """The expression of a time in RFC 3339, the fraction only where there is one; the transaction is in UTC."""
    return f"replace(replace({column}::text, ' ', 'T'), '+00', 'Z')"


def _month(column: str) -> str:
    return f"to_char({column} / 100, 'FM0000') || '-' || to_char({column} %% 100, 'FM00')"


_OPEN_SHOPS = f"""
SELECT s.shop_id, {", ".join(f"f.{name}" for name in FIGURES)}
FROM statement_figures(%(program)s, %(period)s, %(held_from)s) f
JOIN shops s ON s.program_id = %(program)s AND s.shop_no = f.account_no
"""
_KEPT_SHOPS = f"""
SELECT shop_id, {", ".join(FIGURES)} FROM closed_statements
WHERE program_id = %(program)s AND period = %(period)s AND figures_no = %(figures_no)s
"""


def _shops(is_kept: bool, is_neutral: bool, with_names: bool = False) -> str:
    """Builds the query of one row per shop by id, of an open month as it stands or from figures that were kept.

    ``with_names`` puts the shop's name behind its id.
    """
    figures = ", ".join(f"f.{name}" for name in FIGURES)
    names = "LEFT JOIN shops n ON n.program_id = %(program)s AND n.shop_id = f.shop_id" if with_names else ""
    return f"""
SELECT {_text("%(code)s::text", is_neutral)}, %(month)s::text, {_text("f.shop_id", is_neutral)},
       {"n.name, " if with_names else ""}%(currency)s::text, {figures}
FROM ({_KEPT_SHOPS if is_kept else _OPEN_SHOPS}) f {names}
WHERE %(shop_id)s::text IS NULL OR f.shop_id = %(shop_id)s
ORDER BY f.shop_id
"""


def lines_columns(head: FileHead) -> tuple[str, ...]:
    """The heading of ``lines.csv`` in the form of the month: today's, or that in which the month was closed."""
    return LINES_COLUMNS[: _COLUMNS_OF_FORM[head.lines_form]]


def lines_sql(head: FileHead, is_neutral: bool = True, with_names: bool = False) -> str:
    """Builds the query of every commission of the month by cause and number, in the columns of the month's form.

    The fields of the head fill its places; with ``is_neutral`` texts are marked as ``_text`` says, ``with_names`` puts
    the shop's name behind its id.
    """

    def words(column: str) -> str:
        return _text(column, is_neutral)

    values = {
        "program": words("%(code)s::text"),
        "id": "l.cause_no || '-' || l.seq",
        "event_id": words("l.event_id"),
        "order_id": words("l.order_id"),
        "line_id": words("l.line_id"),
        "shop_id": words("l.shop_id") + (", l.shop_name" if with_names else ""),
        "rule": words("l.rule_id"),
        "tier": "l.tier",
        "kind": "l.kind::text",
        "base_minor": "l.base_minor",
        "rate": "trim_scale(l.rate_ppm / 1000000.0)::text",
        "amount_minor": "l.signed_minor",
        "currency": "%(currency)s::text",
        "plan_version": words("l.plan_version"),
        "occurred_at": _time("l.occurred_at"),
        "available_at": _time("l.available_at"),
        "period": "%(month)s::text",
        "belongs_to_period": _month("l.belongs_to_period"),
        "reverses_id": "l.cause_no || '-' || l.reverses_seq",
        "adjustment_id": words("l.adjustment_id"),
        "reason": words("l.reason"),
    }
    return f"""
SELECT {", ".join(values[name] for name in lines_columns(head))} FROM ({_stored_lines(head, with_names)}) l
ORDER BY l.cause_no, l.seq
"""


# Sorted as they are stored and written out after, for a text is longer than the number that it shows. Orders and events
# are those between the first and the last cause of the month, so that a month costs what it holds and not what all
# months before it did. The event is compared beside the join, or the rows would be sorted once more for it.
_LINES = """
SELECT t.cause_no, t.seq, e.event_id, o.order_id, t.line_id, s.shop_id, t.rule_id, t.tier, t.kind, t.base_minor,
       t.rate_ppm, signed_minor(t.shop_no, t.credit_account, t.amount_minor) AS signed_minor,
       v.code || '@' || v.version AS plan_version, t.occurred_at, t.available_at, t.belongs_to_period, t.reverses_seq,
       a.adjustment_id, COALESCE(a.reason, 'withdrawal:' || w.withdrawal_id) AS reason{names}
FROM {transfers} t
JOIN shops s ON s.program_id = t.program_id AND s.shop_no = t.shop_no
LEFT JOIN adjustments a ON a.program_id = t.program_id AND a.adjustment_no = t.cause_no
LEFT JOIN withdrawals w ON w.program_id = t.program_id AND w.withdrawal_no = t.cause_no
LEFT JOIN orders o ON o.program_id = t.program_id AND o.order_no = t.cause_no {of_orders}
LEFT JOIN events e ON e.program_id = t.program_id AND e.order_no = t.cause_no AND e.event_no - t.event_no = 0
     {of_events}
LEFT JOIN plan_versions v ON v.program_id = t.program_id AND v.version_no = t.version_no
WHERE t.program_id = %(program)s AND t.period = %(period)s
  AND t.kind IN ('earned', 'reversed', 'pool', 'adjusted')
  AND (%(shop_id)s::text IS NULL OR t.shop_no = (SELECT shop_no FROM shops
       WHERE program_id = %(program)s AND shop_id = %(shop_id)s))
ORDER BY t.cause_no, t.seq OFFSET 0
"""
# Not min(cause_no): an index over all causes would be walked from its end back to the month.
_CAUSES = """
causes AS MATERIALIZED (
    SELECT min(cause_no + 0) AS first_no, max(cause_no + 0) AS last_no FROM transfers
    WHERE program_id = %(program)s AND period = %(period)s)
"""
_OF_CAUSES = "AND {column} BETWEEN (SELECT first_no FROM causes) AND (SELECT last_no FROM causes)"


def _stored_lines(head: FileHead, with_names: bool) -> str:
    """Builds the query of the commissions of the month, or of one shop's few, as they are stored."""
    names = ", s.name AS shop_name" if with_names else ""
    if head.shop_id is not None:
        return _LINES.format(transfers="shop_transfers", of_orders="", of_events="", names=names)
    lines = _LINES.format(
        names=names,
        transfers="transfers",
        of_orders=_OF_CAUSES.format(column="o.order_no"),
        of_events=_OF_CAUSES.format(column="e.order_no"),
    )
    return f"WITH {_CAUSES} {lines}"


_LINES_TOTAL = """
SELECT count(*) AS lines,
       COALESCE(sum(signed_minor(shop_no, credit_account, amount_minor)), 0)::bigint AS amount_minor
FROM transfers
WHERE program_id = %(program)s AND period = %(period)s AND kind IN ('earned', 'reversed', 'pool', 'adjusted')
"""


@dataclass(frozen=True, slots=True)
class FileHead:
    """The program and the month that a file is about: ``period`` as 202603, ``month`` as people write it.

    ``held_from`` is the instant from which on what becomes available is held; ``figures_no`` are the kept figures that
    the file has, None for those of now; ``shop_id`` is the one shop the file is about, None for all; ``lines_form`` the
    columns that the month's lines have.
    """

    program: int
    code: str
    currency: str
    period: int
    month: str
    held_from: datetime
    figures_no: int | None = None
    shop_id: str | None = None
    lines_form: int = LINES_FORM


def export_shops(conn: Connection, head: FileHead) -> Generator[bytes, None, None]:
    """Streams ``shops.csv``: one row per shop by id, the header first."""
    yield (",".join(SHOPS_COLUMNS) + "\n").encode()
    _prepare(conn, head)
    yield from _copied(conn, _shops(head.figures_no is not None, is_neutral=True), asdict(head))


def export_lines(conn: Connection, head: FileHead) -> Generator[bytes, None, int]:
    """Streams ``lines.csv``: every commission of the month by cause and number, the header first.

    Returns:
        How many commissions there were, to who asks the generator for it.
    """
    yield (",".join(lines_columns(head)) + "\n").encode()
    _prepare(conn, head)
    return (yield from _copied(conn, lines_sql(head), asdict(head)))


Cells: TypeAlias = tuple[int | str | None, ...]
"""A row of a file: amounts and counts as numbers, all else as texts."""


def shop_rows(conn: Connection, head: FileHead, with_names: bool = False) -> Iterator[list[Cells]]:
    """Yields the rows of ``shops.csv`` as values, in chunks: texts as they are, for cells that have a type.

    ``with_names`` puts each shop's name of today behind its id.
    """
    _prepare(conn, head)
    yield from _rows(conn, _shops(head.figures_no is not None, is_neutral=False, with_names=with_names), asdict(head))


def line_rows(conn: Connection, head: FileHead, with_names: bool = False) -> Iterator[list[Cells]]:
    """Yields the rows of ``lines.csv`` as values: amounts as numbers, all else as texts as they are.

    ``with_names`` puts each shop's name of today behind its id.
    """
    _prepare(conn, head)
    yield from _rows(conn, lines_sql(head, is_neutral=False, with_names=with_names), asdict(head))


def lines_total(conn: Connection, program_id: int, period: int) -> tuple[int, int]:
    """Counts the commissions of a month and adds them up."""
    lines, amount_minor = only(conn, _LINES_TOTAL, {"program": program_id, "period": period})
    return lines, amount_minor


def _prepare(conn: Connection, head: FileHead) -> None:
    """Prepares the transaction for a file: time enough, times in UTC, and for whole months joins of sets."""
    allow_minutes(conn, MINUTES)
    execute(conn, FOR_THIS_FILE if head.shop_id is not None else FOR_WHOLE_MONTHS)


def _copied(conn: Connection, rows: str, bound: Bound) -> Generator[bytes, None, int]:
    """Yields the rows of a COPY in chunks of about 64 KiB, however fast they are taken; returns how many they were."""
    buffer = bytearray()
    cursor = driver(conn).cursor()
    with cursor.copy(_COPY.replace("{rows}", rows), bound) as copy:
        for row in copy:
            buffer += row
            if len(buffer) >= _CHUNK_BYTES:
                yield bytes(buffer)
                buffer.clear()
    if buffer:
        yield bytes(buffer)
    return cursor.rowcount


def _rows(conn: Connection, statement: str, bound: Bound) -> Iterator[list[Cells]]:
    with streamed(conn, "statement_file", statement, bound) as cursor:
        while rows := cursor.fetchmany(ROWS_CHUNK):
            yield rows
