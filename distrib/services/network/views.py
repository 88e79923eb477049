"""Reads shops as they stand at an instant, their uplines and their downlines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.identifiers import is_identifier
from distrib.domain.json_values import JsonObject
from distrib.domain.network.refusals import ShopUnknown
from distrib.services.context import ListPart, Program, Unit
from distrib.services.network.branches import Branch, branches_of
from distrib.services.plans.versions import load_timeline
from distrib.store.network import shops, tree
from distrib.store.network.shops import ShopRow
from distrib.store.network.tree import Downline
from distrib.store.recorded import Part


@dataclass(frozen=True, slots=True)
class ShopView:
    """A shop as it stands at an instant.

    ``rank`` is the plan's lowest where the shop never got one, None where no plan is in force.
    ``introduced_by`` is who brought in a shop that joined as a root because the tree may not be deeper.
    """

    shop_no: int
    id: str
    sponsor_id: str | None
    introduced_by: str | None
    status: str
    rank: str | None
    level: int
    joined_at: datetime
    invite_code: str
    direct_recruits: int
    name: str | None
    attributes: JsonObject | None
    organiser_id: str | None


@dataclass(frozen=True, slots=True)
class RelatedShop:
    """A shop above or below another one; ``distance`` counts the levels between them.

    ``direct_recruits`` and ``branch`` are None where nobody counted them.
    """

    shop_no: int
    id: str
    sponsor_id: str | None
    distance: int
    level: int
    name: str | None
    status: str
    rank: str | None
    joined_at: datetime
    sales_minor: int
    direct_recruits: int | None = None
    branch: Branch | None = None


@dataclass(frozen=True, slots=True)
class TreeShop:
    """A shop as a picture of the tree shows it: where it stands, as what, and how many it brought in."""

    id: str
    sponsor_id: str
    distance: int
    level: int
    name: str | None
    status: str
    rank: str | None
    direct_recruits: int


def get_shop(unit: Unit, shop_id: str) -> ShopView:
    """Reads a shop as it stands now; raises ``shop_unknown``."""
    row = _find(unit, shop_id)
    sponsor_no, level = _place_at(unit, row)
    named = [number for number in (sponsor_no, row.introduced_by_no) if number is not None]
    ids = shops.ids_of(unit.conn, unit.program_id, named) if named else {}
    return ShopView(
        shop_no=row.shop_no,
        id=row.shop_id,
        sponsor_id=None if sponsor_no is None else ids[sponsor_no],
        introduced_by=None if row.introduced_by_no is None else ids[row.introduced_by_no],
        status=row.status,
        rank=row.rank or lowest_rank(unit),
        level=level,
        joined_at=row.joined_at,
        invite_code=row.invite_code,
        direct_recruits=tree.count_recruits(unit.conn, unit.program_id, [row.shop_no], unit.now).get(row.shop_no, 0),
        name=row.name,
        attributes=None if row.attributes is None else json.loads(row.attributes),
        organiser_id=row.organiser_id,
    )


def upline(
    unit: Unit, shop_id: str, cursor: tuple[int] | None = None, limit: int = 50
) -> tuple[list[RelatedShop], tuple[int] | None]:
    """Lists a page of the shops above a shop now, nearest first, and the cursor of the next page (a distance)."""
    row = _find(unit, shop_id)
    (passed,) = cursor or (0,)
    above = tree.uplines_at(unit.conn, unit.program_id, row.shop_no, unit.now, tree.DEEPEST)
    chain = [
        _RelatedPlace(number, distance, 1 + len(above) - distance, sponsor_no)
        for distance, (number, sponsor_no) in enumerate(zip(above, [*above[1:], None], strict=False), start=1)
    ]
    follows = (passed + limit,) if len(above) > passed + limit else None
    return _related(unit, chain[passed : passed + limit]), follows


def downline(
    unit: Unit,
    shop_id: str,
    levels: int | None,
    page: ListPart[tuple[int, int]],
    *,
    counts: bool = False,
) -> tuple[list[RelatedShop], tuple[int, int] | None]:
    """Lists a page of the shops below a shop now, level by level, and the cursor of the next (distance, shop number).

    Args:
        shop_id: below whom.
        levels: how many levels deep; None goes all the way.
        page: after which distance and shop to begin, and how many at the most.
        counts: whether the shops that each brought in are counted.
    """
    row = _find(unit, shop_id)
    _, level = _place_at(unit, row)
    deep = tree.DEEPEST if levels is None else levels
    part = Part(page.after or (0, 0), page.limit + 1)
    below = tree.downline_at(unit.conn, unit.program_id, Downline(row.shop_no, unit.now, deep), part)
    shown = below[: page.limit]
    places = [_RelatedPlace(shop.shop_no, shop.depth, level + shop.depth, shop.sponsor_no) for shop in shown]
    follows = (shown[-1].depth, shown[-1].shop_no) if len(below) > page.limit else None
    return _related(unit, places, counts=counts), follows


def nearest_below(unit: Unit, shop_id: str, levels: int | None, most: int) -> tuple[ShopView, list[TreeShop], bool]:
    """Reads a shop, up to ``most`` shops of the nearest levels below it, and whether there are more within ``levels``.

    Raises:
        Refusal: ``shop_unknown``.
    """
    top = get_shop(unit, shop_id)
    deep = tree.DEEPEST if levels is None else levels
    below = tree.nearest_below(unit.conn, unit.program_id, Downline(top.shop_no, unit.now, deep), most + 1)
    page = below[:most]
    numbers = [shop.shop_no for shop in page]
    rows = shops.show_many(unit.conn, unit.program_id, [top.shop_no, *numbers], unit.now)
    recruits = tree.count_recruits(unit.conn, unit.program_id, numbers, unit.now)
    lowest = lowest_rank(unit)
    drawn = [
        TreeShop(
            id=rows[shop.shop_no].shop_id,
            sponsor_id=rows[shop.sponsor_no].shop_id,
            distance=shop.depth,
            level=top.level + shop.depth,
            name=rows[shop.shop_no].name,
            status=rows[shop.shop_no].status,
            rank=rows[shop.shop_no].rank or lowest,
            direct_recruits=recruits.get(shop.shop_no, 0),
        )
        for shop in page
    ]
    return top, drawn, len(below) > most


def shop_names(conn: Connection, program: Program, shop_ids: Sequence[str]) -> dict[str, str]:
    """Reads by id how shops are called; those without a name, and those that are not known, are left out."""
    return shops.names_of(conn, program.program_id, shop_ids)


def introduced_by(conn: Connection, program: Program, shop_ids: Sequence[str]) -> dict[str, str]:
    """Reads by shop the id of its introducer, for shops that joined as roots where the tree would be too deep."""
    return shops.introduced_by(conn, program.program_id, shop_ids)


def distance_below(unit: Unit, shop_id: str, ancestor_no: int) -> int | None:
    """Counts the levels that a shop stands below another one now: 0 is itself, None is not below it.

    Raises:
        Refusal: ``shop_unknown``.
    """
    row = _find(unit, shop_id)
    above = [row.shop_no, *tree.uplines_at(unit.conn, unit.program_id, row.shop_no, unit.now, tree.DEEPEST)]
    return above.index(ancestor_no) if ancestor_no in above else None


class _RelatedPlace(NamedTuple):
    """A shop above or below another: its number, the levels between them, its own level, and its sponsor's number."""

    shop_no: int
    distance: int
    level: int
    sponsor_no: int | None


