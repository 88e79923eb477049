"""Reads records of CSV and NDJSON files, one at a time and again by their place.

A file may be larger than memory: only where a record stands is remembered. What cannot be read
is a record with a fault, never the end of the file. The mark that keeps a spreadsheet from running a cell is taken off
a CSV field, and put on again in the file of what was refused.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from distrib.domain.spreadsheet_cells import neutralised, restored
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
    """The first line of a CSV file does not name the columns there are; ``str`` says what it names."""

    def refusal(self, name: str, columns: Sequence[str]) -> str:
        """Words the refusal of the file ``name`` in both languages, with the columns that are known."""
        known = ", ".join(columns)
        return render_both(
            Text("{name}: the columns are {columns}; not {given}", name=name, columns=known, given=str(self))
        )


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its place, its values, or the fault that makes it unreadable."""

    offset: int
    line: int
    values: dict[str, Any]
    fault: str | None = None


class RecordsFile:
    """A CSV file (by its ending) or NDJSON file of records.

    Args:
        path: the file.
        columns: what a CSV file may have as columns; the first is required.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.is_csv = path.suffix.lower() == ".csv"
        self.size = path.stat().st_size
        self.header: list[str] = []
        self._columns = columns
        self._file: BinaryIO = path.open("rb")
        self._line = 0

    def __enter__(self) -> RecordsFile:
        try:
            self._begin()
        except (HeaderUnfit, ValueError, csv.Error) as error:
            self._file.close()
            raise HeaderUnfit(str(error) or "no column") from error
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Record]:
        """Reads every record in the order of the file; records read meanwhile by their place do not disturb."""
        place, line = self._start, self._start_line
        while True:
            self._file.seek(place)
            self._line = line
            record = self._next()
            place, line = self._file.tell(), self._line
            if record is None:
                return
            if record.values or record.fault:
                yield record

    def read(self, offset: int, line: int) -> Record:
        """Reads the record at a place."""
        self._file.seek(offset)
        self._line = line - 1
        record = self._next()
        if record is None:
            raise EOFError("the file became shorter while it was read")
        return record

    def _begin(self) -> None:
        if self._file.read(3) != b"\xef\xbb\xbf":
            self._file.seek(0)
        if self.is_csv:
            self.header = self._fields()
            unknown = [name for name in self.header if name not in {*self._columns, *REASON_COLUMNS}]
            required, *_ = self._columns
            if unknown or required not in self.header or len(set(self.header)) < len(self.header):
                raise HeaderUnfit(", ".join(unknown) or ", ".join(self.header))
        self._start, self._start_line = self._file.tell(), self._line

    def _next(self) -> Record | None:
        offset, line = self._file.tell(), self._line + 1
        try:
            values = self._row() if self.is_csv else self._object()
        except (ValueError, csv.Error, RecursionError) as error:
            return Record(offset, line, {}, _fault(error))
        return None if values is None else Record(offset, line, values)

    def _row(self) -> dict[str, Any] | None:
        fields = self._fields()
        if not fields:
            return None if self._is_over() else {}
        if len(fields) != len(self.header):
            raise RecordUnreadable(
                Text("{fields} fields under {columns} columns", fields=len(fields), columns=len(self.header))
            )
        named = zip(self.header, fields, strict=True)
        return {name: restored(field) for name, field in named if field and name not in REASON_COLUMNS}

    def _fields(self) -> list[str]:
        return next(csv.reader(self._texts(), strict=True), [])

    def _texts(self) -> Iterator[str]:
        for _ in range(MOST_LINES):
            line = self._read_line()
            if not line:
                return
            yield line.decode("utf-8", "surrogateescape")
        raise RecordUnreadable(Text("a record goes on over more than {most} lines", most=MOST_LINES))

    def _object(self) -> dict[str, Any] | None:
        line = self._read_line()
        if not line:
            return None
        if not line.strip():
            return {}
        parsed = _DECODER.decode(line.decode("utf-8", "surrogateescape"))
        if not isinstance(parsed, dict):
            raise RecordUnreadable(Text("not a JSON object"))
        return {name: value for name, value in parsed.items() if name not in REASON_COLUMNS}

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


def _fault(error: Exception) -> str:
    """Words why a record cannot be read; a parser's own message, in one language, gets the other beside it."""
    text = str(error)
    return text if " / " in text else render_both(Text("not readable: {text}", text=text))


class RefusedFile:
    """The file of refused records with their reasons, beside the file they came from; it exists only if any were.

    ``word`` names another outcome than a refusal.
    """

    def __init__(self, path: Path, source: RecordsFile, word: str = "refused") -> None:
        self.path = path.with_name(f"{path.name}.{word}.{'csv' if source.is_csv else 'ndjson'}")
        self._reasons = tuple(name.replace("refused", word) for name in REASON_COLUMNS)
        self.count = 0
        self._header = [name for name in source.header if name not in REASON_COLUMNS] if source.is_csv else []
        self._is_csv = source.is_csv
        self.path.unlink(missing_ok=True)
        self._rows: list[str] = []

    def add(self, record: Record, code: str, reason: str) -> None:
        """Adds a record that was refused."""
        reasons = dict(zip(self._reasons, (record.line, code, reason), strict=True))
        self.count += 1
        self._rows.append(self._csv_row(record, reasons) if self._is_csv else _json_row(record, reasons))

    def flush(self) -> None:
        """Writes the records added since the last time; personal data, so for the owner's eyes only."""
        if not self._rows:
            return
        is_new = not self.path.exists()
        if is_new:
            self.path.touch(mode=0o600)
        with self.path.open("a", encoding="utf-8", errors="surrogateescape", newline="") as file:
            if is_new and self._is_csv:
                file.write(_csv_line([*self._header, *self._reasons]))
            file.writelines(self._rows)
        self._rows.clear()

    def _csv_row(self, record: Record, reasons: dict[str, Any]) -> str:
        fields = [neutralised(record.values.get(name, "")) for name in self._header]
        return _csv_line([*fields, *reasons.values()])


def _json_row(record: Record, reasons: dict[str, Any]) -> str:
    return json.dumps(record.values | reasons, ensure_ascii=True) + "\n"


def _csv_line(fields: Sequence[object]) -> str:
    lines: list[str] = []

    class _Into:
        def write(self, text: str) -> None:
            lines.append(text)

    csv.writer(_Into(), lineterminator="\n").writerow(fields)
    return "".join(lines)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError(render_both(Text("a key stands twice")))
    return members


def _refuse(constant: str) -> None:
    raise RecordUnreadable(Text("{constant} is not JSON", constant=constant))


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)
