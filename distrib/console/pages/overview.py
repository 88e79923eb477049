"""The overview: what the month comes to, how it went over a year, what waits, who leads; and the search of the head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint

from distrib.console.charts import Chart, Series
from distrib.console.frame import Done, Page, Work, page
from distrib.console.pages.inbox import KINDS
from distrib.domain.errors import Refusal
from distrib.domain.money import PPM, round_ratio, show_ratio
from distrib.domain.periods import next_period
from distrib.domain.texts import Text
from distrib.services.context import format_period, parse_period

MONTHS: Final = 12
LEADERS: Final = "5"
MOST_MONTHS: Final = "60"


def overview_pages(blueprint: Blueprint) -> None:
    """Adds the overview and what the frame of every page calls."""

    @page(blueprint, "", needs="get_statements")
    def overview(work: Work) -> Page:
        moved = _moved(work)
        period = _period(work, moved)
        names = _months(period)
        asked = {*moved, *names[-2:]}
        months = [_month(work, name, moved.get(name)) if name in asked else _shown(work, name, {}) for name in names]
        month, before = months[-1], months[-2]
        return Page(
            "console/overview.html",
            {
                "period": period,
                "earlier": _step(period, -1),
                "later": _step(period, 1) if period < _present(work) else "",
                "figures": _figures(work, month, before),
                "chart": _chart(work, months),
                "months": months,
                "undecided": _waiting(work),
                "funnel": _funnel(work, period, month),
                "sellers": _leaders(work, "list_shops", "-sales", "month_sales_minor"),
                "owed": _leaders(work, "list_balances", "-available", "available_minor"),
            },
        )

    @page(blueprint, "/search", needs="get_statements")
    def search(work: Work) -> Page | Done:
        asked = work.query.get("q", "").strip()
        places = _places(work, asked) if asked else []
        if len(places) == 1:
            return Done(places[0][2])
        more = work.url("shops", q=asked) if asked and work.has_page("shops") else ""
        return Page("console/search.html", {"asked": asked, "places": places, "more": more})


def _present(work: Work) -> str:
    return format_period(work.desk.program.period_of(work.desk.now))


def _moved(work: Work) -> dict[str, Mapping[str, Any] | None]:
    """The newest months in which anything moved, with their totals where they are closed."""
    rows = work.call("list_months", query={"limit": MOST_MONTHS})["data"]
    return {row["period"]: row["totals"] for row in rows}


def _period(work: Work, moved: Mapping[str, Any]) -> str:
    """The month that the address asks for; without one the newest in which anything was earned, else the present."""
    asked = work.query.get("period", "")
    if asked:
        return format_period(parse_period(asked))
    earned = [period for period, totals in moved.items() if totals is not None and totals["earned_minor"]]
    present = _present(work)
    return present if (present in moved and _earned(work, present)) or not earned else max(earned)


def _earned(work: Work, period: str) -> int:
    earned_minor: int = _month(work, period, None)["earned_minor"]
    return earned_minor


def _months(period: str) -> list[str]:
    return [_step(period, -back) for back in range(MONTHS - 1, -1, -1)]


def _step(period: str, months: int) -> str:
    """The month so many months later, or earlier.

    >>> _step("2026-01", -1), _step("2026-11", 2)
    ('2025-12', '2027-01')
    """
    number = parse_period(period)
    if months >= 0:
        for _ in range(months):
            number = next_period(number)
        return format_period(number)
    year, month = divmod(number // 100 * 12 + number % 100 - 1 + months, 12)
    return f"{year:04d}-{month + 1:02d}"


def _month(work: Work, period: str, totals: Mapping[str, Any] | None) -> dict[str, Any]:
    """The figures of a month: those given, else those of its statement; all zero before the program began."""
    known = totals or work.call("get_statements", query={"period": period, "limit": "1"})["totals"] or {}
    return _shown(work, period, known)


def _shown(work: Work, period: str, totals: Mapping[str, Any]) -> dict[str, Any]:
    names = ("earned_minor", "reversed_minor", "available_minor", "held_minor", "paid_minor", "orders", "refunds")
    return {"period": period, "href": _month_address(work, period), **{name: totals.get(name, 0) for name in names}}


def _month_address(work: Work, period: str) -> str:
    return work.url("month", period=period) if work.has_page("month") else ""


def _figures(work: Work, month: Mapping[str, Any], before: Mapping[str, Any]) -> list[dict[str, str]]:
    """The figures that matter, each with how it changed since the month before and where its rows are."""
    names = (
        (Text("Commissions earned"), "earned_minor"),
        (Text("Taken back"), "reversed_minor"),
        (Text("Available to pay"), "available_minor"),
        (Text("Held"), "held_minor"),
    )
    return [
        {
            "name": work.say(words),
            "value": work.reader.money(month[name]),
            "note": work.say(Text("{change} on the month before", change=_change(work, month[name], before[name]))),
            "href": month["href"],
        }
        for words, name in names
    ]


def _change(work: Work, now_minor: int, then_minor: int) -> str:
    return work.reader.signed(now_minor - then_minor) or work.reader.money(0)


def _chart(work: Work, months: list[dict[str, Any]]) -> Chart:
    return Chart(
        work.say(Text("Commissions by month, in {currency}", currency=work.reader.currency)),
        [work.reader.month(month["period"]) for month in months],
        [
            Series(work.say(Text("Commissions earned")), "bar", [month["earned_minor"] for month in months]),
            Series(work.say(Text("Taken back")), "bar", [month["reversed_minor"] for month in months]),
        ],
        work.reader,
    )


def _funnel(work: Work, period: str, month: Mapping[str, Any]) -> dict[str, Any] | None:
    """The month from visit to repeat purchase (流量 × 转化率 × 客单价); None where the role may not see it."""
    if not work.desk.may("get_funnel"):
        return None
    query = {"from": f"{period}-01", "to": f"{_step(period, 1)}-01", "by": "month"}
    (span,) = work.call("get_funnel", query=query)["data"]
    number, money, percent = work.reader.number, work.reader.money, work.reader.percent
    if span["as_of"] is None:
        return {"is_known": False, "rows": [(work.say(Text("Visits of invite links")), number(span["visits"]), "")]}
    sales_minor = span["sales_minor"]
    return {
        "is_known": True,
        "rows": [
            (work.say(Text("Visits of invite links")), number(span["visits"]), ""),
            (work.say(Text("Registrations")), number(span["registrations"]), percent(span["registration_rate"])),
            (work.say(Text("Shops with a first order")), number(span["first_orders"]), ""),
            (work.say(Text("Orders, and the average")), number(span["orders"]), money(span["average_order_minor"])),
            (work.say(Text("Buyers, and who bought again")), number(span["buyers"]), percent(span["repeat_rate"])),
            (work.say(Text("Shops, and who brought others")), number(span["shops"]), percent(span["sharing_rate"])),
            (
                work.say(Text("Settled sales, and the share of commissions")),
                money(sales_minor),
                _share(work, month, sales_minor),
            ),
        ],
    }


def _share(work: Work, month: Mapping[str, Any], sales_minor: int) -> str:
    """What part of the sales the commissions are, to a tenth of a percent; half rounds up."""
    if not sales_minor:
        return ""
    net_minor = max(month["earned_minor"] + month["reversed_minor"], 0)
    return work.reader.percent(show_ratio(round_ratio(net_minor * 1_000, sales_minor, "half_up") * (PPM // 1_000)))


def _waiting(work: Work) -> list[dict[str, Any]]:
    """What waits, by kind, where any does."""
    if not (work.desk.may("list_inbox") and work.has_page("inbox")):
        return []
    counts = work.call("list_inbox", query={"limit": "0"})["counts"]
    return [
        {
            "name": work.say(KINDS[kind].words),
            "icon": KINDS[kind].icon,
            "count": f"{work.reader.number(count['count'])}{'+' if count['more'] else ''}",
            "href": work.url("inbox", kind=kind),
        }
        for kind, count in counts.items()
        if count["count"]
    ]


def _leaders(work: Work, operation: str, sort: str, figure: str) -> list[dict[str, Any]]:
    if not work.desk.may(operation):
        return []
    try:
        rows = work.desk.call(operation, {}, {"sort": sort, "limit": LEADERS})["data"]
    except Refusal:  # the order of a large program is kept a moment later than the program begins
        return []
    return [row for row in rows if row[figure] > 0]


def _places(work: Work, asked: str) -> list[tuple[str, str, str]]:
    """What has exactly that id: kind, id and address."""
    wanted = (
        (Text("Shop"), "get_shop", "shop_id", "shop"),
        (Text("Order"), "get_order", "order_id", "order"),
        (Text("Event"), "get_event", "event_id", "event"),
        (Text("Payout"), "get_payout", "payout_id", "payout"),
    )
    return [
        (work.say(kind), asked, work.url(endpoint, **{name: asked}))
        for kind, operation, name, endpoint in wanted
        if work.desk.may(operation) and work.has_page(endpoint) and _is_there(work, operation, {name: asked})
    ]


def _is_there(work: Work, operation: str, path: Mapping[str, str]) -> bool:
    try:
        work.desk.call(operation, path)
    except Refusal:
        return False
    return True