def _find(unit: Unit, shop_id: str) -> ShopRow:
    row = shops.show(unit.conn, unit.program_id, shop_id, unit.now) if is_identifier(shop_id) else None
    if row is None:
        raise ShopUnknown(id=shop_id)
    return row


def _place_at(unit: Unit, row: ShopRow) -> tuple[int | None, int]:
    """Reads sponsor and level now, from the dated links where the shop's row knows a later state."""
    if row.chain_since <= unit.now:
        return row.sponsor_no, row.level
    above = tree.uplines_at(unit.conn, unit.program_id, row.shop_no, unit.now, tree.DEEPEST)
    return next(iter(above), None), 1 + len(above)


def lowest_rank(unit: Unit) -> str | None:
    """Finds the rank of shops that never got one, by the plan in force; None without a plan."""
    entry = load_timeline(unit.conn, unit.program).in_force(unit.now)
    return None if entry is None else entry.plan.lowest_rank


def _related(unit: Unit, places: Sequence[_RelatedPlace], *, counts: bool = False) -> list[RelatedShop]:
    """Reads the shops at those places, all at once, and counts whom each brought in where that is wished."""
    numbers = {number for place in places for number in (place.shop_no, place.sponsor_no) if number is not None}
    if not numbers:
        return []
    rows = shops.show_many(unit.conn, unit.program_id, numbers, unit.now)
    sales = tree.sales_of(unit.conn, unit.program_id, [place.shop_no for place in places])
    lowest = lowest_rank(unit)
    shown = [place.shop_no for place in places]
    recruits = tree.count_recruits(unit.conn, unit.program_id, shown, unit.now) if counts else {}
    branches = branches_of(unit.conn, unit.program, shown) if counts else {}
    return [
        RelatedShop(
            shop_no=place.shop_no,
            id=rows[place.shop_no].shop_id,
            sponsor_id=None if place.sponsor_no is None else rows[place.sponsor_no].shop_id,
            distance=place.distance,
            level=place.level,
            name=rows[place.shop_no].name,
            status=rows[place.shop_no].status,
            rank=rows[place.shop_no].rank or lowest,
            joined_at=rows[place.shop_no].joined_at,
            sales_minor=sales.get(place.shop_no, 0),
            direct_recruits=recruits.get(place.shop_no, 0) if counts else None,
            branch=branches.get(place.shop_no),
        )
        for place in places
    ]
