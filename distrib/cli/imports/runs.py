"""Where the rows of each event stand in a file, in any order: an index of its runs.

A run is the rows of one event that follow each other. The index is a private temporary SQLite database that goes to
disk past its small cache, so a file may have any number of rows; it is gone with the process.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import chain, islice, pairwise
from typing import NamedTuple

from distrib.cli.imports.records import Record, RecordsFile

_TABLES = """
    PRAGMA journal_mode = OFF;
    PRAGMA temp_store = FILE;
    CREATE TABLE runs ("offset" INTEGER PRIMARY KEY, line INTEGER, "rows" INTEGER, key BLOB, beside INTEGER);
"""
_ARRANGE = """
    CREATE INDEX runs_by_key ON runs (key, "offset");
    CREATE TABLE returning_keys (key BLOB PRIMARY KEY, first INTEGER) WITHOUT ROWID;
    INSERT INTO returning_keys
        SELECT key, min("offset") FROM runs WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1;
"""
_FIRST_RUNS = """
    SELECT runs."offset", line, "rows", beside, returning_keys.key FROM runs LEFT JOIN returning_keys USING (key)
    WHERE returning_keys.first IS NULL OR returning_keys.first = runs."offset" ORDER BY runs."offset"
"""
_RUNS_OF_KEY = 'SELECT "offset", line, "rows", beside FROM runs WHERE key = ? ORDER BY "offset"'


class RowRun(NamedTuple):
    """Rows of one event that follow each other.

    Args:
        offset, line: where the first stands.
        rows: how many there are.
        beside: the line of a row before or after them whose event cannot be known, or None.
    """

    offset: int
    line: int
    rows: int
    beside: int | None = None

    def read(self, source: RecordsFile) -> Iterator[Record]:
        """Reads its records."""
        return islice(source.read_from(self.offset, self.line), self.rows)


class RunIndex:
    """The runs of a file by the id of their event; made by ``index_runs``."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __iter__(self) -> Iterator[list[RowRun]]:
        """Lists the runs of each event, in the order of the file; events by their first run."""
        for offset, line, rows, beside, key in self._database.execute(_FIRST_RUNS):
            if key is None:
                yield [RowRun(offset, line, rows, beside)]
            else:
                yield [RowRun(*row) for row in self._database.execute(_RUNS_OF_KEY, (key,))]


@contextmanager
def index_runs(source: RecordsFile, id_column: str, progress: Callable[[int], None]) -> Iterator[RunIndex]:
    """Reads a file once for where the rows of each event stand.

    Args:
        id_column: the field that names the event. A CSV row without it, or that cannot be read, may be of the event
            before or after it, which are marked with its line; every NDJSON record is a run of its own.
        progress: is called with the offset of each run.
    """
    with closing(sqlite3.connect("")) as database:
        database.executescript(_TABLES)
        database.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", _rows_of(source, id_column, progress))
        database.executescript(_ARRANGE)
        yield RunIndex(database)


def _rows_of(
    source: RecordsFile, id_column: str, progress: Callable[[int], None]
) -> Iterator[tuple[int, int, int, bytes | None, int | None]]:
    before: int | None = None
    for held, following in pairwise(chain(_runs(source, id_column), [None])):
        if held is None:
            return
        run, key = held
        after = following[0].line if following is not None and following[1] is None else None
        beside = (before or after) if source.is_csv and key is not None else None
        before = run.line if key is None else None
        yield run.offset, run.line, run.rows, key, beside
        progress(run.offset)


def _runs(source: RecordsFile, id_column: str) -> Iterator[tuple[RowRun, bytes | None]]:
    """Groups the records that follow each other; a record without an id is a run of its own, without a key."""
    run, run_key = None, None
    for record in source:
        event_id = (record.values or record.partial).get(id_column)
        key = _key(event_id) if isinstance(event_id, str) else None
        if run is not None and source.is_csv and key is not None and key == run_key:
            run = run._replace(rows=run.rows + 1)
            continue
        if run is not None:
            yield run, run_key
        run, run_key = RowRun(record.offset, record.line, 1), key
    if run is not None:
        yield run, run_key


def _key(event_id: str) -> bytes:
    return hashlib.blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
