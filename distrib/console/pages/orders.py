"""Orders: the list, an order's card, and its explanation as a table with the chain as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint

from distrib.console.causes import Causes
from distrib.console.cells import EVENT_STATES, ORDER_STATES, id_cell, money_cell, options_of, shop_cell, state_badge
from distrib.console.frame import HtmlPage, Visit, page
from distrib.console.lists import BEGIN, END, ListColumn, ListFilter, ListSpec, list_view
from distrib.console.pages.events import type_words
from distrib.domain.texts import Text
from distrib.services.plans.words import REASONS

CHANNELS: Final[Mapping[str, Text]] = {
    "retail": Text("retail", "order channel"),
    "group_buy": Text("group buying", "order channel"),
    "community": Text("community", "order channel"),
}
MOST_SENTENCES: Final = 20
"""So many amounts of an order are told in sentences; the table has them all."""
_COLUMNS = (
    ListColumn("id", Text("Order"), is_fixed=True),
    ListColumn("status", Text("State")),
    ListColumn("shop", Text("Selling shop")),
    ListColumn("customer", Text("Customer"), is_shown=False),
    ListColumn("channel", Text("Channel"), is_shown=False),
    ListColumn("paid_at", Text("Paid"), "date"),
    ListColumn("settled_at", Text("Settled"), "date", is_shown=False),
    ListColumn("paid", Text("Paid amount"), "money"),
    ListColumn("refunded", Text("Refunded"), "money"),
    ListColumn("plan", Text("Plan")),
)


def order_pages(blueprint: Blueprint) -> None:
    """Adds the pages of orders."""

    @page(blueprint, "/orders", needs="list_orders")
    def orders(visit: Visit) -> HtmlPage:
        return HtmlPage(
            "console/list.html", {"title": visit.say(Text("Orders", "menu")), "list": list_view(visit, _list(visit))}
        )

    @page(blueprint, "/orders/<order_id>", needs="get_order", entry="orders")
    def order(visit: Visit, order_id: str) -> HtmlPage:
        known = visit.call("get_order", order_id=order_id)
        explained = visit.call("explain_order", order_id=order_id)
        visit.name_shops(known["shop_id"] for known in (*explained["people"], *explained["looks"]))
        causes, language = Causes(visit), visit.reader.language
        looks = [_look(visit, causes, known["plan"], look) for look in explained["looks"]]
        paying = [look for look in looks if look["amount_minor"]]
        return HtmlPage(
            "console/order.html",
            {
                "order": known,
                "reason": visit.say(REASONS.get(known["reason"], known["reason"])) if known["reason"] else "",
                "agrees": explained["agrees"],
                "people": [_person(visit, causes, person) for person in explained["people"] if person["shop_id"]],
                "looks": looks,
                "paying": paying[:MOST_SENTENCES],
                "more": visit.reader.number(len(paying) - MOST_SENTENCES) if len(paying) > MOST_SENTENCES else "",
                "state": state_badge(ORDER_STATES, known["status"], language),
                "events": [{**event, "type_words": type_words(visit, event["type"])} for event in known["events"]],
                "event_state": lambda code: state_badge(EVENT_STATES, code, language),
            },
        )


def _look(visit: Visit, causes: Causes, plan: Mapping[str, Any] | None, look: Mapping[str, Any]) -> dict[str, Any]:
    """A look at a shop for one line and rule, in the reader's words."""
    return {
        **look,
        "shop": shop_cell(visit, look["shop_id"]),
        "rule_words": causes.rule(plan, look),
        "reason_words": causes.reason(look["reason"]),
        "sentence": causes.of_look(plan, look),
    }


def _person(visit: Visit, causes: Causes, person: Mapping[str, Any]) -> dict[str, Any]:
    """Somebody of the chain as it stood when the order was paid."""
    return {**person, "seat": causes.seat(person["role"]), "shop": shop_cell(visit, person["shop_id"])}


def _list(visit: Visit) -> ListSpec:
    language = visit.reader.language

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": id_cell(visit, row["id"], "order", order_id=row["id"]),
            "status": state_badge(ORDER_STATES, row["status"], language),
            "shop": shop_cell(visit, row["shop_id"]),
            "customer": id_cell(visit, row["customer_id"]),
            "channel": visit.say(CHANNELS[row["channel"]]) if row["channel"] else "",
            "paid_at": visit.reader.time(row["paid_at"]),
            "settled_at": visit.reader.time(row["settled_at"]),
            "paid": money_cell(visit, row["paid_minor"]),
            "refunded": money_cell(visit, -row["refunded_minor"] if row["refunded_minor"] else None),
            "plan": f"{row['plan']['code']} {row['plan']['version']}" if row["plan"] else "",
        }

    return ListSpec(
        name="orders",
        endpoint="orders",
        operation="list_orders",
        columns=_COLUMNS,
        cells=cells,
        shops=("shop_id",),
        turns="" if visit.query.get("from") or visit.query.get("to") else "came",
        filters=(
            ListFilter("shop_id", Text("Selling shop"), shops={}),
            ListFilter("status", Text("State"), options_of(ORDER_STATES)),
            ListFilter("from", Text("Paid from"), type="date", day=BEGIN),
            ListFilter("to", Text("Paid to"), type="date", day=END),
        ),
        empty=(Text("No orders yet"), Text("Orders appear here as soon as the order system posts them.")),
    )
