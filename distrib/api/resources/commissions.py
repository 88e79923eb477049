"""Commissions and balances: what was earned, taken back, held and free."""

from __future__ import annotations

from typing import Any

from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.calls.partners import is_partner, must_be_own
from distrib.api.http.answers import Answer, shown
from distrib.api.schemas.balances import BALANCES, RELEASES, BalancesQuerySchema, ReleasesQuerySchema
from distrib.api.schemas.commissions import (
    COMMISSION,
    COMMISSIONS,
    EARNINGS,
    NEWEST,
    CommissionQuerySchema,
    ShopCommissionQuerySchema,
)
from distrib.api.schemas.shops import BALANCE, BalanceQuerySchema
from distrib.services.network import shops
from distrib.services.orders import commissions as service
from distrib.services.orders.commissions import CommissionQuery
from distrib.services.statements import earnings, months, releases, sorting

commissions = Resource("commissions", "Commissions 佣金, reversals 冲回 and balances 余额")

_FILTERS = ("order_id", "period", "kind", "state")


@commissions.operation("GET", "/commissions", {200: COMMISSIONS}, Takes(query=CommissionQuerySchema))
def list_commissions(call: Call) -> Answer:
    """Commissions in the order they were posted, or the newest first; reversals are negative rows of their own."""
    shop_id: str | None = call.query["shop_id"]
    if shop_id is None and is_partner(call):
        shop_id = call.actor.shop_id
    if shop_id is not None:
        must_be_own(call, shop_id)
    return _page(call, shop_id)


@commissions.operation("GET", "/commissions/<id:commission_id>", {200: COMMISSION}, refusals=("commission_unknown",))
def get_commission(call: Call, commission_id: str) -> Answer:
    """One commission as it stands; a partner sees one of its own shop."""
    only = call.actor.shop_no if is_partner(call) else None
    return Answer(shown(service.get_commission(call.unit, commission_id, only)))


@commissions.operation(
    "GET",
    "/shops/<id:shop_id>/commissions",
    {200: COMMISSIONS},
    Takes(query=ShopCommissionQuerySchema),
    refusals=("shop_unknown",),
)
def list_shop_commissions(call: Call, shop_id: str) -> Answer:
    """A shop's commissions in the order they were posted, or the newest first."""
    must_be_own(call, shop_id)
    shop_no_of(call, shop_id)
    return _page(call, shop_id)


@commissions.operation(
    "GET",
    "/shops/<id:shop_id>/balance",
    {200: BALANCE},
    Takes(query=BalanceQuerySchema),
    refusals=("shop_unknown",),
)
def get_balance(call: Call, shop_id: str) -> Answer:
    """What a shop has, held and free; free may be negative."""
    must_be_own(call, shop_id)
    shop_no = shop_no_of(call, shop_id)
    return Answer(shown(months.balance(call.conn, call.program, shop_no, call.query["as_of"] or call.now)))


@commissions.operation("GET", "/shops/<id:shop_id>/earnings", {200: EARNINGS}, refusals=("shop_unknown",))
def get_earnings(call: Call, shop_id: str) -> Answer:
    """What a shop earned today and this month, and what becomes available on which day."""
    must_be_own(call, shop_id)
    earned = earnings.earnings(call.unit, shop_no_of(call, shop_id))
    return Answer({"shop_id": shop_id, "currency": call.program.currency, "as_of": call.now, **shown(earned)})


@commissions.operation("GET", "/balances", {200: BALANCES}, Takes(query=BalancesQuerySchema))
def list_balances(call: Call) -> Answer:
    """The shops that have anything, by what is available or held; those owed most come first if not asked otherwise."""
    state = call.query["state"]
    sort = call.query["sort"] or ("available" if state == "in_debt" else "-available")
    listing = call.listing(f"balances {sort} {state}")
    after = listing.place(call.query["cursor"])
    page = sorting.list_balances(call.unit, sort, state, after, call.query["limit"])
    return Answer({**listing.page(page.rows, page.follows), "as_of": call.now, "sorted_as_of": page.sorted_as_of})


@commissions.operation("GET", "/balances/releases", {200: RELEASES}, Takes(query=ReleasesQuerySchema))
def list_releases(call: Call) -> Answer:
    """What all shops together get on each of the next days, today first, and after them."""
    return Answer(shown(releases.list_releases(call.unit, call.query["days"])))


def shop_no_of(call: Call, shop_id: str) -> int:
    """The number of a shop; raises ``shop_unknown``."""
    return shops.get_shop(call.unit, shop_id).shop_no


def _page(call: Call, shop_id: str | None) -> Answer:
    is_newest_first = call.query["sort"] == NEWEST
    asked: dict[str, Any] = {name: call.query[name] for name in _FILTERS}
    listing = call.listing(f"commissions {shop_id} {asked}{' newest first' if is_newest_first else ''}")
    after = listing.place(call.query["cursor"])
    query = CommissionQuery(shop_id=shop_id, is_newest_first=is_newest_first, **asked)
    rows, follows = service.list_commissions(call.unit, query, after, call.query["limit"])
    return Answer(listing.page(rows, follows))
