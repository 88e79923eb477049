"""The contract for events. ``distrib.services.orders.codec`` is its compiled twin: both accept the same set.

The twin decides; this schema tells the full story of what it refused. A property test keeps them in step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, post_load, validates_schema

from distrib.api.http.words import say
from distrib.api.schemas.fields import (
    Amount,
    Choice,
    Day,
    Flag,
    Identifier,
    Inner,
    Instant,
    Listed,
    PlainText,
    Shape,
    Whole,
)
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.domain.events import (
    CANCELLED,
    CLOCK_SKEW,
    FAILED,
    PAID,
    PAYMENT_FAILED,
    REFUND_REVERSED,
    REFUNDED,
    SETTLED,
    SPREADS,
    SUCCEEDED,
    Event,
    Order,
    OrderLine,
    Refund,
    RefundLine,
)
from distrib.services.orders.codec import CHANNELS, EVENT_TYPES, MAX_LINES

MOST_QUANTITY = 10**6
STATUSES = ("pending", "waiting", "done", "failed")
PARTS = {
    SETTLED: "order",
    PAID: "order",
    REFUNDED: "refund",
    CANCELLED: "order_id",
    PAYMENT_FAILED: "order_id",
    REFUND_REVERSED: "refund_id",
    SUCCEEDED: "group_id",
    FAILED: "group_id",
}
"""What an event of each type is about."""
BESIDE = {REFUND_REVERSED: {"order_id"}}
"""What else an event of a type may name: the order, where refunds of several orders have one id."""


class OrderCurrency(PlainText):
    """Three capitals; whether it is the plan's currency is told at work."""

    def __init__(self, **options: Any) -> None:
        super().__init__(low=3, high=3, metadata={"pattern": "^[A-Z]{3}$"}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **rest: Any) -> Any:
        if not (isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):
            raise ValidationError([say("currency")])
        return super()._deserialize(value, attr, data, **rest)


class EventPart(Shape):
    """A part of an event: loads into the domain's own value, in which null is the same as absent."""

    fills: ClassVar[type[Any]]

    @post_load
    def fill(self, data: Mapping[str, Any], **_: Any) -> Any:
        """The value of the domain with what was given, lists as tuples."""
        given = {name: value for name, value in data.items() if value is not None}
        return self.fills(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})


class OrderLineSchema(EventPart):
    """One line of an order; amounts are those of the whole line."""

    fills = OrderLine
    id = Identifier(required=True)
    sku = PlainText(required=True)
    quantity = Whole(low=1, high=MOST_QUANTITY, required=True)
    paid_minor = Amount(required=True)
    list_minor = Amount(allow_none=True)
    cost_minor = Amount(allow_none=True)
    category = PlainText(allow_none=True)
    entry = Flag(allow_none=True)


class OrderSchema(EventPart):
    """An order as the order system describes it."""

    fills = Order
    id = Identifier(required=True)
    currency = OrderCurrency(required=True)
    paid_at = Instant(required=True)
    lines = Listed(Inner(OrderLineSchema), low=1, high=MAX_LINES, required=True)
    channel = Choice(CHANNELS, allow_none=True)
    shop_id = Identifier(allow_none=True)
    customer_id = Identifier(allow_none=True)
    leader_id = Identifier(allow_none=True)
    opener_id = Identifier(allow_none=True)
    group_id = Identifier(allow_none=True)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def refuse_repeated_ids(self, data: Mapping[str, Any], original: Any, **_: Any) -> None:
        """Every line has an id of its own."""
        _refuse_repeats(original, "id")


class RefundLineSchema(EventPart):
    """How much of one line is given back."""

    fills = RefundLine
    line_id = Identifier(required=True)
    amount_minor = Amount(low=1, required=True)


