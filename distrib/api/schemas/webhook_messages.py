"""What messages of webhooks hold, by their type: for who receives them, and for the test that compares what is sent.

A message may get more keys; who receives it passes over those it does not know.
"""

from __future__ import annotations

from typing import Any, Final

from marshmallow import EXCLUDE, Schema

from distrib.api.http.words import say
from distrib.api.schemas.fields import Choice, Identifier, Inner, Instant, Listed, Period, PlainText, Total, Whole
from distrib.api.schemas.statements import ClosedLinesSchema, TotalsSchema
from distrib.domain.payouts.withdrawals import STATES
from distrib.domain.policies.policy import SEVERITIES
from distrib.domain.webhooks import PING
from distrib.services.orders.codec import EVENT_TYPES
from distrib.services.payouts.selections import SELECTIONS


class MessagePart(Schema):
    """A part of a message: keys that are not known are passed over."""

    class Meta:
        """What a newer service tells does not stop who knows an older one."""

        unknown = EXCLUDE

    error_messages: dict[str, Any] = {"unknown": say("unknown"), "type": [say("object")]}  # noqa: RUF012 - marshmallow's way


def _currency() -> PlainText:
    return PlainText(low=3, high=3, required=True, metadata={"examples": ["CNY"]})


def _proposed_by() -> PlainText:
    return PlainText(required=True, metadata={"description": "id of the key"})


class ShopShareSchema(MessagePart):
    """What one shop got of an order, or what was taken back from it, below zero."""

    shop_id = Identifier(required=True)
    amount_minor = Total(required=True)


class CommissionMessageSchema(MessagePart):
    """What an event of an order came to: of ``commission.earned``, and below zero of ``commission.reversed``."""

    event_id = Identifier(required=True, allow_none=True)
    order_id = Identifier(required=True)
    currency = _currency()
    plan = PlainText(required=True, allow_none=True, metadata={"description": "code@version"})
    amount_minor = Total(required=True)
    shops = Listed(Inner(ShopShareSchema), required=True)


class RankMessageSchema(MessagePart):
    """A rank that was won, lost, mapped or set by hand."""

    shop_id = Identifier(required=True)
    rank = PlainText(required=True, allow_none=True)
    cause = PlainText(required=True)
    effective_at = Instant(required=True)
    reason = PlainText(high=4_000, low=0, has_lines=True, required=True, allow_none=True)


class ClosedMonthMessageSchema(MessagePart):
    """A month that is closed, with what it was closed with."""

    program = Identifier(required=True)
    period = Period(required=True)
    currency = _currency()
    totals = Inner(TotalsSchema, required=True)
    digest = PlainText(required=True, metadata={"description": "SHA-256 of shops.csv"})
    lines = Inner(ClosedLinesSchema, required=True)
    closed_at = Instant(required=True)


class ProposedCloseMessageSchema(MessagePart):
    """A close that waits for another person."""

    period = Period(required=True)
    shops = Whole(required=True)
    totals = Inner(TotalsSchema, required=True)
    digest = PlainText(required=True)
    proposed_by = _proposed_by()
    cut_off_at = Instant(required=True, allow_none=True)


class SettledPayoutMessageSchema(MessagePart):
    """Results of a batch, and how many of its lines are still open."""

    payout_id = Identifier(required=True)
    currency = _currency()
    open_count = Whole(required=True)
    paid_minor = Whole(required=True)
    tax_minor = Whole(required=True)
    paid_count = Whole(required=True)
    failed_count = Whole(required=True)


class ReturnedLineSchema(MessagePart):
    """A line that was paid and came back."""

    shop_id = Identifier(required=True)
    amount_minor = Whole(required=True)
    reason = PlainText(low=0, has_lines=True, required=True, allow_none=True)


