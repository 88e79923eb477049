"""Loads tables as fast as the server can: without their triggers and indexes, which are built when all rows are in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('p', 'u') ORDER BY 1, 2
"""
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index i
WHERE indrelid = ANY(%s::regclass[]) AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)
ORDER BY 1
"""


@contextmanager
def bare_tables(conn: psycopg.Connection[Any], tables: Sequence[str]) -> Iterator[None]:
    """Takes triggers and indexes off the tables, which must be empty, and puts them back, the same, after the block.

    Args:
        conn: of the owner; commits before and after the block.
        tables: by name.
    """
    constraints = conn.execute(_CONSTRAINTS, (list(tables),)).fetchall()
    indexes = conn.execute(_INDEXES, (list(tables),)).fetchall()
    for table in tables:
        conn.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table)))
    for table, name, _ in constraints:
        conn.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.SQL(table), sql.Identifier(name)))
    for name, _ in indexes:
        conn.execute(sql.SQL("DROP INDEX {}").format(sql.SQL(name)))
    conn.commit()
    yield
    conn.execute("SET maintenance_work_mem = '256MB'")
    for table, name, definition in constraints:
        statement = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
        conn.execute(statement.format(sql.SQL(table), sql.Identifier(name), sql.SQL(definition)))
        conn.commit()
    for _, definition in indexes:
        conn.execute(sql.SQL(definition))
        conn.commit()
    for table in tables:
        conn.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(table)))
    conn.commit()
