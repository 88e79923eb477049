"""Adjustments by hand: one person proposes, another approves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from distrib.console.cells import ADJUSTMENT_STATES, id_cell, money_cell, shop_cell, state_badge
from distrib.console.frame import Done, Page, Work, page
from distrib.console.lists import Column, Filter, ListSpec, Tab, list_view
from distrib.console.second_person import check_typed_amount, confirmers, confirming, names_of, typed_minor
from distrib.domain.errors import Problem, Refusal
from distrib.domain.texts import Text


def adjustment_pages(blueprint: Blueprint) -> None:
    """Adds the pages of adjustments."""

    @page(blueprint, "/adjustments", needs="list_adjustments")
    def adjustments(work: Work) -> Page:
        values: dict[str, Any] = {"title": work.say(Text("Adjustments", "menu")), "list": list_view(work, _list(work))}
        if work.desk.may("propose_adjustment"):
            values["actions"] = [(work.url("new_adjustment"), work.say(Text("Propose an adjustment")), "primary")]
        return Page("console/list.html", values)

    @page(blueprint, "/adjustments/new", needs="propose_adjustment", entry="adjustments")
    def new_adjustment(work: Work) -> Page:
        suggested = work.desk.now.astimezone(work.reader.zone).strftime("A%Y%m%d-%H%M%S")
        values = {"suggested": suggested, "others": confirmers(work, None), "shop_id": work.query.get("shop_id", "")}
        return Page("console/new_adjustment.html", values)

    @page(blueprint, "/adjustments/propose", needs="propose_adjustment", post=True, entry="adjustments")
    def propose_adjustment(work: Work) -> Done:
        given = {name: work.form.get(name, "").strip() for name in ("id", "shop_id", "reason")}
        amount_minor = typed_minor(work.form.get("amount", ""), work.reader.currency)
        if amount_minor is None:
            raise Refusal("invalid", [Problem("/amount_minor", Text("is no amount, such as 12.50"))])
        made = work.call("propose_adjustment", {**given, "amount_minor": amount_minor})
        words = Text("The adjustment is proposed; a second person approves it.")
        return Done(work.url("adjustment", adjustment_id=made["id"]), words)

    @page(blueprint, "/adjustments/<adjustment_id>", needs="get_adjustment", entry="adjustments")
    def adjustment(work: Work, adjustment_id: str) -> Page:
        known = work.call("get_adjustment", adjustment_id=adjustment_id)
        values = {
            "known": known,
            "badge": state_badge(ADJUSTMENT_STATES, known["status"], work.reader.language),
            "names": names_of(work, [known["proposed_by"], known["approved_by"]]),
            "second": confirming(work, known["proposed_by"], "approve_adjustment"),
        }
        return Page("console/adjustment.html", values)

    @page(blueprint, "/adjustments/<adjustment_id>/approve", needs="approve_adjustment", post=True, entry="adjustments")
    def approve_adjustment(work: Work, adjustment_id: str) -> Done:
        check_typed_amount(work, work.call("get_adjustment", adjustment_id=adjustment_id)["amount_minor"])
        work.call("approve_adjustment", adjustment_id=adjustment_id)
        return Done(work.url("adjustment", adjustment_id=adjustment_id), Text("The adjustment is approved and posted."))


def _list(work: Work) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": id_cell(work, row["id"], "adjustment", adjustment_id=row["id"]),
            "status": state_badge(ADJUSTMENT_STATES, row["status"], work.reader.language),
            "shop": shop_cell(work, row["shop_id"]),
            "amount": money_cell(work, row["amount_minor"], signed=True),
            "reason": row["reason"],
            "proposed": work.reader.time(row["proposed_at"]),
            "approved": work.reader.time(row["approved_at"]),
            "period": work.reader.month(row["period"]),
        }

    columns = (
        Column("id", Text("Adjustment"), is_fixed=True),
        Column("status", Text("State")),
        Column("shop", Text("Shop")),
        Column("amount", Text("Amount"), "money"),
        Column("reason", Text("Reason")),
        Column("proposed", Text("Proposed"), "date"),
        Column("approved", Text("Approved", "adjustments"), "date"),
        Column("period", Text("Counts in"), "date"),
    )
    return ListSpec(
        "adjustments",
        "adjustments",
        "list_adjustments",
        columns,
        cells,
        filters=(Filter("shop_id", Text("Shop")),),
        tabs=(Tab(Text("All"), ""), *(Tab(state.words, code) for code, state in ADJUSTMENT_STATES.items())),
        empty=(
            Text("Nothing was adjusted by hand"),
            Text("An adjustment gives to a shop or takes from it, by two people."),
        ),
    )
