"""Adjustments by hand (调整): proposed by one key with a reason, posted by another person's approval.

An approved adjustment is a transfer of kind ``adjusted``, dated by its approval and available at once. It is never
changed; what was wrong is adjusted back. No SQL may enter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import is_identifier, is_storable_text
from distrib.domain.ledger import EXPENSE
from distrib.domain.money import MAX_MINOR
from distrib.domain.network.refusals import ShopUnknown
from distrib.domain.periods import counting
from distrib.domain.refusals import IdConflict
from distrib.domain.texts import Text
from distrib.services.context import Program, Unit, format_period
from distrib.services.idempotency import digest_of
from distrib.services.ledger.refusals import AdjustmentUnknown
from distrib.services.orders.commissions import commission_id
from distrib.services.programs.persons import check_second_person
from distrib.store.ledger import adjustments as rows
from distrib.store.ledger import books, postings
from distrib.store.ledger.adjustments import AdjustmentRow, NewAdjustment
from distrib.store.ledger.postings import Entry
from distrib.store.network import shops
from distrib.store.recorded import Part

PROPOSED, APPROVED = "proposed", "approved"
MOST_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class AdjustmentDraft:
    """An adjustment as it is sent; an amount below zero takes from the shop."""

    id: str
    shop_id: str
    amount_minor: int
    reason: str


@dataclass(frozen=True, slots=True)
class AdjustmentView:
    """An adjustment as it is shown, with the commission that its approval made."""

    id: str
    shop_id: str
    amount_minor: int
    currency: str
    reason: str
    status: str
    proposed_at: datetime
    proposed_by: str
    approved_at: datetime | None
    approved_by: str | None
    period: str | None
    commission_id: str | None


def propose_adjustment(unit: Unit, draft: AdjustmentDraft) -> tuple[AdjustmentView, bool]:
    """Records a proposed adjustment; nothing moves until another person approves it.

    Returns:
        The adjustment, and whether it is new; the same sent again answers as it stands.

    Raises:
        Refusal: ``invalid``, ``shop_unknown``, or ``id_conflict`` where the id has other content.
    """
    _check(draft)
    content = {"shop_id": draft.shop_id, "amount_minor": draft.amount_minor, "reason": draft.reason}
    digest, shop_id = digest_of(content), draft.shop_id
    shop = shops.by_ids(unit.conn, unit.program_id, [shop_id]).get(shop_id)
    if shop is None:
        raise ShopUnknown(id=shop_id)
    proposed = NewAdjustment(draft.id, digest, shop.shop_no, draft.amount_minor, draft.reason)
    is_new = rows.insert_adjustment(unit.conn, unit.program_id, proposed, unit.recorded)
    row = _find(unit.conn, unit.program, draft.id)
    if row.digest != digest:
        raise IdConflict(id=draft.id)
    return _view(unit.program, row), is_new


def approve_adjustment(unit: Unit, adjustment_id: str) -> AdjustmentView:
    """Posts an adjustment that another person proposed; approved again it stays as it stands.

    Raises:
        Refusal: ``adjustment_unknown``, or what ``check_second_person`` raises.
    """
    row = _find(unit.conn, unit.program, adjustment_id)
    is_approved = row.approved_at is not None
    check_second_person(unit, row.proposed_by, is_decided=is_approved)
    if not is_approved:
        _post(unit, row)
    return _view(unit.program, _find(unit.conn, unit.program, adjustment_id))


def get_adjustment(conn: Connection, program: Program, adjustment_id: str) -> AdjustmentView:
    """Reads one adjustment by id; raises ``adjustment_unknown``."""
    return _view(program, _find(conn, program, adjustment_id))


def list_adjustments(
    unit: Unit, shop_id: str | None, status: str | None, after: int | None, limit: int
) -> tuple[list[AdjustmentView], int | None]:
    """Lists adjustments in the order they were proposed, and after what number the next page begins."""
    approved = None if status is None else status == APPROVED
    adjustments = rows.list_adjustments(unit.conn, unit.program_id, shop_id, approved, Part(after or 0, limit + 1))
    page = adjustments[:limit]
    return [_view(unit.program, row) for row in page], page[-1].adjustment_no if len(adjustments) > limit else None


def _check(draft: AdjustmentDraft) -> None:
    problems = []
    if not is_identifier(draft.id):
        problems.append(Problem("/id", Text("must be an id of 1 to 64 characters")))
    if not 0 < abs(draft.amount_minor) <= MAX_MINOR:
        words = Text("must not be 0 and at most {most} either way", most=MAX_MINOR)
        problems.append(Problem("/amount_minor", words))
    reason = draft.reason
    if not is_storable_text(reason) or not reason.strip() or len(reason) > MOST_CHARACTERS:
        problems.append(Problem("/reason", Text("must have 1 to {most} characters", most=MOST_CHARACTERS)))
    if problems:
        raise Refusal("invalid", problems)


def _post(unit: Unit, row: AdjustmentRow) -> None:
    closed_through = books.hold_open(unit.conn, unit.program_id)
    period, late_from = counting(unit.period, closed_through)
    if not rows.insert_approval(unit.conn, unit.program_id, row.adjustment_no, period, unit.recorded):
        return
    debit, credit = (EXPENSE, row.shop_no) if row.amount_minor > 0 else (row.shop_no, EXPENSE)
    entry = Entry(
        row.adjustment_no, 1, "adjusted", debit, credit, abs(row.amount_minor), unit.now, unit.now, period, late_from
    )
    postings.post_entries(unit.conn, unit.program_id, [entry])


def _find(conn: Connection, program: Program, adjustment_id: str) -> AdjustmentRow:
    row = rows.find_adjustment(conn, program.program_id, adjustment_id) if is_identifier(adjustment_id) else None
    if row is None:
        raise AdjustmentUnknown(id=adjustment_id)
    return row


def _view(program: Program, row: AdjustmentRow) -> AdjustmentView:
    is_approved = row.approved_at is not None
    return AdjustmentView(
        id=row.adjustment_id,
        shop_id=row.shop_id,
        amount_minor=row.amount_minor,
        currency=program.currency,
        reason=row.reason,
        status=APPROVED if is_approved else PROPOSED,
        proposed_at=row.proposed_at,
        proposed_by=row.proposed_by,
        approved_at=row.approved_at,
        approved_by=row.approved_by,
        period=None if row.period is None else format_period(row.period),
        commission_id=commission_id(row.adjustment_no, 1) if is_approved else None,
    )
