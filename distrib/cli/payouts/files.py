"""Files of ``distrib payout``: results that a channel gave, and what is written for it. No rule may enter."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import MAX_TEXT, is_identifier, is_storable_text
from distrib.domain.payouts.channels import Channel
from distrib.domain.payouts.results import FAILED, RESULT_STATUSES
from distrib.domain.spreadsheet_cells import restored
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.services.payouts.files import CSV_COLUMNS
from distrib.services.payouts.sheet import ResultDraft

MOST_PROBLEMS = 100
_TEXTS = ("reference", "reason")
_KNOWN = frozenset({"shop_id", "detail_no", "status", "paid_on", *_TEXTS, *CSV_COLUMNS})
"""The columns of results, and those of a batch's own file."""
_MOST_DETAIL_NO = 64
_WRITTEN_DAY = re.compile(
    r"([0-9]{4})(?:-([0-9]{1,2})-|/([0-9]{1,2})/|\.([0-9]{1,2})\.|年([0-9]{1,2})月|([0-9]{2}))([0-9]{1,2})日?"
    r"(?:[ T]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?"
)
"""Days as spreadsheets and channels write them, the year first: in another order the month cannot be told."""


def read_results(
    file: Path, channel: Channel, encoding: str, ignored: Collection[str] = ()
) -> tuple[list[ResultDraft], int]:
    """Reads the results of a CSV with a header, or of newline-delimited JSON where the name ends in json.

    The columns of a batch's own file are passed over, so that it comes back with the answer filled in; any other is
    refused by name. A status may be the channel's own word for it.

    Args:
        channel: whose words they are.
        encoding: of the file; a UTF-8 one may begin with a byte order mark.
        ignored: further columns that are passed over.

    Returns:
        The results, and the number of lines of which the channel does not know yet how they end.

    Raises:
        Refusal: ``invalid`` with what is wrong, line by line.
    """
    drafts, problems, still_open = [], [], 0
    unknown: dict[str, None] = {}
    number = 0
    for number, row, fault in _rows(file, encoding):
        unknown |= dict.fromkeys(name for name in row if name not in _KNOWN and name not in ignored)
        if fault is not None:
            problems.append(Problem(f"line {number}", render_both(fault)))
            continue
        said = row.get("status")
        meant = channel.status_of(said) if isinstance(said, str) else None
        status = said if meant is None else meant
        if status == "open":
            still_open += 1
            continue
        wrong = _problems(row, status)
        problems += [Problem(f"line {number}", text) for text in wrong]
        if not wrong:
            drafts.append(_draft(row, str(status)))
    if unknown:
        words = Text("not a column of results; leave it aside with --ignore-columns, or correct its name")
        problems = [Problem(name, render_both(words)) for name in unknown] + problems
    if not number:
        problems = [Problem(file.name, render_both(Text("holds no result")))]
    if problems:
        raise Refusal("invalid", problems[:MOST_PROBLEMS])
    return drafts, still_open


def _draft(row: Mapping[str, Any], status: str) -> ResultDraft:
    paid_on = row.get("paid_on") or None
    return ResultDraft(
        row.get("shop_id") or None,
        status,
        row.get("reference") or None,
        row.get("reason") or None,
        row.get("detail_no") or None,
        None if paid_on is None else _parse_written_day(paid_on),
    )


def write_pieces(pieces: Iterable[bytes], output: Path | None) -> None:
    """Writes to a file, which appears when it is whole and is for its owner's eyes, or to standard output."""
    if output is None:
        _write(sys.stdout.buffer, pieces)
        return
    unfinished = output.with_name(output.name + ".part")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    with unfinished.open("wb") as file:
        _write(file, pieces)
    unfinished.replace(output)


def _write(file: BinaryIO, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        file.write(piece)
    file.flush()


def _rows(file: Path, encoding: str) -> Iterator[tuple[int, Mapping[str, Any], Text | None]]:
    """Each line with its number, as it stands in the file, and why it cannot be read."""
    try:
        with file.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as lines:
            if file.suffix.lower() in (".json", ".ndjson", ".jsonl"):
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        yield number, *_read_object(line)
            else:
                for number, row in enumerate(csv.DictReader(lines), 2):
                    yield number, *_read_row(row)
    except UnicodeDecodeError as error:
        words = Text("is not {encoding}; name another with --encoding", encoding=encoding)
        raise Refusal("invalid", [Problem(file.name, words)]) from error
    except (ValueError, csv.Error) as error:
        raise Refusal("invalid", [Problem(file.name, Text("{problem}", "file", problem=str(error)[:200]))]) from error


def _read_object(line: str) -> tuple[Mapping[str, Any], Text | None]:
    try:
        row = json.loads(line)
    except ValueError:
        return {}, Text("is no JSON")
    return (row, None) if isinstance(row, dict) else ({}, Text("must be an object"))


def _read_row(row: dict[str | Any, Any]) -> tuple[Mapping[str, Any], Text | None]:
    """A row under its headings; one of another width may have its fields under wrong ones. Empty ends do not matter."""
    beyond = row.pop(None, [])
    is_unfit = any(beyond) or None in row.values()
    named = {name: value for name, value in row.items() if name.strip()}
    return named, Text("has more or fewer fields than the heading") if is_unfit else None


def _problems(row: Mapping[str, Any], status: object) -> list[str]:
    """Everything that is wrong with a line, in both languages."""
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
    return [render_both(text) for text in texts]


def _problems_of_key(row: Mapping[str, Any]) -> list[Text]:
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
