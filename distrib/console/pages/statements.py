"""Statements: the months, a month with its shops, and a shop's month with its lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from distrib.console.cells import (
    COMMISSION_KINDS,
    COMMISSION_STATES,
    MONTH_STATES,
    id_cell,
    money_cell,
    state_badge,
)
from distrib.console.frame import Outcome, Page, Work, page
from distrib.console.lists import Column, ListSpec, Tab, linked, list_view
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
_SORTS = {"closing_minor": "closing", "earned_minor": "earned"}
_HIDDEN = ("opening_minor", "adjusted_minor", "tax_minor", "reserved_minor")


def statement_pages(blueprint: Blueprint) -> None:
    """Adds the pages of statements."""

    @page(blueprint, "/statements", needs="list_months")
    def months(work: Work) -> Page:
        shown = list_view(work, _months(work))
        lasts = work.desk.program.day_of(work.desk.now).strftime("%Y-%m")
        stops = work.call("get_close", period=lasts)["stops"]
        follows = next((stop["next"] for stop in stops if stop["code"] == "close_in_sequence"), None)
        return Page("console/months.html", {"list": shown, "follows": follows})

    @page(blueprint, "/statements/<period>", needs="get_statements", entry="months")
    def month(work: Work, period: str) -> Page:
        state = work.call("get_close", period=period)
        shown = list_view(work, _shops(work, period))
        totals = shown["answer"].get("totals")
        if totals is None:
            totals = work.call("get_statements", query={"period": period, "limit": "1"})["totals"]
        values = {"period": period, "state": state, "totals": totals, "list": shown}
        return Page("console/month.html", values | {"badge": _badge(work, state)})

    @page(blueprint, "/statements/<period>/export", needs="export_statements", entry="months")
    def month_file(work: Work, period: str) -> Outcome:
        asked = {name: work.query.get(name, "") for name in ("format", "detail", "shop_id")}
        file: Outcome = work.call("export_statements", query=asked, period=period)
        return file

    @page(blueprint, "/statements/<period>/shops/<shop_id>", needs="get_shop_statement", entry="months")
    def shop_month(work: Work, period: str, shop_id: str) -> Page:
        shown = list_view(work, _lines(work, period, shop_id))
        values = {"period": period, "shop_id": shop_id, "statement": shown["answer"], "list": shown}
        return Page("console/shop_month.html", values | {"badge": _badge(work, shown["answer"])})


def figure_words(work: Work) -> list[tuple[str, str]]:
    """The figures of a month by name with their words."""
    return [(name, work.say(words)) for name, words in FIGURES]


def _badge(work: Work, state: Mapping[str, Any]) -> Any:
    return state_badge(MONTH_STATES, state.get("status"), work.reader.language)


def _months(work: Work) -> ListSpec:
    names: dict[str, str] = {}

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        totals = row["totals"] or {}
        closer = row["confirmed_by"]
        if closer is not None and closer not in names:
            names.update(names_of(work, [closer]))
        words = work.say(Text("Record of the close") if row["status"] == "closed" else Text("Close the month"))
        return {
            "id": row["period"],
            "period": linked(work.reader.month(row["period"]), work.url("month", period=row["period"])),
            "status": state_badge(MONTH_STATES, row["status"], work.reader.language),
            "shops": work.reader.number(row["count"]),
            **{name: money_cell(work, totals.get(name)) for name, _ in FIGURES},
            "closed": work.reader.day(row["closed_at"]),
            "by": names.get(closer or "", ""),
            "close": linked(words, work.url("close", period=row["period"])),
        }

    columns = (
        Column("period", Text("Month"), is_fixed=True),
        Column("status", Text("State")),
        Column("shops", Text("Shops"), "number"),
        *(Column(name, words, "money", is_shown=name not in (*_HIDDEN, "held_minor")) for name, words in FIGURES),
        Column("closed", Text("Closed on", "statement"), "date"),
        Column("by", Text("Confirmed by")),
        Column("close", Text("Close", "statement")),
    )
    empty = (Text("No month yet"), Text("A month appears with the first commission that counts in it."))
    return ListSpec("months", "months", "list_months", columns, cells, empty=empty)


def _shops(work: Work, period: str) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": id_cell(work, row["shop_id"], "shop_month", period=period, shop_id=row["shop_id"]),
            **{name: money_cell(work, row[name]) for name, _ in FIGURES},
            "orders": work.reader.number(row["orders"]),
            "refunds": work.reader.number(row["refunds"]),
        }

    columns = (
        Column("id", Text("Shop"), sort="shop", is_fixed=True),
        *(Column(name, words, "money", _SORTS.get(name, ""), is_shown=name not in _HIDDEN) for name, words in FIGURES),
        Column("orders", Text("Orders", "statement"), "number"),
        Column("refunds", Text("Refunds", "statement"), "number", is_shown=False),
    )
    return ListSpec(
        "month_shops",
        "month",
        "get_statements",
        columns,
        cells,
        fixed={"period": period},
        place={"period": period},
        tabs=(
            Tab(Text("All"), ""),
            Tab(Text("Owed money", "statement"), "owed"),
            Tab(Text("In debt", "statement"), "in_debt"),
        ),
        tab_parameter="filter",
        empty=(Text("No shop has a row in this month"), Text("A row appears with the first commission or payment.")),
    )


def _lines(work: Work, period: str, shop_id: str) -> ListSpec:
    language = work.reader.language

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": row["id"],
            "occurred": work.reader.time(row["occurred_at"]),
            "order": id_cell(work, row["order_id"], "order", order_id=row["order_id"]) if row["order_id"] else "",
            "kind": state_badge(COMMISSION_KINDS, row["kind"], language),
            "rule": row["rule"] or row["reason"] or "",
            "tier": work.reader.number(row["tier"]),
            "base": money_cell(work, row["base_minor"]),
            "rate": work.reader.percent(row["rate"]),
            "amount": why_cell(work, row),
            "state": state_badge(COMMISSION_STATES, row["state"], language),
            "available": work.reader.day(row["available_at"]),
            "belongs": work.reader.month(row["belongs_to_period"]),
        }

    columns = (
        Column("occurred", Text("When"), "date", is_fixed=True),
        Column("order", Text("Order")),
        Column("kind", Text("Kind")),
        Column("rule", Text("Rule")),
        Column("tier", Text("Level"), "number"),
        Column("base", Text("Base"), "money"),
        Column("rate", Text("Rate"), "number"),
        Column("amount", Text("Amount"), "money", is_fixed=True),
        Column("state", Text("State")),
        Column("available", Text("Available from"), "date"),
        Column("belongs", Text("Belongs to"), "date", is_shown=False),
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


def why_cell(work: Work, row: Mapping[str, Any]) -> Any:
    """The amount of a commission; it leads to why where an order is its cause."""
    amount = money_cell(work, row["amount_minor"], signed=True)
    if not row["order_id"]:
        return amount
    return linked(amount, work.url("order", order_id=row["order_id"]) + "#why")
