"""Statements: the months, a month with its shops, and a shop's month with its lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint
from markupsafe import Markup

from distrib.console.causes import Causes
from distrib.console.cells import COMMISSION_KINDS, COMMISSION_STATES, MONTH_STATES, id_cell, money_cell, state_badge
from distrib.console.frame import Done, HtmlPage, Outcome, Visit, page
from distrib.console.lists import ListColumn, ListSpec, ListTab, linked, list_view
from distrib.console.long_calls import start, takes_long
from distrib.console.second_person import names_of
from distrib.domain.texts import Text

FIGURES: tuple[tuple[str, Text], ...] = (
    ("opening_minor", Text("Opening", "statement")),
    ("earned_minor", Text("Earned", "statement")),
    ("reversed_minor", Text("Taken back", "statement")),
    ("adjusted_minor", Text("Adjusted", "statement")),
    ("paid_minor", Text("Paid out", "statement")),
    ("tax_minor", Text("Tax withheld", "statement")),
    ("closing_minor", Text("Closing", "statement")),
    ("held_minor", Text("Held", "statement")),
    ("reserved_minor", Text("Reserved for payouts", "statement")),
    ("available_minor", Text("Available", "statement")),
)
"""The figures of a month in the order of the export's columns."""
MOST_OPEN = 3
"""So many open months are shown in the list with what they come to now: each is added up for it."""
_SORTS = {"closing_minor": "closing", "earned_minor": "earned"}
_HIDDEN = ("opening_minor", "adjusted_minor", "tax_minor", "reserved_minor")


def statement_pages(blueprint: Blueprint) -> None:
    """Adds the pages of statements."""

    @page(blueprint, "/statements", needs="list_months")
    def months(visit: Visit) -> HtmlPage:
        shown = list_view(visit, _months(visit))
        lasts = visit.desk.program.day_of(visit.desk.now).strftime("%Y-%m")
        stops = visit.call("get_close", period=lasts)["stops"]
        follows = next((stop["next"] for stop in stops if stop["code"] == "close_in_sequence"), None)
        return HtmlPage("console/months.html", {"list": shown, "follows": follows})

    @page(blueprint, "/statements/<period>", needs="get_statements", entry="months")
    def month(visit: Visit, period: str) -> HtmlPage:
        state = visit.call("get_close", period=period)
        shown = list_view(visit, _shops(visit, period))
        totals = shown["answer"].get("totals")
        if totals is None:
            totals = visit.call("get_statements", query={"period": period, "limit": "1"})["totals"]
        values = {"period": period, "state": state, "totals": totals, "list": shown, "is_long": takes_long(visit)}
        return HtmlPage("console/month.html", values | {"badge": _badge(visit, state)})

    @page(blueprint, "/statements/<period>/export", needs="export_statements", entry="months")
    def month_file(visit: Visit, period: str) -> Outcome:
        asked = {name: visit.query.get(name, "") for name in ("format", "detail", "shop_id")}
        file: Outcome = visit.call("export_statements", query=asked, period=period)
        return file

    @page(blueprint, "/statements/<period>/export", needs="export_statements", post=True, entry="months")
    def start_month_file(visit: Visit, period: str) -> Done:
        detail, _, form = visit.form.get("file", "").partition(" ")
        return start(visit, "export_statements", {"period": period}, {"format": form, "detail": detail})

    @page(blueprint, "/statements/<period>/shops/<shop_id>", needs="get_shop_statement", entry="months")
    def shop_month(visit: Visit, period: str, shop_id: str) -> HtmlPage:
        shown = list_view(visit, _lines(visit, period, shop_id))
        values = {"period": period, "shop_id": shop_id, "statement": shown["answer"], "list": shown}
        return HtmlPage("console/shop_month.html", values | {"badge": _badge(visit, shown["answer"])})


def figure_words(visit: Visit) -> list[tuple[str, str]]:
    """The figures of a month by name with their words."""
    return [(name, visit.say(words)) for name, words in FIGURES]


def _badge(visit: Visit, state: Mapping[str, Any]) -> Any:
    return state_badge(MONTH_STATES, state.get("status"), visit.reader.language)


