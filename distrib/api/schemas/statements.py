"""Statements and audits as they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, post_load, validates_schema

from distrib.api.http.words import say
from distrib.api.schemas.commissions import CommissionSchema
from distrib.api.schemas.fields import (
    Choice,
    Flag,
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
from distrib.languages.readers import READERS
from distrib.services.statements.sorting import MONTH_SORTS, STATES

DETAILS = ("shops", "lines")
FORMATS = ("csv", "xlsx", "parquet", "pdf")
BY_CLOSING = ("closing", "-closing")


class StatementsQuerySchema(PageQuerySchema):
    """Which month, in which order, and whose rows; the filter goes along what the month closes with."""

    period = Period(required=True)
    sort = Choice(MONTH_SORTS, load_default=None, metadata={"description": "with - the most first; shop if not given"})
    filter = Choice(STATES, load_default=None, metadata={"description": "sorted by closing, the most first"})

    @validates_schema(skip_on_field_errors=False)
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("filter") is not None and data.get("sort") not in (None, *BY_CLOSING):
            raise ValidationError([say("sorted_by", sorts=", ".join(BY_CLOSING))], "filter")


class ExportQuerySchema(Shape):
    """Which file; ``shop_id`` leaves only what concerns that shop, and a PDF needs it."""

    format = Choice(FORMATS, load_default="csv")
    detail = Choice(DETAILS, load_default="shops")
    shop_id = Identifier(load_default=None)
    language = Choice(
        READERS,
        load_default=None,
        metadata={"description": "of XLSX and PDF; if not given, what `Accept-Language` names, else both"},
    )

    @validates_schema(skip_on_field_errors=False)
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("format") == "pdf" and data.get("shop_id") is None:
            raise ValidationError([say("required")], "shop_id")


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
    currency = PlainText(required=True)
    status = Choice(("open", "closed"), required=True)
    as_of = Instant(required=True)
    digest = PlainText(required=True, allow_none=True, metadata={"description": "SHA-256 of shops.csv once closed"})
    closed_at = Instant(required=True, allow_none=True)
    proposed_by = PlainText(required=True, allow_none=True, metadata={"description": "id of the key"})
    confirmed_by = PlainText(required=True, allow_none=True, metadata={"description": "id of the key"})


class StatementsSchema(StatementHeadSchema):
    """A month: totals (on the first page) and one row per shop."""

    totals = Inner(TotalsSchema, required=True, allow_none=True)
    data = Listed(Inner(ShopFiguresSchema), required=True)
    next_cursor = PlainText(high=2_000, required=True, allow_none=True)
    sorted_as_of = Instant(
        allow_none=True, metadata={"description": "of when the order of a large program's open month is; null: of now"}
    )


class ShopStatementSchema(StatementHeadSchema, ShopFiguresSchema):
    """One shop's month with its lines."""

    lines = Listed(Inner(CommissionSchema), required=True)
    next_cursor = PlainText(high=2_000, required=True, allow_none=True)


class ClosedLinesSchema(Shape):
    """What ``lines.csv`` of a closed month holds."""

    count = Whole(required=True)
    amount_minor = Total(required=True)
    digest = PlainText(required=True)


class CloseWishSchema(Shape):
    """How a month is to be closed of which facts go on coming in."""

    cut_off_at = Instant(
        load_default=None,
        metadata={
            "description": "What was received before is waited for; what is posted after the proposal counts in the"
            " next month, with `belongs_to_period`. Without it every accepted event of the month is waited for."
        },
    )

    @post_load
    def nothing_is_no_body(self, data: dict[str, Any], **_: Any) -> dict[str, Any] | None:
        """A wish for nothing is what it was when there was no body: an ``Idempotency-Key`` knows it again."""
        return data if data["cut_off_at"] is not None else None


