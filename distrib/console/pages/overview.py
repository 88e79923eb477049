"""The overview: what the month comes to, how it went over a year, what waits, what becomes payable, who leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Blueprint

from distrib.console.charts import Chart, Series
from distrib.console.frame import HtmlPage, Visit, page
from distrib.console.long_calls import takes_long
from distrib.console.pages.inbox import KINDS
from distrib.console.pages.month_figures import (
    OverviewMonth,
    commissions_chart,
    days_of,
    figures_of,
    month_address,
    months_until,
    sales_chart,
    shifted,
    spans_of,
    tenth_of_percent,
)
from distrib.domain.errors import Refusal
from distrib.domain.texts import Text
from distrib.services.context import format_period, parse_period

LEADERS: Final = "5"
MOST_MONTHS: Final = "60"
RELEASE_DAYS: Final = "30"


def overview_pages(blueprint: Blueprint) -> None:
    """Adds the overview and what it fetches later."""

    @page(blueprint, "", needs="get_statements")
    def overview(visit: Visit) -> HtmlPage:
        statements = _Statements(visit)
        period = _period(visit, statements)
        months = _months(visit, statements, months_until(period))
        owed = _leaders(visit, "list_balances", {"sort": "-available"}, "available_minor")
        sellers = _sellers(visit, period)
        visit.name_shops(row["shop_id"] for row in owed)
        present = _present(visit)
        return HtmlPage(
            "console/overview.html",
            {
                "period": period,
                "is_present": period == present,
                "earlier": shifted(period, -1),
                "later": shifted(period, 1) if period < present else "",
                "periods": sorted({*statements.closed, period, present}, reverse=True),
                "figures": _figures(visit, months[-1], months[-2]),
                "sales_chart": sales_chart(visit, months),
                "chart": commissions_chart(visit, months),
                "undecided": _waiting(visit),
                "releases": _releases(visit),
                "funnel": _funnel(visit, months[-1]),
                "sellers": sellers,
                "owed": owed,
                "names": visit.shop_names,
                "is_large": takes_long(visit),  # then how many stay active, of all orders ever, waits to be asked for
            },
        )

    @page(blueprint, "/retention", needs="show_retention", entry="overview")
    def retention(visit: Visit) -> HtmlPage:
        return HtmlPage("console/retention_part.html", _retention(visit))


class _Statements:
    """What the statements of months come to, each asked for once."""

    def __init__(self, visit: Visit) -> None:
        rows = visit.call("list_months", query={"limit": MOST_MONTHS})["data"]
        self.closed: dict[str, Mapping[str, Any] | None] = {row["period"]: row["totals"] for row in rows}
        self._visit = visit
        self._open: dict[str, Mapping[str, Any] | None] = {}

    def totals(self, period: str) -> Mapping[str, Any] | None:
        """The totals of a month: as it was closed, else as it stands now."""
        closed = self.closed.get(period)
        if closed is not None:
            return closed
        if period not in self._open:
            query = {"period": period, "limit": "1"}
            self._open[period] = self._visit.call("get_statements", query=query)["totals"]
        return self._open[period]


def _present(visit: Visit) -> str:
    return format_period(visit.desk.program.period_of(visit.desk.now))


def _period(visit: Visit, statements: _Statements) -> str:
    """The month that the address asks for; without one the newest in which anything was earned, else the present."""
    asked = visit.query.get("period", "")
    if asked:
        return format_period(parse_period(asked))
    present = _present(visit)
    if (statements.totals(present) or {}).get("earned_minor"):
        return present
    earned = [period for period, totals in statements.closed.items() if totals and totals["earned_minor"]]
    return max(earned, default=present)


def _months(visit: Visit, statements: _Statements, periods: Sequence[str]) -> list[OverviewMonth]:
    """The figures of months; of those in which nothing moved only the last one is asked for."""
    asked = {*statements.closed, periods[-1]}
    spans = spans_of(visit, periods)
    return [
        figures_of(period, (statements.totals(period) or {}) if period in asked else None, spans.get(period))
        for period in periods
    ]


def _figures(visit: Visit, month: OverviewMonth, before: OverviewMonth) -> list[dict[str, str]]:
    """The figures that matter, each with how it changed since the month before and where its rows are."""
    first, last = days_of(month.period)
    statement = month_address(visit, month.period)
    is_present = month.period == _present(visit)

    def rows(endpoint: str, operation: str, **query: str) -> str:
        return visit.url(endpoint, **query) if visit.has_page(endpoint) and visit.desk.may(operation) else statement

    def commissions(**query: str) -> str:
        return rows("commissions", "list_commissions", **query)

    def money(words: Text, now: int | None, then: int | None, href: str) -> dict[str, str]:
        note = _change(visit, now, then)
        return {"name": visit.say(words), "value": visit.reader.money(now) or "–", "note": note, "href": href}

    orders = rows("orders", "list_orders", **{"from": first, "to": last})
    payable = rows("payable", "list_payable") if is_present else statement
    held = commissions(state="held") if is_present else statement
    earned, taken = (commissions(period=month.period, kind=kind) for kind in ("earned", "reversed"))
    return [
        money(Text("Settled sales"), month.sales_minor, before.sales_minor, orders),
        money(Text("Commissions earned"), month.earned_minor, before.earned_minor, earned),
        money(Text("Taken back"), month.reversed_minor, before.reversed_minor, taken),
        {
            "name": visit.say(Text("Commission rate")),
            "value": visit.reader.percent(month.rate) or "–",
            "note": visit.say(Text("{rate} in the month before", rate=visit.reader.percent(before.rate) or "–")),
            "href": statement,
        },
        money(Text("Available to pay"), month.available_minor, before.available_minor, payable),
        money(Text("Held"), month.held_minor, before.held_minor, held),
    ]


def _change(visit: Visit, now_minor: int | None, then_minor: int | None) -> str:
    """How an amount changed, where both are known."""
    if now_minor is None:
        return visit.say(Text("worked out every night"))
    if then_minor is None:
        return ""
    change = visit.reader.signed(now_minor - then_minor) or visit.reader.money(0)
    return visit.say(Text("{change} on the month before", change=change))


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


def _funnel(visit: Visit, month: OverviewMonth) -> dict[str, Any] | None:
    """The month from visit to repeat purchase (流量 × 转化率 × 客单价), with where each is listed; None of no right."""
    span = month.span
    if not span:
        return None
    number, money = visit.reader.number, visit.reader.money
    visits = (visit.say(Text("Visits of invite links")), number(span["visits"]), "", "")
    if span["as_of"] is None:
        return {"is_known": False, "rows": [visits]}
    first, last = days_of(month.period)

    def listed(endpoint: str, operation: str, **query: str) -> str:
        return visit.url(endpoint, **query) if visit.has_page(endpoint) and visit.desk.may(operation) else ""

    def share(part: str, whole: str) -> str:
        return visit.reader.percent(tenth_of_percent(span[part], span[whole]))

    joined = listed("shops", "list_shops", joined_from=first, joined_to=last)
    orders = listed("orders", "list_orders", **{"from": first, "to": last})
    shops = listed("shops", "list_shops")
    counted = (
        (Text("Registrations"), span["registrations"], share("registrations", "visits"), joined),
        (Text("Shops with a first order"), span["first_orders"], "", ""),
        (Text("Orders, and the average"), span["orders"], money(span["average_order_minor"]), orders),
        (Text("Buyers, and who bought again"), span["buyers"], share("repeat_buyers", "buyers"), ""),
        (Text("Shops, and who brought others"), span["shops"], share("sharing_shops", "shops"), shops),
    )
    shown = [visits, *((visit.say(words), number(count), note, href) for words, count, note, href in counted)]
    return {"is_known": True, "rows": shown}


def _retention(visit: Visit) -> dict[str, Any]:
    """How many shops were still active so many months after the one they joined in, and as of when."""
    known = visit.call("show_retention")
    rows = [
        {
            "months": visit.say(Text("Month {count} after joining", count=row["months"])),
            "share": visit.reader.percent(tenth_of_percent(row["active_shops"], row["shops"])) or "–",
            "of": visit.say(
                Text(
                    "{active} of {shops} shops",
                    active=visit.reader.number(row["active_shops"]),
                    shops=visit.reader.number(row["shops"]),
                )
            ),
        }
        for row in known["data"]
    ]
    return {"rows": rows, "as_of": known["as_of"]}


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


def _sellers(visit: Visit, period: str) -> list[dict[str, Any]]:
    """Who leads: of the month that lasts who sold most, of one that is over who earned most."""
    if period == _present(visit):
        rows = _leaders(visit, "list_shops", {"sort": "-sales"}, "month_sales_minor")
        visit.shop_names.update({row["id"]: row["name"] for row in rows if row["name"]})
        return [_leader(visit, row["id"], row["month_sales_minor"]) for row in rows]
    rows = _leaders(visit, "get_statements", {"sort": "-earned", "period": period}, "earned_minor")
    visit.name_shops(row["shop_id"] for row in rows)
    return [_leader(visit, row["shop_id"], row["earned_minor"]) for row in rows]


def _leader(visit: Visit, shop_id: str, amount_minor: int) -> dict[str, Any]:
    return {"id": shop_id, "name": visit.shop_names.get(shop_id, ""), "amount_minor": amount_minor}


def _leaders(visit: Visit, operation: str, query: Mapping[str, str], figure: str) -> list[dict[str, Any]]:
    if not visit.desk.may(operation):
        return []
    try:
        rows = visit.desk.call(operation, {}, {**query, "limit": LEADERS})["data"]
    except Refusal:  # the order of a large program is kept a moment later than the program begins
        return []
    return [row for row in rows if row[figure] > 0]
