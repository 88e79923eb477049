"""Rows as a Parquet file, a row group at a time, with flat memory. What the rows mean must not enter.

Amounts and counts are 64-bit integers, all else texts; the file is written front to back, so it can be sent while it
is made.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from distrib.store.statements.exports import Cells

_COUNTS = ("orders", "refunds", "tier")


class _Outgoing:
    """A write-only file that hands out what was written to it; Parquet only ever writes on."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes | memoryview) -> int:
        """Takes bytes, or what looks like them."""
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """Nothing to end."""

    def take(self) -> bytes:
        """Returns the bytes written since the last call."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def write_parquet(columns: Sequence[str], pages: Iterator[list[Cells]]) -> Generator[bytes, None, None]:
    """Streams the file, a piece for each page of rows and one for what closes it."""
    schema = pa.schema([(name, _type_of(name)) for name in columns])
    outgoing = _Outgoing()
    with pq.ParquetWriter(pa.PythonFile(outgoing, mode="w"), schema, compression="snappy") as writer:
        for page in pages:
            values = zip(columns, zip(*page, strict=True), strict=True)
            arrays = [pa.array(column, _type_of(name)) for name, column in values]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            yield outgoing.take()
    yield outgoing.take()


def _type_of(column: str) -> pa.DataType:
    return pa.int64() if column.endswith("_minor") or column in _COUNTS else pa.string()
