"""What plan.md says of promotions, read on its own. Part of ``reference``; nothing of ``distrib`` may enter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from tests.acceptance.reference_figures import Document
from tests.acceptance.reference_world import World, figure, ranks_of


def _levels(world: World) -> int:
    leaves = [leaf for version in world.versions for rank in version.plan.get("ranks", ()) for leaf in _leaves(rank)]
    return max((leaf.get("levels", 0) for leaf in leaves), default=0)


def _leaves(condition: Document) -> Iterator[Document]:
    if "promote" in condition:
        condition = condition["promote"]
    for part in [*condition.get("all", []), *condition.get("any", [])]:
        yield from _leaves(part)
    if "metric" in condition:
        yield condition


def looks_of(world: World, shop: str | None, instant: datetime) -> list[tuple[datetime, str]]:
    """The seller, and those above within the levels that a metric reads."""
    if shop is None:
        return []
    return [(instant, who) for who in [shop, *world.uplines_at(shop, instant)[: _levels(world)]]]


def recruit_looks(world: World) -> dict[datetime, list[tuple[datetime, str]]]:
    """By day: the sponsors of who joins."""
    looks: dict[datetime, list[tuple[datetime, str]]] = {}
    for shop in world.shops.values():
        for joined_at, sponsor in shop.links:
            if sponsor is not None:
                looks.setdefault(world.day_of(joined_at), []).append((joined_at, sponsor))
    return looks


def promote(world: World, looks: Sequence[tuple[datetime, str]]) -> None:
    """A shop rises as far as its conditions carry it, from the start of the next day."""
    for instant, shop in looks:
        version = world.version_at(instant)
        if version is None:
            continue
        codes = ranks_of(version.plan)
        earned = world.shops[shop].earned
        now = max((codes.index(rank) for _, rank in earned), default=0)
        for index in range(len(codes) - 1, now, -1):
            wanted = version.plan.get("ranks", [{}])[index].get("promote")
            if wanted is not None and _holds(world, wanted, shop, instant):
                earned.append((world.next_day(instant), codes[index]))
                break


def _holds(world: World, condition: Document, shop: str, instant: datetime) -> bool:
    if "all" in condition:
        return all(_holds(world, part, shop, instant) for part in condition["all"])
    if "any" in condition:
        return any(_holds(world, part, shop, instant) for part in condition["any"])
    return figure(world, condition, shop, instant) >= int(condition["at_least"])
