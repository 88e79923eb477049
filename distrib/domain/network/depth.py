"""Computes how deep a referral tree is at every instant, and refuses or detaches a shop that would be too deep.

Works on dated links: per shop its sponsors in time, oldest first, each from its instant on.
Source of the cap: the policy packs (`max_tree_levels`, `on_excess`), which count the root as level 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from distrib.domain.network.refusals import SponsorCycle, SponsorIsSelf, TreeTooDeep

FOREVER = datetime.max.replace(tzinfo=UTC)


class SponsorLink(NamedTuple):
    """From ``since`` on, until the next link of the same shop, ``sponsor_no`` is its sponsor (None: a root)."""

    since: datetime
    sponsor_no: int | None


class SponsorSpan(NamedTuple):
    """A half-open span of time in which a shop has one sponsor (None: it is a root)."""

    start: datetime
    end: datetime
    sponsor_no: int | None


class DepthSpan(NamedTuple):
    """A half-open span of time and how many levels are counted in it."""

    start: datetime
    end: datetime
    levels: int


class Recruit(NamedTuple):
    """A shop and the half-open span of time in which it stands directly below its sponsor."""

    shop_no: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class TreePosition:
    """The level of a new shop, and whether it joins as a root of its own."""

    level: int
    is_detached: bool = False


Links = Mapping[int, Sequence[SponsorLink]]
Recruits = Mapping[int, Sequence[Recruit]]


def resolve_position(sponsor_level: int | None, max_levels: int | None, on_excess: str) -> TreePosition:
    """Resolves the level of a new shop below a sponsor at ``sponsor_level`` (None: it has no sponsor).

    Raises:
        Refusal: ``tree_too_deep`` where the pack refuses what is deeper than ``max_levels``.

    >>> resolve_position(2, 3, "refuse"), resolve_position(3, 3, "detach")
    (TreePosition(level=3, is_detached=False), TreePosition(level=1, is_detached=True))
    """
    level = 1 if sponsor_level is None else sponsor_level + 1
    if max_levels is None or level <= max_levels:
        return TreePosition(level)
    if on_excess == "detach":
        return TreePosition(1, is_detached=True)
    raise TreeTooDeep(level=level, max_levels=max_levels)


def sponsor_spans(links: Sequence[SponsorLink], start: datetime, end: datetime) -> Iterator[SponsorSpan]:
    """Splits [start, end) by the links of one shop, oldest first; before the first link the shop is a root."""
    first = next(iter(links), None)
    if first is not None and first.since > start:
        yield SponsorSpan(start, min(first.since, end), None)
    for link, until in _with_ends(links):
        lower, upper = max(link.since, start), min(until, end)
        if lower < upper:
            yield SponsorSpan(lower, upper, link.sponsor_no)


def levels_above(links: Links, shop_no: int, start: datetime, avoid: int | None = None) -> list[DepthSpan]:
    """Counts the levels from the root down to ``shop_no``, itself included, for every span of time from ``start`` on.

    Args:
        links: the dated sponsors of everyone who may stand above.
        shop_no: where the count starts.
        start: from when on.
        avoid: a shop that must never be met on the way.

    Raises:
        Refusal: ``sponsor_cycle`` where ``avoid`` is met.
    """
    depths: list[DepthSpan] = []
    open_ends: list[tuple[int, datetime, datetime, int]] = [(shop_no, start, FOREVER, 1)]
    while open_ends:
        current, lower, upper, depth = open_ends.pop()
        if current == avoid:
            raise SponsorCycle()
        own_links = links.get(current, ())
        if not own_links:
            depths.append(DepthSpan(lower, upper, depth))
        for span in sponsor_spans(own_links, lower, upper):
            if span.sponsor_no is None:
                depths.append(DepthSpan(span.start, span.end, depth))
            else:
                open_ends.append((span.sponsor_no, span.start, span.end, depth + 1))
    return depths


def levels_below(recruits: Recruits, shop_no: int, start: datetime, end: datetime) -> int:
    """Counts the levels from ``shop_no``, itself included, down to the deepest shop at any instant of [start, end)."""
    deepest = 1
    open_ends = [(shop_no, start, end, 1)]
    while open_ends:
        current, lower, upper, depth = open_ends.pop()
        deepest = max(deepest, depth)
        for recruit in recruits.get(current, ()):
            begins, ends = max(recruit.since, lower), min(recruit.until, upper)
            if begins < ends and recruit.shop_no != shop_no:
                open_ends.append((recruit.shop_no, begins, ends, depth + 1))
    return deepest


def highest_level(links: Links, shop_no: int, start: datetime) -> int:
    """Computes the deepest level of ``shop_no`` at any instant from ``start`` on."""
    return max(span.levels for span in levels_above(links, shop_no, start))


class MoveLinks(NamedTuple):
    """The dated sponsors that decide about a move, from its instant on.

    Args:
        above: of everyone who may stand above the new sponsor.
        below: of everyone who may stand below the moved shop.
    """

    above: Links
    below: Links


def check_move(links: MoveLinks, shop_no: int, sponsor_no: int | None, start: datetime, max_levels: int | None) -> None:
    """Checks that a move closes no loop and lengthens no chain beyond the cap, at any instant from ``start`` on.

    Args:
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
        raise SponsorIsSelf()
    depths = levels_above(links.above, sponsor_no, start, avoid=shop_no)
    if max_levels is None:
        return
    recruits = recruits_of(links.below)
    level = max(span.levels + levels_below(recruits, shop_no, span.start, span.end) for span in depths)
    if level > max_levels:
        raise TreeTooDeep(level=level, max_levels=max_levels)


def recruits_of(links: Links) -> dict[int, list[Recruit]]:
    """Inverts dated links: per sponsor the shops directly below it, from when and until when."""
    recruits: dict[int, list[Recruit]] = {}
    for shop_no, own_links in links.items():
        for link, until in _with_ends(own_links):
            if link.sponsor_no is not None:
                recruits.setdefault(link.sponsor_no, []).append(Recruit(shop_no, link.since, until))
    return recruits


def _with_ends(links: Sequence[SponsorLink]) -> Iterator[tuple[SponsorLink, datetime]]:
    """Pairs each link with the instant at which the next link of the same shop takes effect."""
    return zip(links, (*(link.since for link in links[1:]), FOREVER), strict=False)
