"""Commissions: the list with its filters; each row unfolds into rate, cause and amount, with the links to why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint

from distrib.console.cells import (
    COMMISSION_KINDS,
    COMMISSION_STATES,
    id_cell,
    money_cell,
    options_of,
    shop_cell,
    state_badge,
)
from distrib.console.frame import Page, Work, page
from distrib.console.lists import Column, Filter, ListSpec, list_view
from distrib.console.pages.statements import why_cell
from distrib.domain.texts import Text
from distrib.services.plans.words import REASONS

_CAUSE = ("order_id", "line_id", "rule", "tier", "shop_id", "kind", "reverses_id", "adjustment_id", "withdrawal_id")
"""What of a commission finds its cause; it goes with the address of what its row unfolds into."""


def commission_pages(blueprint: Blueprint) -> None:
    """Adds the pages of commissions."""

    @page(blueprint, "/commissions", needs="list_commissions")
    def commissions(work: Work) -> Page:
        title = work.say(Text("Commissions", "menu"))
        return Page("console/list.html", {"title": title, "list": list_view(work, _list(work))})

    @page(blueprint, "/commissions/cause", needs="explain_order", entry="commissions")
    def commission_cause(work: Work) -> Page:
        cause = {name: work.query.get(name, "") for name in _CAUSE}
        looks: list[Mapping[str, Any]] = []
        if cause["order_id"]:
            explained = work.call("explain_order", order_id=cause["order_id"])
            looks = [look for look in explained["looks"] if _is_of(look, cause)]
        return Page(
            "console/commission_cause.html",
            {"cause": cause, "looks": looks, "why": _words(work), "reason": work.query.get("reason")},
        )


def _words(work: Work) -> Callable[[str], str]:
    """Why a seat was paid or not, in the reader's language."""
    return lambda code: work.say(REASONS[code]) if code in REASONS else code


def _is_of(look: Mapping[str, Any], cause: Mapping[str, str]) -> bool:
    """Whether what was looked at for an order is the cause of that commission."""
    named = {"line_id": look["line_id"], "rule": look["rule"], "shop_id": look["shop_id"], "tier": look["tier"]}
    return all(str(value) == cause[name] for name, value in named.items() if cause[name] and value is not None)


def _list(work: Work) -> ListSpec:
    language = work.reader.language

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        plan = row["plan_version"]
        return {
            "id": row["id"],
            "number": id_cell(work, row["id"]),
            "occurred": work.reader.time(row["occurred_at"]),
            "shop": shop_cell(work, row["shop_id"]),
            "order": id_cell(work, row["order_id"], "order", order_id=row["order_id"]) if row["order_id"] else "",
            "kind": state_badge(COMMISSION_KINDS, row["kind"], language),
            "rule": row["rule"] or row["reason"] or "",
            "tier": work.reader.number(row["tier"]),
            "base": money_cell(work, row["base_minor"]),
            "rate": work.reader.percent(row["rate"]),
            "amount": why_cell(work, row),
            "state": state_badge(COMMISSION_STATES, row["state"], language),
            "available": work.reader.day(row["available_at"]),
            "period": work.reader.month(row["period"]),
            "plan": f"{plan['code']} {plan['version']}" if plan else "",
        }

    def unfold(row: Mapping[str, Any]) -> str:
        cause = {name: row[name] for name in (*_CAUSE, "reason") if row[name] is not None}
        return work.url("commission_cause", **cause)

    columns = (
        Column("number", Text("Number"), is_shown=False),
        Column("occurred", Text("When"), "date", is_fixed=True),
        Column("shop", Text("Shop")),
        Column("order", Text("Order")),
        Column("kind", Text("Kind")),
        Column("rule", Text("Rule")),
        Column("tier", Text("Level"), "number"),
        Column("base", Text("Base"), "money", is_shown=False),
        Column("rate", Text("Rate"), "number"),
        Column("amount", Text("Amount"), "money", is_fixed=True),
        Column("state", Text("State")),
        Column("available", Text("Available from"), "date"),
        Column("period", Text("Counts in"), "date", is_shown=False),
        Column("plan", Text("Plan"), is_shown=False),
    )
    return ListSpec(
        "commissions",
        "commissions",
        "list_commissions",
        columns,
        cells,
        filters=(
            Filter("shop_id", Text("Shop")),
            Filter("order_id", Text("Order")),
            Filter("period", Text("Month"), type="month"),
            Filter("kind", Text("Kind"), options_of(COMMISSION_KINDS)),
            Filter("state", Text("State"), options_of(COMMISSION_STATES)),
        ),
        unfold=unfold,
        empty=(Text("No commission yet"), Text("Commissions appear when an order is settled under a plan in force.")),
    )
