"""Which shops a page of the list of shops shows, and how many there are, whatever the list is filtered by.

A list goes along one index: that of the filter that fits the fewest shops, each of them in the order of joining, or
that of joining alone. What the other filters leave is judged on the way, and the way has an end: a page never looks at
more than ``MOST_LOOKED`` shops. All filters look at what is newest of a shop. No view of a shop may enter.
"""

from __future__ import annotations

import json
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.database import Bound
from distrib.store.recorded import Part
from distrib.store.sql import execute, execute_as

MOST_COUNTED = 10_000
"""So many shops are counted; beyond, the statistics of the database estimate."""
MOST_LOOKED = 50_000
"""A page looks at no more shops than these."""

# Each is carried by an index of its own that goes on by the time of joining. The word of a rare status stands in the
# statement: only so is the index known to have all of its rows.
_CARRIED = {
    "root_no": "s.root_no = %(root_no)s",
    "rank": "s.rank = %(rank)s",
    "level": "s.level = %(level)s",
    "status": "s.status = %(status)s AND s.status <> 'active'",
}
_MET = {
    "active": "s.status = 'active'",
    "lowest": "(s.rank IS NULL OR s.rank = %(lowest)s)",
}
_SPAN = {
    "joined_from": "s.joined_at >= %(joined_from)s",
    "joined_to": "s.joined_at < %(joined_to)s",
}
# A text begins with another from that on to before the same with the highest letter there is.
_BEGINS = "{column} >= {word} AND {column} < {word} || chr(1114111)"
_WORDS = {
    "shop_id": _BEGINS.format(column="s.shop_id", word="%(q)s::text"),
    "invite_code": _BEGINS.format(column="s.invite_code", word="upper(%(q)s::text)"),
    "name": _BEGINS.format(column="s.name_folded", word="lower(%(q)s::text)"),
}
_MATCHES = f"({' OR '.join(f'({word})' for word in _WORDS.values())})"
_CONDITIONS = {**_CARRIED, **_MET, "q": _MATCHES, **_SPAN}
_ALL = "SELECT s.shop_no, s.joined_at FROM shops s WHERE s.program_id = %(program)s"
_ROWS = "SELECT s.* FROM shops s WHERE s.program_id = %(program)s"
# Limits stand in the statement: of a limit that is a parameter, a plan for any values takes a tenth of the rows, and
# then reads the table from its beginning to the shops of a deep level.
_SIZE = (
    "(SELECT count(*) FROM (SELECT 1 FROM shops s WHERE s.program_id = %(program)s {where}"
    f" LIMIT {MOST_COUNTED + 1}) c)"
)
_MATCHED = " UNION ".join(
    f"(SELECT s.shop_no FROM shops s WHERE s.program_id = %(program)s AND {word} LIMIT {MOST_COUNTED + 1})"
    for word in _WORDS.values()
)
_MATCHED_SIZE = f"(SELECT count(*) FROM ({_MATCHED}) c)"
# The shops that match, read one by one: they are few.
_OF_MATCHED = f"""
SELECT s.* FROM ({_MATCHED}) q CROSS JOIN LATERAL (
    SELECT * FROM shops s WHERE s.program_id = %(program)s AND s.shop_no = q.shop_no OFFSET 0) s WHERE true
"""
_PAGE = """
SELECT s.shop_no, s.joined_at FROM ({way}) s WHERE true {rest}
ORDER BY s.joined_at {direction}, s.shop_no {direction} LIMIT %(limit)s
"""
_COUNT = "SELECT count(*) AS looked, count(*) FILTER (WHERE true {rest}) AS found FROM ({way}) s"
_IS_LONGER = "SELECT EXISTS ({way})"


@dataclass(frozen=True, slots=True)
class ShopFilters:
    """Which shops are asked for; what is None does not matter.

    Args:
        q: what id, invite code or name begins with; names and codes in any case.
        lowest: of rank, whether it is the plan's lowest: shops that never got one hold it.
        joined_to: not part of what it ends.
    """

    q: str | None = None
    status: str | None = None
    rank: str | None = None
    is_lowest: bool = False
    level: int | None = None
    root_no: int | None = None
    joined_from: datetime | None = None
    joined_to: datetime | None = None

    @property
    def values(self) -> dict[str, object]:
        """What is asked for, by the name of its condition."""
        asked: dict[str, object] = {
            "q": self.q,
            "root_no": self.root_no,
            "level": self.level,
            "lowest" if self.is_lowest else "rank": self.rank,
            "active" if self.status == "active" else "status": self.status,
            "joined_from": self.joined_from,
            "joined_to": self.joined_to,
        }
        return {name: value for name, value in asked.items() if value is not None}


