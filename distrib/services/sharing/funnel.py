"""From visit to repeat purchase, by day or month: 访问, 注册, 首单, 客单价, 复购率, 裂变率 (docs/metrics.md).

Of a program the worker keeps the figures of what is over; of a shop they are worked out when they are asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Final

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.money import PPM, round_ratio, show_ratio
from distrib.domain.network.refusals import ShopUnknown
from distrib.domain.texts import Text
from distrib.services.context import Program, Unit
from distrib.store.database import allow_long_reads
from distrib.store.network import shops
from distrib.store.recorded import TimeSpan
from distrib.store.sharing import funnel as store
from distrib.store.sharing import visits
from distrib.store.sharing.funnel import FunnelFigures

DAY, MONTH = "day", "month"
GRAINS: Final = (DAY, MONTH)
MOST_SPANS: Final = {DAY: 92, MONTH: 24}
MOST_SPANS_OF_SHOP: Final = {DAY: 31, MONTH: 12}
_KEPT_DAYS, _KEPT_MONTHS = 31, 12
_MOST_SETTLED: Final = 120
"""So many months in which an order settled are worked out, the newest first, however long ago they were."""
_A_DAY: Final = timedelta(days=1)
_LAST: Final = date(9999, 1, 1)
"""Nothing begins later: the end of a span has to be a date as well."""
_MINUTES: Final = 10


@dataclass(frozen=True, slots=True)
class FunnelSpan:
    """A day or a month of the funnel; ``figures`` None: not worked out, which happens once it is over."""

    starts_on: date
    visits: int
    sources: dict[str, int]
    figures: FunnelFigures | None


def read_funnel(unit: Unit, shop_id: str | None, grain: str, from_day: date, to_day: date) -> list[FunnelSpan]:
    """Lists the days or months that begin from a day to before another, of a shop or of the program.

    Raises:
        Refusal: ``shop_unknown``, or ``invalid`` where it is no span, or more than may be asked for at once.
    """
    most = (MOST_SPANS if shop_id is None else MOST_SPANS_OF_SHOP)[grain]
    starts = list(islice(_starts(grain, from_day, to_day), most + 1))
    if not 0 < len(starts) <= most:
        words = Text("must leave 1 to {most} days or months from {day} on", most=most, day=from_day.isoformat())
        raise Refusal("invalid", [Problem("?to", words)])
    shop_no = None if shop_id is None else _shop_no(unit.conn, unit.program, shop_id)
    ends_on = _next(grain, starts[-1])
    counted: defaultdict[date, dict[str, int]] = defaultdict(dict)
    for row in visits.visits_of(unit.conn, unit.program_id, shop_no, starts[0], ends_on):
        sources = counted[row.day.replace(day=1) if grain == MONTH else row.day]
        sources[row.source] = sources.get(row.source, 0) + row.visits
    if shop_no is None:
        known = store.kept_figures(unit.conn, unit.program_id, grain, starts[0], ends_on)
    else:
        known = {start: _compute(unit, shop_no, grain, start) for start in starts}
    return [FunnelSpan(start, sum(counted[start].values()), counted[start], known.get(start)) for start in starts]


@dataclass(frozen=True, slots=True)
class SpanView:
    """A span that is not worked out: its visits alone."""

    starts_on: date
    visits: int
    sources: dict[str, int]
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class SpanInFull(SpanView):
    """A span with its figures; ratios as decimal texts, None where there is nothing to divide by."""

    registrations: int
    sharing_shops: int
    shops: int
    orders: int
    sales_minor: int
    buyers: int
    repeat_buyers: int
    first_orders: int
    currency: str
    average_order_minor: int | None
    registration_rate: str | None
    repeat_rate: str | None
    sharing_rate: str | None


def span_view(program: Program, span: FunnelSpan) -> SpanView:
    """A span as it is shown."""
    figures = span.figures
    if figures is None:
        return SpanView(span.starts_on, span.visits, span.sources, None)
    return SpanInFull(
        starts_on=span.starts_on,
        visits=span.visits,
        sources=span.sources,
        as_of=figures.as_of,
        registrations=figures.registrations,
        sharing_shops=figures.sharing_shops,
        shops=figures.shops,
        orders=figures.orders,
        sales_minor=figures.sales_minor,
        buyers=figures.buyers,
        repeat_buyers=figures.repeat_buyers,
        first_orders=figures.first_orders,
        currency=program.currency,
        average_order_minor=_rounded(figures.sales_minor, figures.orders),
        registration_rate=_share(figures.registrations, span.visits),
        repeat_rate=_share(figures.repeat_buyers, figures.buyers),
        sharing_rate=_share(figures.sharing_shops, figures.shops),
    )


def programs_due(conn: Connection, now: datetime, limit: int = 100) -> list[int]:
    """Lists the numbers of programs of which yesterday is not worked out yet."""
    return list(store.programs_due(conn, now, limit))


def keep_funnel(unit: Unit) -> None:
    """Works out the days and months of a program that are missing, and anew the month that yesterday lies in.

    A month in which there was nothing is worked out anew, too: its orders may have been brought in since. Yesterday is
    written last of the days, so that who is interrupted begins again.
    """
    allow_long_reads(unit.conn, _MINUTES)
    today = unit.day
    _keep(unit, MONTH, _months_to_keep(unit.conn, unit.program, today), running=(today - _A_DAY).replace(day=1))
    _keep(unit, DAY, list(_starts(DAY, today - _KEPT_DAYS * _A_DAY, today)))


def _months_to_keep(conn: Connection, program: Program, today: date) -> list[date]:
    """The first days of the months of a year, and of those before in which an order settled, in order."""
    settled = store.settled_months(conn, program.program_id, program.time_zone, today, _MOST_SETTLED)
    return sorted({*settled, *_starts(MONTH, _months_ago(today, _KEPT_MONTHS), today)})


def _keep(unit: Unit, grain: str, starts: Sequence[date], running: date | None = None) -> None:
    """Works out what of these days or months is missing or empty, and the one that runs."""
    known = store.kept_figures(unit.conn, unit.program_id, grain, starts[0], _next(grain, starts[-1]))
    for start in starts:
        kept = known.get(start)
        if kept is None or start == running or (grain == MONTH and not kept.orders):
            figures = _compute(unit, None, grain, start)
            store.keep_figures(unit.conn, unit.program_id, grain, start, figures)


def _compute(unit: Unit, shop_no: int | None, grain: str, start: date) -> FunnelFigures:
    span = TimeSpan(_midnight(unit.program, start), _midnight(unit.program, _next(grain, start)))
    return store.figures_of_span(unit.conn, unit.program_id, shop_no, span, unit.now)


def _starts(grain: str, from_day: date, to_day: date) -> Iterator[date]:
    """Yields the first days of the spans that begin from a day to before another; a month begins on its first."""
    to_day = min(to_day, _LAST)
    if from_day >= to_day:
        return
    start = from_day if grain == DAY or from_day.day == 1 else _next(MONTH, from_day.replace(day=1))
    while start < to_day:
        yield start
        start = _next(grain, start)


def _next(grain: str, start: date) -> date:
    return start + _A_DAY if grain == DAY else (start + 31 * _A_DAY).replace(day=1)


def _months_ago(today: date, months: int) -> date:
    years, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    return date(years, month + 1, 1)


def _midnight(program: Program, day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=program.zone)


def _shop_no(conn: Connection, program: Program, shop_id: str) -> int:
    row = shops.by_ids(conn, program.program_id, [shop_id]).get(shop_id)
    if row is None:
        raise ShopUnknown(id=shop_id)
    return row.shop_no


def _rounded(amount_minor: int, count: int) -> int | None:
    """Divides an amount, half up; what is left over belongs to nobody, for the figure is only shown."""
    return round_ratio(amount_minor, count, "half_up") if count else None


def _share(part: int, whole: int) -> str | None:
    return show_ratio(round_ratio(part * PPM, whole, "half_up")) if whole else None
