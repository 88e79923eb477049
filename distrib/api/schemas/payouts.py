"""Payees, payout batches, their lines and results, as they are sent and shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validates_schema

from distrib.api.http.words import say
from distrib.api.schemas.fields import (
    Amount,
    Choice,
    Currency,
    Day,
    Flag,
    Identifier,
    Inner,
    Instant,
    Listed,
    Period,
    PlainText,
    QueryWhole,
    Shape,
    Total,
    Whole,
)
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.domain.identifiers import is_identifier
from distrib.domain.money import MAX_MINOR
from distrib.domain.payouts.channels import CHANNELS, CSV
from distrib.domain.payouts.results import FAILED, RESULT_STATUSES
from distrib.domain.payouts.withholding import KINDS, METHODS
from distrib.services.payouts.batches import LINE_STATUSES, STATUSES
from distrib.services.payouts.files import ENCODINGS
from distrib.services.payouts.payable import SIDES
from distrib.services.payouts.selections import MOST_NAMED, SELECTIONS

MOST_RESULTS = 1_000
MOST_MONTHS = 1_000


class MonthsSchema(Shape):
    """How many months of the year the cumulative method counts for a shop's payee."""

    shop_id = Identifier(required=True)
    months = Whole(low=1, high=12, required=True)


class ShopAmounts(fields.Dict):
    """How much of which shops' balances: minor units by shop."""

    default_error_messages = {"invalid": [say("object")], "null": [say("null")]}  # noqa: RUF012 - marshmallow's way

    def __init__(self, **options: Any) -> None:
        bounds = {"minimum": 1, "maximum": MAX_MINOR}
        metadata = {"maxProperties": MOST_NAMED, "additionalProperties": {"type": "integer"} | bounds}
        super().__init__(metadata=metadata | options.pop("metadata", {}), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **rest: Any) -> Any:
        """Counts before it looks into anything, so that a map too long costs nothing."""
        if not isinstance(value, dict):
            raise ValidationError([say("object")])
        if len(value) > MOST_NAMED:
            raise ValidationError([say("count", low=1, high=MOST_NAMED)])
        wrong: dict[str, Any] = {}
        for shop_id, amount in value.items():
            if not is_identifier(shop_id):
                wrong[shop_id] = [say("identifier")]
            elif type(amount) is not int or not 1 <= amount <= MAX_MINOR:
                wrong[shop_id] = [say("whole", low=1, high=MAX_MINOR)]
        if wrong:
            raise ValidationError(wrong)
        return value


class PayoutDraftSchema(Shape):
    """A batch that is asked for: of everything available, or of the shops, amounts or withdrawals named."""

    id = Identifier(required=True)
    up_to = Instant(required=True)
    min_minor = Amount(allow_none=True, load_default=None)
    channel = Choice(CHANNELS, allow_none=True, load_default=None)
    months_counted = Listed(Inner(MonthsSchema), high=MOST_MONTHS, allow_none=True, load_default=None)
    shop_ids = Listed(Identifier(), low=1, high=MOST_NAMED, allow_none=True, load_default=None)
    amounts = ShopAmounts(
        allow_none=True, load_default=None, metadata={"description": "by shop, a part of its balance"}
    )
    withdrawals = Listed(Identifier(), low=1, high=MOST_NAMED, allow_none=True, load_default=None)


class PayoutLineSchema(Shape):
    """One shop's line: amount = net + tax + fee; what the tax rests on stands beside it."""

    shop_id = Identifier(required=True)
    detail_no = PlainText(high=32, required=True)
    status = Choice(LINE_STATUSES, required=True)
    amount_minor = Whole(required=True)
    tax_minor = Whole(required=True)
    fee_minor = Whole(required=True)
    net_minor = Whole(required=True)
    currency = Currency(required=True)
    channel_no = PlainText(high=32, required=True)
    payee_kind = Choice(KINDS, required=True)
    payee_version = Whole(low=1, required=True)
    account_changed_at = Instant(
        required=True, allow_none=True, metadata={"description": "since when; null for a shop's first payee"}
    )
    fresh_account = Flag(required=True, metadata={"description": "changed in the 30 days before the batch"})
    tax_period = Period(required=True)
    months_counted = Whole(low=1, high=12, required=True, allow_none=True)
    months_given = Flag(required=True)
    income_before_minor = Whole(required=True)
    tax_before_minor = Whole(required=True)
    paid_on = Day(required=True, allow_none=True)
    returned_on = Day(required=True, allow_none=True)
    reference = PlainText(low=0, required=True, allow_none=True)
    return_reference = PlainText(low=0, required=True, allow_none=True)
    reason = PlainText(has_lines=True, low=0, required=True, allow_none=True)
    recorded_at = Instant(required=True, allow_none=True)


