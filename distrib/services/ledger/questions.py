"""Questions (提问): a shop's owner asks about one of its commissions, finance answers, either closes it.

What was said stays, an answer and a close as rows of their own, until the shop's personal data is erased: then the
words go, for they may hold names and numbers, and what is not closed is closed. No SQL may enter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from distrib.domain.identifiers import is_identifier
from distrib.domain.orders.refusals import CommissionUnknown
from distrib.domain.refusals import IdConflict
from distrib.services.context import Actor, Program, Unit
from distrib.services.ledger.refusals import QuestionDecided, QuestionsWaiting, QuestionUnknown
from distrib.services.orders.commissions import commission_id, place_of
from distrib.services.sharing.refusals import ShopGone
from distrib.store.ledger import questions as rows
from distrib.store.ledger.questions import NewQuestion, QuestionRow
from distrib.store.network import shops
from distrib.store.orders.commissions import find_commission
from distrib.store.recorded import Part
from distrib.store.sharing.codes import is_erased

OPEN, ANSWERED, CLOSED = STATES = ("open", "answered", "closed")
MOST_CHARACTERS: Final = 500
MOST_WAITING: Final = 20
"""So many questions of a shop may wait for an answer at once."""


@dataclass(frozen=True, slots=True)
class QuestionDraft:
    """A question as it is asked, about the commission of that id."""

    id: str
    commission_id: str
    words: str


@dataclass(frozen=True, slots=True)
class QuestionFilter:
    """Which questions are listed: of a shop, in a state, about one commission of the shop; None asks for all."""

    shop_id: str | None
    state: str | None
    commission: str | None


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question as the shop that asked sees it."""

    id: str
    shop_id: str
    status: str
    commission_id: str
    order_id: str | None
    amount_minor: int
    currency: str
    occurred_at: datetime
    text: str | None
    asked_at: datetime
    answer: str | None
    answered_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class QuestionWithHands(QuestionView):
    """A question with who had it in hand, which is not for the shop."""

    asked_by: str
    answered_by: str | None
    closed_by: str | None


def ask_question(unit: Unit, draft: QuestionDraft) -> tuple[QuestionView, bool]:
    """Records what a shop's owner asks; answers it, and whether it is new. The same asked again answers as it stands.

    Raises:
        Refusal: ``commission_unknown``, also for another shop's, ``id_conflict``, ``shop_gone`` where the shop is
            erased, or ``questions_waiting`` where ``MOST_WAITING`` of it wait.
    """
    shop = shops.lock(unit.conn, unit.program_id, unit.actor.shop_id) if unit.actor.shop_id is not None else None
    place = place_of(draft.commission_id)
    if shop is None or place is None or not find_commission(unit.conn, unit.program_id, place, shop.shop_no):
        raise CommissionUnknown(id=draft.commission_id)
    known = rows.find_question(unit.conn, unit.program_id, draft.id)
    if known is not None:
        asked = (known.shop_no, (known.cause_no, known.seq))
        if asked != (shop.shop_no, place) or known.words not in (draft.words, None):
            raise IdConflict(id=draft.id)
        return question_view(unit.program, known, unit.actor), False
    if is_erased(unit.conn, unit.program_id, shop.shop_id):
        raise ShopGone(id=shop.shop_id, state="erased")
    if rows.count_waiting(unit.conn, unit.program_id, shop.shop_no, MOST_WAITING) >= MOST_WAITING:
        raise QuestionsWaiting(most=MOST_WAITING)
    question = NewQuestion(draft.id, shop.shop_no, place, draft.words)
    if not rows.insert_question(unit.conn, unit.program_id, question, unit.recorded):
        raise IdConflict(id=draft.id)
    return question_view(unit.program, _find(unit, draft.id), unit.actor), True


def answer_question(unit: Unit, question_id: str, words: str) -> QuestionView:
    """Answers a question, once; the same answer again changes nothing.

    Raises:
        Refusal: ``question_unknown``, or ``question_decided`` where it has another answer or is closed.
    """
    row = _held(unit, question_id)
    if row.answered_at is None or row.answer != words:
        if row.state != OPEN:
            raise QuestionDecided(id=question_id, state=row.state)
        rows.insert_answer(unit.conn, unit.program_id, row.question_no, words, unit.recorded)
    return question_view(unit.program, _find(unit, question_id), unit.actor)


def close_question(unit: Unit, question_id: str) -> QuestionView:
    """Closes a question, answered or not: finance, or the shop that asked. Closed again it stays as it is.

    Raises:
        Refusal: ``question_unknown``, also for another shop's.
    """
    row = _held(unit, question_id)
    if row.state != CLOSED:
        rows.insert_close(unit.conn, unit.program_id, row.question_no, unit.now, unit.actor.key_id)
    return question_view(unit.program, _find(unit, question_id), unit.actor)


def get_question(unit: Unit, question_id: str) -> QuestionView:
    """Reads one question; raises ``question_unknown``, also for another shop's."""
    return question_view(unit.program, _find(unit, question_id), unit.actor)


def list_questions(
    unit: Unit, wanted: QuestionFilter, before: int | None, limit: int
) -> tuple[list[QuestionView], int | None]:
    """Lists questions, the newest first, and before what number the next page begins; an unknown shop has none."""
    shop_id, commission = wanted.shop_id, wanted.commission
    shop = None if shop_id is None else shops.by_ids(unit.conn, unit.program_id, [shop_id]).get(shop_id)
    if shop_id is not None and shop is None:
        return [], None
    shop_no = None if shop is None else shop.shop_no
    part = Part(before or 2**62, limit + 1)
    if commission is not None:
        place = place_of(commission)
        if place is None or shop_no is None:
            return [], None
        listed = rows.of_commission(unit.conn, unit.program_id, shop_no, place, part)
    else:
        listed = rows.list_questions(unit.conn, unit.program_id, shop_no, wanted.state, part)
    page = listed[:limit]
    follows = page[-1].question_no if len(listed) > limit else None
    return [question_view(unit.program, row, unit.actor) for row in page], follows


def question_view(program: Program, row: QuestionRow, actor: Actor) -> QuestionView:
    """A question as it is shown to who asks for it."""
    of_shop = (
        row.question_id,
        row.shop_id,
        row.state,
        commission_id(row.cause_no, row.seq),
        row.order_id,
        row.amount_minor,
        program.currency,
        row.occurred_at,
        row.words,
        row.asked_at,
        row.answer,
        row.answered_at,
        row.closed_at,
    )
    if actor.shop_no is None:
        return QuestionWithHands(*of_shop, row.asked_by, row.answered_by, row.closed_by)
    return QuestionView(*of_shop)


def _held(unit: Unit, question_id: str) -> QuestionRow:
    """Reads a question with its row locked, so that of two who decide at once the second sees what the first did."""
    row = _find(unit, question_id)
    rows.hold(unit.conn, unit.program_id, row.question_no)
    return _find(unit, question_id)


def _find(unit: Unit, question_id: str) -> QuestionRow:
    row = rows.find_question(unit.conn, unit.program_id, question_id) if is_identifier(question_id) else None
    if row is None or unit.actor.shop_no not in (None, row.shop_no):
        raise QuestionUnknown(id=question_id)
    return row
