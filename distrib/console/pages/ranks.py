"""Ranks: the ladder of the plan in force in plain words, how many hold each, and the evaluations of months."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint
from markupsafe import Markup

from distrib.console.frame import HtmlPage, Visit, page
from distrib.console.lists import ListColumn, ListSpec, linked, list_view
from distrib.console.pages.ladder import plan_in_force
from distrib.console.plans.summary import ladder_words
from distrib.domain.texts import Text

_COLUMNS = (
    ListColumn("month", Text("Month"), is_fixed=True),
    ListColumn("shops", Text("Judged"), "number"),
    ListColumn("promoted", Text("Rose"), "number"),
    ListColumn("lowered", Text("Fell"), "number"),
    ListColumn("taken_back", Text("Promotion taken back"), "number"),
    ListColumn("failing", Text("Failed to keep"), "number"),
    ListColumn("effective_at", Text("Holds from"), "date"),
    ListColumn("evaluated_at", Text("Evaluated"), "date"),
    ListColumn("evaluated_by", Text("By"), is_shown=False),
)


def rank_pages(blueprint: Blueprint) -> None:
    """Adds the page of ranks."""

    @page(blueprint, "/ranks", needs="list_evaluations")
    def ranks(visit: Visit) -> HtmlPage:
        entry = plan_in_force(visit)
        steps = [] if entry is None else ladder_words(entry.plan, visit.reader.language)
        values = {
            "tab": "ladder",
            "in_force": entry,
            "ladder": [(step, _held(visit, step.code)) for step in reversed(steps)],
            "list": list_view(visit, _evaluations(visit)),
        }
        return HtmlPage("console/ranks.html", values)


def _held(visit: Visit, rank: str) -> str:
    """How many shops hold a rank."""
    answer = visit.call("list_shops", query={"rank": rank, "limit": "1"})
    count = visit.reader.number(answer["count"])
    return visit.say(Text("about {count}", count=count)) if answer["count_is_estimate"] else count


def _evaluations(visit: Visit) -> ListSpec:
    number = visit.reader.number

    def changes(row: Mapping[str, Any], name: str, cause: str) -> str | Markup:
        address = visit.url("rank_moves", cause=cause, evaluation=row["month"])
        return linked(number(row[name]), address) if row[name] else number(row[name])

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": row["month"],
            "month": visit.reader.month(row["month"]),
            "effective_at": visit.reader.day(row["effective_at"]),
            "evaluated_at": visit.reader.time(row["evaluated_at"]),
            "evaluated_by": row["evaluated_by"],
            **{name: number(row[name]) for name in ("shops", "failing")},
            "promoted": changes(row, "promoted", "promotion"),
            "lowered": changes(row, "lowered", "evaluation"),
            "taken_back": changes(row, "taken_back", "evaluation"),
        }

    return ListSpec(
        name="evaluations",
        endpoint="ranks",
        operation="list_evaluations",
        columns=_COLUMNS,
        cells=cells,
        empty=(
            Text("No month was evaluated yet"),
            Text("A month is evaluated after it ends, once its events are done."),
        ),
    )
