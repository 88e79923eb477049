"""COPY into a table under row-level security, which PostgreSQL refuses: by way of a table of the transaction's own.

Only where the workers' role has no BYPASSRLS (docs/operations.md); it costs a second write of each row, and a table
that is made and dropped. No SQL of nouns may enter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

_MAKE = sql.SQL("CREATE TEMPORARY TABLE {staged} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA")
_COPY = sql.SQL("COPY {staged} ({columns}) FROM STDIN {form}")
_MOVE = sql.SQL("INSERT INTO {table} ({columns}) SELECT {columns} FROM {staged}")
_DROP = sql.SQL("DROP TABLE {staged}")


@contextmanager
def copy_by_stage(
    raw: psycopg.Connection[TupleRow], table: str, columns: Sequence[str], *, is_binary: bool
) -> Iterator[psycopg.Copy]:
    """A COPY of those columns, whose rows are in the table when the block ends."""
    names = {
        "table": sql.Identifier(table),
        "staged": sql.Identifier("pg_temp", f"staged_{table}"),
        "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
        "form": sql.SQL("(FORMAT BINARY)" if is_binary else ""),
    }
    with raw.cursor() as cursor:
        cursor.execute(_MAKE.format(**names), prepare=False)
        with cursor.copy(_COPY.format(**names)) as copy:
            yield copy
        cursor.execute(_MOVE.format(**names), prepare=False)
        cursor.execute(_DROP.format(**names), prepare=False)
