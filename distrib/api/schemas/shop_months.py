"""Figures of shops and programs as they are shown."""

from __future__ import annotations

from marshmallow import fields

from distrib.api.http.auth import PARTNER, STAFF
from distrib.api.schemas.fields import (
    Choice,
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
from distrib.api.schemas.shops import SHOP_STATUSES
from distrib.api.schemas.visible import Visible, within

MOST_LEVELS = 1_000


class MetricsQuerySchema(Shape):
    """Which month."""

    period = Period(required=True)


class TeamLevelSchema(Shape):
    """The shops so many levels below, and what they sold."""

    level = Whole(required=True)
    shops = Whole(required=True)
    selling_shops = Whole(required=True)
    orders = Whole(required=True)
    sales_minor = Total(required=True)


class MetricsSchema(Shape):
    """A shop's month in figures (docs/metrics.md); ratios are decimal strings, null of nothing."""

    shop_id = Identifier(required=True)
    period = PlainText(required=True)
    currency = PlainText(required=True)
    sales_minor = Total(required=True)
    orders = Whole(required=True)
    customers = Whole(required=True)
    new_customers = Whole(required=True)
    returning_customers = Whole(required=True)
    repeat_rate = PlainText(required=True, allow_none=True)
    repeat_sales_minor = Total(required=True)
    new_shops = Whole(required=True)
    referred_customers = Whole(required=True)
    referral_rate = PlainText(required=True, allow_none=True)
    referral_sales_minor = Total(required=True)
    sustained_value_minor = Total(required=True, metadata={"description": "持续经营值"})
    team_sales_minor = Total(required=True)
    team = Listed(Inner(TeamLevelSchema), required=True)
    as_of = Instant(required=True)


class RetentionEntrySchema(Shape):
    """Of the shops whose month so long after joining is over, how many sold in it."""

    months = Whole(required=True)
    shops = Whole(required=True)
    active_shops = Whole(required=True)
    share = PlainText(required=True, allow_none=True)


class RetentionSchema(Shape):
    """How many shops stay active."""

    data = Listed(Inner(RetentionEntrySchema), required=True)
    as_of = Instant(required=True)


class SubtreeQuerySchema(Shape):
    """In which form, and how deep."""

    format = Choice(("json", "graphml"), load_default="json")
    levels = QueryWhole(low=1, high=MOST_LEVELS, load_default=None)


class SubtreeNodeSchema(Shape):
    """A shop of a subtree; what it lacks is left out."""

    id = Identifier(required=True)
    name = PlainText()
    level = Whole(required=True)
    distance = Whole(required=True)
    rank = PlainText()
    joined_at = Instant(required=True)
    status = Choice(SHOP_STATUSES)


class SubtreeSchema(Shape):
    """A subtree as node-link JSON: shops as nodes, referrals as edges from sponsor to shop."""

    directed = fields.Boolean(required=True)
    multigraph = fields.Boolean(required=True)
    graph = fields.Dict(required=True)
    nodes = Listed(Inner(SubtreeNodeSchema), required=True)
    edges = Listed(fields.Dict(), required=True)


# Who sees what: a partner does not see whether a shop below its own is active.
_METRICS = (
    "shop_id",
    "period",
    "currency",
    "sales_minor",
    "orders",
    "customers",
    "new_customers",
    "returning_customers",
    "repeat_rate",
    "repeat_sales_minor",
    "new_shops",
    "referred_customers",
    "referral_rate",
    "referral_sales_minor",
    "sustained_value_minor",
    "team_sales_minor",
    *within("team", ("level", "shops", "selling_shops", "orders", "sales_minor")),
    "as_of",
)
_NODE = ("id", "name", "level", "distance", "rank", "joined_at")
_NODE_TO_STAFF = (*_NODE, "status")
_TREE = ("directed", "multigraph", "graph", "edges")
_RETENTION = (*within("data", ("months", "shops", "active_shops", "share")), "as_of")
METRICS = Visible(MetricsSchema, dict.fromkeys((PARTNER, *STAFF), _METRICS))
RETENTION = Visible(RetentionSchema, dict.fromkeys(STAFF, _RETENTION))
SUBTREE_NODE = Visible(SubtreeNodeSchema, {PARTNER: _NODE, **dict.fromkeys(STAFF, _NODE_TO_STAFF)})
"""Of each shop, whichever form the tree is written in."""
SUBTREE = Visible(
    SubtreeSchema,
    {
        PARTNER: (*_TREE, *within("nodes", _NODE)),
        **dict.fromkeys(STAFF, (*_TREE, *within("nodes", _NODE_TO_STAFF))),
    },
)
