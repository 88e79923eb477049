"""Records penalties for organising or leading pyramid selling, and withdraws them by a new row.

A penalty is recorded by a person with the decision it rests on; the monitors read those in force.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import MAX_ID, MAX_TEXT, is_identifier, is_storable_text
from distrib.domain.network.refusals import ShopUnknown
from distrib.domain.penalties import (
    IN_FORCE,
    KINDS,
    LAPSED,
    WITHDRAWN,
    earliest_in_force,
    is_in_force,
    lapses_on,
)
from distrib.domain.refusals import IdConflict
from distrib.domain.texts import Text
from distrib.services.compliance.refusals import PenaltyUnknown, PenaltyWithdrawn
from distrib.services.context import Program, Unit
from distrib.services.idempotency import digest_of
from distrib.store.compliance import penalties as store
from distrib.store.compliance.penalties import NewPenalty, PenaltyRow, StandingPenalty
from distrib.store.network import shops
from distrib.store.recorded import Part

CONTENT = ("shop_id", "organiser_id", "kind", "decided_on", "authority", "reference", "reason")


@dataclass(frozen=True, slots=True)
class PenaltyDraft:
    """A penalty as it is sent: about the person who runs a shop, or about an organiser, exactly one of them."""

    id: str
    kind: str
    decided_on: date | None
    reason: str
    shop_id: str | None = None
    organiser_id: str | None = None
    authority: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class PenaltyView:
    """A penalty, and its withdrawal where there is one; ``status`` is that of an instant."""

    id: str
    shop_id: str | None
    organiser_id: str | None
    kind: str
    decided_on: str
    lapses_on: str | None
    authority: str | None
    reference: str | None
    reason: str
    status: str
    recorded_at: datetime
    recorded_by: str
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    withdrawal_reason: str | None


def record_penalty(unit: Unit, draft: PenaltyDraft) -> tuple[PenaltyView, bool]:
    """Records a penalty that was decided about the person who runs a shop, or about an organiser.

    Args:
        draft: ``id`` and what ``CONTENT`` names; exactly one of ``shop_id`` and ``organiser_id``, which no shop
            has to name yet.

    Returns:
        The penalty, and whether it is new; the same sent again answers as it stands.

    Raises:
        Refusal: ``invalid`` with all that is wrong, ``shop_unknown``, or ``id_conflict`` for an id with other content.
    """
    decided_on = _check(unit.program, draft, unit.now)
    content = {name: getattr(draft, name) for name in CONTENT}
    digest, shop_id = digest_of(content), draft.shop_id
    shop = None if shop_id is None else shops.by_ids(unit.conn, unit.program_id, [shop_id]).get(shop_id)
    if shop_id is not None and shop is None:
        raise ShopUnknown(id=shop_id)
    shop_no = None if shop is None else shop.shop_no
    penalty = NewPenalty(
        draft.id,
        digest,
        shop_no,
        draft.organiser_id,
        draft.kind,
        decided_on,
        draft.authority,
        draft.reference,
        draft.reason,
    )
    is_new = store.insert_penalty(unit.conn, unit.program_id, penalty, unit.now, unit.actor.key_id)
    row = _find(unit.conn, unit.program, draft.id)
    if row.digest != digest:
        raise IdConflict(id=draft.id)
    return penalty_view(unit.program, row, unit.now), is_new


def withdraw_penalty(unit: Unit, penalty_id: str, reason: str) -> PenaltyView:
    """Records that a decision no longer stands, such as one annulled on appeal; from now on it counts nowhere.

    Raises:
        Refusal: ``penalty_unknown``, ``invalid``, or ``penalty_withdrawn`` where that was done for another reason.
    """
    row = _find(unit.conn, unit.program, penalty_id)
    problems = list(_text_problems("reason", reason))
    if problems:
        raise Refusal("invalid", problems)
    store.insert_withdrawal(unit.conn, unit.program_id, row.penalty_no, reason, unit.recorded)
    row = _find(unit.conn, unit.program, penalty_id)
    if row.withdrawal_reason != reason:
        raise PenaltyWithdrawn(id=penalty_id)
    return penalty_view(unit.program, row, unit.now)


def get_penalty(unit: Unit, penalty_id: str) -> PenaltyView:
    """Reads a penalty as it stands now; raises ``penalty_unknown``."""
    return penalty_view(unit.program, _find(unit.conn, unit.program, penalty_id), unit.now)


def list_penalties(
    unit: Unit, shop_id: str | None, organiser_id: str | None, after: int | None, limit: int
) -> tuple[list[PenaltyView], int | None]:
    """Lists a page of penalties in the order they were recorded, and the number after which the next page begins."""
    rows = store.list_penalties(unit.conn, unit.program_id, shop_id, organiser_id, Part(after or 0, limit + 1))
    page = rows[:limit]
    return [penalty_view(unit.program, row, unit.now) for row in page], page[-1].penalty_no if len(
        rows
    ) > limit else None


def in_force_at(conn: Connection, program: Program, as_of: datetime) -> list[StandingPenalty]:
    """Lists the penalties that counted at an instant, as they were recorded by then."""
    day = program.day_of(as_of)
    standing = store.standing_penalties_at(conn, program.program_id, as_of, earliest_in_force(day))
    return [penalty for penalty in standing if is_in_force(penalty.kind, penalty.decided_on, day)]


def penalty_view(program: Program, row: PenaltyRow, as_of: datetime) -> PenaltyView:
    """Shows a penalty; ``status`` is that of the instant."""
    until = lapses_on(row.kind, row.decided_on)
    return PenaltyView(
        id=row.penalty_id,
        shop_id=row.shop_id,
        organiser_id=row.organiser_id,
        kind=row.kind,
        decided_on=row.decided_on.isoformat(),
        lapses_on=None if until is None else until.isoformat(),
        authority=row.authority,
        reference=row.reference,
        reason=row.reason,
        status=_status(program, row, as_of),
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
        withdrawn_at=row.withdrawn_at,
        withdrawn_by=row.withdrawn_by,
        withdrawal_reason=row.withdrawal_reason,
    )


def _status(program: Program, row: PenaltyRow, as_of: datetime) -> str:
    if row.withdrawn_at is not None:
        return WITHDRAWN
    return IN_FORCE if is_in_force(row.kind, row.decided_on, program.day_of(as_of)) else LAPSED


def _find(conn: Connection, program: Program, penalty_id: str) -> PenaltyRow:
    row = store.find_penalty(conn, program.program_id, penalty_id) if is_identifier(penalty_id) else None
    if row is None:
        raise PenaltyUnknown(id=penalty_id)
    return row


def _check(program: Program, draft: PenaltyDraft, now: datetime) -> date:
    """Checks a draft and raises every problem at once: the command line has no schema. Returns its day."""
    problems = []
    if not is_identifier(draft.id):
        problems.append(Problem("/id", Text("must be an id of 1 to 64 characters")))
    if (draft.shop_id is None) == (draft.organiser_id is None):
        words = Text("give shop_id or organiser_id, not both")
        problems.append(Problem("/shop_id", words))
    elif draft.shop_id is None:
        problems += _text_problems("organiser_id", draft.organiser_id, MAX_ID)
    if draft.kind not in KINDS:
        problems.append(Problem("/kind", Text("must be one of {choices}", "field", choices=", ".join(KINDS))))
    if draft.decided_on is None or draft.decided_on > program.day_of(now):
        problems.append(Problem("/decided_on", Text("must be a day, today at the latest")))
    for name in ("authority", "reference", "reason"):
        if name == "reason" or getattr(draft, name) is not None:
            problems += _text_problems(name, getattr(draft, name))
    if problems or draft.decided_on is None:
        raise Refusal("invalid", problems)
    return draft.decided_on


def _text_problems(name: str, value: object, most: int = MAX_TEXT) -> list[Problem]:
    if isinstance(value, str) and is_storable_text(value, most) and value.strip():
        return []
    return [Problem(f"/{name}", Text("must have 1 to {most} characters", most=most))]
