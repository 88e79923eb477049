"""Files of ``distrib payout``: results that a channel gave, and what is written for it. No rule may enter."""

from __future__ import annotations

import csv
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from distrib.domain.errors import Problem, Refusal
from distrib.domain.payouts.channels import Channel
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.services.payouts import result_files
from distrib.services.payouts.result_files import ReadRow
from distrib.services.payouts.sheet import ResultDraft


def read_results(
    file: Path, channel: Channel, encoding: str, ignored: Collection[str] = ()
) -> tuple[list[ResultDraft], int]:
    """Reads the results of a CSV with a header, or of newline-delimited JSON where the name ends in json.

    Args:
        encoding: of the file; a UTF-8 one may begin with a byte order mark.
        ignored: further columns that are passed over.

    Returns:
        As ``services.payouts.result_files.read_results``, which raises what is wrong.
    """
    try:
        return result_files.read_results(_rows(file, encoding), channel, file.name, ignored)
    except Refusal as refusal:
        refusal.listing([Problem(entry.pointer, render_both(entry.detail)) for entry in refusal.problems])
        raise


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


def _rows(file: Path, encoding: str) -> Iterator[ReadRow]:
    try:
        with file.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as lines:
            is_json = file.suffix.lower() in (".json", ".ndjson", ".jsonl")
            yield from result_files.rows_of_json(lines) if is_json else result_files.rows_of_csv(lines)
    except UnicodeDecodeError as error:
        words = Text("is not {encoding}; name another with --encoding", encoding=encoding)
        raise Refusal("invalid", [Problem(file.name, words)]) from error
    except (ValueError, csv.Error) as error:
        raise Refusal("invalid", [Problem(file.name, Text("{problem}", "file", problem=str(error)[:200]))]) from error
