"""A month of one kind as a Parquet file: written whole or not at all, and read a row group at a time.

A file is written under a name of its own, synced, and then named after its content, so that whoever stops in the middle
leaves what was there before as it was. Imports pyarrow, which is an extra: import this module where it is known to be
there (``extras.must_have``). What the rows mean must not enter.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from distrib.domain.errors import Problem
from distrib.domain.texts import Text
from distrib.services.history.refusals import HistoryUnreadable
from distrib.services.history.schema import (
    COLUMNS,
    INSTANT,
    INTEGER,
    READABLE,
    SCHEMA_VERSION,
    SMALL,
    TEXT,
    TRUTH,
    Columns,
    FileColumn,
    Records,
    columns_of,
)

ROWS_A_GROUP: Final = 20_000
UNFINISHED: Final = ".part"
_DIGITS: Final = 16
_TYPES: Final = {
    INTEGER: pa.int64(),
    SMALL: pa.int16(),
    TEXT: pa.string(),
    TRUTH: pa.bool_(),
    INSTANT: pa.timestamp("us", tz="UTC"),
}


class WrittenFile(NamedTuple):
    """A file that stands: its name in its directory, how many rows and bytes it has, its SHA-256 in hexadecimal."""

    name: str
    rows: int
    bytes: int
    sha256: str


class _Hashed:
    """A file that is only written on, and knows the digest of what was written."""

    closed = False

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | pa.Buffer) -> int:
        """Writes bytes, or what looks like them."""
        view = memoryview(data)
        self._digest.update(view)
        self._file.write(view)
        self.size += view.nbytes
        return view.nbytes

    def flush(self) -> None:
        """Nothing is kept back but by the file."""

    def close(self) -> None:
        """The file is closed by ``end``."""

    def end(self) -> str:
        """Brings all to the disk, and answers the digest."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._digest.hexdigest()

    def drop(self) -> None:
        """Closes the file as it is."""
        self._file.close()


def arrow_schema(kind: str, version: int = SCHEMA_VERSION) -> pa.Schema:
    """The schema of a kind of files."""
    columns = columns_of(kind, version)
    return pa.schema([pa.field(column.name, _type_of(column), column.is_optional) for column in columns])


def is_readable(schema: pa.Schema, kind: str) -> bool:
    """Whether columns are those of a kind in a version that is read."""
    return any(schema.equals(arrow_schema(kind, version)) for version in READABLE)


def write_month(
    directory: Path,
    kind: str,
    period: int,
    about: Mapping[str, str],
    pages: Iterable[Columns],
) -> WrittenFile:
    """Writes a month's file from pages of columns.

    Args:
        directory: where it is to stand; must be there.
        about: kept in the file's own metadata beside its kind, month and schema version.

    Raises:
        OSError: it cannot be written; nothing of it is left.
    """
    own = {
        "distrib.schema_version": str(SCHEMA_VERSION),
        "distrib.kind": kind,
        "distrib.period": str(period),
    }
    schema = arrow_schema(kind).with_metadata({**own, **about})
    path = directory / f"{kind}-{period}-{os.getpid()}{UNFINISHED}"
    path.unlink(missing_ok=True)
    file, rows = _Hashed(path), 0
    try:
        with pq.ParquetWriter(pa.PythonFile(file, mode="w"), schema, compression="zstd") as writer:
            for table in _groups(schema, COLUMNS[kind], pages):
                writer.write_table(table)
                rows += table.num_rows
        digest = file.end()
        month = f"{period // 100:04d}-{period % 100:02d}" if period else "all"
        name = f"{kind}-{month}-{digest[:_DIGITS]}.parquet"
        path.replace(directory / name)
    except BaseException:
        file.drop()
        path.unlink(missing_ok=True)
        raise
    return WrittenFile(name, rows, file.size, digest)


def file_metadata(path: Path) -> tuple[Mapping[str, str], int]:
    """What a file says of itself, and how many rows it has.

    Raises:
        ValueError: it is no Parquet file.
    """
    try:
        with pq.ParquetFile(path) as file:
            said = file.schema_arrow.metadata or {}
            return {key.decode(): value.decode() for key, value in said.items()}, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:  # what is damaged comes as either
        raise ValueError(str(error)) from error


def other_columns(schema: pa.Schema) -> Text:
    """What is said of a file whose columns are not those of its kind."""
    version = (schema.metadata or {}).get(b"distrib.schema_version")
    return Text(
        "its columns are not those of schema version {known}: {found}",
        known=SCHEMA_VERSION,
        found=None if version is None else version.decode(errors="replace"),
    )


def file_schema(path: Path) -> pa.Schema:
    """The columns of a file."""
    return pq.read_schema(path)


