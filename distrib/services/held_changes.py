"""Changes of where money goes (待生效变更): by one person they wait, by a second one they hold at once.

An account of a shop, the address of a webhook, the withholding and the policy of a program. What was in force stays so
until the change is due or approved; anybody who may propose may cancel. What a change does is its noun's business.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from distrib.domain.json_values import JsonObject
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.encryption import Sealer
from distrib.services.refusals import ChangeInForce, ChangeUnknown
from distrib.store import held_changes as rows
from distrib.store.held_changes import DueChange, HeldChangeEnd, HeldChangeRow, NewHeldChange, SealedContent
from distrib.store.network import shops
from distrib.store.recorded import Recorded
from distrib.store.webhooks import endpoints

__all__ = ["DueChange", "HeldChangeRow"]

PAYEE, WEBHOOK, PROGRAM = "payee", "webhook", "program"
APPROVED, DUE, CANCELLED, REPLACED, ERASED = "approved", "due", "cancelled", "replaced", "erased"
PROPOSER_REVOKED, REFUSED = "proposer_revoked", "refused"
OPEN: Final = "open"
OUTCOMES: Final = (APPROVED, DUE, CANCELLED, REPLACED, ERASED, PROPOSER_REVOKED, REFUSED)
CLOCK: Final = "clock"
"""Who ends a change whose days are over."""
IN_FORCE: Final = (APPROVED, DUE)
PROGRAM_NO: Final = 0
_CHUNK = 500
_NEWEST = 2**62


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A change that waits, as its subject shows it: which fields are to be others, and from when on they are."""

    id: str
    fields: Sequence[str]
    proposed_at: datetime
    proposed_by: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A change among others: whose it is, and how it ended."""

    id: str
    kind: str
    fields: Sequence[str]
    status: str
    proposed_at: datetime
    proposed_by: str
    due_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    shop_id: str | None
    webhook_id: str | None


@dataclass(frozen=True, slots=True)
class ChangeDraft:
    """A change that is to wait.

    Args:
        content: what its subject is to be, as JSON can hold it.
        fields: the names of what is to be another.
    """

    kind: str
    subject_no: int
    content: Mapping[str, object]
    fields: Sequence[str]


def hold(unit: Unit, draft: ChangeDraft, sealer: Sealer | None) -> None:
    """Records a change that waits ``program.payee_hold_days``, in place of the one that was open.

    The subject is locked by whoever calls. What the command line changes waits no time: whoever runs the machine has
    the database, too.

    Args:
        sealer: seals the content as long as it waits; None: it holds nothing personal.
    """
    kind, subject_no = draft.kind, draft.subject_no
    before = open_change(unit.conn, unit.program, kind, subject_no)
    if before is not None:
        end(unit, before, REPLACED, unit.actor.key_id)
    days = 0 if unit.actor.key_id == COMMAND_LINE.key_id else unit.program.payee_hold_days
    due_at = unit.now + timedelta(days=days)
    plain = json.dumps(draft.content, ensure_ascii=False).encode()
    kept = plain if sealer is None else sealer.seal(plain, _place(unit.program, kind, subject_no))
    change = NewHeldChange(kind, subject_no, list(draft.fields), kept, due_at)
    rows.insert_change(unit.conn, unit.program_id, change, unit.recorded)


def open_change(conn: Connection, program: Program, kind: str, subject_no: int) -> HeldChangeRow | None:
    """Reads the change about a subject that is open; None where nothing waits."""
    change = newest_change(conn, program, kind, subject_no)
    return change if change is not None and change.outcome is None else None


def newest_change(conn: Connection, program: Program, kind: str, subject_no: int) -> HeldChangeRow | None:
    """Reads the newest change about a subject, open or ended; None without one."""
    return rows.newest(conn, program.program_id, kind, subject_no)


def content_of(program: Program, change: HeldChangeRow, sealer: Sealer | None) -> JsonObject:
    """Reads what an open change is to be; ``sealer`` as it was given to ``hold``."""
    if change.content is None:
        raise AssertionError("an open change has its content")
    place = _place(program, change.kind, change.subject_no)
    opened = change.content if sealer is None else sealer.open(change.content, place)
    content: JsonObject = json.loads(opened)
    return content


def end(unit: Unit, change: HeldChangeRow, outcome: str, by: str, payee_version: int | None = None) -> None:
    """Records how an open change ended; its content is gone."""
    ended = HeldChangeEnd(outcome, payee_version)
    rows.end_change(unit.conn, unit.program_id, change, ended, Recorded(unit.now, by))


def must_be_open(conn: Connection, program: Program, kind: str, subject_no: int) -> HeldChangeRow | None:
    """Reads the open change about a subject; None where the newest one holds already, so that its approval may repeat.

    Raises:
        Refusal: ``change_unknown`` where nothing waits and nothing of it holds.
    """
    change = newest_change(conn, program, kind, subject_no)
    if change is not None and change.outcome in IN_FORCE:
        return None
    if change is None or change.outcome is not None:
        raise ChangeUnknown()
    return change


def cancel(unit: Unit, kind: str, subject_no: int) -> None:
    """Ends the open change about a subject, whose lock is held; again it changes nothing.

    Raises:
        Refusal: ``change_unknown``, or ``change_in_force`` where it holds already.
    """
    change = newest_change(unit.conn, unit.program, kind, subject_no)
    if change is not None and change.outcome in IN_FORCE:
        raise ChangeInForce()
    if change is None or change.outcome not in (None, CANCELLED):
        raise ChangeUnknown()
    if change.outcome is None:
        end(unit, change, CANCELLED, unit.actor.key_id)


def change_view(change: HeldChangeRow, shop_id: str | None, webhook_id: str | None) -> ChangeView:
    """A change as it is shown: never what it is to be."""
    return ChangeView(
        id=id_of(change),
        kind=change.kind,
        fields=change.fields,
        status=change.outcome or OPEN,
        proposed_at=change.proposed_at,
        proposed_by=change.proposed_by,
        due_at=change.due_at,
        ended_at=change.ended_at,
        ended_by=change.ended_by,
        shop_id=shop_id,
        webhook_id=webhook_id,
    )


def pending_view(change: HeldChangeRow | None) -> PendingChange | None:
    """The change that waits, as its subject shows it; None where none does."""
    if change is None:
        return None
    return PendingChange(id_of(change), change.fields, change.proposed_at, change.proposed_by, change.due_at)


def id_of(change: HeldChangeRow) -> str:
    """The id of a change as it is shown."""
    return f"chg_{change.change_no}"


def list_changes(
    conn: Connection, program: Program, before_no: int | None, limit: int, *, is_open: bool
) -> tuple[list[ChangeView], int | None]:
    """Lists changes, or the open ones alone, the newest first, and before what number the next page begins."""
    changes = rows.list_changes(conn, program.program_id, before_no or _NEWEST, limit + 1, is_open=is_open)
    page = changes[:limit]
    shop_ids = shops.ids_of(conn, program.program_id, _subjects(page, PAYEE))
    webhook_ids = endpoints.ids_of(conn, program.program_id, _subjects(page, WEBHOOK))
    views = [
        change_view(
            change,
            shop_ids.get(change.subject_no) if change.kind == PAYEE else None,
            webhook_ids.get(change.subject_no) if change.kind == WEBHOOK else None,
        )
        for change in page
    ]
    return views, page[-1].change_no if len(changes) > limit else None


def due_changes(conn: Connection, now: datetime, limit: int) -> list[DueChange]:
    """Lists what is due over all programs, the longest waiting first."""
    return rows.due_changes(conn, now, limit)


def due_of_program(unit: Unit, kind: str) -> list[DueChange]:
    """Lists up to some hundreds that are due of one kind in a program."""
    return rows.due_of_program(unit.conn, unit.program_id, kind, unit.now, _CHUNK)


def reseal_contents(conn: Connection, program: Program, sealer: Sealer) -> int:
    """Seals the contents of all open changes with the newest data key; returns how many."""
    count, kind, subject_no = 0, "", 0
    while chunk := rows.contents_after(conn, program.program_id, kind, subject_no, _CHUNK):
        resealed = []
        for content in chunk:
            place = _place(program, content.kind, content.subject_no)
            resealed.append(SealedContent(*content[:3], sealer.seal(sealer.open(content.content, place), place)))
        rows.replace_contents(conn, program.program_id, resealed)
        count, kind, subject_no = count + len(chunk), chunk[-1].kind, chunk[-1].subject_no
    return count


def _subjects(changes: Sequence[HeldChangeRow], kind: str) -> list[int]:
    return [change.subject_no for change in changes if change.kind == kind]


def _place(program: Program, kind: str, subject_no: int) -> bytes:
    return f"change {program.program_id} {kind} {subject_no}".encode()
