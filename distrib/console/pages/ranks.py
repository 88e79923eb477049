"""Ranks: the ladder of the plan in force in plain words, how many hold each, and the evaluations of months."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from distrib.console.frame import Page, Work, page
from distrib.console.lists import Column, ListSpec, list_view
from distrib.console.pages.ladder import plan_in_force
from distrib.console.plans.summary import ladder_words
from distrib.domain.texts import Text

_COLUMNS = (
    Column("month", Text("Month"), is_fixed=True),
    Column("shops", Text("Judged"), "number"),
    Column("promoted", Text("Rose"), "number"),
    Column("lowered", Text("Fell"), "number"),
    Column("taken_back", Text("Promotion taken back"), "number"),
    Column("failing", Text("Failed to keep"), "number"),
    Column("effective_at", Text("Holds from"), "date"),
    Column("evaluated_at", Text("Evaluated"), "date"),
    Column("evaluated_by", Text("By"), is_shown=False),
)


def rank_pages(blueprint: Blueprint) -> None:
    """Adds the page of ranks."""

    @page(blueprint, "/ranks", needs="list_evaluations")
    def ranks(work: Work) -> Page:
        entry = plan_in_force(work)
        steps = [] if entry is None else ladder_words(entry.plan, work.reader.language)
        values = {
            "in_force": entry,
            "ladder": [(step, _held(work, step.code)) for step in reversed(steps)],
            "list": list_view(work, _evaluations(work)),
        }
        return Page("console/ranks.html", values)


def _held(work: Work, rank: str) -> str:
    """How many shops hold a rank."""
    answer = work.call("list_shops", query={"rank": rank, "limit": "1"})
    count = work.reader.number(answer["count"])
    return work.say(Text("about {count}", count=count)) if answer["count_is_estimate"] else count


def _evaluations(work: Work) -> ListSpec:
    number = work.reader.number

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": row["month"],
            "month": work.reader.month(row["month"]),
            "effective_at": work.reader.day(row["effective_at"]),
            "evaluated_at": work.reader.time(row["evaluated_at"]),
            "evaluated_by": row["evaluated_by"],
            **{name: number(row[name]) for name in ("shops", "promoted", "lowered", "taken_back", "failing")},
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
