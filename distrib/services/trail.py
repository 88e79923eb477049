"""The trail: who changed what, and who read what of people. Begin with ``note``.

A row is written in the transaction of the change, so that neither is without the other. What a row may show is decided
by ``distrib.domain.trail``; no SQL may enter.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from distrib.domain.json_values import Json
from distrib.domain.spreadsheet_cells import neutralised
from distrib.domain.trail import CHANGED, canonical, differing, shown
from distrib.services.context import Program, Unit, period_bounds
from distrib.store import trail as rows
from distrib.store.trail import TrailFilter, TrailRow

__all__ = ["Deed", "TrailFilter", "has_written", "hold_subject", "list_trail", "note", "note_many", "trail_file"]

CSV, NDJSON = "csv", "ndjson"
FORMATS: Final = (CSV, NDJSON)
_DIGEST_CHARACTERS = 32
_PIECE_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done or read: the operation, about what, with what, and the state before and after.

    Args:
        request_id: of the request, or of the command.
        subject: the id it is about; several parted by ``/``.
        sent: what was sent, as its fields; personal and secret ones too, which the trail leaves out.
        before: the state before, as fields; None where there was none or it is not told.
    """

    operation: str
    request_id: str
    kind: str = CHANGED
    subject: str | None = None
    shop_id: str | None = None
    sent: Mapping[str, object] | None = None
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None
    os_user: str | None = None


@dataclass(frozen=True, slots=True)
class TrailView:
    """A row of the trail as it is shown: who did what, about what, and the states as far as they may be shown."""

    no: int
    recorded_at: datetime
    actor: str
    owner: str
    role: str
    os_user: str | None
    request_id: str
    kind: str
    operation: str
    subject: str | None
    shop_id: str | None
    sent: Json
    before: Json
    after: Json
    digest: str


def hold_subject(conn: Connection, program: Program, subject: str) -> None:
    """Keeps others that are in the trail from the same subject, so that what is read before stands until the change."""
    rows.hold_subject(conn, program.program_id, subject)


def has_written(conn: Connection) -> bool:
    """Whether the transaction has changed anything."""
    return rows.has_written(conn)


def note(unit: Unit, deed: Deed, pepper: bytes) -> None:
    """Records a deed; call it last in the transaction of the change, for others then wait for its commit."""
    note_many(unit, [deed], pepper)


def note_many(unit: Unit, deeds: Sequence[Deed], pepper: bytes) -> None:
    """Records deeds of one call, each in a row, in their order; as ``note``."""

    def digest_of(text: str) -> str:
        content = f"trail\0{unit.program_id}\0{text}".encode()
        return hmac.digest(pepper, content, hashlib.sha256).hex()[:_DIGEST_CHARACTERS]

    def redacted(state: Mapping[str, object] | None) -> dict[str, object] | None:
        return None if state is None else shown(state, digest_of)

    def row_of(deed: Deed) -> TrailRow:
        before, after = differing(redacted(deed.before), redacted(deed.after))
        states = redacted(deed.sent), before, after
        sent, was, became = (None if state is None else canonical(state) for state in states)
        return TrailRow(
            unit.now,
            unit.actor.key_id,
            unit.actor.person or unit.actor.name,
            unit.actor.role,
            deed.os_user,
            deed.request_id,
            deed.kind,
            deed.operation,
            deed.subject,
            deed.shop_id,
            sent,
            was,
            became,
        )

    rows.insert_rows(unit.conn, unit.program_id, [row_of(deed) for deed in deeds])


def list_trail(
    conn: Connection, program: Program, wanted: TrailFilter, before_no: int | None, limit: int
) -> tuple[list[TrailView], int | None]:
    """Lists rows that pass a filter, the newest first, and before what number the next page begins."""
    kept = rows.list_rows(conn, program.program_id, wanted, before_no, limit + 1)
    return [trail_view(row) for row in kept[:limit]], kept[limit - 1].trail_no if len(kept) > limit else None


def trail_view(row: TrailRow) -> TrailView:
    """A row as it is shown."""
    return TrailView(
        no=row.trail_no,
        recorded_at=row.recorded_at,
        actor=row.actor,
        owner=row.owner,
        role=row.role,
        os_user=row.os_user,
        request_id=row.request_id,
        kind=row.kind,
        operation=row.operation,
        subject=row.subject,
        shop_id=row.shop_id,
        sent=_parsed(row.sent),
        before=_parsed(row.before),
        after=_parsed(row.after),
        digest=row.digest.hex(),
    )


def trail_file(conn: Connection, program: Program, period: int, form: str) -> Iterator[bytes]:
    """Yields the rows of a month (202603) as CSV or newline-delimited JSON, in their order.

    The states stand in both as JSON texts, byte for byte as they were digested, so that the chain can be recomputed.
    """
    from_at, to_at = period_bounds(period, program.zone)
    kept = rows.rows_of_span(conn, program.program_id, from_at, to_at)
    if form == CSV:
        yield from _csv(kept)
    else:
        yield from _ndjson(kept)


def _csv(kept: Iterator[TrailRow]) -> Iterator[bytes]:
    piece = io.StringIO()
    writer = csv.writer(piece, lineterminator="\n")
    writer.writerow(["no", *(name for name in TrailRow._fields if name != "trail_no")])
    for count, row in enumerate(kept, 1):
        writer.writerow([neutralised(value) if isinstance(value, str) else value for value in _flat(row).values()])
        if count % _PIECE_ROWS == 0:
            yield piece.getvalue().encode()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue().encode()


def _ndjson(kept: Iterator[TrailRow]) -> Iterator[bytes]:
    lines: list[str] = []
    for row in kept:
        lines.append(json.dumps(_flat(row), ensure_ascii=False))
        if len(lines) == _PIECE_ROWS:
            yield ("\n".join(lines) + "\n").encode()
            lines.clear()
    if lines:
        yield ("\n".join(lines) + "\n").encode()


def _flat(row: TrailRow) -> dict[str, object]:
    values: dict[str, object] = row._asdict() | {"recorded_at": _instant(row.recorded_at), "digest": row.digest.hex()}
    return {"no": values.pop("trail_no"), **values}


def _instant(instant: datetime) -> str:
    return instant.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _parsed(text: str | None) -> Json:
    parsed: Json = None if text is None else json.loads(text)
    return parsed
