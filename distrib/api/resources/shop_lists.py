"""Lists of shops: found, filtered, sorted."""

from __future__ import annotations

from dataclasses import asdict

from distrib.api.calls.operations import Call, Resource
from distrib.api.http.answers import Answer
from distrib.api.schemas.shop_lists import ShopsPageSchema, ShopsQuerySchema
from distrib.services.network import listing as service
from distrib.services.network.listing import ShopQuery

shop_lists = Resource("shop lists", "Shops 店铺 found, filtered, sorted and decided on by the thousand")


@shop_lists.operation(
    "GET",
    "/shops",
    {200: ShopsPageSchema},
    query=ShopsQuerySchema,
    refusals=("shop_unknown", "list_too_wide"),
)
def list_shops(call: Call) -> Answer:
    """Shops by what is newest of them, the newest first if not asked otherwise, with how many fit."""
    query = ShopQuery(**{name: value for name, value in call.query.items() if name not in ("limit", "cursor")})
    listing = call.listing(f"shops {query}")
    after = listing.place(call.query["cursor"])
    page = service.list_shops(call.conn, call.program, query, after, call.query["limit"], call.now)
    view = listing.page([asdict(entry) for entry in page.entries], page.follows)
    return Answer({**view, "count": page.count, "count_is_estimate": page.count_is_estimate})
