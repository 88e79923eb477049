"""Events between JSON and values: the compiled twin of the marshmallow contract.

``decode_event`` accepts exactly what the API's ``EventSchema`` accepts, some eighty times
faster; it says only whether an event is good. What was accepted is stored as canonical JSON,
whose digest is the same for the same content whatever the order of its keys, the
offset of its times or an absent value written as null. No storage may enter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from distrib.domain.events import (
    CANCELLED,
    CLOCK_SKEW,
    FAILED,
    GROUP_BUY,
    PAID,
    PAYMENT_FAILED,
    REFUND_REVERSED,
    REFUNDED,
    SETTLED,
    SPREADS,
    SUCCEEDED,
    Event,
)
from distrib.domain.identifiers import is_identifier

MAX_AMOUNT_MINOR: Final = 10**12
MAX_SUM_MINOR: Final = 10**15
MAX_LINES: Final = 1_000
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
CHANNELS: Final = ("retail", "group_buy", "community")

_Amount = Annotated[int, Meta(ge=0, le=MAX_AMOUNT_MINOR)]
_Text = Annotated[str, Meta(min_length=1, max_length=255)]
_Id = Annotated[str, Meta(min_length=1, max_length=64)]
_Time = Annotated[datetime, Meta(tz=True)]


class _LineInput(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    id: _Id
    sku: _Text
    quantity: Annotated[int, Meta(ge=1, le=10**6)]
    paid_minor: _Amount
    list_minor: _Amount | None = None
    cost_minor: _Amount | None = None
    category: _Text | None = None
    entry: bool | None = None


class _OrderInput(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    id: _Id
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", min_length=3, max_length=3)]
    paid_at: _Time
    lines: Annotated[list[_LineInput], Meta(min_length=1, max_length=MAX_LINES)]
    channel: str | None = None
    shop_id: _Id | None = None
    customer_id: _Id | None = None
    leader_id: _Id | None = None
    opener_id: _Id | None = None
    group_id: _Id | None = None


class _RefundLineInput(msgspec.Struct, forbid_unknown_fields=True):
    line_id: _Id
    amount_minor: Annotated[int, Meta(ge=1, le=MAX_AMOUNT_MINOR)]


class _RefundInput(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    id: _Id
    order_id: _Id
    lines: Annotated[list[_RefundLineInput], Meta(min_length=1, max_length=MAX_LINES)] | None = None
    amount_minor: Annotated[int, Meta(ge=1, le=MAX_AMOUNT_MINOR)] | None = None
    spread: str | None = None


class _EventInput(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, tag_field="type"):
    id: _Id
    occurred_at: _Time


class _OrderEventInput(_EventInput):
    order: _OrderInput


class _SettledInput(_OrderEventInput, tag=SETTLED):
    pass


class _PaidInput(_OrderEventInput, tag=PAID):
    pass


class _RefundedInput(_EventInput, tag=REFUNDED):
    refund: _RefundInput


class _OfOrderInput(_EventInput):
    order_id: _Id


class _CancelledInput(_OfOrderInput, tag=CANCELLED):
    pass


class _PaymentFailedInput(_OfOrderInput, tag=PAYMENT_FAILED):
    pass


class _RefundReversedInput(_EventInput, tag=REFUND_REVERSED):
    refund_id: _Id
    order_id: _Id | None = None


class _GroupEventInput(_EventInput):
    group_id: _Id


class _SucceededInput(_GroupEventInput, tag=SUCCEEDED):
    pass


class _FailedInput(_GroupEventInput, tag=FAILED):
    pass


_AnyEvent = (
    _SettledInput
    | _RefundedInput
    | _PaidInput
    | _CancelledInput
    | _PaymentFailedInput
    | _RefundReversedInput
    | _SucceededInput
    | _FailedInput
)
EVENT_TYPES: Final = (SETTLED, REFUNDED, PAID, CANCELLED, PAYMENT_FAILED, REFUND_REVERSED, SUCCEEDED, FAILED)


class SoldLine(msgspec.Struct, gc=False):
    """A line of a settled order, read from what the inbox keeps."""

    id: str
    sku: str
    quantity: int
    paid_minor: int
    list_minor: int | None = None
    cost_minor: int | None = None
    category: str | None = None
    entry: bool = False


class SoldOrder(msgspec.Struct, gc=False):
    """An order that settled, without its id: the same fields as ``distrib.domain.events.Order``."""

    currency: str
    paid_at: datetime
    lines: list[SoldLine]
    channel: str = "retail"
    shop_id: str | None = None
    customer_id: str | None = None
    leader_id: str | None = None
    opener_id: str | None = None
    group_id: str | None = None


class SoldEvent(msgspec.Struct, gc=False):
    """A settlement as columns are made of it; to be read from nothing but what was accepted."""

    occurred_at: datetime
    order: SoldOrder


class DecodedEvent(NamedTuple):
    """An event that is fit to be kept: its key, its order, its canonical JSON and digest.

    ``group_id`` names the group that a group-buy order waits for, or that the event itself decides; ``order_id`` is
    None for the latter, and for what undoes the refund ``refund_id`` without naming its order.
    """

    id: str
    type: str
    order_id: str | None
    occurred_at: datetime
    digest: bytes
    payload: str
    group_id: str | None = None
    refund_id: str | None = None


_TYPE_OF: Final[dict[type, str]] = {
    _SettledInput: SETTLED,
    _RefundedInput: REFUNDED,
    _PaidInput: PAID,
    _CancelledInput: CANCELLED,
    _PaymentFailedInput: PAYMENT_FAILED,
    _RefundReversedInput: REFUND_REVERSED,
    _SucceededInput: SUCCEEDED,
    _FailedInput: FAILED,
}
_encode = msgspec.json.Encoder().encode
_stored = msgspec.json.Decoder(Event)
_sold = msgspec.json.Decoder(list[SoldEvent])
SETTLED_PREFIX: Final = f'{{"type":"{SETTLED}",'
"""How the payload of every settlement begins, as canonical JSON has it."""


def decode_event(raw: object, now: datetime) -> DecodedEvent | None:
    """Decodes a posted event (parsed JSON) and makes it canonical; None where the contract refuses it."""
    try:
        event = msgspec.convert(raw, _AnyEvent, strict=True)
    except (msgspec.ValidationError, UnicodeEncodeError, OverflowError, RecursionError):
        return None
    if not _in_utc(event) or not _is_sound(event, now):
        return None
    payload = _encode(event)
    order_id, group_id = _about(event)
    refund_id = event.refund_id if isinstance(event, _RefundReversedInput) else None
    digest = hashlib.blake2b(payload, digest_size=16).digest()
    kind = _TYPE_OF[type(event)]
    return DecodedEvent(event.id, kind, order_id, event.occurred_at, digest, payload.decode(), group_id, refund_id)


def decode_stored(payload: str | bytes) -> Event:
    """Decodes an event as the domain knows it from the payload that the inbox keeps."""
    return _stored.decode(payload)


def decode_settled(payloads: Sequence[str]) -> list[SoldEvent]:
    """Decodes payloads of settlements that the inbox keeps, many at once: half the price of one by one."""
    return _sold.decode(f"[{','.join(payloads)}]")


def _about(event: _AnyEvent) -> tuple[str | None, str | None]:
    """The ids of the order and the group that an event is about."""
    if isinstance(event, _OrderEventInput):
        order = event.order
        return order.id, order.group_id if order.channel == GROUP_BUY else None
    if isinstance(event, _RefundedInput):
        return event.refund.order_id, None
    if isinstance(event, _OfOrderInput | _RefundReversedInput):
        return event.order_id, None
    return None, event.group_id


def _in_utc(event: _AnyEvent) -> bool:
    """Converts an event's times to UTC in place, so that equal instants are equal text; False where one cannot be."""
    try:
        event.occurred_at = event.occurred_at.astimezone(UTC)
        if isinstance(event, _OrderEventInput):
            event.order.paid_at = event.order.paid_at.astimezone(UTC)
    except (OverflowError, ValueError):
        return False
    return True


