"""Lists shops: searched, filtered, sorted, a page at a time, on a program of any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from distrib.domain.errors import Problem, Refusal
from distrib.domain.network.refusals import ListTooWide, ShopUnknown
from distrib.domain.texts import Text
from distrib.services.context import ListPart, Unit, period_bounds
from distrib.services.network.branches import Branch, branches_of
from distrib.services.network.views import lowest_rank
from distrib.store.ledger import balances, sorted_balances
from distrib.store.ledger.sorted_balances import FigureKey, FigureOrder
from distrib.store.network import listed_shops, listing
from distrib.store.network.listing import JoinedKey, ShopFilters, Way
from distrib.store.network.shops import by_ids
from distrib.store.recorded import Part

SORTS = ("joined", "-joined", "sales", "-sales", "balance", "-balance")
_FIGURES = {"sales": sorted_balances.SALES, "balance": sorted_balances.AVAILABLE}
NEWEST_FIRST = "-joined"
Place: TypeAlias = tuple[int | str, int]
"""What a page ends at: the instant or the figure that it is sorted by, and the number of the shop."""


@dataclass(frozen=True, slots=True)
class ShopQuery:
    """Which shops are asked for, and in which order; what is None does not matter.

    Args:
        q: what id, invite code or name begins with.
        root: the id of a shop without a sponsor: its whole tree.
        joined_to: not part of what it ends.
        sort: one of ``SORTS``; with ``-`` the last or the most comes first.
    """

    q: str | None = None
    status: str | None = None
    rank: str | None = None
    level: int | None = None
    root: str | None = None
    joined_from: datetime | None = None
    joined_to: datetime | None = None
    sort: str = NEWEST_FIRST


@dataclass(frozen=True, slots=True)
class ShopEntry:
    """A shop in a list, by what is newest of it; money in minor units, sales of the month that runs."""

    id: str
    name: str | None
    status: str
    status_since: datetime
    rank: str | None
    level: int
    sponsor_id: str | None
    root_id: str
    joined_at: datetime
    direct_recruits: int
    month_sales_minor: int
    available_minor: int
    currency: str
    branch: Branch | None


@dataclass(frozen=True, slots=True)
class ShopPage:
    """A page of shops, the place of the next one (None at the end), and how many fit in all.

    ``sorted_as_of`` says of when the order is, where it was kept; None: of now.
    """

    entries: Sequence[ShopEntry]
    follows: Place | None
    count: int
    count_is_estimate: bool
    sorted_as_of: datetime | None


def list_shops(unit: Unit, query: ShopQuery, after: Place | None, limit: int) -> ShopPage:
    """Lists a page of the shops that fit.

    Args:
        after: the place that the page before ended at.
        limit: how many at the most.

    Raises:
        Refusal: ``shop_unknown`` for a root that there is not, ``invalid`` for one that is none; ``list_too_wide``
            where filters of many shops each fit too few together: with a span of joining, fewer are looked at.
    """
    filters = _filters(unit, query)
    way = listing.choose_way(unit.conn, unit.program_id, filters)
    kept = None
    if query.sort.removeprefix("-") in _FIGURES:
        kept = sorted_balances.kept_order(unit.conn, unit.program_id)
        places = _by_figure(unit, way, query.sort, ListPart(after, limit + 1), is_kept=kept is not None)
    else:
        places = _by_joining(unit, way, query.sort, ListPart(after, limit + 1))
    if places is None:
        raise ListTooWide(filters=", ".join(_named(query)))
    count, is_estimate = listing.count_shops(unit.conn, unit.program_id, way)
    return ShopPage(
        _entries(unit, [shop_no for _, shop_no in places[:limit]]),
        places[limit - 1] if len(places) > limit else None,
        count,
        is_estimate,
        None if kept is None else kept.as_of,
    )


def _by_joining(unit: Unit, way: Way, sort: str, page: ListPart[Place]) -> list[Place] | None:
    """The places of the next shops by when they joined; None where too many would have to be looked at."""
    key = None if page.after is None else JoinedKey(page.after[1], datetime.fromisoformat(str(page.after[0])))
    is_descending = sort.startswith("-")
    keys = listing.keys_of_page(unit.conn, unit.program_id, way, Part(key, page.limit), is_descending=is_descending)
    return None if keys is None else [(key.joined_at.isoformat(), key.shop_no) for key in keys]


def _by_figure(unit: Unit, way: Way, sort: str, page: ListPart[Place], *, is_kept: bool) -> list[Place] | None:
    """The places of the next shops by sales or by what is available; None as above."""
    start, end = period_bounds(unit.period, unit.program.zone)
    bound = {"now": unit.now, "from": start, "to": end}
    order = FigureOrder(_FIGURES[sort.removeprefix("-")], bound, is_descending=sort.startswith("-"), is_kept=is_kept)
    key = None if page.after is None else FigureKey(page.after[1], int(page.after[0]))
    keys = sorted_balances.shops_by_figure(unit.conn, unit.program_id, way, order, Part(key, page.limit))
    return None if keys is None else [(key.minor, key.shop_no) for key in keys]


def _filters(unit: Unit, query: ShopQuery) -> ShopFilters:
    root_no = None
    if query.root is not None:
        root = by_ids(unit.conn, unit.program_id, [query.root]).get(query.root)
        if root is None:
            raise ShopUnknown(id=query.root)
        if root.root_no != root.shop_no:
            raise Refusal("invalid", [Problem("?root", Text("stands below another shop: a whole tree has a root"))])
        root_no = root.shop_no
    filters = ShopFilters(
        query.q, query.status, query.rank, False, query.level, root_no, query.joined_from, query.joined_to
    )
    return replace(filters, is_lowest=query.rank is not None and query.rank == lowest_rank(unit))


def _named(query: ShopQuery) -> list[str]:
    """The filters that were given, by their names in a query."""
    names = ("q", "status", "rank", "level", "root", "joined_from", "joined_to")
    return [name for name in names if getattr(query, name) is not None]


def _entries(unit: Unit, numbers: Sequence[int]) -> list[ShopEntry]:
    if not numbers:
        return []
    start, end = period_bounds(unit.period, unit.program.zone)
    sales = listed_shops.sales_between(unit.conn, unit.program_id, numbers, start, end)
    splits = balances.balances_of(unit.conn, unit.program_id, numbers, unit.now)
    lowest = lowest_rank(unit)
    branches = branches_of(unit.conn, unit.program, numbers)
    return [
        ShopEntry(
            id=row.shop_id,
            name=row.name,
            status=row.status,
            status_since=row.status_since,
            rank=row.rank or lowest,
            level=row.level,
            sponsor_id=row.sponsor_id,
            root_id=row.root_id,
            joined_at=row.joined_at,
            direct_recruits=row.recruits,
            month_sales_minor=sales.get(row.shop_no, 0),
            available_minor=splits[row.shop_no].available_minor if row.shop_no in splits else 0,
            currency=unit.program.currency,
            branch=branches.get(row.shop_no),
        )
        for row in listed_shops.listed_shops(unit.conn, unit.program_id, numbers)
    ]
