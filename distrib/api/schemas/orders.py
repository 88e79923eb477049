"""Orders and their explanation as they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

from distrib.api.http.auth import ORDERS, PARTNER, STAFF
from distrib.api.http.words import say
from distrib.api.schemas.commissions import PlanVersionSchema
from distrib.api.schemas.events import EventFailureSchema, RefundLineSchema
from distrib.api.schemas.events_seen import FAILURE_FIELDS
from distrib.api.schemas.fields import Choice, Flag, Identifier, Inner, Instant, Listed, PlainText, Shape, Total, Whole
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.api.schemas.visible import Visible, paged, within
from distrib.domain.plans.customer_conditions import STANDINGS
from distrib.services.orders.codec import CHANNELS, EVENT_TYPES
from distrib.services.orders.views import ORDER_STATUSES

CAME, NEWEST = SORTS = ("came", "-came")


class OrderQuerySchema(PageQuerySchema):
    """Which orders: of a shop, in a status, paid from (included) to (not included).

    ``sort=-came``, the newest first, goes without ``from`` and ``to``.
    """

    shop_id = Identifier(load_default=None)
    status = Choice(ORDER_STATUSES, load_default=None)
    from_at = Instant(data_key="from", load_default=None)
    to_at = Instant(data_key="to", load_default=None)
    sort = Choice(SORTS, load_default=CAME, metadata={"description": "-came: the newest first; without from and to"})

    @validates_schema(skip_on_field_errors=False)
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("sort") == NEWEST and (data.get("from_at") or data.get("to_at")):
            raise ValidationError([say("either_or", one="sort=-came", other="from, to")], "sort")


class OrderSummarySchema(Shape):
    """An order in short."""

    id = Identifier(required=True)
    status = Choice(ORDER_STATUSES, required=True)
    shop_id = Identifier(required=True, allow_none=True)
    seller_by = Choice(
        ("order", "binding"), required=True, allow_none=True, metadata={"description": "how the selling shop was found"}
    )
    customer_id = Identifier(allow_none=True)
    channel = Choice(CHANNELS, required=True, allow_none=True)
    currency = PlainText(required=True, allow_none=True)
    paid_at = Instant(required=True, allow_none=True)
    settled_at = Instant(required=True, allow_none=True)
    paid_minor = Total(required=True, allow_none=True)
    refunded_minor = Total(required=True, allow_none=True)
    left_minor = Total(required=True, allow_none=True)
    plan = Inner(PlanVersionSchema, required=True, allow_none=True)


class KnownLineSchema(Shape):
    """A line and what refunds left of it."""

    id = Identifier(required=True)
    sku = PlainText(required=True)
    category = PlainText(required=True, allow_none=True)
    quantity = Whole(required=True)
    paid_minor = Total(required=True)
    list_minor = Total(required=True, allow_none=True)
    cost_minor = Total(required=True, allow_none=True)
    entry = Flag(required=True, allow_none=True)
    refunded_minor = Total(required=True)
    left_minor = Total(required=True)


class KnownRefundSchema(Shape):
    """A refund that was worked on, and what undid it; without an ``id`` it is the order's cancel.

    One that is no line's has no ``lines`` and ``counts`` for no commission.
    """

    id = Identifier(required=True, allow_none=True)
    event_id = Identifier(required=True)
    occurred_at = Instant(required=True)
    amount_minor = Total(required=True)
    counts = Flag(required=True)
    lines = Listed(Inner(RefundLineSchema), required=True)
    reversed_at = Instant(required=True, allow_none=True)
    reversed_by = Identifier(required=True, allow_none=True)


class NetCommissionSchema(Shape):
    """What one shop has of one line by one rule: first earned, taken back, and what stands."""

    line_id = Identifier(required=True)
    rule = PlainText(required=True)
    tier = Whole(required=True)
    shop_id = Identifier(required=True)
    base_minor = Total(required=True, allow_none=True)
    rate = PlainText(required=True, allow_none=True)
    earned_minor = Total(required=True)
    reversed_minor = Total(required=True)
    amount_minor = Total(required=True)
    currency = PlainText(required=True)
    available_at = Instant(required=True)
    state = Choice(("held", "available"), required=True)


class ExpectedCommissionSchema(Shape):
    """What one shop may expect of one line by one rule, net of refunds."""

    line_id = Identifier(required=True)
    rule = PlainText(required=True)
    tier = Whole(required=True)
    shop_id = Identifier(required=True)
    base_minor = Total(required=True, allow_none=True)
    rate = PlainText(required=True, allow_none=True)
    amount_minor = Total(required=True)
    currency = PlainText(required=True)
    state = Choice(("expected",), required=True)


class OrderEventSchema(Shape):
    """An event that told of the order."""

    id = Identifier(required=True)
    type = Choice(EVENT_TYPES, required=True)
    occurred_at = Instant(required=True)
    status = Choice(("pending", "waiting", "done", "failed"), required=True)
    code = PlainText(required=True, allow_none=True)


class OrderViewSchema(OrderSummarySchema):
    """An order as known, with its commissions net of reversals, and apart from them what is only expected.

    ``reason`` says why nobody earned.
    """

    leader_id = Identifier(required=True, allow_none=True)
    opener_id = Identifier(required=True, allow_none=True)
    group_id = Identifier(required=True, allow_none=True)
    lines = Listed(Inner(KnownLineSchema), required=True)
    refunds = Listed(Inner(KnownRefundSchema), required=True)
    commissions = Listed(Inner(NetCommissionSchema), required=True)
    expected = Listed(Inner(ExpectedCommissionSchema), required=True)
    events = Listed(Inner(OrderEventSchema), required=True)
    reason = PlainText(has_lines=True, required=True, allow_none=True)
    error = Inner(EventFailureSchema, required=True, allow_none=True)


class PersonSchema(Shape):
    """Someone of the snapshot, as they stood when the order was paid."""

    role = PlainText(required=True)
    shop_id = Identifier(required=True, allow_none=True)
    rank = PlainText(required=True, allow_none=True)
    is_active = Flag(required=True)


class LookSchema(Shape):
    """One line, one rule, one person looked at, and what came of it.

    ``amount_line_id``: the line on which the rule's one amount for the order stands; null for all other figures.
    """

    line_id = Identifier(required=True)
    rule = PlainText(required=True)
    tier = Whole(required=True)
    shop_id = Identifier(required=True, allow_none=True)
    rank = PlainText(required=True, allow_none=True)
    base_minor = Total(required=True)
    rate = PlainText(required=True, allow_none=True)
    amount_before_cap_minor = Total(required=True)
    amount_minor = Total(required=True)
    posted_minor = Total(required=True)
    reason = PlainText(has_lines=True, required=True)
    amount_line_id = Identifier(required=True, allow_none=True)


class EarlierOrdersSchema(Shape):
    """The settled orders of the customer that were known, and when the first of them was paid.

    No more are counted than decide.
    """

    orders = Whole(required=True)
    first_paid_at = Instant(required=True, allow_none=True)


class CustomerConditionSchema(Shape):
    """What one rule asks of the order's customer, and whether that is met.

    ``leaves_out``: the rule is for orders that do not meet it.
    """

    rule = PlainText(required=True)
    customer = Choice(STANDINGS, required=True)
    within_orders = Whole(required=True, allow_none=True)
    within_days = Whole(required=True, allow_none=True)
    leaves_out = Flag(required=True)
    is_met = Flag(required=True)


class DifferenceSchema(Shape):
    """Where the ledger does not say what the order comes to."""

    what = PlainText(required=True)
    line_id = Identifier(required=True)
    rule = PlainText(required=True)
    tier = Whole(required=True)
    shop_id = Identifier(required=True, allow_none=True)
    expected_minor = Total(required=True, allow_none=True)
    posted_minor = Total(required=True, allow_none=True)


class ExplanationSchema(OrderSummarySchema):
    """Everyone looked at, worked out again from the snapshot and compared with what was posted."""

    reason = PlainText(has_lines=True, required=True, allow_none=True)
    error = Inner(EventFailureSchema, required=True, allow_none=True)
    policy = PlainText(required=True, allow_none=True)
    is_self_purchase = Flag(required=True, allow_none=True)
    order_cap = PlainText(required=True, allow_none=True)
    earlier_orders = Inner(EarlierOrdersSchema, required=True, allow_none=True)
    customer_conditions = Listed(Inner(CustomerConditionSchema), required=True)
    people = Listed(Inner(PersonSchema), required=True)
    looks = Listed(Inner(LookSchema), required=True)
    agrees = Flag(required=True)
    differences = Listed(Inner(DifferenceSchema), required=True)


OrdersPageSchema: Any = page_of(OrderSummarySchema, "OrdersPage")

# Who sees what: nothing of the buyer is for a partner.
_SUMMARY = (
    "id",
    "status",
    "shop_id",
    "seller_by",
    "channel",
    "currency",
    "paid_at",
    "settled_at",
    "paid_minor",
    "refunded_minor",
    "left_minor",
    *within("plan", ("code", "version")),
)
_LOOK = (
    "line_id",
    "rule",
    "tier",
    "shop_id",
    "rank",
    "base_minor",
    "rate",
    "amount_before_cap_minor",
    "amount_minor",
    "posted_minor",
    "reason",
    "amount_line_id",
)
_CONDITION = (
    "rule",
    "customer",
    "within_orders",
    "within_days",
    "leaves_out",
    "is_met",
)
_DIFFERENCE = (
    "what",
    "line_id",
    "rule",
    "tier",
    "shop_id",
    "expected_minor",
    "posted_minor",
)
_EXPLANATION = (
    *_SUMMARY,
    "reason",
    *within("error", FAILURE_FIELDS),
    "policy",
    "is_self_purchase",
    "order_cap",
    *within("earlier_orders", ("orders", "first_paid_at")),
    *within("customer_conditions", _CONDITION),
    *within("people", ("role", "shop_id", "rank", "is_active")),
    *within("looks", _LOOK),
    "agrees",
    *within("differences", _DIFFERENCE),
)
_LINE = (
    "id",
    "sku",
    "category",
    "quantity",
    "paid_minor",
    "list_minor",
    "cost_minor",
    "entry",
    "refunded_minor",
    "left_minor",
)
_REFUND = (
    "id",
    "event_id",
    "occurred_at",
    "amount_minor",
    "counts",
    *within("lines", ("line_id", "amount_minor")),
    "reversed_at",
    "reversed_by",
)
_EXPECTED = ("line_id", "rule", "tier", "shop_id", "base_minor", "rate", "amount_minor", "currency", "state")
_NET = (*_EXPECTED, "earned_minor", "reversed_minor", "available_at")
_ORDER = (
    *_SUMMARY,
    "customer_id",
    "leader_id",
    "opener_id",
    "group_id",
    *within("lines", _LINE),
    *within("refunds", _REFUND),
    *within("commissions", _NET),
    *within("expected", _EXPECTED),
    *within("events", ("id", "type", "occurred_at", "status", "code")),
    "reason",
    *within("error", FAILURE_FIELDS),
)
_READERS = (ORDERS, *STAFF)
EXPLANATION = Visible(
    ExplanationSchema,
    {PARTNER: _EXPLANATION, **dict.fromkeys(_READERS, (*_EXPLANATION, "customer_id"))},
)
ORDER = Visible(OrderViewSchema, dict.fromkeys(_READERS, _ORDER))
ORDER_PAGE = Visible(OrdersPageSchema, dict.fromkeys(_READERS, paged((*_SUMMARY, "customer_id"))))