class CloseSchema(Shape):
    """What closing a month fixes, as proposed or as closed; the digest is the SHA-256 of ``shops.csv``."""

    program = Identifier(required=True)
    period = Period(required=True)
    currency = PlainText(required=True)
    status = Choice(("proposed", "closed"), required=True)
    count = Whole(required=True, metadata={"description": "shops with a row"})
    totals = Inner(TotalsSchema, required=True)
    digest = PlainText(required=True)
    lines = Inner(ClosedLinesSchema, required=True, allow_none=True)
    proposed_at = Instant(required=True)
    proposed_by = PlainText(required=True, metadata={"description": "id of the key"})
    confirmed_by = PlainText(required=True, allow_none=True, metadata={"description": "id of the key"})
    closed_at = Instant(required=True, allow_none=True)
    cut_off_at = Instant(metadata={"description": "of a proposal: where it was cut off, if it was"}, allow_none=True)


class MonthSchema(CloseSchema):
    """A month and how far its close is; figures stand there once they are proposed or closed."""

    status = Choice(("open", "proposed", "closed"), required=True)
    count = Whole(required=True, allow_none=True, metadata={"description": "shops with a row"})
    totals = Inner(TotalsSchema, required=True, allow_none=True)
    digest = PlainText(required=True, allow_none=True)
    proposed_at = Instant(required=True, allow_none=True)
    proposed_by = PlainText(required=True, allow_none=True, metadata={"description": "id of the key"})


class StopSchema(Shape):
    """What stops a close: the code that proposing it would answer, the month to close first, the events pending."""

    code = Choice(("period_not_over", "close_in_sequence", "events_pending"), required=True)
    detail = PlainText(required=True)
    next = Period(required=True, allow_none=True)
    events = Whole(required=True, allow_none=True)


class CloseStateSchema(MonthSchema):
    """A month with all that still stops its close."""

    stops = Listed(Inner(StopSchema), required=True)


MonthsPageSchema: Any = page_of(MonthSchema, "MonthsPage")


class ShopsFileSchema(Shape):
    """What ``shops.csv`` holds."""

    rows = Whole(required=True)
    totals = Inner(TotalsSchema, required=True)
    digest = PlainText(required=True)


class LinesFileSchema(Shape):
    """What ``lines.csv`` holds."""

    rows = Whole(required=True)
    amount_minor = Total(required=True)
    digest = PlainText(required=True)


class ManifestSchema(StatementHeadSchema):
    """What a month's files hold, whatever their format; each ``digest`` is the SHA-256 of the file as CSV."""

    shops = Inner(ShopsFileSchema, required=True)
    lines = Inner(LinesFileSchema, required=True)


class AuditCheckSchema(Shape):
    """One thing that must hold; ``rows`` are the first of those that are wrong."""

    name = PlainText(required=True)
    ok = Flag(required=True)
    figure = Whole(required=True)
    wrong = Whole(required=True)
    rows = Listed(fields.Dict(), required=True)


class AuditCoverSchema(Shape):
    """What an audit asked: everything, or what was not sealed, closed and clean at the audit that it rests on."""

    full = Flag(required=True)
    rests_on = Instant(required=True, allow_none=True)
    closed_through = Period(required=True, allow_none=True)


class AuditSchema(Shape):
    """The last audit; ``requested_at`` is since when another one is waited for."""

    ok = Flag(required=True)
    as_of = Instant(required=True)
    covers = Inner(AuditCoverSchema)
    checks = Listed(Inner(AuditCheckSchema), required=True)
    warnings = Listed(
        Inner(AuditCheckSchema), required=True, metadata={"description": "what is amiss and makes no figure wrong"}
    )
    requested_at = Instant(required=True, allow_none=True)


class KeptAuditSchema(Shape):
    """An audit that was made."""

    as_of = Instant(required=True)
    ok = Flag(required=True)
    failed = Listed(PlainText(), required=True, metadata={"description": "the checks that did not hold"})


AuditsPageSchema = page_of(KeptAuditSchema, "AuditsPage")


class AuditWishSchema(Shape):
    """Whether what is sealed, closed and was clean is to be asked again."""

    full = Flag(load_default=False)


class AuditRequestSchema(Shape):
    """An audit that was asked for."""

    requested_at = Instant(required=True)
