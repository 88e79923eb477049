"""Balances of many shops as they are asked for and shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

from distrib.api.http.auth import STAFF
from distrib.api.http.words import say
from distrib.api.schemas.fields import (
    Choice,
    Currency,
    Day,
    Identifier,
    Inner,
    Instant,
    Listed,
    PlainText,
    QueryWhole,
    Shape,
    Total,
)
from distrib.api.schemas.lists import PageQuerySchema
from distrib.api.schemas.shops import SHOP_STATUSES
from distrib.api.schemas.visible import Visible, paged, within
from distrib.domain.plans.document import MAX_HOLD_DAYS
from distrib.services.statements.sorting import BALANCE_SORTS, STATES

BY_AVAILABLE = ("available", "-available")


class BalancesQuerySchema(PageQuerySchema):
    """In which order, and whose: the filter goes along what is available."""

    sort = Choice(
        BALANCE_SORTS,
        load_default=None,
        metadata={"description": "with - the most first; -available if not given, and of those in debt available"},
    )
    state = Choice(
        STATES, load_default=None, metadata={"description": "owed: something is available; in_debt: less than nothing"}
    )

    @validates_schema(skip_on_field_errors=False)
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("state") is not None and data.get("sort") not in (None, *BY_AVAILABLE):
            raise ValidationError([say("sorted_by", sorts=", ".join(BY_AVAILABLE))], "state")


class ShopBalanceSchema(Shape):
    """What a shop has now; balance = held + reserved + available, and available may be negative."""

    shop_id = Identifier(required=True)
    name = PlainText(required=True, allow_none=True)
    status = Choice(SHOP_STATUSES, required=True)
    balance_minor = Total(required=True)
    held_minor = Total(required=True)
    reserved_minor = Total(required=True)
    available_minor = Total(required=True)
    currency = Currency(required=True)


class BalancesPageSchema(Shape):
    """A page of the shops that have anything."""

    data = Listed(Inner(ShopBalanceSchema), required=True)
    next_cursor = PlainText(high=2_000, required=True, allow_none=True)
    as_of = Instant(required=True)
    sorted_as_of = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "of when the order of a large program is; null: of now"},
    )


class ReleasesQuerySchema(Shape):
    """How many days ahead."""

    days = QueryWhole(low=1, high=MAX_HOLD_DAYS, load_default=30)


class ReleaseDaySchema(Shape):
    """A day, in the program's time zone, and what becomes available on it."""

    day = Day(required=True)
    amount_minor = Total(required=True)


class ReleasesSchema(Shape):
    """What becomes available when; without what cases hold and what frozen and closed shops have."""

    data = Listed(Inner(ReleaseDaySchema), required=True)
    later_minor = Total(required=True, metadata={"description": "after the last of these days"})
    currency = Currency(required=True)
    as_of = Instant(required=True, metadata={"description": "of when it is: of large programs it is kept"})


# Who sees what: balances of many shops are for staff, and all of them sees the same.
_SHOP_BALANCE = (
    "shop_id",
    "name",
    "status",
    "balance_minor",
    "held_minor",
    "reserved_minor",
    "available_minor",
    "currency",
)
_BALANCES = (*paged(_SHOP_BALANCE), "as_of", "sorted_as_of")
_RELEASES = (*within("data", ("day", "amount_minor")), "later_minor", "currency", "as_of")
BALANCES = Visible(BalancesPageSchema, dict.fromkeys(STAFF, _BALANCES))
RELEASES = Visible(ReleasesSchema, dict.fromkeys(STAFF, _RELEASES))
