"""Exports a program's history to a directory: every month of every kind as a file, all as of one instant. No SQL.

Files are named after their content and the manifest is replaced last, so that an export that is killed leaves the
directory as good as it was. Books that are closed do not change: a month of closed books whose file stands with the
digest of the manifest, and that has as many rows as then, is not written again. Late facts of a closed month count in
a later one, but their rows stand where they belong; they make its rows more, and then it is.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection

from distrib.domain.penalties import lapses_on
from distrib.domain.periods import next_period
from distrib.domain.policies.policy import Policy
from distrib.failpoints import reach
from distrib.services.context import Program, Unit, period_bounds
from distrib.services.history import manifest as kept
from distrib.services.history.manifest import FileEntry, Manifest, ProgramEntry, PublishedPlan
from distrib.services.history.orders import failed_pages, settled_pages
from distrib.services.history.refusals import HistoryBusy, HistoryOfAnother, HistoryUnwritable
from distrib.services.history.schema import COLUMNS, FAILED, ORDERS, PAYEES, WHOLE, Columns
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import load_timeline
from distrib.services.policies import signed_overrides
from distrib.store.history import rows
from distrib.store.history import standing as standing_rows
from distrib.store.history.rows import MonthRows, MonthSpan
from distrib.store.history.standing import PenaltySpan
from distrib.store.simulations import history

ROWS_AT_ONCE: Final = 10_000
_EARLIEST: Final = 197001
_LOCK: Final = ".lock"
_NO_MONTH: Final = 0
Progress = Callable[[str, int], None]


class Exported(NamedTuple):
    """What an export came to: its manifest, the files that were written, and those that were found good and kept."""

    manifest: Manifest
    written: Sequence[FileEntry]
    kept: Sequence[FileEntry]


def export_history(
    unit: Unit,
    policies: Mapping[str, Policy],
    directory: Path,
    progress: Progress = lambda _path, _rows: None,
) -> Exported:
    """Writes the history of a program into a directory, which is made where it is not there.

    Args:
        unit: in a transaction that ``enter_history`` opened; the extra ``parquet`` is there (``extras.must_have``).
        progress: is told of each file that was written, and how many rows it has.

    Raises:
        Refusal: ``history_unwritable``, ``history_busy`` or ``history_of_another``.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _alone(directory):
            return _export(unit, policies, directory, progress)
    except OSError as error:
        raise HistoryUnwritable(reason=_words(error, directory)) from error


def _export(unit: Unit, policies: Mapping[str, Policy], directory: Path, progress: Progress) -> Exported:
    conn, program = unit.conn, unit.program
    before = kept.find_manifest(directory)
    if before is not None and before.program.code != program.code:
        raise HistoryOfAnother(directory=directory, code=before.program.code)
    number = program.program_id
    closed, merges = rows.closed_through(conn, number), rows.merges_known(conn, number)
    standing = {(file.kind, file.period): file for file in before.files} if before is not None else {}
    if before is not None and before.merges != merges:
        standing = {place: file for place, file in standing.items() if file.kind != ORDERS}
    about = {"distrib.program": program.code, "distrib.currency": program.currency}
    files, written = [], []
    is_later = False
    for kind, month in _months(conn, program, unit.now):
        known = None if kind == ORDERS and is_later else standing.get((kind, month.period))
        if known is not None and month.period <= closed and known.rows == month.rows and _is_good(directory, known):
            files.append(known)
            continue
        # A late order is one more before each later order of its customer.
        is_later = is_later or kind == ORDERS
        files.append(_write(directory, kind, month.period, about, _pages(conn, program, kind, month)))
        written.append(files[-1])
        progress(files[-1].path, files[-1].rows)
        reach("history.written")
    for kind in WHOLE:
        files.append(_write(directory, kind, _NO_MONTH, about, _whole(conn, program, policies, kind)))
        written.append(files[-1])
    packs = [
        kept.FormerPack(code, kept.instant_text(until)) for code, until in standing_rows.packs_before(conn, number)
    ]
    evaluations = [
        kept.EvaluatedMonth(month.period, kept.instant_text(month.effective_at), month.ranks_seq)
        for month in standing_rows.evaluations(conn, number)
    ]
    waiting = standing_rows.waiting_from(conn, number)
    manifest = Manifest(
        _settings(program),
        kept.instant_text(unit.now),
        history.last_event(conn, number),
        closed,
        merges,
        sorted(signed_overrides(conn)),
        _published(conn, program),
        packs,
        evaluations,
        None if waiting is None else waiting.isoformat(),
        files,
    )
    kept.write_manifest(directory, manifest)
    _remove_others(directory, files)
    names = {file.path for file in written}
    return Exported(manifest, written, [file for file in files if file.path not in names])


