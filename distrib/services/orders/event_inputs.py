"""Events as they may arrive: the contract as types that msgspec compiles, bounds included.

What a type does not say (characters of ids, times in their order, ids that are there twice) is ``codec``'s to look at:
a pattern in a type costs half a microsecond a text, and an event has a dozen. Optional fields tell absent (``UNSET``)
from null, so that what was sent can be counted key by key. Nothing is decoded here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from distrib.domain.events import (
    CANCELLED,
    FAILED,
    PAID,
    PAYMENT_FAILED,
    REFUND_REVERSED,
    REFUNDED,
    SETTLED,
    SUCCEEDED,
)
from distrib.domain.identifiers import MAX_ID, MAX_TEXT

MAX_AMOUNT_MINOR: Final = 10**12
MAX_SUM_MINOR: Final = 10**15
MAX_LINES: Final = 1_000
MAX_EVENTS: Final = 1_000
"""Events in one post."""
CHANNELS: Final = ("retail", "group_buy", "community")

Amount: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_AMOUNT_MINOR)]
RefundAmount: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_AMOUNT_MINOR)]
ShortText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
Currency: TypeAlias = Annotated[str, Meta(min_length=3, max_length=3)]
Time: TypeAlias = Annotated[datetime, Meta(tz=True)]


class LineInput(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One line of an order."""

    id: Id
    sku: ShortText
    quantity: Annotated[int, Meta(ge=1, le=10**6)]
    paid_minor: Amount
    list_minor: Amount | UnsetType | None = UNSET
    cost_minor: Amount | UnsetType | None = UNSET
    category: ShortText | UnsetType | None = UNSET
    entry: bool | UnsetType | None = UNSET


class OrderInput(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An order as the order system tells it."""

    id: Id
    currency: Currency
    paid_at: Time
    lines: Annotated[list[LineInput], Meta(min_length=1, max_length=MAX_LINES)]
    channel: Literal["retail", "group_buy", "community"] | UnsetType | None = UNSET
    shop_id: Id | UnsetType | None = UNSET
    customer_id: Id | UnsetType | None = UNSET
    leader_id: Id | UnsetType | None = UNSET
    opener_id: Id | UnsetType | None = UNSET
    group_id: Id | UnsetType | None = UNSET


class RefundLineInput(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """How much of one line is given back."""

    line_id: Id
    amount_minor: RefundAmount


class RefundInput(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A refund of lines, of an amount, or of all that is left."""

    id: Id
    order_id: Id
    lines: Annotated[list[RefundLineInput], Meta(min_length=1, max_length=MAX_LINES)] | UnsetType | None = UNSET
    amount_minor: RefundAmount | UnsetType | None = UNSET
    spread: Literal["lines", "none"] | UnsetType | None = UNSET


class EventInput(msgspec.Struct, forbid_unknown_fields=True, gc=False, tag_field="type"):
    """What every event says; its type is the tag."""

    id: Id
    occurred_at: Time


class OrderEventInput(EventInput):
    """Of an order with its lines."""

    order: OrderInput


class SettledInput(OrderEventInput, tag=SETTLED):
    """``order.settled``."""


class PaidInput(OrderEventInput, tag=PAID):
    """``order.paid``."""


class RefundedInput(EventInput, tag=REFUNDED):
    """``order.refunded``."""

    refund: RefundInput


class OfOrderInput(EventInput):
    """Of an order that it names."""

    order_id: Id


class CancelledInput(OfOrderInput, tag=CANCELLED):
    """``order.cancelled``."""


class PaymentFailedInput(OfOrderInput, tag=PAYMENT_FAILED):
    """``order.payment_failed``."""


class RefundReversedInput(EventInput, tag=REFUND_REVERSED):
    """``refund.reversed``."""

    refund_id: Id
    order_id: Id | UnsetType | None = UNSET


class GroupEventInput(EventInput):
    """Of a group."""

    group_id: Id


class SucceededInput(GroupEventInput, tag=SUCCEEDED):
    """``group.succeeded``."""


class FailedInput(GroupEventInput, tag=FAILED):
    """``group.failed``."""


AnyEvent: TypeAlias = (
    SettledInput
    | RefundedInput
    | PaidInput
    | CancelledInput
    | PaymentFailedInput
    | RefundReversedInput
    | SucceededInput
    | FailedInput
)
TYPE_OF: Final[dict[type, str]] = {
    SettledInput: SETTLED,
    RefundedInput: REFUNDED,
    PaidInput: PAID,
    CancelledInput: CANCELLED,
    PaymentFailedInput: PAYMENT_FAILED,
    RefundReversedInput: REFUND_REVERSED,
    SucceededInput: SUCCEEDED,
    FailedInput: FAILED,
}


class PostInput(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A post of several events."""

    events: Annotated[list[AnyEvent], Meta(min_length=1, max_length=MAX_EVENTS)]