def row_groups(path: Path, columns: Sequence[str] | None = None, coded: Sequence[str] = ()) -> Iterator[pa.Table]:
    """Yields the row groups of a file as tables, one at a time.

    Args:
        columns: those that are read, all if not given; a part of a column of lists as ``lines.paid_minor``.
        coded: columns of few texts, which come as a dictionary and a place in it a row.

    Raises:
        Refusal: ``history_unreadable``: the file is damaged, or has other columns than those of its kind.
    """
    with _opened(path, coded) as file:
        leaves = _leaves(file, columns)
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, columns=leaves, use_threads=False)


def row_group(path: Path, number: int) -> pa.Table:
    """Reads one row group of a file, all of its columns. Raises as ``row_groups`` does."""
    with _opened(path) as file:
        return file.read_row_group(number, use_threads=False)


def row_groups_between(
    path: Path, columns: Sequence[str], column: str, span: tuple[int, int], coded: Sequence[str] = ()
) -> Iterator[pa.Table]:
    """Yields the row groups of a file that may have a value of a column of instants in a span.

    Args:
        span: from which instant on and before which, in microseconds since 1970.
        coded: as of ``row_groups``.

    Raises:
        Refusal: ``history_unreadable``: the file is damaged, or has other columns than those of its kind.
    """
    since, until = span
    with _opened(path, coded) as file:
        place = file.schema_arrow.get_field_index(column)
        for number in range(file.num_row_groups):
            said = file.metadata.row_group(number).column(place).statistics
            if said is None or not said.has_min_max:
                continue
            first, last = (_microseconds(value) for value in (said.min, said.max))
            if first < until and last >= since:
                yield file.read_row_group(number, columns=columns, use_threads=False)


def row_groups_with(path: Path, columns: Sequence[str], column: str) -> Iterator[pa.Table]:
    """Yields the row groups of a file, but for those that say that a column is empty in all of their rows.

    Raises:
        Refusal: ``history_unreadable``: the file is damaged, or has other columns than those of its kind.
    """
    with _opened(path) as file:
        place = file.schema_arrow.get_field_index(column)
        for number in range(file.num_row_groups):
            said = file.metadata.row_group(number).column(place).statistics
            if said is None or not said.has_null_count or said.null_count < file.metadata.row_group(number).num_rows:
                yield file.read_row_group(number, columns=columns, use_threads=False)


def _leaves(file: pq.ParquetFile, columns: Sequence[str] | None) -> list[str] | None:
    """The columns by the file's own paths, in their order: between a list and its parts stands what a writer likes."""
    if columns is None:
        return None
    leaves: dict[tuple[str, ...], list[str]] = {}
    for place in range(len(file.schema)):
        path = file.schema.column(place).path
        names = path.split(".")
        for name in ((names[0],), (names[0], names[-1])):
            leaves.setdefault(name, []).append(path)
    return [path for column in columns for path in leaves[tuple(column.split("."))]]


@contextmanager
def _opened(path: Path, coded: Sequence[str] = ()) -> Iterator[pq.ParquetFile]:
    """A file of the kind that its directory is named after; whoever reads its rows may rely on its columns."""
    try:
        with pq.ParquetFile(path, read_dictionary=[*coded]) as file:
            schema = file.schema.to_arrow_schema() if coded else file.schema_arrow
            if not is_readable(schema, path.parent.name):
                raise HistoryUnreadable(problems=[Problem(str(path), other_columns(file.schema_arrow))])
            yield file
    except (pa.ArrowException, OSError) as error:
        words = Text("is no Parquet file: {reason}", reason=str(error))
        raise HistoryUnreadable(problems=[Problem(str(path), words)]) from error


def _microseconds(instant: datetime) -> int:
    return int(pa.scalar(instant, pa.timestamp("us", tz="UTC")).value)


def _groups(schema: pa.Schema, columns: Sequence[FileColumn], pages: Iterable[Columns]) -> Iterator[pa.Table]:
    """Pages gathered to row groups of about ``ROWS_A_GROUP``."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for page in pages:
        arrays = [_array(column, page[column.name]) for column in columns]
        waiting.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
        rows += waiting[-1].num_rows
        if rows >= ROWS_A_GROUP:
            yield pa.Table.from_batches(waiting, schema=schema)
            waiting, rows = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting, schema=schema)


def _array(column: FileColumn, values: Sequence[object] | Records) -> pa.Array:
    if not isinstance(values, Records):
        return pa.array(values, _TYPES[column.type])
    offsets = [0]
    for count in values.counts:
        offsets.append(offsets[-1] + count)
    fields = [pa.field(part.name, _TYPES[part.type], part.is_optional) for part in column.parts]
    parts = [pa.array(values.parts[part.name], _TYPES[part.type]) for part in column.parts]
    records = pa.StructArray.from_arrays(parts, fields=fields)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), records, type=_type_of(column))


def _type_of(column: FileColumn) -> pa.DataType:
    if not column.parts:
        return _TYPES[column.type]
    fields = [pa.field(part.name, _TYPES[part.type], part.is_optional) for part in column.parts]
    return pa.list_(pa.field("item", pa.struct(fields), nullable=False))
