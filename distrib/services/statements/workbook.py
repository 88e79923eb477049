"""Rows as an XLSX workbook, one sheet after another, with flat memory. What the rows mean must not enter.

Amounts are numbers in major units, written as exact decimals: of up to 15 digits, which is what a spreadsheet keeps
(IEEE 754 doubles); an amount of more digits is a text, all of them in it. Texts are written as texts, so an id that
looks like a number stays one.
"""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from distrib.domain.amounts import show_amount
from distrib.domain.currencies import decimals_of
from distrib.domain.texts import Text, Wording
from distrib.languages.readers import Readership
from distrib.services.statements.columns import AMOUNT, COUNT, RATE, TEXT, TIME, SheetColumn
from distrib.store.statements.exports import Cells

MOST_ROWS = 1_048_576
"""Rows of a sheet, its heading included (ECMA-376, as Excel limits it)."""
MOST_EXACT = 10**15 - 1
"""The largest whole number of 15 digits: with any number of decimals, what a double gives back as it was written."""
_CHUNK_BYTES = 64 * 1024
_HEADING_HEIGHT, _MOST_WIDTH = 18, 60
_A4 = 9
_INK, _LINE, _SHADE = "#1F2937", "#9CA3AF", "#EEF2F7"
_OPTIONS = {
    "constant_memory": True,
    "strings_to_numbers": False,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "default_date_format": "yyyy-mm-dd hh:mm:ss",
}
_Write: TypeAlias = Callable[[Worksheet, int, int, int | str, Format | None], None]


class SheetPlan(NamedTuple):
    """What a workbook is of: the columns, what the sheets are called, and whose money and clock it shows.

    ``facts`` stand at the head of the sheet that explains the columns: what each is called, and what it is.
    """

    name: Text
    columns: Sequence[SheetColumn]
    reader: Readership
    currency: str
    zone: ZoneInfo
    facts: Sequence[tuple[Text, Wording]] = ()
    most_rows: int = MOST_ROWS


def write_workbook(plan: SheetPlan, pages: Iterator[list[Cells]]) -> Generator[bytes, None, None]:
    """Streams the workbook: as many sheets as the rows need, each with the heading, then one on what columns mean.

    Built on disk, for a workbook's directory stands at its end; nothing of it is kept in memory. Below the last row
    stand the totals, as values.

    Args:
        pages: rows, some at a time: amounts in minor units, times as RFC 3339, rates as decimal strings.
    """
    with tempfile.TemporaryFile(prefix="distrib-") as file:
        with Workbook(file, _OPTIONS) as book:
            book.use_zip64()
            looks = _looks(book, plan.currency)
            _Sheets(book, plan, looks).fill(pages)
            _explain(book, plan, looks)
        file.seek(0)
        while piece := file.read(_CHUNK_BYTES):
            yield piece


class _Sheets:
    """Writes rows from the first to the last, onto a new sheet where one is full."""

    def __init__(self, book: Workbook, plan: SheetPlan, looks: Mapping[str, Format]) -> None:
        self._book, self._plan, self._looks = book, plan, looks
        self._writes = [_writer(column.kind, plan) for column in plan.columns]
        self._formats = [looks.get(column.kind) for column in plan.columns]
        self._totals: dict[int, int] = {place: 0 for place, column in enumerate(plan.columns) if column.is_added}
        self._count = 0
        self._begin()

    def fill(self, pages: Iterator[list[Cells]]) -> None:
        """Writes all rows and the totals below them: each sheet has a row left for those."""
        cells = list(zip(self._writes, self._formats, strict=True))
        for page in pages:
            for row in page:
                if self._row_no == self._plan.most_rows - 1:
                    self._end()
                    self._begin()
                for place, (value, (write, look)) in enumerate(zip(row, cells, strict=True)):
                    if value is not None:
                        write(self._sheet, self._row_no, place, value, look)
                for place in self._totals:
                    self._totals[place] += int(row[place] or 0)
                self._row_no += 1
        self._end()
        self._write_totals()

    def _begin(self) -> None:
        self._count += 1
        names = self._plan.reader.line(self._plan.name, " ")
        self._sheet = self._book.add_worksheet(names if self._count == 1 else f"{names} {self._count}")
        _head(self._sheet, self._plan, self._looks)
        self._row_no = 1

    def _end(self) -> None:
        """Filters what stands on the sheet; the totals are outside."""
        self._sheet.autofilter(0, 0, max(self._row_no - 1, 0), len(self._plan.columns) - 1)

    def _write_totals(self) -> None:
        row_no, looks = self._row_no, self._looks
        for place, (column, write) in enumerate(zip(self._plan.columns, self._writes, strict=True)):
            if place == 0:
                self._sheet.write_string(row_no, 0, self._plan.reader.line(Text("Total")), looks["total"])
            elif column.is_added:
                write(self._sheet, row_no, place, self._totals[place], looks["total amount"])
            else:
                self._sheet.write_blank(row_no, place, None, looks["total"])


