"""Shops as they are sent and shown."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from distrib.api.http.auth import (
    ADMIN,
    COMPLIANCE,
    FINANCE,
    OPERATIONS,
    PARTNER,
    STAFF,
    VIEWER,
)
from distrib.api.schemas.fields import (
    Attributes,
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
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.api.schemas.problem import ENTRY_FIELDS, ProblemEntrySchema
from distrib.api.schemas.visible import PARTNER_BELOW, Visible, paged, within

MOST_SHOPS = 1_000
MOST_LEVELS = 1_000
MOST_DRAWN = 2_000
"""Shops of a tree that is answered at once, as a picture shows it."""
_DRAFT = {"$ref": "#/components/schemas/ShopDraft"}
SHOP_STATUSES = ("pending", "active", "frozen", "closed")


class ShopDraftSchema(Shape):
    """A shop that joins: under a sponsor, by an invite code, or as a root."""

    id = Identifier(required=True)
    sponsor_id = Identifier(allow_none=True)
    invite_code = PlainText(high=64, allow_none=True)
    name = PlainText(allow_none=True)
    joined_at = Instant(allow_none=True)
    identity = PlainText(allow_none=True, metadata={"description": "kept as a keyed hash only; once per program"})
    attributes = Attributes(allow_none=True)


class ShopBatchSchema(Shape):
    """Up to 1,000 shops; each is loaded on its own, so that one refusal touches no other."""

    shops = Listed(fields.Raw(allow_none=True), low=1, high=MOST_SHOPS, required=True, metadata={"items": _DRAFT})


class ShopPatchSchema(Shape):
    """What is to change; null clears it, what is not named stays."""

    name = PlainText(allow_none=True)
    attributes = Attributes(allow_none=True)
    organiser_id = PlainText(high=64, allow_none=True, metadata={"description": "who runs several trees"})


class ShopSchema(Shape):
    """A shop as it stands now; a partner sees of the shops below its own no more than the first six and sales."""

    id = Identifier(required=True)
    name = PlainText(required=True, allow_none=True)
    level = Whole(required=True, metadata={"description": "1 is a root"})
    rank = PlainText(required=True, allow_none=True)
    joined_at = Instant(required=True)
    status = Choice(SHOP_STATUSES)
    sponsor_id = Identifier(allow_none=True)
    introduced_by = Identifier(allow_none=True)
    invite_code = PlainText()
    direct_recruits = Whole()
    attributes = Attributes(allow_none=True)
    organiser_id = PlainText(allow_none=True)
    sales_minor = Total()
    currency = PlainText()


class RegisteredSchema(Shape):
    """What became of one registration."""

    id = PlainText(required=True, allow_none=True, low=0)
    status = Choice(("created", "unchanged", "refused"), required=True)
    code = PlainText()
    detail = PlainText()
    errors = Listed(Inner(ProblemEntrySchema))


class RegisteredListSchema(Shape):
    """What became of a batch, in the order sent."""

    results = Listed(Inner(RegisteredSchema), required=True)


class BranchSchema(Shape):
    """A shop and all below it, added up by the workers now and then."""

    shops = Whole(low=1, required=True, metadata={"description": "itself included"})
    sales_minor = Total(required=True, metadata={"description": "of the month, net of refunds"})
    period = PlainText(required=True)
    as_of = Instant(required=True)


class RelatedShopSchema(Shape):
    """A shop above or below another; ``distance`` counts the levels between them."""

    id = Identifier(required=True)
    name = PlainText(required=True, allow_none=True)
    level = Whole(required=True)
    distance = Whole(required=True)
    rank = PlainText(required=True, allow_none=True)
    joined_at = Instant(required=True)
    sales_minor = Total(required=True)
    currency = PlainText(required=True)
    sponsor_id = Identifier(allow_none=True)
    status = Choice(SHOP_STATUSES)
    direct_recruits = Whole(metadata={"description": "of the shops below, for the platform's own keys"})
    branch = Inner(
        BranchSchema, allow_none=True, metadata={"description": "beside direct_recruits; null: not added up yet"}
    )


class TreeQuerySchema(Shape):
    """How deep, and how many shops at the most."""

    levels = QueryWhole(low=1, high=MOST_LEVELS, load_default=None)
    most = QueryWhole(low=1, high=MOST_DRAWN, load_default=MOST_DRAWN)


class TreeShopSchema(Shape):
    """A shop of a tree: where it stands, as what, and how many it brought in."""

    id = Identifier(required=True)
    sponsor_id = Identifier(required=True)
    distance = Whole(required=True)
    level = Whole(required=True)
    name = PlainText(required=True, allow_none=True)
    status = Choice(SHOP_STATUSES, required=True)
    rank = PlainText(required=True, allow_none=True)
    direct_recruits = Whole(required=True)


class TreeSchema(Shape):
    """A shop and the nearest below it, level by level; what is cut has more of the last level shown, or deeper."""

    top = Inner(ShopSchema, required=True)
    data = Listed(Inner(TreeShopSchema), required=True)
    is_cut = Flag(required=True)


class StandingChangeSchema(Shape):
    """A change of a shop's status, or of its sponsor; a sponsor that is null: it became a root."""

    kind = Choice(("status", "sponsor"), required=True)
    effective_at = Instant(required=True)
    value = PlainText(required=True, allow_none=True)
    reason = PlainText(has_lines=True, required=True)
    recorded_at = Instant(required=True)
    recorded_by = PlainText(required=True)