class RefusedShopSchema(Shape):
    """A shop that got no line: what it has, and why."""

    shop_id = Identifier(required=True)
    code = PlainText(required=True)
    amount_minor = Whole(required=True)


class RefusedCountSchema(Shape):
    """How many shops got no line for one reason, and what they have together."""

    code = PlainText(required=True)
    shops = Whole(required=True)
    amount_minor = Total(required=True)


class RefusedQuerySchema(PageQuerySchema):
    """Which of the shops that got no line."""

    code = PlainText(high=64, load_default=None)


class PayoutQuerySchema(PageQuerySchema):
    """Which lines of a batch: that of one shop, or all."""

    shop_id = Identifier(load_default=None)


class PayoutsQuerySchema(PageQuerySchema):
    """Which batches, by state and by the month they were made in; a partner sees its own lines and gives neither."""

    state = Choice(STATUSES, load_default=None)
    month = Period(load_default=None)


class PayoutSummarySchema(Shape):
    """A batch; amount = net + tax + fee, paid is what shops received and kept, returned what came back of it."""

    id = Identifier(required=True)
    status = Choice(STATUSES, required=True)
    up_to = Instant(required=True)
    min_minor = Whole(required=True)
    selection = Choice(SELECTIONS, required=True)
    reason = PlainText(
        has_lines=True, required=True, allow_none=True, metadata={"description": "why a closed shop is paid"}
    )
    channel = Choice(CHANNELS, required=True)
    withholding = Choice(METHODS, required=True)
    currency = Currency(required=True)
    count = Whole(required=True)
    amount_minor = Total(required=True)
    tax_minor = Total(required=True)
    fee_minor = Total(required=True)
    net_minor = Total(required=True)
    paid_count = Whole(required=True)
    failed_count = Whole(required=True)
    returned_count = Whole(required=True)
    paid_minor = Total(required=True)
    returned_minor = Total(required=True)
    created_at = Instant(required=True)
    created_by = PlainText(required=True)
    decided_at = Instant(required=True, allow_none=True)
    decided_by = PlainText(required=True, allow_none=True)


class PayoutSchema(PayoutSummarySchema):
    """A batch with a page of its lines."""

    lines = Listed(Inner(PayoutLineSchema), required=True)
    refused = Listed(Inner(RefusedShopSchema), required=True)
    refused_counts = Listed(Inner(RefusedCountSchema), required=True)
    next_cursor = PlainText(high=2_000, required=True, allow_none=True)


class ClosingDraftSchema(Shape):
    """A closing payment that is asked for: the id of its batch, and why."""

    id = Identifier(required=True)
    reason = PlainText(has_lines=True, required=True)
    channel = Choice(CHANNELS, allow_none=True, load_default=None)


class OwnPayoutSchema(Shape):
    """What a shop sees of a payout: its own line, with the line's status."""

    id = Identifier(required=True)
    status = Choice(LINE_STATUSES, required=True)
    amount_minor = Whole(required=True)
    tax_minor = Whole(required=True)
    fee_minor = Whole(required=True)
    net_minor = Whole(required=True)
    currency = Currency(required=True)
    channel = Choice(CHANNELS, required=True)
    created_at = Instant(required=True)
    approved_at = Instant(required=True, allow_none=True)
    paid_on = Day(required=True, allow_none=True)
    returned_on = Day(required=True, allow_none=True)
    reference = PlainText(low=0, required=True, allow_none=True)
    reason = PlainText(has_lines=True, low=0, required=True, allow_none=True)


class ResultSchema(Shape):
    """What the channel or the bank said of one line, named by its shop, its ``detail_no``, or both.

    ``paid_on`` is the day of payment, or of the return; today if left out.
    """

    shop_id = Identifier(allow_none=True, load_default=None)
    detail_no = PlainText(high=64, allow_none=True, load_default=None)
    status = Choice(RESULT_STATUSES, required=True)
    paid_on = Day(allow_none=True, load_default=None)
    reference = PlainText(allow_none=True, load_default=None)
    reason = PlainText(has_lines=True, allow_none=True, load_default=None)

    @validates_schema(skip_on_field_errors=False)
    def _fits(self, data: dict[str, Any], **_: Any) -> None:
        problems: dict[str, list[Any]] = {}
        if data.get("shop_id") is None and data.get("detail_no") is None:
            problems["shop_id"] = [say("either", one="shop_id", other="detail_no")]
        if data.get("status") == FAILED and data.get("paid_on") is not None:
            problems["paid_on"] = [say("belongs_elsewhere", other=FAILED)]
        if problems:
            raise ValidationError(problems)


