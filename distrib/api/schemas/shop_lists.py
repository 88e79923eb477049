"""Lists of shops as they are asked for and shown."""

from __future__ import annotations

from marshmallow import fields

from distrib.api.http.auth import ADMIN, OPERATIONS, STAFF
from distrib.api.schemas.fields import (
    Choice,
    Flag,
    Identifier,
    Inner,
    Instant,
    Listed,
    PlainText,
    QueryWhole,
    Shape,
    Total,
    Whole,
)
from distrib.api.schemas.lists import PageQuerySchema
from distrib.api.schemas.problem import ENTRY_FIELDS, ProblemEntrySchema
from distrib.api.schemas.shops import BRANCH_FIELDS, MOST_LEVELS, MOST_SHOPS, SHOP_STATUSES, BranchSchema
from distrib.api.schemas.visible import Visible, paged, within
from distrib.services.network.decisions import DECISIONS
from distrib.services.network.listing import NEWEST_FIRST, SORTS

MOST_LETTERS = 64
_DECISION = {"$ref": "#/components/schemas/ShopDecision"}


class ShopsQuerySchema(PageQuerySchema):
    """Which shops, in which order."""

    q = PlainText(
        high=MOST_LETTERS,
        load_default=None,
        metadata={"description": "what the id, the invite code or the name begins with; codes and names in any case"},
    )
    status = Choice(SHOP_STATUSES, load_default=None)
    rank = PlainText(high=40, load_default=None)
    level = QueryWhole(low=1, high=MOST_LEVELS, load_default=None, metadata={"description": "1: the roots"})
    root = Identifier(load_default=None, metadata={"description": "a shop without a sponsor: it and all below it"})
    joined_from = Instant(load_default=None)
    joined_to = Instant(load_default=None, metadata={"description": "not part of what it ends"})
    sort = Choice(SORTS, load_default=NEWEST_FIRST, metadata={"description": "with - the last or the most first"})


class ListedShopSchema(Shape):
    """A shop by what is newest of it; sales are its own of the month that runs, net of refunds."""

    id = Identifier(required=True)
    name = PlainText(required=True, allow_none=True)
    status = Choice(SHOP_STATUSES, required=True)
    status_since = Instant(required=True, metadata={"description": "may lie ahead: until then another one holds"})
    rank = PlainText(required=True, allow_none=True)
    level = Whole(required=True, metadata={"description": "1 is a root"})
    sponsor_id = Identifier(required=True, allow_none=True)
    root_id = Identifier(required=True)
    joined_at = Instant(required=True)
    direct_recruits = Whole(required=True)
    month_sales_minor = Total(required=True)
    available_minor = Total(required=True)
    currency = PlainText(required=True)
    branch = Inner(BranchSchema, required=True, allow_none=True, metadata={"description": "null: not added up yet"})


class ShopsPageSchema(Shape):
    """A page of shops; the count is exact to 10,000 and may be an estimate where it says so."""

    data = Listed(Inner(ListedShopSchema), required=True)
    next_cursor = PlainText(high=2_000, required=True, allow_none=True)
    count = Whole(required=True)
    count_is_estimate = Flag(required=True)
    sorted_as_of = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "of when the order of a large program by sales or balance is; null: of now"},
    )


class ShopDecisionSchema(Shape):
    """What one shop is to be from now on, or from an instant on, and why."""

    shop_id = Identifier(required=True)
    status = Choice(DECISIONS, required=True)
    reason = PlainText(has_lines=True, required=True)
    effective_at = Instant(allow_none=True, load_default=None)


class DecisionBatchSchema(Shape):
    """Up to 1,000 decisions; each is loaded on its own, so that one refusal touches no other."""

    decisions = Listed(
        fields.Raw(allow_none=True), low=1, high=MOST_SHOPS, required=True, metadata={"items": _DECISION}
    )


class DecidedSchema(Shape):
    """What became of one decision; unchanged is a shop that was so already."""

    shop_id = PlainText(required=True, allow_none=True, low=0)
    status = Choice(("changed", "unchanged", "refused"), required=True)
    code = PlainText()
    detail = PlainText()
    errors = Listed(Inner(ProblemEntrySchema))


class DecidedListSchema(Shape):
    """What became of a batch, in the order sent."""

    results = Listed(Inner(DecidedSchema), required=True)


# Who sees what: the list of all shops is for staff, and all of them sees the same.
_LISTED = (
    "id",
    "name",
    "status",
    "status_since",
    "rank",
    "level",
    "sponsor_id",
    "root_id",
    "joined_at",
    "direct_recruits",
    "month_sales_minor",
    "available_minor",
    "currency",
    *within("branch", BRANCH_FIELDS),
)
_SHOPS = (*paged(_LISTED), "count", "count_is_estimate", "sorted_as_of")
_DECIDED = ("shop_id", "status", "code", "detail", *within("errors", ENTRY_FIELDS))
SHOPS = Visible(ShopsPageSchema, dict.fromkeys(STAFF, _SHOPS))
DECIDED = Visible(DecidedListSchema, dict.fromkeys((ADMIN, OPERATIONS), within("results", _DECIDED)))
