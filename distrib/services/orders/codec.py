"""Events between JSON and values: the compiled twin of the marshmallow contract.

``decode_event`` accepts exactly what the API's ``EventSchema`` accepts, some eighty times
faster; it says only whether an event is good. ``decode_post`` takes a whole body in one pass over its bytes, where
nothing is wrong with it. What was accepted is stored as canonical JSON, whose digest is the same for the same content
whatever the order of its keys, the offset of its times or an absent value written as null. No storage may enter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import UNSET

from distrib.domain.events import CLOCK_SKEW, GROUP_BUY, DecodedEvent, Event
from distrib.domain.identifiers import is_identifier, is_text
from distrib.services.orders.event_inputs import (
    CHANNELS,
    MAX_AMOUNT_MINOR,
    MAX_EVENTS,
    MAX_LINES,
    MAX_SUM_MINOR,
    TYPE_OF,
    AnyEvent,
    LineInput,
    OfOrderInput,
    OrderEventInput,
    OrderInput,
    PostInput,
    RefundedInput,
    RefundInput,
    RefundReversedInput,
)

__all__ = [
    "CHANNELS",
    "EVENT_TYPES",
    "MAX_AMOUNT_MINOR",
    "MAX_EVENTS",
    "MAX_LINES",
    "MAX_SUM_MINOR",
    "decode_event",
    "decode_line",
    "decode_post",
    "decode_stored",
]

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
EVENT_TYPES: Final = tuple(TYPE_OF.values())
_BEGINNINGS: Final = (b"\\", b"\x7f", b"\xc2", b"\xd8", b"\xe2")
"""An escape, DEL, and the bytes that C1, marks of direction and separators of lines begin with in UTF-8."""
_ODD: Final = ("/ ", " /", "/./", "/../")
_WHITESPACE: Final = b" \t\n\r"
PEOPLE: Final = ("shop_id", "customer_id", "leader_id", "opener_id", "group_id")
_KEYS_OF_EVENT: Final = 4  # its id, type and time, and what it is about
_KEYS_OF_ORDER: Final = 4  # those that it must have, as below
_KEYS_OF_LINE: Final = 4
_KEYS_OF_REFUND: Final = 2

_encode = msgspec.json.Encoder().encode
_stored = msgspec.json.Decoder(Event)
_post = msgspec.json.Decoder(PostInput)
_single = msgspec.json.Decoder(AnyEvent)


class _Unsound(ValueError):
    """An event that its types let through and the contract does not."""


def decode_event(raw: object, now: datetime) -> DecodedEvent | None:
    """Decodes a posted event (parsed JSON) and makes it canonical; None where the contract refuses it."""
    try:
        event = msgspec.convert(raw, AnyEvent, strict=True)
        ids: list[str] = []
        decoded = _decoded(event, now + CLOCK_SKEW, ids)[0]
        return decoded if all(map(is_identifier, ids)) and all(map(is_text, _texts(event))) else None
    except (msgspec.ValidationError, UnicodeEncodeError, OverflowError, RecursionError, _Unsound):
        return None


def decode_post(body: bytes, now: datetime) -> tuple[list[DecodedEvent], bool] | None:
    """Decodes the body of a post in one typed pass over its bytes; None for what is to be read the long way.

    Whatever is wrong with a body, or only unusual, answers None: to name it is not for here. What is taken is what
    ``parse_json`` and ``decode_event`` would take. msgspec is as strict as they are about numbers, texts, nesting and
    encoding; but of a key that is there twice it takes the last, so keys are counted.

    Returns:
        The events in their order, and whether they came as a batch.
    """
    try:
        sent = _post.decode(body).events
    except (msgspec.MsgspecError, ValueError, RecursionError):
        line = decode_line(body, now)
        return None if line is None else ([line], False)
    events = _counted(body, sent, now, 1)
    return None if events is None else (events, True)


def decode_line(body: bytes, now: datetime) -> DecodedEvent | None:
    """Decodes the JSON of one event as ``decode_post`` does; None for what is to be read the long way."""
    try:
        event = _single.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    events = _counted(body, [event], now, 0)
    return None if events is None else events[0]


def decode_stored(payload: str | bytes) -> Event:
    """Decodes an event as the domain knows it from the payload that the inbox keeps."""
    return _stored.decode(payload)


def _counted(body: bytes, sent: Sequence[AnyEvent], now: datetime, keys: int) -> list[DecodedEvent] | None:
    """The events of a body with as many keys as there can be in it, ``keys`` of them around the events."""
    if not (_is_plain(body) or all(is_text(text) for event in sent for text in _texts(event))):
        return None
    latest = now + CLOCK_SKEW
    events: list[DecodedEvent] = []
    ids: list[str] = []
    try:
        for event in sent:
            decoded, more = _decoded(event, latest, ids)
            events.append(decoded)
            keys += more
    except (OverflowError, _Unsound):
        return None
    return events if keys == most_keys(body) and are_identifiers(ids) else None


def _is_plain(body: bytes) -> bool:
    r"""Whether no text in a body of JSON can hold a control character: nothing is escaped, nothing begins as they do.

    Unescaped, JSON holds none below a space. Chinese passes; where there is a dash, say, each text is looked at.

    >>> _is_plain('{"a": "店 7"}'.encode()), _is_plain(rb'{"a": "\u0000"}'), _is_plain('"\u202e"'.encode())
    (True, False, False)
    """
    return not any(map(body.__contains__, _BEGINNINGS))


def most_keys(body: bytes) -> int:
    r"""How many keys JSON can have at the most: of every key the closing quote stands before a colon, or spaces do.

    A text that holds such a pair counts too; where as many keys were read, none was there twice.

    >>> most_keys(b'{"a": 1, "b" :2}'), most_keys(b'{"a": "\":"}')
    (2, 2)
    """
    if any(space in body for space in (b" ", b"\t", b"\n", b"\r")):
        body = body.translate(None, _WHITESPACE)
    return body.count(b'":')


def are_identifiers(texts: Sequence[str]) -> bool:
    """Whether all texts, of 1 to 64 characters each, may be ids: the usual ones by a look at all of them together.

    >>> are_identifiers(["shop-7", "店 7"]), are_identifiers(["a", "b/c"]), are_identifiers(["..", "a"])
    (True, False, False)
    """
    together = f"/{'/'.join(texts)}/"
    if not together.isprintable() or together.count("/") != len(texts) + 1 or any(map(together.__contains__, _ODD)):
        return all(map(is_identifier, texts))
    return True


def _texts(event: AnyEvent) -> Iterator[str]:
    """The texts of an event that are no ids."""
    if isinstance(event, OrderEventInput):
        for line in event.order.lines:
            yield line.sku
            if isinstance(line.category, str):
                yield line.category


def _decoded(event: AnyEvent, latest: datetime, ids: list[str]) -> tuple[DecodedEvent, int]:
    """An event made canonical, and how many keys it had as it was sent; what has to be an id is added to ``ids``.

    Raises:
        _Unsound: its times or ids do not go together.
        OverflowError: a time is none in UTC.
    """
    occurred_at = event.occurred_at
    if occurred_at.tzinfo is not UTC:
        event.occurred_at = occurred_at = occurred_at.astimezone(UTC)
    if not EARLIEST <= occurred_at <= latest:
        raise _Unsound
    ids.append(event.id)
    keys = _KEYS_OF_EVENT
    order_id: str | None = None
    group_id: str | None = None
    refund_id: str | None = None
    if isinstance(event, OrderEventInput):
        order = event.order
        keys += _canonical_order(order, occurred_at, ids)
        order_id = order.id
        if order.channel == GROUP_BUY and isinstance(order.group_id, str):
            group_id = order.group_id
    elif isinstance(event, RefundedInput):
        keys += _canonical_refund(event.refund, ids)
        order_id = event.refund.order_id
    elif isinstance(event, OfOrderInput):
        order_id = event.order_id
        ids.append(order_id)
    elif isinstance(event, RefundReversedInput):
        refund_id = event.refund_id
        ids.append(refund_id)
        if event.order_id is not UNSET:
            keys += 1
            if event.order_id is None:
                event.order_id = UNSET
            else:
                order_id = event.order_id
                ids.append(order_id)
    else:
        group_id = event.group_id
        ids.append(group_id)
    payload = _encode(event)
    digest = hashlib.blake2b(payload, digest_size=16).digest()
    return DecodedEvent(
        event.id, TYPE_OF[type(event)], order_id, occurred_at, digest, payload, group_id, refund_id
    ), keys


def _canonical_order(order: OrderInput, occurred_at: datetime, ids: list[str]) -> int:
    """Takes nulls for absent and fills in the channel; returns the keys that the order had, its lines' among them."""
    if order.paid_at.tzinfo is not UTC:
        order.paid_at = order.paid_at.astimezone(UTC)
    if not EARLIEST <= order.paid_at <= occurred_at:
        raise _Unsound
    currency = order.currency
    if not (currency.isascii() and currency.isalpha() and currency.isupper()):
        raise _Unsound
    ids.append(order.id)
    keys = _KEYS_OF_ORDER
    people = (order.shop_id, order.customer_id, order.leader_id, order.opener_id, order.group_id)
    given = [person for person in people if person is not UNSET]
    keys += len(given)
    if None in given:
        _leave_out(order, *PEOPLE)
    ids += filter(None, given)
    if order.channel is not UNSET:
        keys += 1
    if not order.channel:
        order.channel = "retail"
    return keys + _canonical_lines(order.lines, ids)


