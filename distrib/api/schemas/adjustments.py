"""Adjustments as they are sent and shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from distrib.api.http.auth import STAFF
from distrib.api.http.words import say
from distrib.api.schemas.fields import Choice, Identifier, Instant, Period, PlainText, Shape, Whole
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.api.schemas.visible import Visible, paged
from distrib.domain.money import MAX_MINOR

STATUSES = ("proposed", "approved")


class AdjustedAmount(Whole):
    """Minor units either way, but not 0."""

    def __init__(self, **options: Any) -> None:
        super().__init__(low=-MAX_MINOR, high=MAX_MINOR, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **rest: Any) -> Any:
        amount = super()._deserialize(value, attr, data, **rest)
        if amount == 0:
            raise ValidationError([say("not_zero")])
        return amount


class AdjustmentDraftSchema(Shape):
    """What one key proposes; an amount below zero takes from the shop."""

    id = Identifier(required=True)
    shop_id = Identifier(required=True)
    amount_minor = AdjustedAmount(required=True, metadata={"description": "not 0"})
    reason = PlainText(has_lines=True, required=True)


class AdjustmentQuerySchema(PageQuerySchema):
    """Which adjustments."""

    shop_id = Identifier(load_default=None)
    status = Choice(STATUSES, load_default=None)


class AdjustmentSchema(Shape):
    """An adjustment; once approved it counts in ``period`` as the commission of that id."""

    id = Identifier(required=True)
    shop_id = Identifier(required=True)
    amount_minor = Whole(low=-MAX_MINOR, high=MAX_MINOR, required=True)
    currency = PlainText(required=True)
    reason = PlainText(has_lines=True, required=True)
    status = Choice(STATUSES, required=True)
    proposed_at = Instant(required=True)
    proposed_by = PlainText(required=True, metadata={"description": "id of the key"})
    approved_at = Instant(required=True, allow_none=True)
    approved_by = PlainText(required=True, allow_none=True)
    period = Period(required=True, allow_none=True)
    commission_id = PlainText(required=True, allow_none=True)


AdjustmentsPageSchema: Any = page_of(AdjustmentSchema, "AdjustmentsPage")

# Who sees what: every role of staff that reads adjustments sees all of them.
_ADJUSTMENT = (
    "id",
    "shop_id",
    "amount_minor",
    "currency",
    "reason",
    "status",
    "proposed_at",
    "proposed_by",
    "approved_at",
    "approved_by",
    "period",
    "commission_id",
)
ADJUSTMENT = Visible(AdjustmentSchema, dict.fromkeys(STAFF, _ADJUSTMENT))
ADJUSTMENTS = Visible(AdjustmentsPageSchema, dict.fromkeys(STAFF, paged(_ADJUSTMENT)))
