"""The search of the head: what has exactly that id is opened, several are listed, shops as far as they begin so."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint

from distrib.console.frame import Done, HtmlPage, Visit, page
from distrib.console.shop_choice import MOST_FITS, shops_like
from distrib.domain.errors import Refusal
from distrib.domain.texts import Text


def search_pages(blueprint: Blueprint) -> None:
    """Adds the page that the search of every page leads to."""

    @page(blueprint, "/search", needs="get_statements")
    def search(visit: Visit) -> HtmlPage | Done:
        asked = visit.query.get("q", "").strip()
        places = (_places(visit, asked) or _shops_like(visit, asked)) if asked else []
        if len(places) == 1:
            return Done(places[0][2])
        more = visit.url("shops", q=asked) if asked and visit.has_page("shops") else ""
        return HtmlPage(
            "console/search.html",
            {"asked": asked, "places": places, "more": more if len(places) in (0, MOST_FITS) else ""},
        )


def _places(visit: Visit, asked: str) -> list[tuple[str, str, str]]:
    """What has exactly that id: kind, id and address."""
    wanted = (
        (Text("Shop"), "get_shop", "shop_id", "shop"),
        (Text("Order"), "get_order", "order_id", "order"),
        (Text("Event"), "get_event", "event_id", "event"),
        (Text("Payout"), "get_payout", "payout_id", "payout"),
    )
    return [
        (visit.say(kind), asked, visit.url(endpoint, **{name: asked}))
        for kind, operation, name, endpoint in wanted
        if visit.desk.may(operation) and visit.has_page(endpoint) and _is_there(visit, operation, {name: asked})
    ]


def _shops_like(visit: Visit, asked: str) -> list[tuple[str, str, str]]:
    """The first shops whose id, name or invite code begins so: kind, what each is called, and address."""
    if not visit.desk.may("list_shops"):
        return []
    kind = visit.say(Text("Shop"))
    return [(kind, words, visit.url("shop", shop_id=shop_id)) for shop_id, words in shops_like(visit, asked, {})[0]]


def _is_there(visit: Visit, operation: str, path: Mapping[str, str]) -> bool:
    try:
        visit.desk.call(operation, path)
    except Refusal:
        return False
    return True
