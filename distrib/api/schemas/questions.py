"""Questions about commissions as they are sent and shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

from distrib.api.http.auth import PARTNER, STAFF
from distrib.api.http.words import say
from distrib.api.schemas.fields import Choice, Currency, Identifier, Instant, PlainText, Shape, Total
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.api.schemas.visible import Visible, paged
from distrib.services.ledger.questions import MOST_CHARACTERS, STATES


class QuestionDraftSchema(Shape):
    """What a shop's owner asks about a commission of the shop."""

    id = Identifier(required=True)
    commission_id = PlainText(high=64, required=True)
    text = PlainText(has_lines=True, high=MOST_CHARACTERS, required=True)


class QuestionAnswerSchema(Shape):
    """What the owner is answered."""

    answer = PlainText(has_lines=True, high=MOST_CHARACTERS, required=True)


class QuestionQuerySchema(PageQuerySchema):
    """Which questions; ``commission_id`` goes without ``status``."""

    shop_id = Identifier(load_default=None)
    status = Choice(STATES, load_default=None)
    commission_id = PlainText(high=64, load_default=None, metadata={"description": "with shop_id, or a partner's key"})

    @validates_schema(skip_on_field_errors=False)
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("commission_id") is not None and data.get("status") is not None:
            raise ValidationError([say("either_or", one="commission_id", other="status")], "commission_id")


class QuestionSchema(Shape):
    """A question about a commission, and its answer; who worked on it is not shown to the shop."""

    id = Identifier(required=True)
    shop_id = Identifier(required=True)
    status = Choice(STATES, required=True)
    commission_id = PlainText(required=True)
    order_id = Identifier(required=True, allow_none=True)
    amount_minor = Total(required=True)
    currency = Currency(required=True)
    occurred_at = Instant(required=True, metadata={"description": "when the commission was earned or taken back"})
    text = PlainText(
        has_lines=True,
        required=True,
        allow_none=True,
        metadata={"description": "null, as the answer is, once the shop's personal data is erased"},
    )
    asked_at = Instant(required=True)
    asked_by = PlainText(metadata={"description": "id of the key or session"})
    answer = PlainText(has_lines=True, required=True, allow_none=True)
    answered_at = Instant(required=True, allow_none=True)
    answered_by = PlainText(allow_none=True)
    closed_at = Instant(required=True, allow_none=True)
    closed_by = PlainText(allow_none=True)


QuestionsPageSchema: Any = page_of(QuestionSchema, "QuestionsPage")

# Who sees what: who had a question in hand is not for the shop.
_QUESTION = (
    "id",
    "shop_id",
    "status",
    "commission_id",
    "order_id",
    "amount_minor",
    "currency",
    "occurred_at",
    "text",
    "asked_at",
    "answer",
    "answered_at",
    "closed_at",
)
_WITH_HANDS = (*_QUESTION, "asked_by", "answered_by", "closed_by")
QUESTION = Visible(QuestionSchema, {PARTNER: _QUESTION, **dict.fromkeys(STAFF, _WITH_HANDS)})
QUESTIONS = Visible(
    QuestionsPageSchema,
    {PARTNER: paged(_QUESTION), **dict.fromkeys(STAFF, paged(_WITH_HANDS))},
)
