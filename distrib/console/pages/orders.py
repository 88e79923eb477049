"""Orders: the list, an order's card, and its explanation as a table with the chain as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from distrib.console.cells import EVENT_STATES, ORDER_STATES, id_cell, money_cell, options_of, state_badge
from distrib.console.frame import Page, Work, page
from distrib.console.lists import Column, Filter, ListSpec, list_view
from distrib.domain.texts import Text

_COLUMNS = (
    Column("id", Text("Order"), is_fixed=True),
    Column("status", Text("State")),
    Column("shop", Text("Selling shop")),
    Column("customer", Text("Customer"), is_shown=False),
    Column("channel", Text("Channel"), is_shown=False),
    Column("paid_at", Text("Paid"), "date"),
    Column("settled_at", Text("Settled"), "date", is_shown=False),
    Column("paid", Text("Paid amount"), "money"),
    Column("refunded", Text("Refunded"), "money"),
    Column("plan", Text("Plan")),
)


def order_pages(blueprint: Blueprint) -> None:
    """Adds the pages of orders."""

    @page(blueprint, "/orders", needs="list_orders")
    def orders(work: Work) -> Page:
        return Page(
            "console/list.html", {"title": work.say(Text("Orders", "menu")), "list": list_view(work, _list(work))}
        )

    @page(blueprint, "/orders/<order_id>", needs="get_order", entry="orders")
    def order(work: Work, order_id: str) -> Page:
        known = work.call("get_order", order_id=order_id)
        explained = work.call("explain_order", order_id=order_id)
        names = {person["shop_id"]: person["role"] for person in explained["people"]}
        return Page(
            "console/order.html",
            {
                "order": known,
                "explained": explained,
                "state": state_badge(ORDER_STATES, known["status"], work.reader.language),
                "event_state": lambda code: state_badge(EVENT_STATES, code, work.reader.language),
                "roles": names,
            },
        )


def _list(work: Work) -> ListSpec:
    language = work.reader.language

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": id_cell(work, row["id"], "order", order_id=row["id"]),
            "status": state_badge(ORDER_STATES, row["status"], language),
            "shop": id_cell(work, row["shop_id"]),
            "customer": id_cell(work, row["customer_id"]),
            "channel": row["channel"] or "",
            "paid_at": work.reader.time(row["paid_at"]),
            "settled_at": work.reader.time(row["settled_at"]),
            "paid": money_cell(work, row["paid_minor"]),
            "refunded": money_cell(work, -row["refunded_minor"] if row["refunded_minor"] else None),
            "plan": f"{row['plan']['code']} {row['plan']['version']}" if row["plan"] else "",
        }

    return ListSpec(
        name="orders",
        endpoint="orders",
        operation="list_orders",
        columns=_COLUMNS,
        cells=cells,
        filters=(
            Filter("shop_id", Text("Selling shop")),
            Filter("status", Text("State"), options_of(ORDER_STATES)),
        ),
        empty=(Text("No orders yet"), Text("Orders appear here as soon as the order system posts them.")),
    )
