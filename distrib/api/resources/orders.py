"""Orders as known, and why each paid what it paid."""

from __future__ import annotations

from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.calls.partners import is_partner
from distrib.api.http.answers import Answer, shown
from distrib.api.schemas.orders import EXPLANATION, NEWEST, ORDER, ORDER_PAGE, OrderQuerySchema
from distrib.services.orders import explanations
from distrib.services.orders import views as service

orders = Resource("orders", "Orders 订单 and their explanation")


@orders.operation("GET", "/orders", {200: ORDER_PAGE}, Takes(query=OrderQuerySchema))
def list_orders(call: Call) -> Answer:
    """Orders in the order they came, or the newest first."""
    asked = {name: call.query[name] for name in ("shop_id", "status", "from_at", "to_at")}
    is_newest_first = call.query["sort"] == NEWEST
    listing = call.listing(f"orders {asked}{' newest first' if is_newest_first else ''}")
    after = listing.key(call.query["cursor"])
    filters = service.OrderFilters(**asked, is_newest_first=is_newest_first)
    rows, follows = service.list_orders(call.conn, call.program, filters, after, call.query["limit"])
    return Answer(listing.page_by_key(rows, follows))


@orders.operation("GET", "/orders/<id:order_id>", {200: ORDER}, refusals=("order_unknown",))
def get_order(call: Call, order_id: str) -> Answer:
    """The order as known, its status, its plan version, and its commissions net of reversals."""
    return Answer(shown(service.get_order(call.unit, order_id)))


@orders.operation("GET", "/orders/<id:order_id>/explanation", {200: EXPLANATION}, refusals=("order_unknown",))
def explain_order(call: Call, order_id: str) -> Answer:
    """Every line, rule and person looked at, worked out again and compared with what was posted.

    A partner sees its own rows only, and nothing of the buyer.
    """
    only = call.actor.shop_no if is_partner(call) else None
    return Answer(explanations.explain_order(call.conn, call.program, order_id, only))