class RefundSchema(EventPart):
    """A refund; without lines and amount it takes all that is left.

    ``amount_minor`` goes with ``spread``: ``lines`` shares it over the lines by what is left of each, ``none`` counts
    for no commission.
    """

    fills = Refund
    id = Identifier(required=True)
    order_id = Identifier(required=True)
    lines = Listed(Inner(RefundLineSchema), low=1, high=MAX_LINES, allow_none=True)
    amount_minor = Amount(low=1, allow_none=True)
    spread = Choice(SPREADS, allow_none=True)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def refuse_two_amounts(self, data: Mapping[str, Any], original: Any, **_: Any) -> None:
        """An amount without lines says how it is spread, and stands for itself."""
        if not isinstance(original, Mapping):
            return
        lines, amount, spread = (original.get(name) for name in ("lines", "amount_minor", "spread"))
        wrong: dict[str, Any] = {}
        if amount is not None and spread is None:
            wrong["spread"] = [say("required_with", other="amount_minor")]
        if spread is not None and amount is None:
            wrong["amount_minor"] = [say("required_with", other="spread")]
        if lines is not None and (amount is not None or spread is not None):
            wrong["lines"] = [say("either_or", one="lines", other="amount_minor")]
        if wrong:
            raise ValidationError(wrong)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def refuse_repeated_ids(self, data: Mapping[str, Any], original: Any, **_: Any) -> None:
        """A line is named once."""
        _refuse_repeats(original, "line_id")


class EventSchema(EventPart):
    """A fact from the order system.

    ``order`` goes with order.paid and order.settled, ``refund`` with order.refunded, ``order_id`` with
    order.cancelled and order.payment_failed, ``refund_id`` with refund.reversed (and ``order_id``, where refunds of
    several orders have one id), ``group_id`` with group.succeeded and group.failed.
    """

    fills = Event
    id = Identifier(required=True)
    type = Choice(EVENT_TYPES, required=True)
    occurred_at = Instant(required=True)
    order = Inner(OrderSchema)
    refund = Inner(RefundSchema)
    order_id = Identifier(allow_none=True)
    group_id = Identifier()
    refund_id = Identifier(allow_none=True)

    def __init__(self, now: Callable[[], datetime] | None = None, **options: Any) -> None:
        self._now = now
        super().__init__(**options)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def refuse_contradictions(self, data: Mapping[str, Any], original: Any, **_: Any) -> None:
        """The type says which part there must be; the times stand in order."""
        if not isinstance(original, Mapping):
            return
        wrong = _parts(original) | _times(data, self._now)
        if wrong:
            raise ValidationError(wrong)


def _parts(original: Mapping[str, Any]) -> dict[str, Any]:
    kind = original.get("type")
    wanted = PARTS.get(kind) if isinstance(kind, str) else None
    if wanted is None:
        return {}
    allowed = {wanted, *BESIDE.get(str(kind), ())}
    others = {part for part in PARTS.values() if part not in allowed and part in original}
    wrong: dict[str, Any] = {part: [say("belongs_elsewhere", other=kind)] for part in others}
    if wanted not in original:
        wrong[wanted] = [say("required")]
    elif original[wanted] is None:
        wrong[wanted] = [say("null")]
    return wrong


def _times(data: Mapping[str, Any], now: Callable[[], datetime] | None) -> dict[str, Any]:
    occurred_at, order = data.get("occurred_at"), data.get("order")
    if not isinstance(occurred_at, datetime):
        return {}
    wrong: dict[str, Any] = {}
    if now is not None and occurred_at > now() + CLOCK_SKEW:
        wrong["occurred_at"] = [say("future")]
    paid_at = order.get("paid_at") if isinstance(order, Mapping) else getattr(order, "paid_at", None)  # wrong elsewhere
    if isinstance(paid_at, datetime) and paid_at > occurred_at:
        wrong["order"] = {"paid_at": [say("before", other="occurred_at")]}
    return wrong


def _refuse_repeats(original: Any, key: str) -> None:
    """Looks at what was sent, for the places of what was loaded shift where a line is wrong."""
    lines = original.get("lines") if isinstance(original, Mapping) else None
    seen: set[str] = set()
    wrong: dict[int, Any] = {}
    for index, line in enumerate(lines if isinstance(lines, list) and len(lines) <= MAX_LINES else ()):
        identifier = line.get(key) if isinstance(line, Mapping) else None
        if isinstance(identifier, str):
            if identifier in seen:
                wrong[index] = {key: [say("twice")]}
            seen.add(identifier)
    if wrong:
        raise ValidationError({"lines": wrong})


