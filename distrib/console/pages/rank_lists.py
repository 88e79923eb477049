"""Ranks of all shops as lists: who rose and who fell and why, and who is near the next rank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint
from markupsafe import Markup

from distrib.console.cells import shop_cell
from distrib.console.frame import HtmlPage, Visit, icon, page
from distrib.console.lists import ListColumn, ListFilter, ListSpec, ListTab, linked, list_view
from distrib.console.pages.ladder import rank_codes
from distrib.console.pages.shop_history import CAUSES, figure_words, rank_reasons
from distrib.domain.ranks.progress import ANY, MINOR
from distrib.domain.texts import Text
from distrib.services.ranks.near import MOST_KEPT

_DIRECTIONS: Final[Mapping[str, tuple[Text, str]]] = {
    "rose": (Text("rose", "rank"), "↑"),
    "fell": (Text("fell", "rank"), "↓"),
}
_MOVES: Final = (
    ListColumn("shop", Text("Shop"), is_fixed=True),
    ListColumn("name", Text("Name")),
    ListColumn("move", Text("Rose or fell")),
    ListColumn("cause", Text("By", "rank")),
    ListColumn("why", Text("Why")),
    ListColumn("effective_at", Text("Holds from"), "date"),
    ListColumn("recorded_at", Text("Recorded"), "date", is_shown=False),
    ListColumn("recorded_by", Text("Recorded by"), is_shown=False),
)
_NEAR: Final = (
    ListColumn("shop", Text("Shop"), is_fixed=True),
    ListColumn("name", Text("Name")),
    ListColumn("rank", Text("Has", "rank")),
    ListColumn("next", Text("Near to", "rank")),
    ListColumn("share", Text("There of it"), "number"),
    ListColumn("lacks", Text("What is there, and what it takes")),
)


def rank_list_pages(blueprint: Blueprint) -> None:
    """Adds the lists of who rose and fell, and of who is near."""

    @page(blueprint, "/ranks/changes", needs="list_rank_changes", entry="ranks")
    def rank_moves(visit: Visit) -> HtmlPage:
        return HtmlPage("console/rank_moves.html", {"tab": "moves", "list": list_view(visit, _moves(visit))})

    @page(blueprint, "/ranks/near", needs="list_near_ranks", entry="ranks")
    def near_ranks(visit: Visit) -> HtmlPage:
        values = {"tab": "near", "most": MOST_KEPT, "list": list_view(visit, _near(visit))}
        return HtmlPage("console/near_ranks.html", values)


def _moves(visit: Visit) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": row["shop_id"],
            "shop": shop_cell(visit, row["shop_id"]),
            "name": row["name"] or "",
            "move": _move(visit, row),
            "cause": _cause(visit, row),
            "why": "; ".join(rank_reasons(visit, row["reason"])),
            "effective_at": visit.reader.day(row["effective_at"]),
            "recorded_at": visit.reader.time(row["recorded_at"]),
            "recorded_by": row["recorded_by"],
        }

    return ListSpec(
        name="rank_moves",
        endpoint="rank_moves",
        operation="list_rank_changes",
        columns=_MOVES,
        cells=cells,
        filters=(ListFilter("evaluation", Text("Evaluation of"), hint="2026-03"),),
        tabs=(
            ListTab(Text("All"), ""),
            ListTab(Text("Promoted", "rank"), "promotion"),
            ListTab(Text("Lost by an evaluation", "rank"), "evaluation"),
            ListTab(Text("By hand", "rank"), "hand"),
        ),
        tab_parameter="cause",
        empty=(
            Text("No shop rose or fell yet"),
            Text("Shops rise by what they sell and whom they bring in, and fall by the evaluation of a month."),
        ),
    )


def _move(visit: Visit, row: Mapping[str, Any]) -> Markup:
    """From which rank to which, with an arrow and its word; of what was set by hand and ended, the rank before."""
    ends = visit.say(Text("ended by hand", "rank")) if row["rank"] is None else row["rank"]
    words = Markup("{} → <strong>{}</strong>").format(row["from_rank"] or "–", ends)
    if row["direction"] is None:
        return words
    said, arrow = _DIRECTIONS[row["direction"]]
    return Markup("{} {} · {}").format(arrow, visit.say(said), words)


def _cause(visit: Visit, row: Mapping[str, Any]) -> str | Markup:
    """What decided it; an evaluation leads to all that it decided."""
    words = visit.say(CAUSES[row["cause"]])
    if row["evaluation"] is None:
        return words
    month = visit.say(Text("evaluation of {month}", month=visit.reader.month(row["evaluation"])))
    return linked(month, visit.url("rank_moves", evaluation=row["evaluation"]))


def _near(visit: Visit) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": row["shop_id"],
            "shop": shop_cell(visit, row["shop_id"]),
            "name": row["name"] or "",
            "rank": row["rank"],
            "next": row["next_rank"],
            "share": visit.reader.percent(row["share"]),
            "lacks": _lacks(visit, row),
        }

    codes = rank_codes(visit)[1:]
    return ListSpec(
        name="near_ranks",
        endpoint="near_ranks",
        operation="list_near_ranks",
        columns=_NEAR,
        cells=cells,
        filters=(ListFilter("rank", Text("Rank to come"), [(code, code) for code in codes]),),
        empty=(
            Text("Nobody is near yet"),
            Text("Workers look every hour who has some of what the next rank takes, and list the nearest."),
        ),
    )


def _lacks(visit: Visit, row: Mapping[str, Any]) -> Markup:
    """Each threshold with what is there of it."""
    lines = []
    for part in row["conditions"]:
        shows = visit.reader.money if part["unit"] == MINOR else visit.reader.number
        named = {"metric": part["condition"], **{name: part[name] for name in ("levels", "min_rank", "window")}}
        name, have, need = figure_words(visit, named), shows(part["have"]), shows(part["need"])
        words = visit.say(Text("{figure} {have}, of {need} needed", figure=name, have=have, need=need))
        bar = Markup('<progress class="share" value="{}" max="{}" aria-label="{}"></progress>').format(
            max(0, min(part["have"], part["need"])), max(1, part["need"]), words
        )
        lines.append(Markup("<div>{} {}{}</div>").format(bar, icon("check") if part["met"] else "", words))
    if row["takes"] == ANY and len(lines) > 1:
        lines.append(Markup("<div>{}</div>").format(visit.say(Text("one of these is enough"))))
    return Markup("").join(lines)