class JoinedKey(NamedTuple):
    """The place of a shop in the list: when it joined, and its number."""

    shop_no: int
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Way:
    """Along which filter the list goes, what is judged on the way, and how many shops there are along it.

    Args:
        carrier: the filter; None: all shops, by when they joined.
        size: counted to ``MOST_COUNTED``; one more says that there are more, None that nobody counted.
    """

    filters: ShopFilters
    carrier: str | None
    size: int | None

    @property
    def is_short(self) -> bool:
        """Whether all shops along the way have been counted."""
        return self.size is not None and self.size <= MOST_COUNTED

    @property
    def rest(self) -> str:
        """The conditions that the way itself does not keep."""
        kept = {self.carrier} if self.carrier == "q" else {self.carrier, *_SPAN}
        return _all_of(self.filters.values.keys() - kept)

    @property
    def conditions(self) -> str:
        """All conditions, along whatever way."""
        return _all_of(self.filters.values.keys())

    def bound(self, program_id: int) -> dict[str, object]:
        """What the query of the way is of."""
        return {**self.filters.values, "program": program_id}

    def sql(self, columns: str = _ROWS, further: str = "", order: str = "") -> str:
        """Builds the query of the shops along the way."""
        if self.carrier == "q":
            return f"{_OF_MATCHED} {further} {order}"
        carried = f" AND {_CARRIED[self.carrier]}" if self.carrier else ""
        return f"{columns}{carried}{_all_of(self.filters.values.keys() & _SPAN.keys())}{further} {order}"


def choose_way(conn: Connection, program_id: int, filters: ShopFilters) -> Way:
    """Finds the filter that fits the fewest shops; each is counted no further than ``MOST_COUNTED``."""
    asked = filters.values
    carriers = [name for name in ("q", *_CARRIED) if name in asked]
    span = _all_of(asked.keys() & _SPAN.keys())
    sizes = [_MATCHED_SIZE if name == "q" else _SIZE.format(where=f"AND {_CARRIED[name]}{span}") for name in carriers]
    sizes.append(_SIZE.format(where=span))
    bound = asked | {"program": program_id}
    row = execute(conn, f"SELECT {', '.join(sizes)}", bound).fetchone()
    assert row is not None
    of_carrier = dict(zip([*carriers, None], row, strict=True))
    carrier = min(of_carrier, key=lambda name: (of_carrier[name], name is None, name == "q"))
    if carrier == "q" and of_carrier["q"] > MOST_COUNTED:
        carrier = None
    return Way(filters, carrier, of_carrier[carrier])


def keys_of_page(
    conn: Connection, program_id: int, way: Way, part: Part[JoinedKey | None], *, is_descending: bool
) -> list[JoinedKey] | None:
    """Lists the keys of shops along a way by when they joined; the place None stands before all.

    Returns:
        None where the way goes on beyond ``MOST_LOOKED`` shops of which too few fit.
    """
    direction, sign = ("DESC", "<") if is_descending else ("ASC", ">")
    order = f"ORDER BY s.joined_at {direction}, s.shop_no {direction}"
    further = "" if part.place is None else f" AND (s.joined_at, s.shop_no) {sign} (%(joined_at)s, %(shop_no)s)"
    bound = way.bound(program_id) | {"limit": part.limit}
    bound |= {} if part.place is None else part.place._asdict()
    statement = _PAGE.format(
        way=f"{way.sql(further=further, order=order)} LIMIT {MOST_LOOKED}", rest=way.rest, direction=direction
    )
    keys = execute_as(conn, JoinedKey, statement, bound).fetchall()
    if len(keys) < part.limit and way.rest and not way.is_short:
        beyond = way.sql(_ALL, further, f"{order} OFFSET {MOST_LOOKED} LIMIT 1")
        row = execute(conn, _IS_LONGER.format(way=beyond), bound).fetchone()
        return None if row is not None and row[0] else keys
    return keys


def count_shops(conn: Connection, program_id: int, way: Way) -> tuple[int, bool]:
    """Counts the shops that fit: exactly to ``MOST_COUNTED``, beyond as the database's statistics estimate.

    Returns:
        How many, and whether that is an estimate.
    """
    bound = way.bound(program_id)
    if way.is_short:
        if not way.rest:
            assert way.size is not None
            return way.size, False
        row = execute(conn, _COUNT.format(way=way.sql(), rest=way.rest), bound).fetchone()
        assert row is not None
        return row[1], False
    least = 0 if way.rest else MOST_COUNTED + 1
    return max(_estimate(conn, way, bound), least), True


def _all_of(names: Set[str]) -> str:
    """The conditions of those names, each with its AND, always in the same order."""
    return "".join(f" AND {condition}" for name, condition in _CONDITIONS.items() if name in names)


def _estimate(conn: Connection, way: Way, bound: Bound) -> int:
    """How many rows the planner expects; nothing is read."""
    statement = f"EXPLAIN (FORMAT JSON) {way.sql(_ALL, way.rest)}"
    row = execute(conn, statement, bound).fetchone()
    assert row is not None
    plan = row[0] if isinstance(row[0], list) else json.loads(row[0])
    return int(plan[0]["Plan"]["Plan Rows"])