def _months(conn: Connection, program: Program, now: datetime) -> Iterator[tuple[str, MonthRows]]:
    """Every month of every kind that has rows."""
    periods = [_EARLIEST]
    last = next_period(program.period_of(now))
    while periods[-1] < last:
        periods.append(next_period(periods[-1]))
    firsts = [period_bounds(period, program.zone)[0].astimezone(UTC) for period in periods]
    for kind in COLUMNS:
        if kind not in WHOLE:
            for month in rows.count_by_month(conn, program.program_id, kind, firsts, periods):
                yield kind, month


def _pages(conn: Connection, program: Program, kind: str, month: MonthRows) -> Iterator[Columns]:
    start, end = (bound.astimezone(UTC) for bound in period_bounds(month.period, program.zone))
    start = datetime.min.replace(tzinfo=UTC) if month.period == _EARLIEST else start
    span = MonthSpan(month.period, start, end, month.low, month.high)
    if kind == ORDERS:
        yield from settled_pages(conn, program, span)
        return
    names = [column.name for column in COLUMNS[kind]]
    for page in rows.month_rows(conn, program.program_id, kind, span, ROWS_AT_ONCE):
        yield dict(zip(names, zip(*page, strict=True), strict=True))


def _whole(conn: Connection, program: Program, policies: Mapping[str, Policy], kind: str) -> Iterator[Columns]:
    """The rows of a kind that is written anew by each export."""
    if kind == FAILED:
        published = TermsBook(program, load_timeline(conn, program), policies)
        yield from failed_pages(conn, program, published, policies)
        return
    names = [column.name for column in COLUMNS[kind]]
    pages: Iterable[Sequence[tuple[object, ...]]]
    if kind == PAYEES:
        pages = standing_rows.payee_rows(conn, program.program_id, ROWS_AT_ONCE)
    else:
        pages = [[_counting(program, penalty) for penalty in standing_rows.penalties(conn, program.program_id)]]
    for page in pages:
        if page:
            yield dict(zip(names, zip(*page, strict=True), strict=True))


def _counting(program: Program, penalty: PenaltySpan) -> tuple[int, int | None, str | None, datetime, datetime | None]:
    """From when to when a penalty counts; neither what it was for nor who decided it."""
    lapses = lapses_on(penalty.kind, penalty.decided_on)
    lapsed = None if lapses is None else datetime.combine(lapses, time(), program.zone).astimezone(UTC)
    ends_at = min((end for end in (penalty.withdrawn_at, lapsed) if end is not None), default=None)
    return (
        penalty.penalty_no,
        penalty.shop_no,
        penalty.organiser_id,
        penalty.recorded_at,
        ends_at,
    )


def _write(
    directory: Path,
    kind: str,
    period: int,
    about: Mapping[str, str],
    pages: Iterable[Columns],
) -> FileEntry:
    from distrib.services.history.parquet import write_month  # noqa: PLC0415 - an extra, asked for before

    paid, settled = _Between("paid_at"), _Between("settled_at")
    (directory / kind).mkdir(exist_ok=True)
    file = write_month(directory / kind, kind, period, about, settled.watch(paid.watch(pages)))
    kept.sync_directory(directory / kind)
    return FileEntry(kind, period, *file, *paid.bounds, *settled.bounds)


class _Between:
    """Between which instants of a column the rows of a file lie."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._instants: list[datetime] = []

    @property
    def bounds(self) -> tuple[str | None, str | None]:
        """The earliest and the latest; None where there is none."""
        if not self._instants:
            return None, None
        return kept.instant_text(self._instants[0]), kept.instant_text(self._instants[-1])

    def watch(self, pages: Iterable[Columns]) -> Iterator[Columns]:
        """Passes pages on."""
        for page in pages:
            known = [instant for instant in page.get(self._column, ()) if isinstance(instant, datetime)]
            if known:
                self._instants = [
                    min([*self._instants, *known]),
                    max([*self._instants, *known]),
                ]
            yield page


def _is_good(directory: Path, file: FileEntry) -> bool:
    path = directory / file.path
    return path.exists() and path.stat().st_size == file.bytes and kept.digest_of_file(path) == file.sha256


def _settings(program: Program) -> ProgramEntry:
    """Of the program what its history needs; nothing of how it is run."""
    return ProgramEntry(program.program_id, program.code, program.currency, program.time_zone, program.policy)


def _published(conn: Connection, program: Program) -> list[PublishedPlan]:
    return [
        PublishedPlan(
            entry.version_no,
            entry.code,
            entry.version,
            kept.instant_text(entry.effective_from),
            entry.plan.document,
        )
        for entry in load_timeline(conn, program).entries
    ]


def _remove_others(directory: Path, files: Sequence[FileEntry]) -> None:
    """Removes files that the manifest does not name: of months written again, and of exports that were killed."""
    named = {file.path for file in files}
    for kind in COLUMNS:
        for path in sorted((directory / kind).glob(f"{kind}-*")):
            if f"{kind}/{path.name}" not in named:
                path.unlink()


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Keeps other exports out of a directory; the lock goes with the process."""
    with (directory / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HistoryBusy(directory=directory) from error
        yield


def _words(error: OSError, directory: Path) -> str:
    return f"{error.filename or directory}: {error.strerror or error}"