class ReturnedPayoutMessageSchema(MessagePart):
    """Money of a batch that came back after it was paid: net and tax that were undone."""

    payout_id = Identifier(required=True)
    currency = _currency()
    open_count = Whole(required=True)
    returned_count = Whole(required=True)
    paid_minor = Whole(required=True)
    tax_minor = Whole(required=True)
    lines = Listed(Inner(ReturnedLineSchema), required=True)


class ProposedPayoutMessageSchema(MessagePart):
    """A batch that waits for another person."""

    payout_id = Identifier(required=True)
    selection = Choice(SELECTIONS, required=True)
    channel = PlainText(required=True)
    lines = Whole(required=True)
    amount_minor = Whole(required=True)
    currency = _currency()
    proposed_by = _proposed_by()


class ProposedAdjustmentMessageSchema(MessagePart):
    """An adjustment that waits for another person."""

    adjustment_id = Identifier(required=True)
    shop_id = Identifier(required=True)
    amount_minor = Total(required=True)
    currency = _currency()
    proposed_by = _proposed_by()


class RequestedWithdrawalMessageSchema(MessagePart):
    """A withdrawal that a shop asks for."""

    withdrawal_id = Identifier(required=True)
    shop_id = Identifier(required=True)
    amount_minor = Whole(required=True)
    fee_minor = Whole(required=True)
    currency = _currency()


class ChangedWithdrawalMessageSchema(RequestedWithdrawalMessageSchema):
    """A withdrawal as it stands now."""

    status = Choice(STATES, required=True)
    payout_id = Identifier(required=True, allow_none=True)
    reason = PlainText(low=0, has_lines=True, required=True, allow_none=True)


class PendingShopMessageSchema(MessagePart):
    """A shop that is to be looked at before it is active."""

    shop_id = Identifier(required=True)
    since = Instant(required=True)


class FailedEventMessageSchema(MessagePart):
    """An event that was set aside."""

    event_id = Identifier(required=True)
    event_type = Choice(EVENT_TYPES, required=True)
    order_id = Identifier(required=True, allow_none=True, metadata={"description": "null of a group"})
    code = PlainText(required=True, allow_none=True)
    attempts = Whole(required=True)


class OpenedFindingMessageSchema(MessagePart):
    """A finding above ``info``."""

    finding_no = Whole(required=True)
    id = PlainText(required=True)
    severity = Choice(SEVERITIES, required=True)
    subject = PlainText(required=True, low=0)
    figure = PlainText(required=True, low=0)
    threshold = PlainText(required=True, low=0)
    source = PlainText(required=True, low=0)
    action = PlainText(required=True, low=0)


class AskedQuestionMessageSchema(MessagePart):
    """A question of a shop owner about a line, without what it says."""

    question_id = Identifier(required=True)
    shop_id = Identifier(required=True)
    commission_id = PlainText(required=True)
    order_id = Identifier(required=True, allow_none=True)


class PingMessageSchema(MessagePart):
    """Says that the endpoint is tried, and nothing else."""

    webhook_id = Identifier(required=True)
    asked_at = Instant(required=True)


MESSAGES: Final[dict[str, type[Schema]]] = {
    "commission.earned": CommissionMessageSchema,
    "commission.reversed": CommissionMessageSchema,
    "rank.changed": RankMessageSchema,
    "statement.closed": ClosedMonthMessageSchema,
    "payout.settled": SettledPayoutMessageSchema,
    "payout.returned": ReturnedPayoutMessageSchema,
    "withdrawal.changed": ChangedWithdrawalMessageSchema,
    "close.proposed": ProposedCloseMessageSchema,
    "payout.proposed": ProposedPayoutMessageSchema,
    "adjustment.proposed": ProposedAdjustmentMessageSchema,
    "withdrawal.requested": RequestedWithdrawalMessageSchema,
    "shop.pending": PendingShopMessageSchema,
    "event.failed": FailedEventMessageSchema,
    "finding.opened": OpenedFindingMessageSchema,
    "question.asked": AskedQuestionMessageSchema,
    PING: PingMessageSchema,
}
"""What the ``data`` of a message is, by its type."""
