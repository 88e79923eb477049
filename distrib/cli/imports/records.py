"""Reads records of CSV and NDJSON files, one at a time and again by their place.

A file may be larger than memory: only where a record stands is remembered. What cannot be read
is a record with a fault, never the end of the file. The mark that keeps a spreadsheet from running a cell is taken off
a CSV field, and put on again in the file of what was refused (``refused``).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from distrib.cli.imports.shape import FileShape, unreadable_start
from distrib.domain.spreadsheet_cells import restored
from distrib.domain.texts import Text
from distrib.languages import render_both

LONGEST_LINE = 1 << 20
MOST_LINES = 200
REASON_COLUMNS = ("refused_line", "refused_code", "refused_reason")
"""Added to what was refused; left aside where such a file is read again."""


class RecordUnreadable(ValueError):
    """A record that cannot be read, and why."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(str(text))


class HeaderUnfit(Exception):
    """A file that cannot be read at all, or whose first line does not name the columns there are; and why."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(str(text))

    def refusal(self, name: str) -> str:
        """Words the refusal of the file ``name`` in both languages."""
        return render_both(Text("{name}: {problem}", name=name, problem=self.text))


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its place, its values, or the fault that makes it unreadable.

    ``partial`` is what stands under the columns of a row that has too few fields or too many: enough to tell whose row
    it is, and not to be taken for its values.
    """

    offset: int
    line: int
    values: dict[str, Any]
    fault: Text | None = None
    partial: dict[str, Any] = field(default_factory=dict)