def _months(visit: Visit) -> ListSpec:
    names: dict[str, str] = {}

    asked: list[str] = []

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        totals = row["totals"] or {}
        if not totals and len(asked) < MOST_OPEN:  # as they stand now; who waits longer opens the month
            asked.append(row["period"])
            query = {"period": row["period"], "limit": "1"}
            totals = visit.call("get_statements", query=query)["totals"] or {}
        closer = row["confirmed_by"]
        if closer is not None and closer not in names:
            names.update(names_of(visit, [closer]))
        words = visit.say(Text("Record of the close") if row["status"] == "closed" else Text("Close the month"))
        return {
            "id": row["period"],
            "period": linked(visit.reader.month(row["period"]), visit.url("month", period=row["period"])),
            "status": state_badge(MONTH_STATES, row["status"], visit.reader.language),
            "shops": visit.reader.number(totals.get("shops") if row["count"] is None else row["count"]),
            **{name: money_cell(visit, totals.get(name)) for name, _ in FIGURES},
            "closed": visit.reader.day(row["closed_at"]),
            "by": names.get(closer or "", ""),
            "close": linked(words, visit.url("close", period=row["period"])),
        }

    columns = (
        ListColumn("period", Text("Month"), is_fixed=True),
        ListColumn("status", Text("State")),
        ListColumn("shops", Text("Shops"), "number"),
        *(ListColumn(name, words, "money", is_shown=name not in (*_HIDDEN, "held_minor")) for name, words in FIGURES),
        ListColumn("closed", Text("Closed on", "statement"), "date"),
        ListColumn("by", Text("Confirmed by")),
        ListColumn("close", Text("Close", "statement")),
    )
    empty = (Text("No month yet"), Text("A month appears with the first commission that counts in it."))
    return ListSpec("months", "months", "list_months", columns, cells, empty=empty)


def _shops(visit: Visit, period: str) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": _shop_of_month(visit, period, row["shop_id"]),
            **{name: money_cell(visit, row[name]) for name, _ in FIGURES},
            "orders": visit.reader.number(row["orders"]),
            "refunds": visit.reader.number(row["refunds"]),
        }

    columns = (
        ListColumn("id", Text("Shop"), sort="shop", is_fixed=True),
        *(
            ListColumn(name, words, "money", _SORTS.get(name, ""), is_shown=name not in _HIDDEN)
            for name, words in FIGURES
        ),
        ListColumn("orders", Text("Orders", "statement"), "number"),
        ListColumn("refunds", Text("Refunds", "statement"), "number", is_shown=False),
    )
    return ListSpec(
        "month_shops",
        "month",
        "get_statements",
        columns,
        cells,
        fixed={"period": period},
        place={"period": period},
        shops=("shop_id",),
        tabs=(
            ListTab(Text("All"), ""),
            ListTab(Text("Owed money", "statement"), "owed"),
            ListTab(Text("In debt", "statement"), "in_debt"),
        ),
        tab_parameter="filter",
        empty=(Text("No shop has a row in this month"), Text("A row appears with the first commission or payment.")),
    )


def _shop_of_month(visit: Visit, period: str, shop_id: str) -> Markup:
    """A shop's id that leads to its month, with its name beside it."""
    name = visit.shop_names.get(shop_id, "")
    return id_cell(visit, shop_id, "shop_month", name=name, period=period, shop_id=shop_id)


def _lines(visit: Visit, period: str, shop_id: str) -> ListSpec:
    causes = Causes(visit)

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": row["id"],
            **commission_cells(visit, row, causes),
            "belongs": visit.reader.month(row["belongs_to_period"]),
        }

    columns = (
        ListColumn("occurred", Text("When"), "date", is_fixed=True),
        ListColumn("order", Text("Order")),
        ListColumn("kind", Text("Kind")),
        ListColumn("purpose", Text("For", "commission")),
        ListColumn("rule", Text("Rule"), is_shown=False),
        ListColumn("tier", Text("Level"), "number", is_shown=False),
        ListColumn("base", Text("Base"), "money"),
        ListColumn("rate", Text("Rate"), "number"),
        ListColumn("amount", Text("Amount"), "money", is_fixed=True),
        ListColumn("state", Text("State")),
        ListColumn("available", Text("Available from"), "date"),
        ListColumn("belongs", Text("Belongs to"), "date", is_shown=False),
    )
    return ListSpec(
        "month_lines",
        "shop_month",
        "get_shop_statement",
        columns,
        cells,
        path={"period": period, "shop_id": shop_id},
        rows="lines",
        empty=(Text("No commission of this shop counts in this month"), Text("")),
    )


def commission_cells(visit: Visit, row: Mapping[str, Any], causes: Causes) -> dict[str, Any]:
    """What every list of commissions has in a row, by column."""
    language = visit.reader.language
    return {
        "occurred": visit.reader.time(row["occurred_at"]),
        "order": id_cell(visit, row["order_id"], "order", order_id=row["order_id"]) if row["order_id"] else "",
        "kind": state_badge(COMMISSION_KINDS, row["kind"], language),
        "purpose": causes.purpose(row),
        "rule": row["rule"] or "",
        "tier": visit.reader.number(row["tier"]),
        "base": money_cell(visit, row["base_minor"]),
        "rate": visit.reader.percent(row["rate"]),
        "amount": why_cell(visit, row),
        "state": state_badge(COMMISSION_STATES, row["state"], language),
        "available": visit.reader.day(row["available_at"]),
    }


def why_cell(visit: Visit, row: Mapping[str, Any]) -> Any:
    """The amount of a commission; it leads to why where an order is its cause."""
    amount = money_cell(visit, row["amount_minor"], signed=True)
    if not row["order_id"]:
        return amount
    return linked(amount, visit.url("order", order_id=row["order_id"]) + "#why")
