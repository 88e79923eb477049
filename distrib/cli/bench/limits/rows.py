"""The limit: raw binary COPY of the very rows that the code under test wrote, in the transactions in which it did.

The rows are read back from a database in which the real thing has run, and written into a fresh copy with the same
indexes, triggers and constraints. Updates and deletes count for nothing here. No encoding of our own may enter.
"""

from __future__ import annotations

import pickle  # nosec B403  # see where it is read
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
from psycopg import sql
from sqlalchemy import Engine, create_engine, make_url

from distrib.store.database import WORKER_ROLE

_HEAD_BYTES = 19
_END = b"\xff\xff"

Transaction: TypeAlias = list[tuple[str, bytes]]
"""What one transaction wrote: for each table the statement and the bytes of its COPY."""

# What triggers of other tables write, they write for the raw side too.
_TABLES = """
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND c.relname NOT IN ('order_blocks', 'payout_sums', 'shop_changes', 'transfer_blocks') ORDER BY 1
"""
_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
_INDEXES = """
SELECT i.indexrelid::regclass::text FROM pg_index i
WHERE i.indrelid = ANY (%s::regclass[]) AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Extract:
    """Rows ready to be copied again, shared among hands."""

    shares: Sequence[Path]
    rows: dict[str, int]
    transactions: int
    size_bytes: int = 0
    """Of all that is copied."""

    @property
    def total_rows(self) -> int:
        """The rows of all tables."""
        return sum(self.rows.values())


def count_rows(url: str) -> dict[str, int]:
    """How many rows each table of the database has."""
    with _connect(url) as conn:
        tables = [name for (name,) in conn.execute(_TABLES)]
        return {name: _count(conn, name) for name in tables}


def added(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """By how many rows which tables grew.

    >>> added({"orders": 2, "transfers": 0, "queue": 2}, {"orders": 2, "transfers": 9, "queue": 0})
    {'transfers': 9}
    """
    return {name: count - before.get(name, 0) for name, count in after.items() if count > before.get(name, 0)}


def extract(url: str, tables: Sequence[str], hands: int, directory: Path) -> Extract:
    """Reads all rows of tables that were empty before, transaction by transaction in the order of their commits.

    Args:
        url: the database in which they were written.
        tables: which.
        hands: among how many processes the transactions are dealt out.
        directory: where the shares are put, a file each.
    """
    with _connect(url) as conn:
        transactions: defaultdict[int, Transaction] = defaultdict(list)
        rows = {table: _read(conn, table, transactions) for table in tables}
    ordered = [transactions[number] for number in sorted(transactions)]
    shares = [directory / f"share-{hand}" for hand in range(hands)]
    for hand, path in enumerate(shares):
        path.write_bytes(pickle.dumps(ordered[hand::hands]))
    size = sum(len(data) for transaction in ordered for _, data in transaction)
    return Extract(shares, rows, len(ordered), size)


def leave_primary_keys(url: str, tables: Sequence[str]) -> None:
    """Drops the indexes of tables but for those of their primary keys, and of what is unique."""
    with _connect(url) as conn:
        for (index,) in conn.execute(_INDEXES, (list(tables),)).fetchall():
            conn.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(index)))


def prepare_copy(spec: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """One hand of the raw side, with its bytes in memory and its connection open."""
    share: list[Transaction] = pickle.loads(Path(spec["share"]).read_bytes())  # noqa: S301  # nosec B301  # by this very run
    conn = _connect(spec["database_url"])
    conn.execute(f'SET ROLE "{WORKER_ROLE}"')
    conn.commit()

    def run() -> dict[str, Any]:
        with conn:
            for transaction in share:
                for statement, data in transaction:
                    with conn.cursor() as cursor, cursor.copy(statement) as copy:
                        copy.write(data)
                conn.commit()
        return {"transactions": len(share)}

    return run


def plain_engine(url: str) -> Engine:
    """An engine under the worker role, without any setting of the service."""
    return create_engine(url, connect_args={"options": f"-c role={WORKER_ROLE} -c timezone=UTC"})


def vacuum(url: str) -> None:
    """Leaves a database as autovacuum would have in time: statistics known, rows marked visible."""
    with _connect(url) as conn:
        conn.autocommit = True
        conn.execute("VACUUM ANALYZE")


def _connect(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


def _count(conn: psycopg.Connection[Any], table: str) -> int:
    row = conn.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    return int(row[0]) if row else 0


def _read(conn: psycopg.Connection[Any], table: str, into: dict[int, Transaction]) -> int:
    name = sql.Identifier(table)
    columns = sql.SQL(", ").join(sql.Identifier(column) for (column,) in conn.execute(_COLUMNS, (table,)))
    write = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(name, columns).as_string(conn)
    sizes = conn.execute(sql.SQL("SELECT xmin::text::bigint, count(*) FROM {} GROUP BY 1 ORDER BY 1").format(name))
    read = sql.SQL("COPY (SELECT {} FROM {} ORDER BY xmin::text::bigint, ctid) TO STDOUT (FORMAT BINARY)")
    total = 0
    counts = sizes.fetchall()
    with conn.cursor() as cursor, cursor.copy(read.format(columns, name)) as copy:
        head, rows = _split(copy)
        for number, count in counts:
            into[number].append((write, b"".join([head, *islice(rows, count), _END])))
            total += count
        if next(rows, None) is not None:
            raise AssertionError(f"{table} changed while it was read")
    return total


def _split(copy: psycopg.Copy) -> tuple[bytes, Iterator[bytes]]:
    """The head of a binary COPY, and its rows one by one."""
    first = bytes(copy.read())

    def rows() -> Iterator[bytes]:
        if len(first) > _HEAD_BYTES:
            yield first[_HEAD_BYTES:]
        for row in copy:
            if row != _END:
                yield bytes(row)

    return first[:_HEAD_BYTES], rows()
