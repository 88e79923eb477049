"""Customers and their bindings as they are sent and shown."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from distrib.api.http.auth import ADMIN, OPERATIONS, ORDERS, STAFF
from distrib.api.schemas.fields import Choice, Identifier, Inner, Instant, Listed, PlainText, Shape
from distrib.api.schemas.lists import page_of
from distrib.api.schemas.problem import ENTRY_FIELDS, ProblemEntrySchema
from distrib.api.schemas.visible import Visible, paged, within
from distrib.domain.customers import OUTCOMES, RULES

MOST_CLAIMS = 1_000
_DRAFT = {"$ref": "#/components/schemas/ClaimDraft"}


class ClaimSchema(Shape):
    """A customer came by a shop at an instant."""

    shop_id = Identifier(required=True)
    source = PlainText(required=True, metadata={"description": "what brought the customer, such as poster or link"})
    bound_at = Instant(required=True)


class ClaimDraftSchema(ClaimSchema):
    """A claim on a customer that it names."""

    customer_id = Identifier(required=True)


class ClaimBatchSchema(Shape):
    """Up to 1,000 claims; each is loaded on its own, so that one refusal touches no other."""

    bindings = Listed(fields.Raw(allow_none=True), low=1, high=MOST_CLAIMS, required=True, metadata={"items": _DRAFT})


class BindingSchema(Shape):
    """A binding: protection and expiry count from when the customer last came by its shop."""

    shop_id = Identifier(required=True)
    source = PlainText(required=True)
    bound_at = Instant(required=True)
    renewed_at = Instant(required=True)
    protected_until = Instant(required=True, allow_none=True)
    expires_at = Instant(required=True, allow_none=True)


class BoundSchema(Shape):
    """The binding now in force, and what became of the claim."""

    customer_id = Identifier(required=True)
    outcome = Choice(OUTCOMES, required=True)
    binding = Inner(BindingSchema, required=True, allow_none=True)


class BatchEntrySchema(Shape):
    """What became of one claim of a batch."""

    customer_id = PlainText(required=True, allow_none=True, low=0)
    outcome = Choice((*OUTCOMES, "refused"), required=True)
    binding = Inner(BindingSchema, allow_none=True)
    code = PlainText()
    detail = PlainText()
    errors = Listed(Inner(ProblemEntrySchema))


class BatchResultsSchema(Shape):
    """What became of a batch, in the order sent."""

    results = Listed(Inner(BatchEntrySchema), required=True)


class ClaimViewSchema(Shape):
    """A claim in a customer's history, judged among all claims known by now."""

    customer_id = Identifier(
        required=True, metadata={"description": "the id that it names, where several ids are one person"}
    )
    shop_id = Identifier(required=True)
    source = PlainText(required=True)
    bound_at = Instant(required=True)
    rule = Choice(RULES, required=True)
    outcome = Choice(OUTCOMES, required=True)
    until = Instant(
        required=True, allow_none=True, metadata={"description": "when the binding it made ended or will end"}
    )
    recorded_at = Instant(required=True)
    recorded_by = PlainText(required=True)


class CustomerDraftSchema(Shape):
    """The shop that a customer is; null takes it back."""

    shop_id = Identifier(required=True, allow_none=True)


class MergeSchema(Shape):
    """The customer that another one is merged into, and goes on under."""

    into = Identifier(required=True)


class CustomerSchema(Shape):
    """A customer: the shop it is itself, the binding now in force, and whom it was merged into."""

    id = Identifier(required=True)
    shop_id = Identifier(required=True, allow_none=True)
    binding = Inner(BindingSchema, required=True, allow_none=True)
    merged_into = Identifier(
        required=True, allow_none=True, metadata={"description": "the id that the person goes on under"}
    )
    merged_at = Instant(required=True, allow_none=True)


ClaimsPageSchema: Any = page_of(ClaimViewSchema, "ClaimsPage")

# Who sees what: customers are for the order system and staff, and both see the same.
_BINDING = ("shop_id", "source", "bound_at", "renewed_at", "protected_until", "expires_at")
_BOUND = ("customer_id", "outcome", *within("binding", _BINDING))
_ENTRY = ("customer_id", "outcome", *within("binding", _BINDING), "code", "detail", *within("errors", ENTRY_FIELDS))
_CLAIM = ("customer_id", "shop_id", "source", "bound_at", "rule", "outcome", "until", "recorded_at", "recorded_by")
_CUSTOMER = ("id", "shop_id", *within("binding", _BINDING), "merged_into", "merged_at")
_READERS = (ORDERS, *STAFF)
_WRITERS = (ORDERS, ADMIN, OPERATIONS)
CUSTOMER = Visible(CustomerSchema, dict.fromkeys(_READERS, _CUSTOMER))
CLAIMS = Visible(ClaimsPageSchema, dict.fromkeys(_READERS, paged(_CLAIM)))
BOUND = Visible(BoundSchema, dict.fromkeys(_WRITERS, _BOUND))
BOUND_BATCH = Visible(BatchResultsSchema, dict.fromkeys(_WRITERS, within("results", _ENTRY)))
