"""Commissions: the list with its filters; each row unfolds into rate, cause and amount, with the links to why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from distrib.console.causes import Causes
from distrib.console.cells import (
    COMMISSION_KINDS,
    COMMISSION_STATES,
    id_cell,
    options_of,
    shop_cell,
)
from distrib.console.frame import HtmlPage, Visit, page
from distrib.console.lists import ListColumn, ListFilter, ListSpec, list_view
from distrib.console.pages.statements import commission_cells
from distrib.domain.texts import Text

_CAUSE = ("order_id", "line_id", "rule", "tier", "shop_id", "kind", "reverses_id", "adjustment_id", "withdrawal_id")
"""What of a commission finds its cause; it goes with the address of what its row unfolds into."""


def commission_pages(blueprint: Blueprint) -> None:
    """Adds the pages of commissions."""

    @page(blueprint, "/commissions", needs="list_commissions")
    def commissions(visit: Visit) -> HtmlPage:
        title = visit.say(Text("Commissions", "menu"))
        return HtmlPage("console/list.html", {"title": title, "list": list_view(visit, _list(visit))})

    @page(blueprint, "/commissions/cause", needs="explain_order", entry="commissions")
    def commission_cause(visit: Visit) -> HtmlPage:
        cause = {name: visit.query.get(name, "") for name in _CAUSE}
        causes, looks = Causes(visit), list[Mapping[str, Any]]()
        if cause["order_id"]:
            explained = visit.call("explain_order", order_id=cause["order_id"])
            looks = [
                {**look, "sentence": causes.of_look(explained["plan"], look)}
                for look in explained["looks"]
                if _is_of(look, cause)
            ]
        return HtmlPage(
            "console/commission_cause.html", {"cause": cause, "looks": looks, "reason": visit.query.get("reason")}
        )


def _is_of(look: Mapping[str, Any], cause: Mapping[str, str]) -> bool:
    """Whether what was looked at for an order is the cause of that commission."""
    named = {"line_id": look["line_id"], "rule": look["rule"], "shop_id": look["shop_id"], "tier": look["tier"]}
    return all(str(value) == cause[name] for name, value in named.items() if cause[name] and value is not None)


def _list(visit: Visit) -> ListSpec:
    causes = Causes(visit)

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        plan = row["plan_version"]
        return {
            "id": row["id"],
            "number": id_cell(visit, row["id"]),
            **commission_cells(visit, row, causes),
            "shop": shop_cell(visit, row["shop_id"]),
            "period": visit.reader.month(row["period"]),
            "plan": f"{plan['code']} {plan['version']}" if plan else "",
        }

    def unfold(row: Mapping[str, Any]) -> str:
        cause = {name: row[name] for name in (*_CAUSE, "reason") if row[name] is not None}
        return visit.url("commission_cause", **cause)

    columns = (
        ListColumn("number", Text("Number"), is_shown=False),
        ListColumn("occurred", Text("When"), "date", is_fixed=True),
        ListColumn("shop", Text("Shop")),
        ListColumn("order", Text("Order")),
        ListColumn("kind", Text("Kind")),
        ListColumn("purpose", Text("For", "commission")),
        ListColumn("rule", Text("Rule"), is_shown=False),
        ListColumn("tier", Text("Level"), "number", is_shown=False),
        ListColumn("base", Text("Base"), "money", is_shown=False),
        ListColumn("rate", Text("Rate"), "number"),
        ListColumn("amount", Text("Amount"), "money", is_fixed=True),
        ListColumn("state", Text("State")),
        ListColumn("available", Text("Available from"), "date"),
        ListColumn("period", Text("Counts in"), "date", is_shown=False),
        ListColumn("plan", Text("Plan"), is_shown=False),
    )
    return ListSpec(
        "commissions",
        "commissions",
        "list_commissions",
        columns,
        cells,
        filters=(
            ListFilter("shop_id", Text("Shop"), shops={}),
            ListFilter("order_id", Text("Order")),
            ListFilter("period", Text("Month"), type="month"),
            ListFilter("kind", Text("Kind"), options_of(COMMISSION_KINDS)),
            ListFilter("state", Text("State"), options_of(COMMISSION_STATES)),
        ),
        shops=("shop_id",),
        unfold=unfold,
        turns="" if visit.query.get("state") == "expected" else "posted",
        empty=(Text("No commission yet"), Text("Commissions appear when an order is settled under a plan in force.")),
    )