class RecordsFile:
    """A CSV file (by its ending) or NDJSON file of records.

    Args:
        path: the file.
        columns: what a CSV file may have as columns; the first is required. Any columns where None.
        shape: its encoding, and the columns that are left aside.
    """

    def __init__(self, path: Path, columns: Sequence[str] | None, shape: FileShape | None = None) -> None:
        self.is_csv = path.suffix.lower() == ".csv"
        self.size = path.stat().st_size
        self.header: list[str] = []
        self.shape = shape or FileShape()
        self._left_aside = {*REASON_COLUMNS, *self.shape.ignored}
        self._columns = columns
        self._file: BinaryIO = path.open("rb")
        self._line = 0
        self._undecodable: Text | None = None

    def __enter__(self) -> RecordsFile:
        try:
            self._begin()
        except BaseException as error:
            self._file.close()
            if isinstance(error, RecordUnreadable):
                raise HeaderUnfit(error.text) from error
            if isinstance(error, csv.Error):
                raise HeaderUnfit(Text("not readable: {text}", text=str(error))) from error
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Record]:
        """Reads every record in the order of the file."""
        return self.read_from(self._start, self._start_line + 1)

    def read_from(self, offset: int, line: int) -> Iterator[Record]:
        """Reads the records from a place on; records read meanwhile from other places do not disturb."""
        place, before = offset, line - 1
        while True:
            self._file.seek(place)
            self._line = before
            record = self._next()
            place, before = self._file.tell(), self._line
            if record is None:
                return
            if record.values or record.fault:
                yield record

    def read(self, offset: int, line: int) -> Record:
        """Reads the record at a place."""
        for record in self.read_from(offset, line):
            return record
        raise EOFError("the file became shorter while it was read")

    def _begin(self) -> None:
        mark = self.shape.mark
        start = self._file.read(max(4, len(mark)))
        if (problem := unreadable_start(start)) is not None:
            raise HeaderUnfit(problem)
        self._file.seek(len(mark) if mark and start.startswith(mark) else 0)
        if self.is_csv:
            self.header = _without_empty_end(self._fields())
            if self._undecodable is not None:
                raise HeaderUnfit(self._undecodable)
            if (problem := self._header_problem()) is not None:
                raise HeaderUnfit(problem)
        self._start, self._start_line = self._file.tell(), self._line

    def _header_problem(self) -> Text | None:
        """Says what is wrong with the columns that the first line names; None where nothing is."""
        names = [name for name in self.header if name not in self.shape.ignored]
        if not names:
            return Text("has no columns")
        if self._columns is None:
            return None
        first, *_ = self._columns
        unknown = [name for name in names if name not in {*self._columns, *REASON_COLUMNS}]
        if unknown:
            return Text(
                "the columns are {columns}; not {given} (--ignore-columns leaves aside what it names)",
                columns=list(self._columns),
                given=[f'"{name}"' if not name.strip() else name for name in unknown],
            )
        if first not in names:
            return Text("the column {name} is missing; there are {given}", name=first, given=names)
        twice = sorted({name for name in names if names.count(name) > 1})
        return Text("a column stands twice: {names}", names=twice) if twice else None

    def _next(self) -> Record | None:
        offset, line = self._file.tell(), self._line + 1
        self._undecodable = None
        try:
            read = self._row() if self.is_csv else self._object()
        except (ValueError, csv.Error, RecursionError) as error:
            return Record(offset, line, {}, self._fault_or(_fault(error)))
        if read is None:
            return None
        values, fault = read
        whole, partial = (values, {}) if fault is None else ({}, values)
        return Record(offset, line, whole, self._fault_or(fault), partial)

    def _fault_or(self, fault: Text | None) -> Text | None:
        """What could not be decoded in the record, before what follows from that."""
        return self._undecodable or fault

    def _row(self) -> tuple[dict[str, Any], Text | None] | None:
        """Reads a row: the fields that are not empty by their columns, and what is wrong with the row as a whole."""
        fields = self._fields()
        if not fields:
            return None if self._is_over() else ({}, None)
        given, columns = len(fields), len(self.header)
        fault = None
        if given < columns or any(fields[columns:]):
            fault = Text("{fields} fields under {columns} columns", fields=given, columns=columns)
        named = zip(self.header, fields, strict=False)
        return {name: restored(text) for name, text in named if text and name not in self._left_aside}, fault

    def _fields(self) -> list[str]:
        return next(csv.reader(self._texts(), strict=True), [])

    def _texts(self) -> Iterator[str]:
        for _ in range(MOST_LINES):
            line = self._read_line()
            if not line:
                return
            yield self._decoded(line)
        raise RecordUnreadable(Text("a record goes on over more than {most} lines", most=MOST_LINES))

    def _decoded(self, line: bytes) -> str:
        """Decodes a line; bytes that are no character stay as they are, and the first of them is kept as a problem."""
        try:
            return line.decode(self.shape.encoding)
        except UnicodeDecodeError as error:
            self._undecodable = self._undecodable or Text(
                "is not {encoding} (byte {byte}); give the encoding of the file, such as --encoding gb18030",
                encoding=self.shape.encoding.upper(),
                byte=f"0x{line[error.start]:02X}",
            )
            return line.decode(self.shape.encoding, "surrogateescape")

    def _object(self) -> tuple[dict[str, Any], None] | None:
        line = self._read_line()
        if not line:
            return None
        if not line.strip():
            return {}, None
        parsed = _DECODER.decode(self._decoded(line))
        if not isinstance(parsed, dict):
            raise RecordUnreadable(Text("not a JSON object"))
        return {name: value for name, value in parsed.items() if name not in self._left_aside}, None

    def _read_line(self) -> bytes:
        line = self._file.readline(LONGEST_LINE + 1)
        self._line += 1
        if len(line) <= LONGEST_LINE:
            return line
        while line and not line.endswith(b"\n"):
            line = self._file.readline(LONGEST_LINE)
        raise RecordUnreadable(Text("a line longer than {most} bytes", most=LONGEST_LINE))

    def _is_over(self) -> bool:
        return self._file.tell() >= self.size


def _fault(error: Exception) -> Text:
    """Says why a record cannot be read; a parser's own message is in one language."""
    return error.text if isinstance(error, RecordUnreadable) else Text("not readable: {text}", text=str(error))


def _without_empty_end(fields: list[str]) -> list[str]:
    """Drops the columns without a name that a spreadsheet leaves after the last.

    >>> _without_empty_end(["id", "name", "", " "]), _without_empty_end(["id", "", "name"])
    (['id', 'name'], ['id', '', 'name'])
    """
    end = len(fields)
    while end and not fields[end - 1].strip():
        end -= 1
    return fields[:end]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise RecordUnreadable(Text("a key stands twice"))
    return members


def _refuse(constant: str) -> None:
    raise RecordUnreadable(Text("{constant} is not JSON", constant=constant))


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)
