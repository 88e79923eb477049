"""Where the shop stands: its team without anyone's money, its rank, and what is missing to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint

from distrib.console.owner.frame import Leaf, OwnerVisit, leaf
from distrib.domain.ranks.progress import MINOR
from distrib.domain.texts import Text

TEAM_LISTED: Final = "50"
HISTORY_LISTED: Final = "20"
_METRICS: Final[Mapping[str, Text]] = {
    "personal_sales_minor": Text("Own sales", "owner"),
    "personal_orders": Text("Own orders", "owner"),
    "customers": Text("Customers", "owner"),
    "team_sales_minor": Text("Team sales, levels below: {levels}", "owner"),
    "direct_recruits": Text("Shops you brought in", "owner"),
    "active_recruits": Text("Shops you brought in that sell", "owner"),
    "earned_minor": Text("Commission earned", "owner"),
}
_SINCE = Text("since {day}", "owner")
_CAUSES: Final[Mapping[str, Text]] = {
    "hand": Text("given by the platform", "owner"),
    "floor": Text("the rank every shop begins with", "owner"),
    "restored": Text("given back", "owner"),
    "promotion": Text("reached", "owner"),
    "evaluation": Text("by the monthly evaluation", "owner"),
    "plan": Text("the plan's ranks changed", "owner"),
}


def standing_pages(blueprint: Blueprint) -> None:
    """Adds the team and the rank."""

    @leaf(blueprint, "/team")
    def team(visit: OwnerVisit) -> Leaf:
        page = visit.own("list_downline", limit=TEAM_LISTED, cursor=visit.query.get("cursor", ""))
        return Leaf(
            "team.html", {"members": [_member(row) for row in page["data"]], "next": page["next_cursor"]}, "team"
        )

    @leaf(blueprint, "/rank")
    def rank(visit: OwnerVisit) -> Leaf:
        standing = visit.own("get_next_rank")
        changes = visit.own("list_ranks", limit=HISTORY_LISTED)["data"]
        history = [
            (visit.day(row["effective_at"]), row["rank"], visit.say(_CAUSES[row["cause"]])) for row in reversed(changes)
        ]
        bars = [_bar(visit, condition) for condition in standing["conditions"]]
        return Leaf("rank.html", {"standing": standing, "bars": bars, "history": history}, "rank")


def mask(text: str) -> str:
    """A name or an id of which no more is shown than tells one from another.

    >>> mask("王小明"), mask("Mei"), mask("shop-00231"), mask("李")
    ('王**', 'M**', 's***31', '*')
    """
    if len(text) < 2:
        return "*"
    return f"{text[0]}***{text[-2:]}" if len(text) > 6 else f"{text[0]}**"


def _member(row: Mapping[str, Any]) -> dict[str, Any]:
    """A shop of the team: no name, no id in full, and nothing of its money, neither what it sells nor what it earns."""
    return {
        "name": mask(row["name"] or row["id"]),
        "id": mask(row["id"]) if row["name"] else "",
        "level": row["distance"],
        "rank": row["rank"],
        "joined_at": row["joined_at"],
    }


def _bar(visit: OwnerVisit, condition: Mapping[str, Any]) -> dict[str, Any]:
    """A condition as a bar; several of which all or any must be met as theirs."""
    if "condition" not in condition:
        parts = [_bar(visit, part) for part in condition["parts"]]
        return {"is_any": condition["kind"] == "any", "met": condition["met"], "parts": parts}
    have, need = condition["have"], condition["need"]
    is_money = condition["unit"] == MINOR
    show = visit.money if is_money else visit.reader.number
    words = _METRICS[condition["condition"]]
    if "{levels}" in words.message:
        words = words.with_params(levels=condition["levels"])
    since = condition["since"]
    return {
        "name": visit.say(words),
        "since": visit.say(_SINCE.with_params(day=visit.day(since))) if since is not None else "",
        "from_rank": condition["min_rank"],
        "met": condition["met"],
        "have": None if have is None else show(have),
        "need": show(need),
        "missing": "" if have is None or have >= need else show(need - have),
        "value": max(0, min(have or 0, need)),
        "most": max(1, need),
    }
