"""What became of a shop, told from its ranks, states and sponsors, each with why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from distrib.console.cells import SHOP_STATES
from distrib.console.frame import Visit
from distrib.console.plans.summary import metric_words
from distrib.domain.texts import Text

MOST_CHANGES: Final = 200
CAUSES: Final[Mapping[str, Text]] = {
    "hand": Text("by hand"),
    "floor": Text("set by hand, earned higher"),
    "restored": Text("restored"),
    "promotion": Text("promotion"),
    "evaluation": Text("monthly evaluation"),
    "plan": Text("another plan"),
}


class Happening(NamedTuple):
    """One line of a shop's history."""

    instant: datetime
    title: str
    text: str
    by: str


def history_of(visit: Visit, shop_id: str) -> list[Happening]:
    """What became of the shop, the newest first."""
    query = {"limit": str(MOST_CHANGES)}
    ranks = visit.call("list_ranks", query=query, shop_id=shop_id)["data"]
    changes = visit.call("list_shop_changes", query=query, shop_id=shop_id)["data"]
    happenings = [_of_rank(visit, row) for row in ranks] + [_of_standing(visit, row) for row in changes]
    return sorted(happenings, key=lambda happening: happening.instant, reverse=True)


def _of_rank(visit: Visit, row: Mapping[str, Any]) -> Happening:
    cause = visit.say(CAUSES[row["cause"]])
    title = visit.say(Text("Rank {rank}", rank=row["rank"]) if row["rank"] else Text("Rank by hand ended"))
    said = "; ".join(rank_reasons(visit, row["reason"]))
    return Happening(row["effective_at"], title, f"{cause}: {said}" if said else cause, row["recorded_by"])


def rank_reasons(visit: Visit, reason: Any) -> Iterator[str]:
    """Why a rank was given or lost: the words given with it, or the figures that decided."""
    if isinstance(reason, str):
        yield reason
        return
    if "evaluation" in reason:
        yield visit.reader.month(reason["evaluation"])
    if "taken_back" in reason:
        yield visit.say(Text("what it was earned with was refunded"))
    for figure in (*reason.get("conditions", ()), *reason.get("keep", ())):
        shows = visit.reader.money if figure["metric"].endswith("_minor") else visit.reader.number
        have, need = shows(figure["figure"]), shows(figure["at_least"])
        name = figure_words(visit, figure)
        yield visit.say(Text("{figure} {have}, of {need} needed", figure=name, have=have, need=need))
    if "failures" in reason:
        yield visit.say(Text("failed {times} months in a row", times=reason["failures"]))


def figure_words(visit: Visit, figure: Mapping[str, Any]) -> str:
    """Names a figure of a condition: its metric, and what of it counts."""
    return metric_words(
        figure["metric"], figure.get("levels"), figure.get("min_rank"), figure["window"], visit.reader.language
    )


def _of_standing(visit: Visit, row: Mapping[str, Any]) -> Happening:
    if row["kind"] == "status":
        title = visit.say(Text("State: {state}", state=SHOP_STATES[row["value"]].words))
    elif row["value"] is None:
        title = visit.say(Text("Root, without a sponsor"))
    else:
        title = visit.say(Text("Sponsor {sponsor}", sponsor=row["value"]))
    return Happening(row["effective_at"], title, row["reason"], row["recorded_by"])
