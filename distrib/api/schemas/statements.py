"""Statements and audits as they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from distrib.api.schemas.commissions import CommissionSchema
from distrib.api.schemas.fields import (
    Choice,
    Flag,
    Identifier,
    Inner,
    Instant,
    Listed,
    Period,
    Shape,
    Text,
    Total,
    Whole,
)
from distrib.api.schemas.lists import PageQuerySchema
from distrib.api.words import say

DETAILS = ("shops", "lines")


class StatementsQuerySchema(PageQuerySchema):
    """Which month."""

    period = Period(required=True)


class FileFormat(Choice):
    """The formats that are built; the others of the contract are refused by name."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **rest: Any) -> Any:
        if value in ("xlsx", "parquet", "pdf"):
            raise ValidationError(say("not_built"))
        return super()._deserialize(value, attr, data, **rest)


class ExportQuerySchema(Shape):
    """Which file."""

    format = FileFormat(("csv",), load_default="csv")
    detail = Choice(DETAILS, load_default="shops")


class FiguresSchema(Shape):
    """closing = opening + earned + reversed + adjusted - paid - tax = held + reserved + available."""

    opening_minor = Total(required=True)
    earned_minor = Total(required=True)
    reversed_minor = Total(required=True)
    adjusted_minor = Total(required=True)
    paid_minor = Total(required=True)
    tax_minor = Total(required=True)
    closing_minor = Total(required=True)
    held_minor = Total(required=True)
    reserved_minor = Total(required=True)
    available_minor = Total(required=True)
    orders = Total(required=True)
    refunds = Total(required=True)


class TotalsSchema(FiguresSchema):
    """All shops added up."""

    shops = Whole(required=True)


class ShopFiguresSchema(FiguresSchema):
    """One shop's month."""

    shop_id = Identifier(required=True)


class StatementHeadSchema(Shape):
    """Which month of which program, as of when."""

    program = Identifier(required=True)
    period = Period(required=True)
    currency = Text(required=True)
    status = Choice(("open", "closed"), required=True)
    as_of = Instant(required=True)


class StatementsSchema(StatementHeadSchema):
    """A month: totals (on the first page) and one row per shop."""

    totals = Inner(TotalsSchema, required=True, allow_none=True)
    data = Listed(Inner(ShopFiguresSchema), required=True)
    next_cursor = Text(high=2_000, required=True, allow_none=True)


class ShopStatementSchema(StatementHeadSchema, ShopFiguresSchema):
    """One shop's month with its lines."""

    lines = Listed(Inner(CommissionSchema), required=True)
    next_cursor = Text(high=2_000, required=True, allow_none=True)


class AuditCheckSchema(Shape):
    """One thing that must hold; ``rows`` are the first of those that are wrong."""

    name = Text(required=True)
    ok = Flag(required=True)
    figure = Whole(required=True)
    wrong = Whole(required=True)
    rows = Listed(fields.Dict(), required=True)


class AuditSchema(Shape):
    """The last audit; ``requested_at`` is since when another one is waited for."""

    ok = Flag(required=True)
    as_of = Instant(required=True)
    checks = Listed(Inner(AuditCheckSchema), required=True)
    requested_at = Instant(required=True, allow_none=True)


class AuditRequestSchema(Shape):
    """An audit that was asked for."""

    requested_at = Instant(required=True)
