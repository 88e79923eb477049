"""How deep a referral tree may grow, at every instant, and what becomes of a shop that would be too deep.

Works on dated edges: per shop its sponsors in time, oldest first, each from its instant on.
Pure standard library; no SQL, no graph library, no clock may enter.

Source of the cap: the policy packs (`max_tree_levels`, `on_excess`), which count the root as level 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from distrib.domain.errors import Refusal

FOREVER = datetime.max.replace(tzinfo=UTC)


class Link(NamedTuple):
    """From ``since`` on, until the next link of the same shop, ``sponsor_no`` is its sponsor (None: a root)."""

    since: datetime
    sponsor_no: int | None


class Stretch(NamedTuple):
    """A half-open stretch of time and how many levels are counted in it."""

    start: datetime
    end: datetime
    levels: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new shop stands: its level, and whether it joins as a root of its own."""

    level: int
    is_detached: bool = False


Links = Mapping[int, Sequence[Link]]
Recruits = Mapping[int, Sequence[tuple[int, datetime, datetime]]]


def place(sponsor_level: int | None, max_levels: int | None, on_excess: str) -> Place:
    """Where a shop stands whose sponsor is at ``sponsor_level`` (None: it has no sponsor).

    Raises:
        Refusal: ``tree_too_deep`` where the pack refuses what is deeper than ``max_levels``.

    >>> place(2, 3, "refuse"), place(3, 3, "detach")
    (Place(level=3, is_detached=False), Place(level=1, is_detached=True))
    """
    level = 1 if sponsor_level is None else sponsor_level + 1
    if max_levels is None or level <= max_levels:
        return Place(level)
    if on_excess == "detach":
        return Place(1, is_detached=True)
    raise Refusal("tree_too_deep", level=level, max_levels=max_levels)


def spans(links: Sequence[Link], start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, int | None]]:
    """The links that hold within [start, end), clipped to it; before the first one a shop is a root."""
    if links and links[0].since > start:
        yield start, min(links[0].since, end), None
    for index, link in enumerate(links):
        until = links[index + 1].since if index + 1 < len(links) else FOREVER
        lower, upper = max(link.since, start), min(until, end)
        if lower < upper:
            yield lower, upper, link.sponsor_no


def levels_above(links: Links, shop_no: int, start: datetime, avoid: int | None = None) -> list[Stretch]:
    """How many levels end at ``shop_no`` (itself included), for every stretch from ``start`` on.

    Args:
        links: the dated sponsors of everyone who may stand above.
        shop_no: where the count starts.
        start: from when on.
        avoid: a shop that must never be met on the way.

    Raises:
        Refusal: ``sponsor_cycle`` where ``avoid`` is met.
    """
    found: list[Stretch] = []
    open_ends: list[tuple[int, datetime, datetime, int]] = [(shop_no, start, FOREVER, 1)]
    while open_ends:
        current, lower, upper, depth = open_ends.pop()
        if current == avoid:
            raise Refusal("sponsor_cycle")
        held = links.get(current, ())
        if not held:
            found.append(Stretch(lower, upper, depth))
        for begins, ends, sponsor_no in spans(held, lower, upper):
            if sponsor_no is None:
                found.append(Stretch(begins, ends, depth))
            else:
                open_ends.append((sponsor_no, begins, ends, depth + 1))
    return found


def levels_below(recruits: Recruits, shop_no: int, start: datetime, end: datetime) -> int:
    """The most levels that start at ``shop_no`` (itself included) at any instant of [start, end)."""
    deepest = 1
    open_ends = [(shop_no, start, end, 1)]
    while open_ends:
        current, lower, upper, depth = open_ends.pop()
        deepest = max(deepest, depth)
        for child, since, until in recruits.get(current, ()):
            begins, ends = max(since, lower), min(until, upper)
            if begins < ends and child != shop_no:
                open_ends.append((child, begins, ends, depth + 1))
    return deepest


def highest_level(links: Links, shop_no: int, start: datetime) -> int:
    """The deepest level ``shop_no`` stands at, at any instant from ``start`` on."""
    return max(stretch.levels for stretch in levels_above(links, shop_no, start))


def check_move(
    above: Links, below: Links, shop_no: int, sponsor_no: int | None, start: datetime, max_levels: int | None
) -> None:
    """Lets a move pass that closes no loop and lengthens no chain beyond the cap, at any instant from ``start`` on.

    Args:
        above: the dated sponsors of everyone who may stand above the new sponsor from then on.
        below: the same of everyone who may stand below the moved shop from then on.
        shop_no: the moved shop.
        sponsor_no: its new sponsor; None makes it a root.
        start: when the move takes effect.
        max_levels: the policy's cap, or None.

    Raises:
        Refusal: ``sponsor_is_self``, ``sponsor_cycle`` or ``tree_too_deep``.
    """
    if sponsor_no is None:
        return
    if sponsor_no == shop_no:
        raise Refusal("sponsor_is_self")
    stretches = levels_above(above, sponsor_no, start, avoid=shop_no)
    if max_levels is None:
        return
    recruits = recruits_of(below)
    level = max(s.levels + levels_below(recruits, shop_no, s.start, s.end) for s in stretches)
    if level > max_levels:
        raise Refusal("tree_too_deep", level=level, max_levels=max_levels)


def recruits_of(links: Links) -> dict[int, list[tuple[int, datetime, datetime]]]:
    """The same links seen from above: per sponsor each shop it brought in, from when and until when."""
    found: dict[int, list[tuple[int, datetime, datetime]]] = {}
    for shop_no, held in links.items():
        for index, link in enumerate(held):
            if link.sponsor_no is not None:
                until = held[index + 1].since if index + 1 < len(held) else FOREVER
                found.setdefault(link.sponsor_no, []).append((shop_no, link.since, until))
    return found
