"""Orders: the list, an order's card, and its explanation as a table with the chain as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from distrib.console.cells import EVENT_STATES, ORDER_STATES, id_cell, money_cell, options_of, state_badge
from distrib.console.frame import HtmlPage, Visit, page
from distrib.console.lists import ListColumn, ListFilter, ListSpec, list_view
from distrib.domain.texts import Text

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
        names = {person["shop_id"]: person["role"] for person in explained["people"]}
        return HtmlPage(
            "console/order.html",
            {
                "order": known,
                "explained": explained,
                "state": state_badge(ORDER_STATES, known["status"], visit.reader.language),
                "event_state": lambda code: state_badge(EVENT_STATES, code, visit.reader.language),
                "roles": names,
            },
        )


def _list(visit: Visit) -> ListSpec:
    language = visit.reader.language

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": id_cell(visit, row["id"], "order", order_id=row["id"]),
            "status": state_badge(ORDER_STATES, row["status"], language),
            "shop": id_cell(visit, row["shop_id"]),
            "customer": id_cell(visit, row["customer_id"]),
            "channel": row["channel"] or "",
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
        filters=(
            ListFilter("shop_id", Text("Selling shop")),
            ListFilter("status", Text("State"), options_of(ORDER_STATES)),
        ),
        empty=(Text("No orders yet"), Text("Orders appear here as soon as the order system posts them.")),
    )