class DownlineQuerySchema(PageQuerySchema):
    """How deep, and how much."""

    levels = QueryWhole(low=1, high=MOST_LEVELS, load_default=None)


class MoveSchema(Shape):
    """Another sponsor; null makes a root."""

    sponsor_id = Identifier(required=True, allow_none=True)
    effective_at = Instant(allow_none=True, load_default=None)
    reason = PlainText(has_lines=True, required=True)


class StatusSchema(Shape):
    """Another status."""

    status = Choice(SHOP_STATUSES, required=True)
    effective_at = Instant(allow_none=True, load_default=None)
    reason = PlainText(has_lines=True, required=True)


class RankSchema(Shape):
    """A rank by hand; null ends it."""

    rank = PlainText(high=40, required=True, allow_none=True)
    effective_at = Instant(allow_none=True, load_default=None)
    reason = PlainText(has_lines=True, required=True)


class RankChangeSchema(Shape):
    """A change of rank, with the words or the figures that decided it."""

    effective_at = Instant(required=True)
    rank = PlainText(required=True, allow_none=True)
    cause = Choice(("hand", "floor", "restored", "promotion", "evaluation", "plan"), required=True)
    reason = fields.Raw(required=True, allow_none=True)
    recorded_at = Instant(required=True)
    recorded_by = PlainText(required=True)


class BalanceSchema(Shape):
    """What a shop has; available may be negative."""

    held_minor = Total(required=True)
    available_minor = Total(required=True)
    reserved_minor = Total(required=True)
    expected_minor = Total(required=True)
    paid_minor = Total(required=True)
    currency = PlainText(required=True)
    as_of = Instant(required=True)


class BalanceQuerySchema(Shape):
    """As of when; now where it is not said."""

    as_of = Instant(load_default=None)


RelatedShopsPageSchema: Any = page_of(RelatedShopSchema, "RelatedShopsPage")
RankChangesPageSchema: Any = page_of(RankChangeSchema, "RankChangesPage")
StandingChangesPageSchema: Any = page_of(StandingChangeSchema, "StandingChangesPage")

# Who sees what. A platform's notes about a person are not for finance, an organiser of several trees not for partners.
_SHOP = (
    "id",
    "name",
    "level",
    "rank",
    "joined_at",
    "status",
    "sponsor_id",
    "introduced_by",
    "invite_code",
    "direct_recruits",
)
_SHOP_LISTS = {
    PARTNER: (*_SHOP, "attributes"),
    FINANCE: (*_SHOP, "organiser_id"),
    **dict.fromkeys((ADMIN, OPERATIONS, COMPLIANCE, VIEWER), (*_SHOP, "attributes", "organiser_id")),
}
_BELOW = ("id", "name", "level", "rank", "joined_at", "sales_minor", "currency")
_RELATED = (
    "id",
    "name",
    "level",
    "distance",
    "rank",
    "joined_at",
    "sales_minor",
    "currency",
)
_RELATED_TO_STAFF = (*_RELATED, "sponsor_id", "status")
BRANCH_FIELDS = ("shops", "sales_minor", "period", "as_of")
_DRAWN = (
    "id",
    "sponsor_id",
    "distance",
    "level",
    "name",
    "status",
    "rank",
    "direct_recruits",
)
_REGISTERED = ("id", "status", "code", "detail", *within("errors", ENTRY_FIELDS))
_RANK_CHANGE = ("effective_at", "rank", "cause", "reason", "recorded_at", "recorded_by")
_STANDING_CHANGE = ("kind", "effective_at", "value", "reason", "recorded_at", "recorded_by")
_BALANCE = (
    "held_minor",
    "available_minor",
    "reserved_minor",
    "expected_minor",
    "paid_minor",
    "currency",
    "as_of",
)

SHOP = Visible(ShopSchema, _SHOP_LISTS)
SHOP_OR_BELOW = Visible(ShopSchema, {**_SHOP_LISTS, PARTNER_BELOW: _BELOW})
REGISTERED = Visible(
    RegisteredListSchema,
    dict.fromkeys((PARTNER, *STAFF), within("results", _REGISTERED)),
)
UPLINE = Visible(RelatedShopsPageSchema, dict.fromkeys(STAFF, paged(_RELATED_TO_STAFF)))
DOWNLINE = Visible(
    RelatedShopsPageSchema,
    {
        PARTNER: paged(_RELATED),
        **dict.fromkeys(
            STAFF,
            paged((*_RELATED_TO_STAFF, "direct_recruits", *within("branch", BRANCH_FIELDS))),
        ),
    },
)
TREE = Visible(
    TreeSchema,
    dict.fromkeys(
        STAFF,
        (*within("top", (*_SHOP, "organiser_id")), *within("data", _DRAWN), "is_cut"),
    ),
)
RANK_CHANGES = Visible(RankChangesPageSchema, dict.fromkeys((PARTNER, *STAFF), paged(_RANK_CHANGE)))
BALANCE = Visible(BalanceSchema, dict.fromkeys((PARTNER, *STAFF), _BALANCE))
STANDING_CHANGES = Visible(StandingChangesPageSchema, dict.fromkeys(STAFF, paged(_STANDING_CHANGE)))
