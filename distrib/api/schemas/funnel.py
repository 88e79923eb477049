"""The funnel as it is asked for and shown."""

from __future__ import annotations

from typing import Any

from distrib.api.http.auth import STAFF
from distrib.api.schemas.fields import (
    Choice,
    Currency,
    Day,
    Identifier,
    Inner,
    Instant,
    Listed,
    PlainText,
    Shape,
    Whole,
)
from distrib.api.schemas.visible import Visible, within
from distrib.services.sharing.funnel import DAY, GRAINS
from distrib.services.sharing.visits import SOURCES


class FunnelQuerySchema(Shape):
    """Which days or months: those that begin from (included) to (not included), in the program's time zone."""

    from_day = Day(data_key="from", required=True)
    to_day = Day(data_key="to", required=True)
    grain = Choice(GRAINS, data_key="by", load_default=DAY)
    shop_id = Identifier(load_default=None)


SourcesSchema: Any = Shape.from_dict({source: Whole() for source in SOURCES}, name="SourcesSchema")
"""Visits by where they came from; what nobody came from is left out."""


class FunnelSpanSchema(Shape):
    """A day or a month from visit to repeat purchase; what is not worked out yet has its visits alone."""

    starts_on = Day(required=True)
    visits = Whole(required=True, metadata={"description": "of invite links, a visitor once a shop and day"})
    sources = Inner(SourcesSchema, required=True)
    as_of = Instant(required=True, allow_none=True, metadata={"description": "null: not worked out yet"})
    registrations = Whole(metadata={"description": "shops that joined under another"})
    registration_rate = PlainText(allow_none=True, metadata={"description": "registrations by visits; may be above 1"})
    first_orders = Whole(metadata={"description": "shops that sold for the first time"})
    orders = Whole()
    sales_minor = Whole()
    average_order_minor = Whole(allow_none=True, metadata={"description": "sales by orders, half up"})
    currency = Currency()
    buyers = Whole(metadata={"description": "customers who bought"})
    repeat_buyers = Whole(metadata={"description": "of them those who bought twice, or had bought before"})
    repeat_rate = PlainText(allow_none=True)
    shops = Whole(metadata={"description": "how many there were at its end"})
    sharing_shops = Whole(metadata={"description": "shops under which another one joined"})
    sharing_rate = PlainText(allow_none=True)


class FunnelSchema(Shape):
    """The funnel, day by day or month by month."""

    data = Listed(Inner(FunnelSpanSchema), required=True)


# Who sees what: the funnel is for staff, and all of them sees the same.
_SPAN = (
    "starts_on",
    "visits",
    *within("sources", SOURCES),
    "as_of",
    "registrations",
    "registration_rate",
    "first_orders",
    "orders",
    "sales_minor",
    "average_order_minor",
    "currency",
    "buyers",
    "repeat_buyers",
    "repeat_rate",
    "shops",
    "sharing_shops",
    "sharing_rate",
)
FUNNEL = Visible(FunnelSchema, dict.fromkeys(STAFF, within("data", _SPAN)))
