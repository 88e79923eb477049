"""Rows as an XLSX workbook, one sheet after another, with flat memory. What the rows mean must not enter.

Texts are written as texts, so an id that looks like a number stays one; whole numbers as numbers as far as a
spreadsheet holds them exactly (15 digits), else as texts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

MOST_ROWS = 1_048_576
"""Rows of a sheet, its heading included (ECMA-376, as Excel limits it)."""
_MOST_EXACT = 10**15 - 1
_CHUNK_BYTES = 64 * 1024
_OPTIONS = {
    "constant_memory": True,
    "strings_to_numbers": False,
    "strings_to_formulas": False,
    "strings_to_urls": False,
}


def write_workbook(
    columns: Sequence[str], pages: Iterator[list[tuple[Any, ...]]], name: str, most_rows: int = MOST_ROWS
) -> Generator[bytes, None, None]:
    """Streams the workbook: as many sheets as the rows need, each with the heading.

    Built on disk, for a workbook's directory stands at its end; nothing of it is kept in memory.

    Args:
        columns: the heading.
        pages: rows, some at a time.
        name: of the sheets; those after the first get a number.
        most_rows: rows of a sheet, the heading included.
    """
    with tempfile.TemporaryFile(prefix="distrib-") as file:
        with Workbook(file, _OPTIONS) as book:
            _fill(book, columns, pages, name, most_rows)
        file.seek(0)
        while piece := file.read(_CHUNK_BYTES):
            yield piece


def _fill(
    book: Workbook, columns: Sequence[str], pages: Iterator[list[tuple[Any, ...]]], name: str, most_rows: int
) -> None:
    sheet, row_no, sheets = _sheet(book, columns, name), 1, 1
    for page in pages:
        for row in page:
            if row_no == most_rows:
                sheets += 1
                sheet, row_no = _sheet(book, columns, f"{name} {sheets}"), 1
            _write(sheet, row_no, row)
            row_no += 1


def _sheet(book: Workbook, columns: Sequence[str], name: str) -> Worksheet:
    sheet = book.add_worksheet(name)
    _write(sheet, 0, columns)
    return sheet


def _write(sheet: Worksheet, row_no: int, row: Sequence[Any]) -> None:
    for place, value in enumerate(row):
        if value is None:
            continue
        if isinstance(value, int) and abs(value) <= _MOST_EXACT:
            sheet.write_number(row_no, place, value)
        else:
            sheet.write_string(row_no, place, str(value))
