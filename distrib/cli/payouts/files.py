"""Files of ``distrib payout``: results that a channel gave, and what is written for it. No rule may enter."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import MAX_TEXT, is_identifier, is_storable_text
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.services.payouts.results import ResultDraft

MOST_PROBLEMS = 100
_FIELDS = ("shop_id", "status", "reference", "reason")


def read_results(file: Path) -> list[ResultDraft]:
    """The results of a CSV with a header, or of newline-delimited JSON where the name ends in json.

    Raises:
        Refusal: ``invalid`` with what is wrong, line by line.
    """
    drafts, problems = [], []
    for number, row in _rows(file):
        wrong = _problems(row)
        problems += [Problem(f"line {number}", text) for text in wrong]
        if not wrong:
            drafts.append(ResultDraft(**{name: row.get(name) or None for name in _FIELDS}))  # type: ignore[arg-type]
    if problems:
        raise Refusal("invalid", problems[:MOST_PROBLEMS])
    return drafts


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


def _rows(file: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each line with its number, as it stands in the file."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            if file.suffix.lower() in (".json", ".ndjson", ".jsonl"):
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        row = json.loads(line)
                        yield number, row if isinstance(row, dict) else {}
            else:
                yield from enumerate(csv.DictReader(lines), 2)
    except (ValueError, csv.Error) as error:
        raise Refusal("invalid", [Problem(file.name, Text("{problem}", "file", problem=str(error)[:200]))]) from error


def _problems(row: Mapping[str, Any]) -> list[str]:
    texts = []
    if not is_identifier(row.get("shop_id")):
        texts.append(render_both(Text("shop_id is no id")))
    if row.get("status") not in ("paid", "failed"):
        texts.append(render_both(Text("status must be paid or failed")))
    long = [name for name in ("reference", "reason") if row.get(name) and not is_storable_text(row[name])]
    return texts + [
        render_both(Text("{name} must have 1 to {most} characters", name=name, most=MAX_TEXT)) for name in long
    ]
