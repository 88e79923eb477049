"""Results of payouts as a file has them: a CSV, a workbook or lines of JSON, often a batch's own file filled in.

What is read here is checked for its shape alone; which lines it is about is decided where it is recorded.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Final, TextIO, TypeAlias
from zipfile import BadZipFile, ZipFile

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import MAX_TEXT, is_identifier, is_storable_text
from distrib.domain.payouts.channels import Channel
from distrib.domain.payouts.results import FAILED, PAID, RESULT_STATUSES, RETURNED
from distrib.domain.spreadsheet_cells import restored
from distrib.domain.texts import Text
from distrib.services.payouts.files import CSV_COLUMNS
from distrib.services.payouts.sheet import ResultDraft

MOST_PROBLEMS: Final = 100
MOST_UNPACKED_BYTES: Final = 64 * 2**20
"""A workbook is packed: what unpacks to more is not looked at."""
_TEXTS = ("reference", "reason")
_KNOWN = frozenset({"shop_id", "detail_no", "status", "paid_on", *_TEXTS, *CSV_COLUMNS})
"""The columns of results, and those of a batch's own file."""
_HEADINGS: Final = {
    "店铺": "shop_id",
    "店铺编号": "shop_id",
    "结果": "status",
    "状态": "status",
    "打款日": "paid_on",
    "退回日": "paid_on",
    "流水号": "reference",
    "原因": "reason",
}
_OUTCOMES: Final = {
    "成功": PAID,
    "已打款": PAID,
    "失败": FAILED,
    "打款失败": FAILED,
    "退票": RETURNED,
    "已退回": RETURNED,
}
"""How who fills in a batch's file in Chinese heads the columns and says how lines ended."""
_MOST_DETAIL_NO = 64
_WRITTEN_DAY = re.compile(
    r"([0-9]{4})(?:-([0-9]{1,2})-|/([0-9]{1,2})/|\.([0-9]{1,2})\.|年([0-9]{1,2})月|([0-9]{2}))([0-9]{1,2})日?"
    r"(?:[ T]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?"
)
"""Days as spreadsheets and channels write them, the year first: in another order the month cannot be told."""
ReadRow: TypeAlias = tuple[int, Mapping[str, object], "Text | None"]
"""A line with its number as it stands in the file, and why it cannot be read."""


def read_results(
    rows: Iterable[ReadRow], channel: Channel, name: str, ignored: Collection[str] | None = ()
) -> tuple[list[ResultDraft], int]:
    """Reads the results of a file's rows.

    The columns of a batch's own file are passed over, so that it comes back with the answer filled in; any other is
    refused by name. A status may be the channel's own word for it; columns and statuses may be in Chinese.

    Args:
        channel: whose words they are.
        name: of the file.
        ignored: further columns that are passed over; None for all.

    Returns:
        The results, and the number of lines of which the channel does not know yet how they end.

    Raises:
        Refusal: ``invalid`` with what is wrong, line by line.
    """
    drafts, problems, still_open = [], [], 0
    unknown: dict[str, None] = {}
    number = 0
    for number, sent, fault in rows:
        row = {_HEADINGS.get(heading, heading): value for heading, value in sent.items()}
        if ignored is not None:
            unknown |= dict.fromkeys(column for column in row if column not in _KNOWN and column not in ignored)
        if fault is not None:
            problems.append(Problem(f"line {number}", fault))
            continue
        said = row.get("status")
        meant = channel.status_of(said) or _OUTCOMES.get(said) if isinstance(said, str) else None
        status = said if meant is None else meant
        if status == "open":
            still_open += 1
            continue
        wrong = _problems(row, status)
        problems += [Problem(f"line {number}", words) for words in wrong]
        if not wrong:
            drafts.append(_draft(row, str(status)))
    if unknown:
        words = Text("not a column of results; leave it aside with --ignore-columns, or correct its name")
        problems = [Problem(column, words) for column in unknown] + problems
    if not number:
        problems = [Problem(name, Text("holds no result"))]
    if problems:
        raise Refusal("invalid", problems[:MOST_PROBLEMS])
    return drafts, still_open


def rows_of_csv(lines: TextIO) -> Iterator[ReadRow]:
    """Yields the lines of a CSV with a header. Raises ``ValueError`` or ``csv.Error`` where it is none."""
    for number, row in enumerate(csv.DictReader(lines), 2):
        yield number, *_read_row(row)


