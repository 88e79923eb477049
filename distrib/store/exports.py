"""Files for the finance department, streamed by COPY with flat memory.

Text that a spreadsheet would take for a formula gets a ``'`` before it (OWASP, CSV injection);
numbers stay numbers. The connection is the export's own until it ends. No file format but CSV
is made here.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from distrib.store.database import driver
from distrib.store.statements import FIGURES, figures_sql

SHOPS_COLUMNS = ("program", "period", "shop_id", "currency", *FIGURES)
LINES_COLUMNS = (
    "program", "id", "event_id", "order_id", "line_id", "shop_id", "rule", "tier", "kind", "base_minor", "rate",
    "amount_minor", "currency", "plan_version", "occurred_at", "available_at", "period", "belongs_to_period",
    "reverses_id",
)  # fmt: skip

_CHUNK_BYTES = 64 * 1024
_FOR_THIS_FILE = "SET LOCAL statement_timeout = '30min'; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'"
_FORMULA = "CASE WHEN ascii({0}) = ANY ('{{9,10,13,43,45,61,64}}') THEN '''' || {0} ELSE {0} END"


def _text(column: str) -> str:
    """Neutralised where it begins with tab, line feed, carriage return, +, -, = or @."""
    return _FORMULA.format(column)


def _time(column: str) -> str:
    """RFC 3339 in UTC, the fraction only where there is one; the transaction's time zone is UTC."""
    return f"replace(replace({column}::text, ' ', 'T'), '+00', 'Z')"


def _month(column: str) -> str:
    return f"to_char({column} / 100, 'FM0000') || '-' || to_char({column} %% 100, 'FM00')"


_SHOPS = f"""
COPY (SELECT {_text("%(code)s::text")}, %(month)s::text, {_text("s.shop_id")}, %(currency)s::text,
             {", ".join(f"f.{name}" for name in FIGURES)}
      FROM ({figures_sql("%(program)s", "%(period)s", "%(held_from)s")}) f
      JOIN shops s ON s.program_id = %(program)s AND s.shop_no = f.account_no
      ORDER BY s.shop_id)
TO STDOUT WITH (FORMAT csv)
"""
_LINES = f"""
COPY (SELECT {_text("%(code)s::text")}, t.cause_no || '-' || t.seq, {_text("e.event_id")}, {_text("o.order_id")},
             {_text("t.line_id")}, {_text("s.shop_id")}, {_text("t.rule_id")}, t.tier, t.kind, t.base_minor,
             trim_scale(t.rate_ppm / 1000000.0),
             CASE WHEN t.credit_account = t.shop_no THEN t.amount_minor ELSE -t.amount_minor END, %(currency)s::text,
             {_text("v.code || '@' || v.version")}, {_time("t.occurred_at")}, {_time("t.available_at")},
             {_month("t.period")}, {_month("t.belongs_to_period")}, t.cause_no || '-' || t.reverses_seq
      FROM transfers t
      JOIN shops s ON s.program_id = t.program_id AND s.shop_no = t.shop_no
      LEFT JOIN orders o ON o.program_id = t.program_id AND o.order_no = t.cause_no
      LEFT JOIN events e ON e.program_id = t.program_id AND e.order_no = t.cause_no AND e.event_no = t.event_no
      LEFT JOIN plan_versions v ON v.program_id = t.program_id AND v.version_no = t.version_no
      WHERE t.program_id = %(program)s AND t.period = %(period)s
        AND t.kind IN ('earned', 'reversed', 'pool', 'adjusted')
      ORDER BY t.cause_no, t.seq)
TO STDOUT WITH (FORMAT csv)
"""


@dataclass(frozen=True, slots=True)
class FileHead:
    """Whose file it is and of which month: ``period`` as 202603, ``month`` as people write it."""

    program: int
    code: str
    currency: str
    period: int
    month: str


def export_shops(conn: Connection, head: FileHead, held_from: datetime) -> Generator[bytes, None, None]:
    """``shops.csv``: one row per shop by id, the header first; commissions available from ``held_from`` on are held."""
    return _file(conn, SHOPS_COLUMNS, _SHOPS, asdict(head) | {"held_from": held_from})


def export_lines(conn: Connection, head: FileHead) -> Generator[bytes, None, None]:
    """``lines.csv``: every commission of the month by cause and number, the header first."""
    return _file(conn, LINES_COLUMNS, _LINES, asdict(head))


def _file(
    conn: Connection, columns: Sequence[str], statement: str, bound: Mapping[str, Any]
) -> Generator[bytes, None, None]:
    yield (",".join(columns) + "\n").encode()
    yield from _copied(conn, statement, bound)


def _copied(conn: Connection, statement: str, bound: Mapping[str, Any]) -> Generator[bytes, None, None]:
    """The rows in chunks of about 64 KiB, however fast they are taken."""
    cursor = driver(conn).cursor()
    cursor.execute(_FOR_THIS_FILE)
    buffer = bytearray()
    with cursor.copy(statement, bound) as copy:
        for row in copy:
            buffer += row
            if len(buffer) >= _CHUNK_BYTES:
                yield bytes(buffer)
                buffer.clear()
    if buffer:
        yield bytes(buffer)
