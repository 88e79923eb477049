"""The dated ranks of shops: what was earned, what was set by hand, and which of them holds.

A rank set by hand is a floor until it is cleared: at every instant a shop holds the higher of that floor and what it
has earned (plan.md, Ranks). The history keeps rows of both kinds, and where another rank than the newest row's holds,
a row that says so. A version that drops a rank carries whoever holds it to the rank of its ``rank_map``.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from distrib.domain.plans.plan import Plan

HAND, FLOOR, RESTORED, MAPPED = "hand", "floor", "restored", "plan"
PROMOTION, EVALUATION = "promotion", "evaluation"
EARNED = (PROMOTION, EVALUATION)
"""Causes that say what a shop has earned; floor, restored and plan only repeat what follows from others."""
RANK_CAUSES = (HAND, FLOOR, RESTORED, MAPPED, *EARNED)


class DatedRank(NamedTuple):
    """A rank from an instant on; None clears what was set by hand. ``was`` is the old code of a mapped rank."""

    effective_at: datetime
    rank: str | None
    cause: str
    was: str | None = None


class DatedPlan(NamedTuple):
    """A plan, in force from ``effective_from`` until the next one."""

    effective_from: datetime
    plan: Plan


class Ladder:
    """The ranks of a program over time: the plan in force at an instant, and the new code of a rank that a plan drops.

    Args:
        entries: (effective_from, plan), earliest first.
    """

    def __init__(self, entries: Iterable[tuple[datetime, Plan]] = ()) -> None:
        self._entries = tuple(DatedPlan(effective_from, plan) for effective_from, plan in entries)
        self._mapping = [entry for entry in self._entries if entry.plan.rank_map]

    def plan_at(self, instant: datetime) -> Plan | None:
        """Resolves the plan in force at an instant; None where there is none."""
        place = bisect_right(self._entries, instant, key=attrgetter("effective_from"))
        return self._entries[place - 1].plan if place else None

    def carry(self, rank: str, since: datetime, until: datetime) -> str:
        """Maps a rank given at ``since`` to its code at ``until``, by every version that begins in between."""
        for entry in self._mapping:
            if since < entry.effective_from <= until:
                rank = entry.plan.rank_map.get(rank, rank)
        return rank

    def plans(self) -> list[Plan]:
        """Lists every version, earliest first."""
        return [entry.plan for entry in self._entries]

    def codes(self) -> list[str]:
        """Lists every rank that a version has or maps."""
        plans = self.plans()
        return sorted({code for plan in plans for code in (*plan.rank_indexes, *plan.rank_map)})

    def next_after(self, instant: datetime) -> datetime | None:
        """Finds the instant of the first version that begins after ``instant``."""
        return next((entry.effective_from for entry in self._entries if entry.effective_from > instant), None)

    def maps_from(self, since: datetime) -> list[datetime]:
        """Lists the instants from ``since`` on at which a version begins that maps ranks."""
        return [entry.effective_from for entry in self._mapping if entry.effective_from >= since]


class RankHistory:
    """The dated ranks of the shops of a batch: those given, and those recorded here since.

    A promotion may be decided late, when ranks that take effect after it are already there; so it is compared with
    the rank of its own time.
    """

    def __init__(self, given: Iterable[tuple[int, datetime, str | None, str]], ladder: Ladder | None = None) -> None:
        self._ladder = ladder or Ladder()
        self._rows: dict[int, list[DatedRank]] = {}
        for shop_no, effective_at, rank, cause in given:
            self._rows.setdefault(shop_no, []).append(DatedRank(effective_at, rank, cause))

    def earned(self, shop_no: int, instant: datetime, plan: Plan) -> str:
        """Resolves the rank that a shop has earned by an instant; the plan's lowest where it has none."""
        return known_rank(plan, self._latest(shop_no, instant, lambda cause: cause in EARNED))

    def promote(self, shop_no: int, effective_at: datetime, rank: str, plan: Plan) -> list[DatedRank]:
        """Records that a shop has earned ``rank``; answers the rows to write, lower promotions of later overridden."""
        known = self._rows.get(shop_no, ())
        later = {row.effective_at for row in known if row.effective_at > effective_at and row.cause == PROMOTION}
        lower = sorted(since for since in later if self._is_below(shop_no, since, effective_at, rank, plan))
        rows = [
            DatedRank(instant, self._ladder.carry(rank, effective_at, instant), PROMOTION)
            for instant in (effective_at, *lower)
        ]
        for row in rows:
            self._insert(shop_no, row)
        return rows + self.complete(shop_no, effective_at, plan)

    def demote(self, shop_no: int, effective_at: datetime, rank: str, plan: Plan) -> list[DatedRank]:
        """Records that an evaluation leaves a shop with ``rank``; answers the rows to write. Later promotions stay."""
        row = DatedRank(effective_at, rank, EVALUATION)
        self._insert(shop_no, row)
        return [row, *self.complete(shop_no, effective_at, plan)]

    def complete(self, shop_no: int, since: datetime, plan: Plan) -> list[DatedRank]:
        """Adds the rows missing from ``since`` on for the higher of floor and earned rank to hold; answers them."""
        rows: list[DatedRank] = []
        known = self._rows.get(shop_no, ())
        instants = {row.effective_at for row in known if row.effective_at >= since}
        if known:
            instants.update(self._ladder.maps_from(max(since, known[0].effective_at)))
        for instant in sorted(instants):
            row = self._missing(shop_no, instant, self._ladder.plan_at(instant) or plan)
            if row is not None:
                rows.append(row)
                self._insert(shop_no, row)
        return rows

    def _missing(self, shop_no: int, instant: datetime, plan: Plan) -> DatedRank | None:
        """Computes the row without which the wrong rank would hold at an instant; None where the right one holds."""
        earned = self.earned(shop_no, instant, plan)
        floor = known_rank(plan, self._latest(shop_no, instant, lambda cause: cause == HAND))
        wanted = max(earned, floor, key=plan.rank_index)
        held = self._newest(shop_no, instant, lambda _: True)
        raw = None if held is None else held.rank
        if raw is not None and held is not None and self._ladder.carry(raw, held.effective_at, instant) != raw:
            return DatedRank(instant, wanted, MAPPED, raw)
        if known_rank(plan, raw) == wanted:
            return None
        return DatedRank(instant, wanted, RESTORED if wanted == earned else FLOOR)

    def _is_below(self, shop_no: int, instant: datetime, since: datetime, rank: str, plan: Plan) -> bool:
        """Whether the rank earned by ``instant`` is lower than ``rank`` given at ``since``."""
        plan_then = self._ladder.plan_at(instant) or plan
        promoted = known_rank(plan_then, self._ladder.carry(rank, since, instant))
        return plan_then.rank_index(self.earned(shop_no, instant, plan_then)) < plan_then.rank_index(promoted)

    def _latest(self, shop_no: int, instant: datetime, has_cause: Callable[[str], bool]) -> str | None:
        """Resolves the rank of the newest row of such a cause, by its code at that instant."""
        row = self._newest(shop_no, instant, has_cause)
        return None if row is None or row.rank is None else self._ladder.carry(row.rank, row.effective_at, instant)

    def _newest(self, shop_no: int, instant: datetime, has_cause: Callable[[str], bool]) -> DatedRank | None:
        rows = [row for row in self._rows.get(shop_no, ()) if row.effective_at <= instant and has_cause(row.cause)]
        return rows[-1] if rows else None

    def _insert(self, shop_no: int, row: DatedRank) -> None:
        """Adds a row after those of the same instant."""
        insort(self._rows.setdefault(shop_no, []), row, key=attrgetter("effective_at"))


def known_rank(plan: Plan, rank: str | None) -> str:
    """Resolves a rank code within a plan: the plan's lowest where it has no such rank."""
    return plan.lowest_rank if rank is None or rank not in plan.rank_indexes else rank


def row_reason(row: DatedRank) -> dict[str, Any]:
    """Words the reason of a row that only repeats what follows from others, as the history keeps it."""
    if row.cause == MAPPED:
        return {"rank_map": {row.was: row.rank}}
    return {row.cause: row.rank}