class EventPostSchema(Shape):
    """One event, or ``events`` with up to 1,000; for the description alone, each event is loaded on its own."""

    id = Identifier()
    type = Choice(EVENT_TYPES)
    occurred_at = Instant()
    order = Inner(OrderSchema)
    refund = Inner(RefundSchema)
    order_id = Identifier()
    group_id = Identifier()
    refund_id = Identifier()
    events = Listed(Inner(EventSchema), metadata={"minItems": 1, "maxItems": 1_000})


class EventErrorSchema(Shape):
    """What was wrong at a pointer of one event."""

    pointer = PlainText(required=True)
    detail = PlainText(required=True)


class EventResultSchema(Shape):
    """What became of one event of a post."""

    id = PlainText(required=True, allow_none=True, metadata={"minLength": 0})
    status = Choice(("accepted", "duplicate", "refused"), required=True)
    code = PlainText()
    detail = PlainText()
    errors = Listed(Inner(EventErrorSchema))


class EventResultsSchema(Shape):
    """What became of a post, in the order sent."""

    accepted = Whole(required=True)
    duplicate = Whole(required=True)
    refused = Whole(required=True)
    results = Listed(Inner(EventResultSchema), required=True)


class EventFailureSchema(Shape):
    """Why an event waits or failed."""

    code = PlainText(required=True)
    detail = PlainText(required=True)
    detail_zh = PlainText(required=True)


class EventViewSchema(Shape):
    """An event and what became of it."""

    id = Identifier(required=True)
    type = Choice(EVENT_TYPES, required=True)
    order_id = Identifier(required=True, allow_none=True)
    group_id = Identifier(required=True, allow_none=True)
    status = Choice(STATUSES, required=True)
    occurred_at = Instant(required=True)
    received_at = Instant(required=True)
    done_at = Instant(required=True, allow_none=True)
    attempts = Whole(required=True)
    error = Inner(EventFailureSchema, required=True, allow_none=True)
    remark = PlainText()


class KeptEventSchema(EventViewSchema):
    """An event with what was sent, and what became of it."""

    payload = fields.Dict(
        required=True,
        allow_none=True,
        metadata={
            "description": "the event as it was first kept: times in UTC, what was null left out; null: not readable"
        },
    )


KEPT, NEWEST = SORTS = ("kept", "-kept")


class EventQuerySchema(PageQuerySchema):
    """Which events; received from (included) to (not included).

    ``sort=-kept``, the newest first, goes without ``type``, ``from`` and ``to``.
    """

    status = Choice(STATUSES, load_default=None)
    order_id = Identifier(load_default=None)
    type = Choice(EVENT_TYPES, load_default=None)
    code = PlainText(load_default=None, metadata={"description": "why they wait or failed"})
    from_at = Instant(data_key="from", load_default=None)
    to_at = Instant(data_key="to", load_default=None)
    sort = Choice(
        SORTS, load_default=KEPT, metadata={"description": "-kept: the newest first; without type, from and to"}
    )

    @validates_schema(skip_on_field_errors=False)
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("sort") == NEWEST and any(data.get(name) for name in ("type", "from_at", "to_at")):
            raise ValidationError([say("either_or", one="sort=-kept", other="type, from, to")], "sort")


EventsPageSchema = page_of(EventViewSchema, "EventsPage")


class QueueSchema(Shape):
    """What waits to be worked on; a count that is ``counted_up_to`` may be more."""

    orders_waiting = Whole(required=True, metadata={"description": "that nobody is working on yet, or is right now"})
    first_day = Day(required=True, allow_none=True, metadata={"description": "of the next in line; null: none waits"})
    first_received_at = Instant(
        required=True, allow_none=True, metadata={"description": "when the next in line was accepted"}
    )
    waiting_events = Whole(required=True, metadata={"description": "that wait for another fact"})
    failed_events = Whole(required=True)
    counted_up_to = Whole(required=True)
