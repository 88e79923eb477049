"""Shops as they are answered: their standing at an instant, who is above, who below. Nothing that writes may enter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.identifiers import is_identifier
from distrib.services.context import Program
from distrib.services.plans.versions import load_timeline
from distrib.store.network import shops, tree
from distrib.store.network.shops import ShopRow


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
    attributes: dict[str, Any] | None
    organiser_id: str | None


@dataclass(frozen=True, slots=True)
class RelatedShop:
    """A shop above or below another one; ``distance`` counts the levels between them."""

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


def get_shop(conn: Connection, program: Program, shop_id: str, now: datetime) -> ShopView:
    """The shop as it stands now; raises ``shop_unknown``."""
    row = _shown(conn, program, shop_id, now)
    sponsor_no, level = _place_at(conn, program, row, now)
    named = [number for number in (sponsor_no, row.introduced_by_no) if number is not None]
    ids = shops.ids_of(conn, program.program_id, named) if named else {}
    return ShopView(
        row.shop_no,
        row.shop_id,
        None if sponsor_no is None else ids[sponsor_no],
        None if row.introduced_by_no is None else ids[row.introduced_by_no],
        row.status,
        row.rank or _lowest_rank(conn, program, now),
        level,
        row.joined_at,
        row.invite_code,
        tree.count_recruits(conn, program.program_id, [row.shop_no], now).get(row.shop_no, 0),
        row.name,
        None if row.attributes is None else json.loads(row.attributes),
        row.organiser_id,
    )


def upline(
    conn: Connection,
    program: Program,
    shop_id: str,
    now: datetime,
    cursor: tuple[int] | None = None,
    limit: int = 50,
) -> tuple[list[RelatedShop], tuple[int] | None]:
    """The shops above as of now, nearest first, and after which distance the next page begins."""
    row = _shown(conn, program, shop_id, now)
    passed = cursor[0] if cursor else 0
    above = tree.uplines_at(conn, program.program_id, row.shop_no, now, tree.DEEPEST)
    places = list(enumerate(above, start=1))[passed : passed + limit]
    sponsors = dict(zip(above, [*above[1:], None], strict=False))
    places_at = [(number, distance, 1 + len(above) - distance, sponsors[number]) for distance, number in places]
    follows = (passed + limit,) if len(above) > passed + limit else None
    return _related(conn, program, places_at, now), follows


def downline(
    conn: Connection,
    program: Program,
    shop_id: str,
    levels: int | None,
    now: datetime,
    cursor: tuple[int, int] | None = None,
    limit: int = 50,
) -> tuple[list[RelatedShop], tuple[int, int] | None]:
    """The tree below as of now, level by level, and after what (distance, shop number) the next page begins.

    Args:
        conn: the unit of work.
        program: whose shops.
        shop_id: below whom.
        levels: how many levels deep; None goes all the way.
        now: the instant.
        cursor: after what to begin.
        limit: how many at the most.
    """
    row = _shown(conn, program, shop_id, now)
    _, level = _place_at(conn, program, row, now)
    deep = tree.DEEPEST if levels is None else levels
    found = tree.downline_at(conn, program.program_id, row.shop_no, now, deep, cursor or (0, 0), limit + 1)
    places = [(below.shop_no, below.depth, level + below.depth, below.sponsor_no) for below in found[:limit]]
    follows = (found[limit - 1].depth, found[limit - 1].shop_no) if len(found) > limit else None
    return _related(conn, program, places, now), follows


def introduced_by(conn: Connection, program: Program, shop_ids: Sequence[str]) -> dict[str, str]:
    """Who introduced those of the shops that joined as roots because the tree would have been too deep."""
    return shops.introduced_by(conn, program.program_id, shop_ids)


def distance_below(conn: Connection, program: Program, shop_id: str, ancestor_no: int, now: datetime) -> int | None:
    """How many levels a shop stands below another one now: 0 is itself, None is not below it.

    Raises:
        Refusal: ``shop_unknown``.
    """
    row = _shown(conn, program, shop_id, now)
    above = [row.shop_no, *tree.uplines_at(conn, program.program_id, row.shop_no, now, tree.DEEPEST)]
    return above.index(ancestor_no) if ancestor_no in above else None


def _shown(conn: Connection, program: Program, shop_id: str, now: datetime) -> ShopRow:
    row = shops.show(conn, program.program_id, shop_id, now) if is_identifier(shop_id) else None
    if row is None:
        raise Refusal("shop_unknown", id=shop_id)
    return row


def _place_at(conn: Connection, program: Program, row: ShopRow, now: datetime) -> tuple[int | None, int]:
    """Sponsor and level now, from the dated links where the shop's row knows a later state."""
    if row.chain_since <= now:
        return row.sponsor_no, row.level
    above = tree.uplines_at(conn, program.program_id, row.shop_no, now, tree.DEEPEST)
    return (above[0] if above else None), 1 + len(above)


def _lowest_rank(conn: Connection, program: Program, now: datetime) -> str | None:
    entry = load_timeline(conn, program).in_force(now)
    return None if entry is None else entry.plan.lowest_rank


def _related(
    conn: Connection, program: Program, places: Sequence[tuple[int, int, int, int | None]], now: datetime
) -> list[RelatedShop]:
    """Shops by (number, distance, level, sponsor's number), read at once."""
    numbers = {number for place in places for number in (place[0], place[3]) if number is not None}
    if not numbers:
        return []
    rows = shops.show_many(conn, program.program_id, numbers, now)
    sales = tree.sales_of(conn, program.program_id, [place[0] for place in places])
    lowest = _lowest_rank(conn, program, now)
    return [
        RelatedShop(
            number,
            rows[number].shop_id,
            None if sponsor_no is None else rows[sponsor_no].shop_id,
            distance,
            level,
            rows[number].name,
            rows[number].status,
            rows[number].rank or lowest,
            rows[number].joined_at,
            sales.get(number, 0),
        )
        for number, distance, level, sponsor_no in places
    ]