def _canonical_lines(lines: list[LineInput], ids: list[str]) -> int:
    """Takes what is nothing in the lines for absent; returns the keys that they had."""
    keys = sum(map(_canonical_line, lines))
    named = [line.id for line in lines]
    if len(set(named)) != len(named):
        raise _Unsound
    ids += named
    return keys


def _canonical_line(line: LineInput) -> int:
    """Takes nulls, and an entry that is none, for absent; returns the keys that the line had."""
    keys = _KEYS_OF_LINE
    if line.category is not UNSET:
        keys += 1
        if line.category is None:
            line.category = UNSET
    if line.list_minor is not UNSET:
        keys += 1
        if line.list_minor is None:
            line.list_minor = UNSET
    if line.cost_minor is not UNSET:
        keys += 1
        if line.cost_minor is None:
            line.cost_minor = UNSET
    if line.entry is not UNSET:
        keys += 1
        if not line.entry:
            line.entry = UNSET
    return keys


def _canonical_refund(refund: RefundInput, ids: list[str]) -> int:
    """Takes nulls for absent; returns the keys that the refund had, its lines' among them."""
    ids += (refund.id, refund.order_id)
    keys = _KEYS_OF_REFUND
    given = [part for part in (refund.lines, refund.amount_minor, refund.spread) if part is not UNSET]
    keys += len(given)
    if None in given:
        _leave_out(refund, "lines", "amount_minor", "spread")
    if (refund.amount_minor is UNSET) != (refund.spread is UNSET):
        raise _Unsound
    if isinstance(refund.lines, list):
        named = [line.line_id for line in refund.lines]
        if refund.spread is not UNSET or len(set(named)) != len(named):
            raise _Unsound
        ids += named
        keys += 2 * len(refund.lines)
    return keys


def _leave_out(part: OrderInput | RefundInput, *names: str) -> None:
    """Takes nulls among those fields for absent."""
    for name in names:
        if getattr(part, name) is None:
            setattr(part, name, UNSET)
