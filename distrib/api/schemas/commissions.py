"""Commissions as they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from distrib.api.http.auth import PARTNER, STAFF
from distrib.api.http.words import say
from distrib.api.schemas.fields import (
    Choice,
    Identifier,
    Inner,
    Instant,
    Listed,
    Period,
    PlainText,
    Shape,
    Total,
    Whole,
)
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.api.schemas.visible import Visible, paged, within

KINDS = ("earned", "reversed", "pool", "adjusted")
POSTED, NEWEST = SORTS = ("posted", "-posted")


class PlanVersionSchema(Shape):
    """Which version of which plan."""

    code = Identifier(required=True)
    version = Whole(low=1, required=True)


class ShopCommissionQuerySchema(PageQuerySchema):
    """Which commissions of a shop, and which come first."""

    order_id = Identifier(load_default=None)
    period = Period(load_default=None)
    kind = Choice(KINDS, load_default=None)
    state = Choice(("held", "available", "expected"), load_default=None)
    sort = Choice(SORTS, load_default=POSTED, metadata={"description": "-posted: the newest orders and causes first"})

    @validates_schema(skip_on_field_errors=False)
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("sort") == NEWEST and data.get("state") == "expected":
            raise ValidationError([say("belongs_elsewhere", other="state=expected")], "sort")


class CommissionQuerySchema(ShopCommissionQuerySchema):
    """Which commissions of the program, and which come first."""

    shop_id = Identifier(load_default=None)


class CommissionSchema(Shape):
    """A commission, or what was taken back of one: a row of its own, below zero.

    What is only expected has no ``available_at`` and no ``period`` yet.
    """

    id = PlainText(required=True)
    event_id = Identifier(required=True, allow_none=True)
    order_id = Identifier(required=True, allow_none=True)
    line_id = Identifier(required=True, allow_none=True)
    shop_id = Identifier(required=True)
    rule = PlainText(required=True, allow_none=True)
    tier = Whole(required=True, allow_none=True)
    kind = Choice(KINDS, required=True)
    base_minor = Total(required=True, allow_none=True)
    rate = PlainText(required=True, allow_none=True, metadata={"examples": ["0.125"]})
    amount_minor = Total(required=True)
    currency = PlainText(required=True)
    plan_version = Inner(PlanVersionSchema, required=True, allow_none=True)
    occurred_at = Instant(required=True)
    available_at = Instant(required=True, allow_none=True)
    state = Choice(("held", "available", "expected"), required=True)
    period = Period(required=True, allow_none=True)
    belongs_to_period = Period(required=True, allow_none=True)
    reverses_id = PlainText(required=True, allow_none=True)
    adjustment_id = Identifier(
        required=True, allow_none=True, metadata={"description": "the adjustment by hand that this row is"}
    )
    reason = PlainText(
        has_lines=True,
        required=True,
        allow_none=True,
        metadata={"description": "why it was adjusted; of a fee `withdrawal:` and its id"},
    )
    withdrawal_id = Identifier(
        required=True, allow_none=True, metadata={"description": "the withdrawal whose fee this row is"}
    )
    refunded_minor = Total(
        required=True,
        allow_none=True,
        metadata={"description": "what the customer got back of the line, where that took it"},
    )


class ReleaseSchema(Shape):
    """What becomes available on a day."""

    day = fields.Date(required=True, metadata={"description": "in the program's time zone"})
    amount_minor = Total(required=True)


class EarningsSchema(Shape):
    """What a shop earns: today and this month less what was taken back, and what becomes available on which day.

    What a compliance case or a frozen shop holds has no day.
    """

    shop_id = Identifier(required=True)
    currency = PlainText(required=True)
    as_of = Instant(required=True)
    today_minor = Total(required=True)
    month_minor = Total(required=True)
    releases = Listed(Inner(ReleaseSchema), required=True)


CommissionsPageSchema: Any = page_of(CommissionSchema, "CommissionsPage")

# Who sees what: a shop sees of its commissions all that staff sees, as the lists say.
COMMISSION_FIELDS = (
    "id",
    "event_id",
    "order_id",
    "line_id",
    "shop_id",
    "rule",
    "tier",
    "kind",
    "base_minor",
    "rate",
    "amount_minor",
    "currency",
    *within("plan_version", ("code", "version")),
    "occurred_at",
    "available_at",
    "state",
    "period",
    "belongs_to_period",
    "reverses_id",
    "adjustment_id",
    "reason",
    "withdrawal_id",
    "refunded_minor",
)
_EARNINGS = (
    "shop_id",
    "currency",
    "as_of",
    "today_minor",
    "month_minor",
    *within("releases", ("day", "amount_minor")),
)
COMMISSION = Visible(CommissionSchema, dict.fromkeys((PARTNER, *STAFF), COMMISSION_FIELDS))
COMMISSIONS = Visible(CommissionsPageSchema, dict.fromkeys((PARTNER, *STAFF), paged(COMMISSION_FIELDS)))
EARNINGS = Visible(EarningsSchema, dict.fromkeys((PARTNER, *STAFF), _EARNINGS))