def _is_sound(event: _AnyEvent, now: datetime) -> bool:
    if not is_identifier(event.id) or not EARLIEST <= event.occurred_at <= now + CLOCK_SKEW:
        return False
    if isinstance(event, _OrderEventInput):
        return EARLIEST <= event.order.paid_at <= event.occurred_at and _is_sound_order(event.order)
    if isinstance(event, _RefundedInput):
        return _is_sound_refund(event.refund)
    if isinstance(event, _RefundReversedInput):
        return is_identifier(event.refund_id) and (event.order_id is None or is_identifier(event.order_id))
    return is_identifier(event.order_id if isinstance(event, _OfOrderInput) else event.group_id)


def _is_sound_refund(refund: _RefundInput) -> bool:
    if not (is_identifier(refund.id) and is_identifier(refund.order_id)):
        return False
    if (refund.amount_minor is None) != (refund.spread is None):
        return False
    if refund.spread is not None and (refund.lines is not None or refund.spread not in SPREADS):
        return False
    lines = refund.lines or []
    ids = {line.line_id for line in lines}
    return len(ids) == len(lines) and all(map(is_identifier, ids))


def _is_sound_order(order: _OrderInput) -> bool:
    if order.channel is None:
        order.channel = "retail"
    people = (order.shop_id, order.customer_id, order.leader_id, order.opener_id, order.group_id)
    if order.channel not in CHANNELS or not is_identifier(order.id):
        return False
    if not all(person is None or is_identifier(person) for person in people):
        return False
    return _are_sound_lines(order.lines)


def _are_sound_lines(lines: list[_LineInput]) -> bool:
    ids = set()
    for line in lines:
        ids.add(line.id)
        if not line.entry:
            line.entry = None
        if not is_text(line.sku) or (line.category is not None and not is_text(line.category)):
            return False
    return len(ids) == len(lines) and all(map(is_identifier, ids))


def is_text(text: str) -> bool:
    """Whether PostgreSQL can keep the text: no NUL and no lone surrogate."""
    if text.isascii():
        return "\x00" not in text
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