def rows_of_json(lines: TextIO) -> Iterator[ReadRow]:
    """Yields the lines of newline-delimited JSON."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, *_read_object(line)


def rows_of_bytes(content: bytes, name: str) -> Iterator[ReadRow]:
    """Yields the rows of a file that was sent: a workbook, lines of JSON where its name says so, else a CSV.

    Text is UTF-8, with a byte order mark or without, or else GB 18030, as spreadsheets in China write it.

    Raises:
        Refusal: ``invalid`` where it is none of these.
    """
    try:
        if content.startswith(b"PK\x03\x04"):
            yield from _rows_of_workbook(content)
            return
        lines = io.StringIO(_decoded(content), newline="")
        is_json = name.lower().endswith((".json", ".ndjson", ".jsonl"))
        yield from rows_of_json(lines) if is_json else rows_of_csv(lines)
    except (ValueError, csv.Error, KeyError, BadZipFile) as error:
        words = Text("is no CSV and no workbook that can be read")
        raise Refusal("invalid", [Problem(name, words)]) from error


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030")


def _rows_of_workbook(content: bytes) -> Iterator[ReadRow]:
    """The rows of a workbook's first sheet, their cells as texts."""
    from openpyxl import load_workbook  # noqa: PLC0415  (large, and needed for this kind of file alone)

    with ZipFile(io.BytesIO(content)) as packed:
        if sum(part.file_size for part in packed.infolist()) > MOST_UNPACKED_BYTES:
            raise ValueError("unpacks to too much")
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    try:
        rows = book.worksheets[0].iter_rows(values_only=True) if book.worksheets else iter(())
        heading = [_cell_text(value) for value in next(rows, ())]
        for number, cells in enumerate(rows, 2):
            texts = [_cell_text(value) for value in cells]
            if any(texts):
                named = {name: text for name, text in zip(heading, texts, strict=False) if name}
                is_unfit = any(texts[len(heading) :])
                yield number, named, Text("has more or fewer fields than the heading") if is_unfit else None
    finally:
        book.close()


def _cell_text(value: object) -> str:
    """A cell as a CSV would have it.

    >>> _cell_text(12.0), _cell_text(None), _cell_text(datetime(2026, 3, 9)), _cell_text(" s-1 ")
    ('12', '', '2026-03-09', 's-1')
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _draft(row: Mapping[str, object], status: str) -> ResultDraft:
    paid_on = _text_of(row, "paid_on")
    return ResultDraft(
        _text_of(row, "shop_id"),
        status,
        _text_of(row, "reference"),
        _text_of(row, "reason"),
        _text_of(row, "detail_no"),
        None if paid_on is None else _parse_written_day(paid_on),
    )


def _text_of(row: Mapping[str, object], name: str) -> str | None:
    return str(row[name]) if row.get(name) else None


def _read_object(line: str) -> tuple[Mapping[str, object], Text | None]:
    try:
        row = json.loads(line)
    except ValueError:
        return {}, Text("is no JSON")
    return (row, None) if isinstance(row, dict) else ({}, Text("must be an object"))


def _read_row(row: Mapping[str | None, object]) -> tuple[Mapping[str, object], Text | None]:
    """A row under its headings; one of another width may have its fields under wrong ones. Empty ends do not matter."""
    beyond = row.get(None)
    fields = {name: value for name, value in row.items() if name is not None}
    is_unfit = (isinstance(beyond, list) and any(beyond)) or None in fields.values()
    named = {name: value for name, value in fields.items() if name.strip()}
    return named, Text("has more or fewer fields than the heading") if is_unfit else None


def _problems(row: Mapping[str, object], status: object) -> list[Text]:
    """Everything that is wrong with a line."""
    texts = _problems_of_key(row)
    if status not in RESULT_STATUSES:
        texts.append(Text("status must be one of {choices}, or the channel's own word", choices=list(RESULT_STATUSES)))
    texts += [
        Text("{name} must have 1 to {most} characters", name=name, most=MAX_TEXT)
        for name in _TEXTS
        if row.get(name) and not is_storable_text(row[name])
    ]
    paid_on = row.get("paid_on")
    if paid_on and not _is_day(paid_on):
        texts.append(Text("paid_on must be a day with the year first, as 2026-03-09 or 2026/3/9"))
    elif paid_on and status == FAILED:
        texts.append(Text("paid_on does not go with failed"))
    return texts


def _problems_of_key(row: Mapping[str, object]) -> list[Text]:
    shop_id, detail_no = row.get("shop_id") or None, row.get("detail_no") or None
    if shop_id is None and detail_no is None:
        return [Text("shop_id or detail_no is needed")]
    texts = []
    if shop_id is not None and not is_identifier(shop_id) and not is_identifier(restored(str(shop_id))):
        texts.append(Text("shop_id is no id"))
    if detail_no is not None and not is_storable_text(detail_no, _MOST_DETAIL_NO):
        texts.append(Text("detail_no must have 1 to {most} characters", most=_MOST_DETAIL_NO))
    return texts


def _is_day(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(_parse_written_day(value))
    except ValueError:
        return False


def _parse_written_day(text: str) -> date:
    """Parses a day as spreadsheets and channels write it, perhaps with a time of day that is left aside.

    Raises:
        ValueError: of another form, or not on the calendar.

    >>> [_parse_written_day(day).isoformat() for day in ("2026/3/9", "20260309", "2026-03-09 17:08")]
    ['2026-03-09', '2026-03-09', '2026-03-09']
    """
    written = _WRITTEN_DAY.fullmatch(text.strip())
    if written is None:
        raise ValueError("not a day with the year first")
    year, *parts = [int(part) for part in written.groups() if part is not None]
    return date(year, *parts)
