"""The rows of each event of a file as one, wherever they stand; or why they are not one.

What stands twice with the same content counts once, for everything may be sent twice. What contradicts itself is
refused as a whole, before anything of it is kept: a first part that were accepted could never be sent right again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from distrib.cli.imports.records import Record, RecordsFile
from distrib.cli.imports.runs import RowRun, RunIndex
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.services.orders.codec import MAX_LINES

MAX_NAMED = 12
"""Problems that one reason names; each row says its own line besides."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The rows of one event.

    Args:
        records: its rows; of what is refused, at most ``MAX_LINES`` of them.
        fault: why they are no event.
        repeats: how many times it stands again in the file, with the same content.
        is_first: whether these are its first rows; the rest of what is refused follows.
    """

    records: list[Record]
    fault: str | None = None
    repeats: int = 0
    is_first: bool = True


Contradictions = Callable[[Sequence[Record]], list[Text]]
"""What is wrong with rows as the rows of one event."""


def gather_rows(
    source: RecordsFile, index: RunIndex, contradictions: Contradictions, may_repeat: bool = True
) -> Iterator[Gathered]:
    """Gathers the rows of each event of a CSV file, events in the order of their first rows.

    Args:
        may_repeat: whether rows that stand twice apart are the same fact; where lines have no ids they may be two.
    """
    for runs in index:
        kept, repeats, faults = _distinct(source, runs)
        if repeats and not may_repeat:
            faults = [*faults, Text("rows stand twice apart, and lines without ids cannot be told apart")]
        faults = faults or contradictions(kept)
        if faults:
            yield from _refused(source, runs, faults)
        else:
            yield Gathered(kept, repeats=repeats)


def gather_records(source: RecordsFile, index: RunIndex, digest_of: Callable[[Record], bytes]) -> Iterator[Gathered]:
    """Gathers the NDJSON records of each event: each is whole, so all have to say the same.

    Args:
        digest_of: is equal for records of equal content.
    """
    for runs in index:
        first, *later = runs
        record = source.read(first.offset, first.line)
        known = digest_of(record) if later else b""
        unlike = [run.line for run in later if digest_of(source.read(run.offset, run.line)) != known]
        if unlike:
            lines = [str(line) for line in unlike[:MAX_NAMED]] + ["…"] * (len(unlike) > MAX_NAMED)
            text = Text("line {line} has the same id with other content: lines {lines}", line=first.line, lines=lines)
            yield from _refused(source, runs, [text])
        else:
            yield Gathered([record], None if record.fault is None else render_both(record.fault), len(later))


def plain_digest(record: Record) -> bytes:
    """Computes a digest of a record as it stands."""
    text = json.dumps([record.values, record.partial, record.fault], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _distinct(source: RecordsFile, runs: Iterable[RowRun]) -> tuple[list[Record], int, list[Text]]:
    """Reads the runs that differ, counts how often the others stand again, and says what keeps them from an event."""
    kept: list[Record] = []
    seen: Counter[tuple[object, ...]] = Counter()
    faults: list[Text] = []
    for run in runs:
        if run.beside is not None:
            faults.append(Text("line {line} beside it has no id that can be read, and may be of it", line=run.beside))
        records = list(run._replace(rows=min(run.rows, MAX_LINES + 1)).read(source))
        content = tuple((*record.values.items(), *record.partial.items()) for record in records)
        seen[content] += 1
        if seen[content] > 1:
            continue
        faults += [
            Text("line {line}: {fault}", line=record.line, fault=record.fault) for record in records if record.fault
        ]
        kept += records
        if len(kept) > MAX_LINES:
            return kept, 0, [*faults, Text("has more than {most} rows", most=MAX_LINES)]
    return kept, max(seen.values()) - 1, faults


def _refused(source: RecordsFile, runs: Iterable[RowRun], faults: Sequence[Text]) -> Iterator[Gathered]:
    """Reads all rows of what is refused, as many at a time as an event may have."""
    named = [render_both(fault) for fault in faults[:MAX_NAMED]] + ["…"] * (len(faults) > MAX_NAMED)
    reason = "; ".join(named)
    piece: list[Record] = []
    is_first = True
    for run in runs:
        for record in run.read(source):
            piece.append(record)
            if len(piece) == MAX_LINES:
                yield Gathered(piece, reason, is_first=is_first)
                piece, is_first = [], False
    if piece:
        yield Gathered(piece, reason, is_first=is_first)
