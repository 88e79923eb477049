"""Plans as they are sent and shown. What a document may hold is the plan language's business, not repeated here."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, fields

from distrib.api.http.auth import STAFF
from distrib.api.schemas.fields import (
    Choice,
    Currency,
    Identifier,
    Inner,
    Instant,
    Listed,
    PlainText,
    Shape,
    Total,
    Whole,
)
from distrib.api.schemas.lists import page_of
from distrib.api.schemas.visible import Visible, paged, within
from distrib.domain.policies.policy import SEVERITIES


class PlanDocumentSchema(Schema):
    """A plan document; every problem of it is told at once, by path."""

    class Meta:
        """The plan language knows the keys."""

        unknown = INCLUDE

    code = fields.String(required=True, metadata={"pattern": "^[a-z0-9-]{1,40}$"})
    currency = Currency(required=True)
    rules = fields.List(fields.Dict(), required=True)


class FindingSchema(Shape):
    """What a policy pack has to say about a plan."""

    id = PlainText(required=True)
    severity = Choice(SEVERITIES, required=True)
    figure = PlainText(required=True)
    threshold = PlainText(required=True)
    source = PlainText(required=True)
    detail_en = PlainText(required=True)
    detail_zh = PlainText(required=True)


class PlanSummarySchema(Shape):
    """A version of a plan; a draft until it is published."""

    code = Identifier(required=True)
    version = Whole(low=1, required=True)
    status = Choice(("draft", "published"), required=True)
    created_at = Instant(required=True)
    created_by = PlainText(required=True)
    effective_from = Instant(required=True, allow_none=True)
    published_at = Instant(required=True, allow_none=True)
    published_by = PlainText(required=True, allow_none=True)
    signed_off_by = PlainText(required=True, allow_none=True)
    findings = Listed(Inner(FindingSchema), required=True)


class HeadlineSchema(Shape):
    """The few figures of a simulation of a plan document: what it would have cost on history."""

    id = Identifier(required=True)
    since = Instant(data_key="from", required=True)
    until = Instant(data_key="to", required=True)
    orders = Whole(low=0, required=True)
    currency = PlainText(required=True)
    as_it_was_minor = Total(required=True)
    cost_minor = Total(required=True)
    difference_minor = Total(required=True)
    share_of_sales = PlainText(required=True, allow_none=True)
    gaining = Whole(low=0, required=True, metadata={"description": "shops"})
    losing = Whole(low=0, required=True)
    failing = Whole(low=0, required=True, metadata={"description": "orders that would fail"})
    ranks = PlainText(required=True, metadata={"description": "as_were or replayed"})
    refunds = PlainText(required=True, metadata={"description": "known or none"})
    events_since = Whole(low=0, required=True, metadata={"description": "how many came since, up to 10,000"})


class PlanSchema(PlanSummarySchema):
    """A version of a plan with its document."""

    document = Inner(PlanDocumentSchema, required=True)
    simulation = Inner(HeadlineSchema, required=True, allow_none=True)
    simulations = Listed(
        Inner(HeadlineSchema), required=True, metadata={"description": "the newest by each mode of ranks"}
    )


class PublicationSchema(Shape):
    """From when a version decides orders, and who signed for it."""

    effective_from = Instant(required=True)
    signed_off_by = PlainText(allow_none=True, load_default=None)


PlansPageSchema: Any = page_of(PlanSummarySchema, "PlansPage")

# Who sees what: plans are for staff, and all of them sees the same; a document is shown as it was sent.
FINDING_FIELDS = ("id", "severity", "figure", "threshold", "source", "detail_en", "detail_zh")
"""Of what a policy pack has to say about a plan, wherever that stands."""
_SUMMARY = (
    "code",
    "version",
    "status",
    "created_at",
    "created_by",
    "effective_from",
    "published_at",
    "published_by",
    "signed_off_by",
    *within("findings", FINDING_FIELDS),
)
_HEADLINE = (
    "id",
    "since",
    "until",
    "orders",
    "currency",
    "as_it_was_minor",
    "cost_minor",
    "difference_minor",
    "share_of_sales",
    "gaining",
    "losing",
    "failing",
    "ranks",
    "refunds",
    "events_since",
)
_PLAN = (*_SUMMARY, "document", *within("simulation", _HEADLINE), *within("simulations", _HEADLINE))
PLAN = Visible(PlanSchema, dict.fromkeys(STAFF, _PLAN))
PLANS = Visible(PlansPageSchema, dict.fromkeys(STAFF, paged(_SUMMARY)))
