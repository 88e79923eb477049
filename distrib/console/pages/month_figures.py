"""What the months of the overview come to: commissions of the statements, sales of the funnel, one beside the other."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from distrib.console.charts import Chart, RateSeries, Series
from distrib.console.frame import Visit
from distrib.domain.money import PPM, round_ratio, show_ratio
from distrib.domain.periods import shift_period, year_and_month
from distrib.domain.texts import Text
from distrib.services.context import format_period, parse_period

MONTHS: Final = 12
_TENTH_OF_PERCENT: Final = 1_000
_NOTHING: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class OverviewMonth:
    """A month: what its statement has, and its span of the funnel, of which nothing is known until it is worked out.

    What is available and held is None of a month whose statement nobody has added up.
    """

    period: str
    earned_minor: int
    reversed_minor: int
    available_minor: int | None
    held_minor: int | None
    span: Mapping[str, Any]

    @property
    def sales_minor(self) -> int | None:
        """The settled sales; None where nobody has worked them out, or where there were none beside commissions."""
        sales_minor: int | None = self.span.get("sales_minor")
        return sales_minor if sales_minor or not self.earned_minor else None

    @property
    def rate(self) -> str | None:
        """What part of the sales the commissions are, to a tenth of a percent; None of no sales."""
        return tenth_of_percent(max(self.earned_minor + self.reversed_minor, 0), self.sales_minor or 0)


def tenth_of_percent(part: int, whole: int) -> str | None:
    """A share as a decimal text of three places, half up; None of nothing.

    >>> tenth_of_percent(1, 3), tenth_of_percent(1, 0)
    ('0.333', None)
    """
    if not whole:
        return None
    return show_ratio(round_ratio(part * _TENTH_OF_PERCENT, whole, "half_up") * (PPM // _TENTH_OF_PERCENT))


def months_until(period: str) -> list[str]:
    """The months of a year that end with that one.

    >>> months_until("2026-02")[0], len(months_until("2026-02"))
    ('2025-03', 12)
    """
    return [shifted(period, -back) for back in range(MONTHS - 1, -1, -1)]


def shifted(period: str, months: int) -> str:
    """The month so many months later, or earlier."""
    return format_period(shift_period(parse_period(period), months))


def days_of(period: str) -> tuple[str, str]:
    """The first and the last day of a month.

    >>> days_of("2026-02")
    ('2026-02-01', '2026-02-28')
    """
    return f"{period}-01", f"{period}-{monthrange(*year_and_month(parse_period(period)))[1]}"


def spans_of(visit: Visit, periods: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The spans of the funnel by month; none where the role may not see them."""
    if not visit.desk.may("get_funnel"):
        return {}
    query = {"from": f"{periods[0]}-01", "to": f"{shifted(periods[-1], 1)}-01", "by": "month"}
    return {str(span["starts_on"])[:7]: span for span in visit.call("get_funnel", query=query)["data"]}


def figures_of(period: str, totals: Mapping[str, Any] | None, span: Mapping[str, Any] | None) -> OverviewMonth:
    """A month's figures; zero is earned where nothing moved, and its statement is not added up (None)."""
    known = totals or _NOTHING
    return OverviewMonth(
        period=period,
        earned_minor=known.get("earned_minor", 0),
        reversed_minor=known.get("reversed_minor", 0),
        available_minor=None if totals is None else known.get("available_minor", 0),
        held_minor=None if totals is None else known.get("held_minor", 0),
        span=span or _NOTHING,
    )


def sales_chart(visit: Visit, months: Sequence[OverviewMonth]) -> Chart | None:
    """The settled sales, and the commissions as a part of them; None where no month has any."""
    if not any(month.sales_minor for month in months):
        return None
    title = Text("Settled sales by month, in {currency}, and the part of them that commissions are")
    return _chart(
        visit,
        title,
        months,
        Series(visit.say(Text("Settled sales")), "bar", [month.sales_minor for month in months]),
        RateSeries(visit.say(Text("Commission rate")), [month.rate for month in months]),
    )


def commissions_chart(visit: Visit, months: Sequence[OverviewMonth]) -> Chart:
    """What was earned and what was taken back."""
    return _chart(
        visit,
        Text("Commissions by month, in {currency}"),
        months,
        Series(visit.say(Text("Commissions earned")), "bar", [month.earned_minor for month in months]),
        Series(visit.say(Text("Taken back")), "bar", [month.reversed_minor for month in months]),
    )


def _chart(visit: Visit, title: Text, months: Sequence[OverviewMonth], *series: Series | RateSeries) -> Chart:
    reader = visit.reader
    return Chart(
        visit.say(title.with_params(currency=reader.currency)),
        [reader.month(month.period) for month in months],
        series,
        reader,
        [month_address(visit, month.period) for month in months],
    )


def month_address(visit: Visit, period: str) -> str:
    """Where the statement of a month is shown; empty without such a page."""
    return visit.url("month", period=period) if visit.has_page("month") else ""
