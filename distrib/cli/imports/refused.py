"""The file of what was refused, with the reasons: beside the file that was read, to be mended and read again."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distrib.cli.imports.records import REASON_COLUMNS, Record, RecordsFile
from distrib.domain.spreadsheet_cells import neutralised


class RefusedFile:
    """The file of refused records with their reasons, beside the file they came from; it exists only if any were.

    It has the encoding of that file, so that it is read as that one was. ``word`` names another outcome than a refusal.
    """

    def __init__(self, path: Path, source: RecordsFile, word: str = "refused") -> None:
        self.path = path.with_name(f"{path.name}.{word}.{'csv' if source.is_csv else 'ndjson'}")
        self._reasons = tuple(name.replace("refused", word) for name in REASON_COLUMNS)
        self.count = 0
        left_aside = {*REASON_COLUMNS, *source.shape.ignored}
        self._header = [name for name in source.header if name not in left_aside]
        self._is_csv = source.is_csv
        self._encoding = source.shape.encoding if source.is_csv else "ascii"
        self.path.unlink(missing_ok=True)
        self._rows: list[str] = []

    def add(self, record: Record, code: str, reason: str) -> None:
        """Adds a record that was refused."""
        readable = reason.encode(self._encoding, "backslashreplace").decode(self._encoding) if self._is_csv else reason
        reasons = dict(zip(self._reasons, (record.line, code, readable), strict=True))
        self.count += 1
        self._rows.append(self._csv_row(record, reasons) if self._is_csv else _json_row(record, reasons))

    def flush(self) -> None:
        """Writes the records added since the last time; personal data, so for the owner's eyes only."""
        if not self._rows:
            return
        is_new = not self.path.exists()
        if is_new:
            self.path.touch(mode=0o600)
        with self.path.open("a", encoding=self._encoding, errors="surrogateescape", newline="") as file:
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