class ResultsSchema(Shape):
    """Results of up to 1,000 lines."""

    results = Listed(Inner(ResultSchema), low=1, high=MOST_RESULTS, required=True)


class SettledSchema(Shape):
    """What became of one result; the shop is null where the line is not known."""

    shop_id = Identifier(required=True, allow_none=True)
    detail_no = PlainText(high=64, required=True, allow_none=True)
    status = Choice(("recorded", "unchanged", "refused"), required=True)
    code = PlainText()
    detail = PlainText(high=1_000)


class SettledListSchema(Shape):
    """What became of results, in the order sent, and the batch as it stands."""

    results = Listed(Inner(SettledSchema), required=True)
    status = Choice(STATUSES, required=True)
    paid_count = Whole(required=True)
    failed_count = Whole(required=True)
    returned_count = Whole(required=True)
    count = Whole(required=True)


class FilesQuerySchema(Shape):
    """Which format: that of the batch's channel if not given."""

    format = Choice(CHANNELS, load_default=None)


class PayoutExportQuerySchema(FilesQuerySchema):
    """Which file of a batch."""

    part = QueryWhole(low=1, high=1_000_000, load_default=1)
    encoding = Choice(tuple(ENCODINGS), load_default="utf-8")


class FilePartSchema(Shape):
    """One file: how many lines it has and what they come to."""

    part = Whole(low=1, required=True)
    count = Whole(required=True)
    total_minor = Total(required=True)


class ChannelNoteSchema(Shape):
    """What who sends has to know of a channel."""

    en = PlainText(high=1_000, required=True)
    zh = PlainText(high=1_000, required=True)


class PayoutFilesSchema(FilePartSchema):
    """The files of a batch in one format, with the figures that a control of them needs."""

    class Meta(Shape.Meta):
        """The whole is no part."""

        exclude = ("part",)

    format = Choice(CHANNELS, required=True)
    currency = Currency(required=True)
    files = Listed(Inner(FilePartSchema), required=True)
    notes = Listed(Inner(ChannelNoteSchema), required=True)


class ChannelDocumentSchema(Schema):
    """The calls of a channel's interface: ``bills`` of WeChat or ``transfers`` of Alipay."""

    class Meta:
        """The channel knows the keys."""

        unknown = INCLUDE

    batch_no = Identifier(required=True)
    channel = Choice(CHANNELS, required=True)
    count = Whole(required=True)


class PayableQuerySchema(PageQuerySchema):
    """Who would be paid: through which channel, from which amount on, and which side is wanted."""

    channel = Choice(CHANNELS, load_default=CSV)
    min_minor = QueryWhole(low=0, high=MAX_MINOR, load_default=0)
    side = Choice(SIDES, load_default=None, metadata={"description": "who can be paid, or who cannot; both if absent"})


class PayableSchema(Shape):
    """A shop with money: what it would get after tax, or why nothing."""

    shop_id = Identifier(required=True)
    amount_minor = Total(required=True)
    tax_minor = Total(required=True, allow_none=True)
    net_minor = Total(required=True, allow_none=True)
    payee_kind = Choice(KINDS, required=True, allow_none=True)
    code = PlainText(required=True, allow_none=True, metadata={"description": "why it cannot be paid"})


class QuarterQuerySchema(Shape):
    """Which quarter."""

    quarter = fields.String(required=True, metadata={"pattern": "^[0-9]{4}-Q[1-4]$", "examples": ["2026-Q1"]})


class YearQuerySchema(Shape):
    """Which calendar year."""

    year = QueryWhole(low=1970, high=8999, required=True)


PayoutsPageSchema: type[Schema] = page_of(PayoutSummarySchema, "PayoutsPage")
OwnPayoutsPageSchema: type[Schema] = page_of(OwnPayoutSchema, "OwnPayoutsPage")
RefusedPageSchema: type[Schema] = page_of(RefusedShopSchema, "RefusedPage")
PayablePageSchema: type[Schema] = page_of(PayableSchema, "PayablePage")
