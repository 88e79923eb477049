"""A shop's card: what it has, its rank and why, what it sold by level, its chain, its history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from flask import Blueprint

from distrib.console.cells import SHOP_STATES, state_badge
from distrib.console.frame import Done, HtmlPage, Visit, page
from distrib.console.pages.ladder import rank_codes
from distrib.console.pages.shop_history import figure_words, history_of

MOST_HELD: Final = 500
"""Held rows that are added up by day; a shop with more sees the first days of them."""
MONTHS_SHOWN: Final = 6
_FULL: Final = 100


class ConditionBar(NamedTuple):
    """A condition of the next rank: what is had of it and what it takes, in words, and the share in percent."""

    words: str
    have: str
    need: str
    percent: int
    is_met: bool | None


def shop_pages(blueprint: Blueprint) -> None:
    """Adds a shop's card and the pages that lie behind it."""

    @page(blueprint, "/shops/<shop_id>", needs="list_shops", entry="shops")
    def shop(visit: Visit, shop_id: str) -> HtmlPage:
        return HtmlPage("console/shop.html", _card(visit, shop_id))

    @page(blueprint, "/shops/<shop_id>/figures", needs="get_metrics", entry="shops")
    def shop_figures(visit: Visit, shop_id: str) -> HtmlPage:
        period = visit.query.get("period", "") or _months(visit, 1)[0]
        month = visit.call("get_metrics", query={"period": period}, shop_id=shop_id)
        values = {"month_shown": month, "months": _months(visit, MONTHS_SHOWN), "shop_id": shop_id}
        template = "shop_figures_part" if visit.query.get("part") else "shop_figures"
        return HtmlPage(f"console/{template}.html", values)

    @page(blueprint, "/shops/<shop_id>/statements", needs="get_shop_statement", entry="shops")
    def shop_statements(visit: Visit, shop_id: str) -> Done:
        period = visit.query.get("period", "") or _months(visit, 1)[0]
        return Done(visit.url("shop_month", shop_id=shop_id, period=period))


def _card(visit: Visit, shop_id: str) -> dict[str, Any]:
    shown = visit.call("get_shop", shop_id=shop_id)
    reached = visit.call("get_next_rank", shop_id=shop_id)
    return {
        "shop": shown,
        "state": state_badge(SHOP_STATES, shown["status"], visit.reader.language),
        "balance": visit.call("get_balance", shop_id=shop_id),
        "reached": reached,
        "bars": list(_bars(visit, reached["conditions"])),
        "chain": list(reversed(visit.call("list_upline", query={"limit": "100"}, shop_id=shop_id)["data"])),
        "releases": _releases(visit, shop_id),
        "months": _months(visit, MONTHS_SHOWN),
        "history": history_of(visit, shop_id),
        "ranks": rank_codes(visit),
        "states": [(code, visit.say(state.words)) for code, state in SHOP_STATES.items()],
        "most_held": visit.reader.number(MOST_HELD),
    }


def _months(visit: Visit, count: int) -> list[str]:
    """The months up to that of today, the newest first."""
    today = visit.desk.program.day_of(visit.desk.now)
    first = today.year * 12 + today.month - 1
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(first, first - count, -1)]


def _bars(visit: Visit, conditions: Sequence[Mapping[str, Any]]) -> Iterator[ConditionBar]:
    """The conditions as bars, those within others one by one."""
    for condition in conditions:
        if "parts" in condition:
            yield from _bars(visit, condition["parts"])
            continue
        have, need = condition["have"], condition["need"]
        figure = {**condition, "metric": condition["condition"]}
        shows = visit.reader.money if condition["currency"] else visit.reader.number
        share = _FULL if not need else min(_FULL, max(0, (have or 0) * _FULL // need))
        yield ConditionBar(
            figure_words(visit, figure), shows(have) if have is not None else "", shows(need), share, condition["met"]
        )


def _releases(visit: Visit, shop_id: str) -> dict[str, Any]:
    """What is held by the day from which it is available, and whether more is held than was looked at."""
    query = {"state": "held", "limit": str(MOST_HELD)}
    held = visit.call("list_shop_commissions", query=query, shop_id=shop_id)
    days: Counter[date] = Counter()
    for row in held["data"]:
        days[visit.desk.program.day_of(row["available_at"])] += row["amount_minor"]
    return {"days": sorted(days.items()), "is_cut": held["next_cursor"] is not None}
