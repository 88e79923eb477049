"""Adjustments by hand: one person proposes, another approves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from distrib.console.cells import ADJUSTMENT_STATES, id_cell, money_cell, shop_cell, state_badge
from distrib.console.frame import Done, HtmlPage, Visit, page
from distrib.console.lists import ListColumn, ListFilter, ListSpec, ListTab, list_view
from distrib.console.second_person import check_typed_amount, confirmers, confirming, names_of, typed_minor
from distrib.domain.errors import Problem, Refusal
from distrib.domain.texts import Text


def adjustment_pages(blueprint: Blueprint) -> None:
    """Adds the pages of adjustments."""

    @page(blueprint, "/adjustments", needs="list_adjustments")
    def adjustments(visit: Visit) -> HtmlPage:
        values: dict[str, Any] = {
            "title": visit.say(Text("Adjustments", "menu")),
            "list": list_view(visit, _list(visit)),
        }
        if visit.desk.may("propose_adjustment"):
            values["actions"] = [(visit.url("new_adjustment"), visit.say(Text("Propose an adjustment")), "primary")]
        return HtmlPage("console/list.html", values)

    @page(blueprint, "/new-adjustment", needs="propose_adjustment", entry="adjustments")
    def new_adjustment(visit: Visit) -> HtmlPage:
        suggested = visit.desk.now.astimezone(visit.reader.zone).strftime("A%Y%m%d-%H%M%S")
        values = {"suggested": suggested, "others": confirmers(visit, None), "shop_id": visit.query.get("shop_id", "")}
        return HtmlPage("console/new_adjustment.html", values)

    @page(blueprint, "/adjustments/propose", needs="propose_adjustment", post=True, entry="adjustments")
    def propose_adjustment(visit: Visit) -> Done:
        given = {name: visit.form.get(name, "").strip() for name in ("id", "shop_id", "reason")}
        amount_minor = typed_minor(visit.form.get("amount", ""), visit.reader.currency)
        if amount_minor is None:
            raise Refusal("invalid", [Problem("/amount_minor", Text("is no amount, such as 12.50"))])
        made = visit.call("propose_adjustment", {**given, "amount_minor": amount_minor})
        words = Text("The adjustment is proposed; a second person approves it.")
        return Done(visit.url("adjustment", adjustment_id=made["id"]), words)

    @page(blueprint, "/adjustments/<adjustment_id>", needs="get_adjustment", entry="adjustments")
    def adjustment(visit: Visit, adjustment_id: str) -> HtmlPage:
        known = visit.call("get_adjustment", adjustment_id=adjustment_id)
        visit.name_shops([known["shop_id"]])
        values = {
            "known": known,
            "shop": shop_cell(visit, known["shop_id"]),
            "badge": state_badge(ADJUSTMENT_STATES, known["status"], visit.reader.language),
            "names": names_of(visit, [known["proposed_by"], known["approved_by"]]),
            "second": confirming(visit, known["proposed_by"], "approve_adjustment"),
        }
        return HtmlPage("console/adjustment.html", values)

    @page(blueprint, "/adjustments/<adjustment_id>/approve", needs="approve_adjustment", post=True, entry="adjustments")
    def approve_adjustment(visit: Visit, adjustment_id: str) -> Done:
        check_typed_amount(visit, visit.call("get_adjustment", adjustment_id=adjustment_id)["amount_minor"])
        visit.call("approve_adjustment", adjustment_id=adjustment_id)
        return Done(
            visit.url("adjustment", adjustment_id=adjustment_id), Text("The adjustment is approved and posted.")
        )


def _list(visit: Visit) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": id_cell(visit, row["id"], "adjustment", adjustment_id=row["id"]),
            "status": state_badge(ADJUSTMENT_STATES, row["status"], visit.reader.language),
            "shop": shop_cell(visit, row["shop_id"]),
            "amount": money_cell(visit, row["amount_minor"], signed=True),
            "reason": row["reason"],
            "proposed": visit.reader.time(row["proposed_at"]),
            "approved": visit.reader.time(row["approved_at"]),
            "period": visit.reader.month(row["period"]),
        }

    columns = (
        ListColumn("id", Text("Adjustment"), is_fixed=True),
        ListColumn("status", Text("State")),
        ListColumn("shop", Text("Shop")),
        ListColumn("amount", Text("Amount"), "money"),
        ListColumn("reason", Text("Reason")),
        ListColumn("proposed", Text("Proposed"), "date"),
        ListColumn("approved", Text("Approved", "adjustments"), "date"),
        ListColumn("period", Text("Counts in"), "date"),
    )
    return ListSpec(
        "adjustments",
        "adjustments",
        "list_adjustments",
        columns,
        cells,
        shops=("shop_id",),
        filters=(ListFilter("shop_id", Text("Shop"), shops={}),),
        tabs=(ListTab(Text("All"), ""), *(ListTab(state.words, code) for code, state in ADJUSTMENT_STATES.items())),
        empty=(
            Text("Nothing was adjusted by hand"),
            Text("An adjustment gives to a shop or takes from it, by two people."),
        ),
    )
