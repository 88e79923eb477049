"""When the facts reach the service: most as they happen, a few refunds long after, when the books are closed.

Real order systems report some refunds late. Which ones are late is drawn; what they give back, of what, and when they
happened stays as the history has it, so no total changes. No HTTP may enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from distrib.cli.demo.dice import Dice
from distrib.cli.demo.facts import History
from distrib.domain.periods import month_number, shift_period, to_period
from distrib.services.context import format_period, parse_period, period_bounds

REPORTED_LATE_PERCENT = 5  # of the orders with refunds in the months that are closed first
CLOSED_FIRST_PART = 3  # one in so many of the history's months is closed before the first payout


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The history as it is reported: until the first close, what of that is reported late, all that comes after."""

    closed_first: Sequence[str]
    first: History
    late: History
    then: History


def arrivals_of(history: History, dice: Dice) -> Arrivals:
    """Splits the history by months; every refund and every sale is reported exactly once.

    Args:
        history: all of it.
        dice: draws which orders' refunds are late: all of an order, so that their sequence stays; at least one's.
    """
    months = months_of(history)
    closed_first = months[: max(1, len(months) // CLOSED_FIRST_PART)]
    end = month_end(closed_first[-1], history.source.time_zone)
    before = [refund for refund in history.refunds if refund.given_back_at < end]
    orders = {
        refund.order_id for refund in before if dice.below(100, "told late", refund.order_id) < REPORTED_LATE_PERCENT
    }
    orders = orders or {refund.order_id for refund in before[-1:]}
    late = [refund for refund in before if refund.order_id in orders]
    late_ids = {refund.id for refund in late}
    in_time = [refund for refund in before if refund.id not in late_ids]
    after = [refund for refund in history.refunds if refund.given_back_at >= end]
    return Arrivals(
        closed_first,
        replace(history, sales=[sale for sale in history.sales if sale.settled_at < end], refunds=in_time),
        replace(history, sales=[], refunds=late),
        replace(history, sales=[sale for sale in history.sales if sale.settled_at >= end], refunds=after),
    )


def months_of(history: History) -> list[str]:
    """The months, in the program's time zone, from the first settlement to the last fact."""
    zone = ZoneInfo(history.source.time_zone)
    times = [sale.settled_at for sale in history.sales] + [refund.given_back_at for refund in history.refunds]
    first, last = (_period_of(instant, zone) for instant in (min(times), max(times)))
    count = month_number(last) - month_number(first) + 1
    return [format_period(shift_period(first, months)) for months in range(count)]


def month_of(instant: datetime, time_zone: str) -> str:
    """The month of an instant in the program's time zone."""
    return format_period(_period_of(instant, ZoneInfo(time_zone)))


def month_end(month: str, time_zone: str) -> datetime:
    """The first instant after a month."""
    _, end = period_bounds(parse_period(month), ZoneInfo(time_zone))
    return end


def _period_of(instant: datetime, zone: ZoneInfo) -> int:
    local = instant.astimezone(zone)
    return to_period(local.year, local.month)
