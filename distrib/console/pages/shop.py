"""A shop's card: what it has, its rank and why, what it sold by level, its chain, its history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from flask import Blueprint

from distrib.console.cells import SHOP_STATES, state_badge
from distrib.console.frame import Done, Page, Work, page
from distrib.console.pages.ladder import rank_codes
from distrib.console.pages.shop_history import figure_words, history_of

MOST_HELD: Final = 500
"""Held rows that are added up by day; a shop with more sees the first days of them."""
MONTHS_SHOWN: Final = 6
_FULL: Final = 100


class Bar(NamedTuple):
    """A condition of the next rank: what is had of it and what it takes, in words, and the share in percent."""

    words: str
    have: str
    need: str
    percent: int
    is_met: bool | None


def shop_pages(blueprint: Blueprint) -> None:
    """Adds a shop's card and the pages that lie behind it."""

    @page(blueprint, "/shops/<shop_id>", needs="list_shops", entry="shops")
    def shop(work: Work, shop_id: str) -> Page:
        return Page("console/shop.html", _card(work, shop_id))

    @page(blueprint, "/shops/<shop_id>/figures", needs="get_metrics", entry="shops")
    def shop_figures(work: Work, shop_id: str) -> Page:
        period = work.query.get("period", "") or _months(work, 1)[0]
        month = work.call("get_metrics", query={"period": period}, shop_id=shop_id)
        values = {"month_shown": month, "months": _months(work, MONTHS_SHOWN), "shop_id": shop_id}
        template = "shop_figures_part" if work.query.get("part") else "shop_figures"
        return Page(f"console/{template}.html", values)

    @page(blueprint, "/shops/<shop_id>/statements", needs="get_shop_statement", entry="shops")
    def shop_statements(work: Work, shop_id: str) -> Done:
        period = work.query.get("period", "") or _months(work, 1)[0]
        return Done(work.url("shop_month", shop_id=shop_id, period=period))


def _card(work: Work, shop_id: str) -> dict[str, Any]:
    shown = work.call("get_shop", shop_id=shop_id)
    reached = work.call("get_next_rank", shop_id=shop_id)
    return {
        "shop": shown,
        "state": state_badge(SHOP_STATES, shown["status"], work.reader.language),
        "balance": work.call("get_balance", shop_id=shop_id),
        "reached": reached,
        "bars": list(_bars(work, reached["conditions"])),
        "chain": list(reversed(work.call("list_upline", query={"limit": "100"}, shop_id=shop_id)["data"])),
        "releases": _releases(work, shop_id),
        "months": _months(work, MONTHS_SHOWN),
        "history": history_of(work, shop_id),
        "ranks": rank_codes(work),
        "states": [(code, work.say(state.words)) for code, state in SHOP_STATES.items()],
        "most_held": work.reader.number(MOST_HELD),
    }


def _months(work: Work, count: int) -> list[str]:
    """The months up to that of today, the newest first."""
    today = work.desk.program.day_of(work.desk.now)
    first = today.year * 12 + today.month - 1
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(first, first - count, -1)]


def _bars(work: Work, conditions: Sequence[Mapping[str, Any]]) -> Iterator[Bar]:
    """The conditions as bars, those within others one by one."""
    for condition in conditions:
        if "parts" in condition:
            yield from _bars(work, condition["parts"])
            continue
        have, need = condition["have"], condition["need"]
        figure = {**condition, "metric": condition["condition"]}
        shows = work.reader.money if condition["currency"] else work.reader.number
        share = _FULL if not need else min(_FULL, max(0, (have or 0) * _FULL // need))
        yield Bar(
            figure_words(work, figure), shows(have) if have is not None else "", shows(need), share, condition["met"]
        )


def _releases(work: Work, shop_id: str) -> dict[str, Any]:
    """What is held by the day from which it is available, and whether more is held than was looked at."""
    query = {"state": "held", "limit": str(MOST_HELD)}
    held = work.call("list_shop_commissions", query=query, shop_id=shop_id)
    days: Counter[date] = Counter()
    for row in held["data"]:
        days[work.desk.program.day_of(row["available_at"])] += row["amount_minor"]
    return {"days": sorted(days.items()), "is_cut": held["next_cursor"] is not None}