def _head(sheet: Worksheet, plan: SheetPlan, looks: Mapping[str, Format]) -> None:
    """Writes the heading, which stays in sight and on every printed page."""
    headings = [plan.reader.lines(column.heading) for column in plan.columns]
    sheet.set_row(0, _HEADING_HEIGHT * len(plan.reader.languages))
    for place, (column, lines) in enumerate(zip(plan.columns, headings, strict=True)):
        look = looks["heading" if column.kind in (TEXT, TIME) else "heading figure"]
        sheet.write_string(0, place, "\n".join(lines), look)
        widest = max(map(_characters, lines))
        sheet.set_column(place, place, min(max(column.characters, widest + 4), _MOST_WIDTH))
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer("&L&A&R&P / &N")


def _characters(text: str) -> int:
    """How many characters of usual width a text takes: a Chinese one takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _writer(kind: str, plan: SheetPlan) -> _Write:
    if kind == AMOUNT:
        return _amount_writer(plan.currency)
    if kind == TIME:
        return _time_writer(plan.zone)
    writes: dict[str, _Write] = {COUNT: _write_count, RATE: _write_rate, TEXT: _write_text}
    return writes[kind]


def _amount_writer(currency: str) -> _Write:
    decimals = decimals_of(currency)

    def write(sheet: Worksheet, row: int, place: int, value: int | str, look: Format | None) -> None:
        minor = int(value)
        if abs(minor) <= MOST_EXACT:
            sheet.write_number(row, place, Decimal(minor).scaleb(-decimals), look)
        else:
            sheet.write_string(row, place, show_amount(minor, currency), look)

    return write


def _time_writer(zone: ZoneInfo) -> _Write:
    def write(sheet: Worksheet, row: int, place: int, value: int | str, look: Format | None) -> None:
        local = datetime.fromisoformat(str(value)).astimezone(zone).replace(tzinfo=None)
        sheet.write_datetime(row, place, local, look)

    return write


def _write_count(sheet: Worksheet, row: int, place: int, value: int | str, look: Format | None) -> None:
    sheet.write_number(row, place, int(value), look)


def _write_rate(sheet: Worksheet, row: int, place: int, value: int | str, look: Format | None) -> None:
    sheet.write_number(row, place, Decimal(value), look)


def _write_text(sheet: Worksheet, row: int, place: int, value: int | str, look: Format | None) -> None:
    sheet.write_string(row, place, str(value), look)


def _explain(book: Workbook, plan: SheetPlan, looks: Mapping[str, Format]) -> None:
    """Writes the sheet on what the file is of and what its columns mean, by heading and by name in the CSV file."""
    reader = plan.reader
    sheet = book.add_worksheet(reader.line(Text("What the columns mean", "sheet"), " "))
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 88)
    sheet.set_column(2, 2, 22)
    sheet.hide_gridlines(2)
    row_no = 0
    for name, fact in plan.facts:
        sheet.write_string(row_no, 0, reader.line(name), looks["name"])
        sheet.write_string(row_no, 1, "\n".join(reader.lines(fact)), looks["wrapped"])
        row_no += 1
    row_no += 1 if plan.facts else 0
    for place, heading in enumerate((Text("Column"), Text("What it means"), Text("Name in CSV and API"))):
        sheet.write_string(row_no, place, reader.line(heading), looks["heading"])
    for column in plan.columns:
        row_no += 1
        meanings = reader.lines(column.meaning)
        sheet.set_row(row_no, 16 * len(meanings))
        sheet.write_string(row_no, 0, reader.line(column.heading), looks["name"])
        sheet.write_string(row_no, 1, "\n".join(meanings), looks["wrapped"])
        sheet.write_string(row_no, 2, column.name, looks["wrapped"])


def _looks(book: Workbook, currency: str) -> dict[str, Format]:
    """Builds the formats of the cells by what stands in them."""
    decimals = decimals_of(currency)
    amount = "#,##0" + (f".{'0' * decimals}" if decimals else "")
    amounts: dict[str, object] = {"num_format": f"{amount};[Red]-{amount}", "align": "right"}
    heading: dict[str, object] = {
        "bold": True,
        "font_color": _INK,
        "bg_color": _SHADE,
        "bottom": 1,
        "bottom_color": _LINE,
    }
    heading |= {"text_wrap": True, "valign": "vcenter"}
    total: dict[str, object] = {"bold": True, "top": 1, "top_color": _INK, "bg_color": _SHADE}
    formats: dict[str, dict[str, object]] = {
        AMOUNT: amounts,
        COUNT: {"num_format": "#,##0"},
        RATE: {"num_format": "0.00##%"},
        TIME: {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"},
        "heading": heading,
        "heading figure": {**heading, "align": "right"},
        "total": total,
        "total amount": {**total, **amounts},
        "name": {"bold": True, "valign": "top"},
        "wrapped": {"text_wrap": True, "valign": "top"},
    }
    return {name: book.add_format(options) for name, options in formats.items()}
