"""The overview: what the month comes to, how it went over a year, what waits, who leads; and the search of the head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint

from distrib.console.charts import Chart, Series
from distrib.console.frame import Done, HtmlPage, Visit, page
from distrib.console.pages.inbox import KINDS
from distrib.console.shop_choice import MOST_FITS, shops_like
from distrib.domain.errors import Refusal
from distrib.domain.money import PPM, round_ratio, show_ratio
from distrib.domain.periods import next_period
from distrib.domain.texts import Text
from distrib.services.context import format_period, parse_period

MONTHS: Final = 12
LEADERS: Final = "5"
MOST_MONTHS: Final = "60"
RELEASE_DAYS: Final = "30"


def overview_pages(blueprint: Blueprint) -> None:
    """Adds the overview and what the frame of every page calls."""

    @page(blueprint, "", needs="get_statements")
    def overview(visit: Visit) -> HtmlPage:
        moved = _moved(visit)
        period = _period(visit, moved)
        names = _months(period)
        asked = {*moved, *names[-2:]}
        months = [_month(visit, name, moved.get(name)) if name in asked else _shown(visit, name, {}) for name in names]
        month, before = months[-1], months[-2]
        owed = _leaders(visit, "list_balances", "-available", "available_minor")
        visit.name_shops(row["shop_id"] for row in owed)
        return HtmlPage(
            "console/overview.html",
            {
                "period": period,
                "earlier": _step(period, -1),
                "later": _step(period, 1) if period < _present(visit) else "",
                "figures": _figures(visit, month, before),
                "chart": _chart(visit, months),
                "months": months,
                "undecided": _waiting(visit),
                "releases": _releases(visit),
                "funnel": _funnel(visit, period, month),
                "sellers": _leaders(visit, "list_shops", "-sales", "month_sales_minor"),
                "owed": owed,
                "names": visit.shop_names,
            },
        )

    @page(blueprint, "/search", needs="get_statements")
    def search(visit: Visit) -> HtmlPage | Done:
        asked = visit.query.get("q", "").strip()
        places = (_places(visit, asked) or _shops_like(visit, asked)) if asked else []
        if len(places) == 1:
            return Done(places[0][2])
        more = visit.url("shops", q=asked) if asked and visit.has_page("shops") else ""
        return HtmlPage(
            "console/search.html",
            {"asked": asked, "places": places, "more": more if len(places) in (0, MOST_FITS) else ""},
        )


def _present(visit: Visit) -> str:
    return format_period(visit.desk.program.period_of(visit.desk.now))


def _moved(visit: Visit) -> dict[str, Mapping[str, Any] | None]:
    """The newest months in which anything moved, with their totals where they are closed."""
    rows = visit.call("list_months", query={"limit": MOST_MONTHS})["data"]
    return {row["period"]: row["totals"] for row in rows}


def _period(visit: Visit, moved: Mapping[str, Any]) -> str:
    """The month that the address asks for; without one the newest in which anything was earned, else the present."""
    asked = visit.query.get("period", "")
    if asked:
        return format_period(parse_period(asked))
    earned = [period for period, totals in moved.items() if totals is not None and totals["earned_minor"]]
    present = _present(visit)
    return present if (present in moved and _earned(visit, present)) or not earned else max(earned)


def _earned(visit: Visit, period: str) -> int:
    earned_minor: int = _month(visit, period, None)["earned_minor"]
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


def _month(visit: Visit, period: str, totals: Mapping[str, Any] | None) -> dict[str, Any]:
    """The figures of a month: those given, else those of its statement; all zero before the program began."""
    known = totals or visit.call("get_statements", query={"period": period, "limit": "1"})["totals"] or {}
    return _shown(visit, period, known)


def _shown(visit: Visit, period: str, totals: Mapping[str, Any]) -> dict[str, Any]:
    names = ("earned_minor", "reversed_minor", "available_minor", "held_minor", "paid_minor", "orders", "refunds")
    return {"period": period, "href": _month_address(visit, period), **{name: totals.get(name, 0) for name in names}}


def _month_address(visit: Visit, period: str) -> str:
    return visit.url("month", period=period) if visit.has_page("month") else ""


def _figures(visit: Visit, month: Mapping[str, Any], before: Mapping[str, Any]) -> list[dict[str, str]]:
    """The figures that matter, each with how it changed since the month before and where its rows are."""
    names = (
        (Text("Commissions earned"), "earned_minor"),
        (Text("Taken back"), "reversed_minor"),
        (Text("Available to pay"), "available_minor"),
        (Text("Held"), "held_minor"),
    )
    return [
        {
            "name": visit.say(words),
            "value": visit.reader.money(month[name]),
            "note": visit.say(Text("{change} on the month before", change=_change(visit, month[name], before[name]))),
            "href": month["href"],
        }
        for words, name in names
    ]


def _change(visit: Visit, now_minor: int, then_minor: int) -> str:
    return visit.reader.signed(now_minor - then_minor) or visit.reader.money(0)


def _chart(visit: Visit, months: list[dict[str, Any]]) -> Chart:
    return Chart(
        visit.say(Text("Commissions by month, in {currency}", currency=visit.reader.currency)),
        [visit.reader.month(month["period"]) for month in months],
        [
            Series(visit.say(Text("Commissions earned")), "bar", [month["earned_minor"] for month in months]),
            Series(visit.say(Text("Taken back")), "bar", [month["reversed_minor"] for month in months]),
        ],
        visit.reader,
    )


def _releases(visit: Visit) -> dict[str, Any] | None:
    """What becomes payable on each of the next days; None where the role may not see it."""
    if not visit.desk.may("list_releases"):
        return None
    answer = visit.call("list_releases", query={"days": RELEASE_DAYS})
    reader = visit.reader
    title = visit.say(
        Text("Becomes payable in the next {days} days, in {currency}", days=RELEASE_DAYS, currency=reader.currency)
    )
    amounts = [row["amount_minor"] for row in answer["data"]]
    name = visit.say(Text("Becomes payable"))
    return {
        "chart": Chart(
            title, [reader.day(row["day"]) for row in answer["data"]], [Series(name, "bar", amounts)], reader
        ),
        "sum": reader.money(sum(amounts)),
        "has_any": any(amounts),
        "later_minor": answer["later_minor"],
        "as_of": answer["as_of"],
        "href": visit.url("payable") if visit.has_page("payable") and visit.desk.may("list_payable") else "",
    }


def _funnel(visit: Visit, period: str, month: Mapping[str, Any]) -> dict[str, Any] | None:
    """The month from visit to repeat purchase (流量 × 转化率 × 客单价); None where the role may not see it."""
    if not visit.desk.may("get_funnel"):
        return None
    query = {"from": f"{period}-01", "to": f"{_step(period, 1)}-01", "by": "month"}
    (span,) = visit.call("get_funnel", query=query)["data"]
    number, money, percent = visit.reader.number, visit.reader.money, visit.reader.percent
    if span["as_of"] is None:
        return {"is_known": False, "rows": [(visit.say(Text("Visits of invite links")), number(span["visits"]), "")]}
    sales_minor = span["sales_minor"]
    return {
        "is_known": True,
        "rows": [
            (visit.say(Text("Visits of invite links")), number(span["visits"]), ""),
            (visit.say(Text("Registrations")), number(span["registrations"]), percent(span["registration_rate"])),
            (visit.say(Text("Shops with a first order")), number(span["first_orders"]), ""),
            (visit.say(Text("Orders, and the average")), number(span["orders"]), money(span["average_order_minor"])),
            (visit.say(Text("Buyers, and who bought again")), number(span["buyers"]), percent(span["repeat_rate"])),
            (visit.say(Text("Shops, and who brought others")), number(span["shops"]), percent(span["sharing_rate"])),
            (
                visit.say(Text("Settled sales, and the share of commissions")),
                money(sales_minor),
                _share(visit, month, sales_minor),
            ),
        ],
    }


def _share(visit: Visit, month: Mapping[str, Any], sales_minor: int) -> str:
    """What part of the sales the commissions are, to a tenth of a percent; half rounds up."""
    if not sales_minor:
        return ""
    net_minor = max(month["earned_minor"] + month["reversed_minor"], 0)
    return visit.reader.percent(show_ratio(round_ratio(net_minor * 1_000, sales_minor, "half_up") * (PPM // 1_000)))


def _waiting(visit: Visit) -> list[dict[str, Any]]:
    """What waits, by kind, where any does."""
    if not (visit.desk.may("list_inbox") and visit.has_page("inbox")):
        return []
    counts = visit.call("list_inbox", query={"limit": "0"})["counts"]
    return [
        {
            "name": visit.say(KINDS[kind].words),
            "icon": KINDS[kind].icon,
            "count": f"{visit.reader.number(count['count'])}{'+' if count['more'] else ''}",
            "href": visit.url("inbox", kind=kind),
        }
        for kind, count in counts.items()
        if count["count"]
    ]


def _leaders(visit: Visit, operation: str, sort: str, figure: str) -> list[dict[str, Any]]:
    if not visit.desk.may(operation):
        return []
    try:
        rows = visit.desk.call(operation, {}, {"sort": sort, "limit": LEADERS})["data"]
    except Refusal:  # the order of a large program is kept a moment later than the program begins
        return []
    return [row for row in rows if row[figure] > 0]


def _places(visit: Visit, asked: str) -> list[tuple[str, str, str]]:
    """What has exactly that id: kind, id and address."""
    wanted = (
        (Text("Shop"), "get_shop", "shop_id", "shop"),
        (Text("Order"), "get_order", "order_id", "order"),
        (Text("Event"), "get_event", "event_id", "event"),
        (Text("Payout"), "get_payout", "payout_id", "payout"),
    )
    return [
        (visit.say(kind), asked, visit.url(endpoint, **{name: asked}))
        for kind, operation, name, endpoint in wanted
        if visit.desk.may(operation) and visit.has_page(endpoint) and _is_there(visit, operation, {name: asked})
    ]


def _shops_like(visit: Visit, asked: str) -> list[tuple[str, str, str]]:
    """The first shops whose id, name or invite code begins so: kind, what each is called, and address."""
    if not visit.desk.may("list_shops"):
        return []
    kind = visit.say(Text("Shop"))
    return [(kind, words, visit.url("shop", shop_id=shop_id)) for shop_id, words in shops_like(visit, asked, {})[0]]


def _is_there(visit: Visit, operation: str, path: Mapping[str, str]) -> bool:
    try:
        visit.desk.call(operation, path)
    except Refusal:
        return False
    return True
