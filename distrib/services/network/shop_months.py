"""Computes a shop's month in figures (docs/metrics.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.money import PPM, round_ratio, show_ratio
from distrib.domain.network.refusals import ShopUnknown
from distrib.services.context import Unit, period_bounds
from distrib.services.customers.people import ClaimsOfPeople
from distrib.store.network import shop_months as store
from distrib.store.network import shops
from distrib.store.network.tree import Downline
from distrib.store.recorded import TimeSpan

TEAM_LEVELS = 3


@dataclass(frozen=True, slots=True)
class TeamLevel:
    """The shops so many levels below, how many of them sold, and their orders and sales."""

    level: int
    shops: int
    selling_shops: int
    orders: int
    sales_minor: int


@dataclass(frozen=True, slots=True)
class ShopMonth:
    """The figures of a shop's month; ratios are decimal strings, None where there is nothing to divide by."""

    shop_id: str
    period: int
    currency: str
    sales_minor: int
    orders: int
    customers: int
    new_customers: int
    returning_customers: int
    repeat_rate: str | None
    repeat_sales_minor: int
    new_shops: int
    referred_customers: int
    referral_rate: str | None
    referral_sales_minor: int
    sustained_value_minor: int
    team_sales_minor: int
    team: tuple[TeamLevel, ...]
    as_of: datetime


def shop_month(unit: Unit, shop_id: str, period: int, levels: int = TEAM_LEVELS) -> ShopMonth:
    """Computes the figures of a shop's month (as 202603); of a month that runs, as they stand now.

    Args:
        shop_id: which shop.
        period: the month.
        levels: how many levels below are shown, 3 at the most.

    Raises:
        Refusal: ``shop_unknown``.
    """
    shop = shops.by_ids(unit.conn, unit.program_id, [shop_id]).get(shop_id)
    if shop is None:
        raise ShopUnknown(id=shop_id)
    month = TimeSpan(*period_bounds(period, unit.program.zone))
    program_id, shop_no = unit.program_id, shop.shop_no
    first_bound = _first_bound(unit.conn, program_id, shop_no, month.until)
    own = store.own_month(unit.conn, program_id, shop_no, month, first_bound)
    recruits = store.recruits_month(unit.conn, program_id, shop_no, month)
    shown = min(levels, TEAM_LEVELS)
    team_then = Downline(shop_no, min(unit.now, month.until), shown)
    rows = {row.level: row for row in store.team_month(unit.conn, program_id, team_then, month)}
    team = tuple(_level(level, rows.get(level)) for level in range(1, shown + 1))
    referral_minor = own.met_minor + recruits.sales_minor
    return ShopMonth(
        shop_id=shop_id,
        period=period,
        currency=unit.program.currency,
        sales_minor=own.sales_minor,
        orders=own.orders,
        customers=own.customers,
        new_customers=own.customers - own.returning,
        returning_customers=own.returning,
        repeat_rate=ratio_text(own.returning, own.customers),
        repeat_sales_minor=own.repeat_minor,
        new_shops=recruits.recruits,
        referred_customers=own.met,
        referral_rate=ratio_text(recruits.recruits + own.met, recruits.recruits_before + own.known),
        referral_sales_minor=referral_minor,
        sustained_value_minor=own.repeat_minor + referral_minor,
        team_sales_minor=sum(level.sales_minor for level in team),
        team=team,
        as_of=unit.now,
    )


def ratio_text(part: int, whole: int) -> str | None:
    """Writes a ratio as a decimal string of at most six decimals, rounded half up; None where ``whole`` is 0.

    >>> ratio_text(1, 4), ratio_text(2, 3), ratio_text(3, 2), ratio_text(0, 0)
    ('0.25', '0.666667', '1.5', None)
    """
    return None if whole == 0 else show_ratio(round_ratio(part * PPM, whole, "half_up"))


def _first_bound(conn: Connection, program_id: int, shop_no: int, end: datetime) -> dict[str, datetime | None]:
    """Computes when the shop first bound each person whom another shop may have had before; None if it never did."""
    contested = store.contested_customers(conn, program_id, shop_no, end)
    people = ClaimsOfPeople(conn, program_id, contested)
    return {customer: people.first_bound(customer, shop_no, end) for customer in contested}


def _level(level: int, row: store.TeamLevelRow | None) -> TeamLevel:
    if row is None:
        return TeamLevel(level, 0, 0, 0, 0)
    return TeamLevel(level, row.shops, row.selling, row.orders, row.sales_minor)
