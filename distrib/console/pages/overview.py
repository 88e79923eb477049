"""The overview, and the search of the head."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from distrib.console.frame import Done, Page, Work, page
from distrib.domain.errors import Refusal
from distrib.domain.texts import Text


def overview_pages(blueprint: Blueprint) -> None:
    """Adds the overview and what the frame of every page calls."""

    @page(blueprint, "", needs="get_statements")
    def overview(work: Work) -> Page:
        period = work.desk.program.day_of(work.desk.now).strftime("%Y-%m")
        statement = work.call("get_statements", query={"period": period, "limit": "1"})
        return Page("console/overview.html", {"period": period, "totals": statement["totals"]})

    @page(blueprint, "/search", needs="get_statements")
    def search(work: Work) -> Page | Done:
        asked = work.query.get("q", "").strip()
        places = _found(work, asked) if asked else []
        if len(places) == 1:
            return Done(places[0][2])
        return Page("console/search.html", {"asked": asked, "places": places})


def _found(work: Work, asked: str) -> list[tuple[str, str, str]]:
    """What has exactly that id: kind, id and address."""
    wanted: list[tuple[str, str, str, str, str]] = [
        (work.say(Text("Shop")), "get_shop", "shop_id", "shop", "shop_id"),
        (work.say(Text("Order")), "get_order", "order_id", "order", "order_id"),
        (work.say(Text("Event")), "get_event", "event_id", "event", "event_id"),
        (work.say(Text("Payout")), "get_payout", "payout_id", "payout", "payout_id"),
    ]
    places = []
    for kind, operation, parameter, endpoint, name in wanted:
        if work.desk.may(operation) and work.has_page(endpoint) and _is_there(work, operation, {parameter: asked}):
            places.append((kind, asked, work.url(endpoint, **{name: asked})))
    return places


def _is_there(work: Work, operation: str, path: dict[str, Any]) -> bool:
    try:
        work.desk.call(operation, path)
    except Refusal:
        return False
    return True
