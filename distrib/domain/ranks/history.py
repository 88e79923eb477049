"""The dated ranks of shops: what was earned, what was set by hand, and which of them holds.

A rank set by hand is a floor until it is cleared: at every instant a shop holds the higher of that floor and what it
has earned (plan.md, Ranks). The history keeps rows of both kinds, and where another rank than the newest row's holds,
a row that says so. A version that drops a rank carries whoever holds it to the rank of its ``rank_map``. No SQL may
enter.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from distrib.domain.plans.plan import Plan

HAND, FLOOR, RESTORED, MAPPED = "hand", "floor", "restored", "plan"
PROMOTION, EVALUATION = "promotion", "evaluation"
EARNED = (PROMOTION, EVALUATION)
"""Causes that say what a shop has earned; floor, restored and plan only repeat what follows from others."""


RANK_CAUSES = (HAND, FLOOR, RESTORED, MAPPED, *EARNED)


class RankRow(NamedTuple):
    """A rank from an instant on; None clears what was set by hand. ``was`` is the old code of a mapped rank."""

    effective_at: datetime
    rank: str | None
    cause: str
    was: str | None = None


class Ladder:
    """The ranks of a program over time: which plan is in force when, and what becomes of a rank that one drops.

    Args:
        entries: (effective_from, plan), earliest first.
    """

    def __init__(self, entries: Iterable[tuple[datetime, Plan]] = ()) -> None:
        self._entries: Sequence[tuple[datetime, Plan]] = tuple(entries)
        self._mapping = [entry for entry in self._entries if entry[1].rank_map]

    def plan_at(self, at: datetime) -> Plan | None:
        """The plan in force; None where there was none."""
        place = bisect_right(self._entries, at, key=itemgetter(0))
        return self._entries[place - 1][1] if place else None

    def carry(self, rank: str, since: datetime, until: datetime) -> str:
        """What a rank given at ``since`` is called at ``until``: every version that begins in between may map it."""
        for begins, plan in self._mapping:
            if since < begins <= until:
                rank = plan.rank_map.get(rank, rank)
        return rank

    def plans(self) -> list[Plan]:
        """Every version, earliest first."""
        return [plan for _, plan in self._entries]

    def codes(self) -> list[str]:
        """Every rank that some version has or maps."""
        return sorted({code for _, plan in self._entries for code in (*plan.rank_indexes, *plan.rank_map)})

    def next_after(self, at: datetime) -> datetime | None:
        """When the first version begins after an instant."""
        return next((begins for begins, _ in self._entries if begins > at), None)

    def maps_from(self, since: datetime) -> list[datetime]:
        """The instants from ``since`` on at which a version begins that maps ranks."""
        return [begins for begins, _ in self._mapping if begins >= since]


class RankHistory:
    """The ranks of some shops, those decided meanwhile included.

    A look may come late, when ranks that take effect after it are already there; so every look is
    held against the rank of its own time.
    """

    def __init__(self, given: Iterable[tuple[int, datetime, str | None, str]], ladder: Ladder | None = None) -> None:
        self._ladder = ladder or Ladder()
        self._rows: dict[int, list[RankRow]] = {}
        for shop_no, at, rank, cause in given:
            self._rows.setdefault(shop_no, []).append(RankRow(at, rank, cause))

    def earned(self, shop_no: int, at: datetime, plan: Plan) -> str:
        """The rank that a shop has earned by an instant, the lowest where it has none."""
        return known_rank(plan, self._latest(shop_no, at, lambda cause: cause in EARNED))

    def rise(self, shop_no: int, at: datetime, rank: str, plan: Plan) -> list[RankRow]:
        """The rows by which a shop has earned ``rank`` from an instant on; lower promotions of later do not undo it."""
        known = self._rows.get(shop_no, ())
        later = {row.effective_at for row in known if row.effective_at > at and row.cause == PROMOTION}
        instants = [at, *sorted(since for since in later if self._is_below(shop_no, since, at, rank, plan))]
        rows = [RankRow(instant, self._ladder.carry(rank, at, instant), PROMOTION) for instant in instants]
        for row in rows:
            self._note(shop_no, row)
        return rows + self.level(shop_no, at, plan)

    def fall(self, shop_no: int, at: datetime, rank: str, plan: Plan) -> list[RankRow]:
        """The rows by which an evaluation leaves a shop with ``rank`` from an instant on; later rises stay."""
        row = RankRow(at, rank, EVALUATION)
        self._note(shop_no, row)
        return [row, *self.level(shop_no, at, plan)]

    def level(self, shop_no: int, since: datetime, plan: Plan) -> list[RankRow]:
        """The rows that are missing from an instant on for the higher of floor and earned rank to hold."""
        rows: list[RankRow] = []
        known = self._rows.get(shop_no, ())
        instants = {row.effective_at for row in known if row.effective_at >= since}
        if known:
            instants.update(self._ladder.maps_from(max(since, known[0].effective_at)))
        for at in sorted(instants):
            row = self._missing(shop_no, at, self._ladder.plan_at(at) or plan)
            if row is not None:
                rows.append(row)
                self._note(shop_no, row)
        return rows

    def _missing(self, shop_no: int, at: datetime, plan: Plan) -> RankRow | None:
        """The row without which the wrong rank would hold at an instant."""
        earned = self.earned(shop_no, at, plan)
        floor = known_rank(plan, self._latest(shop_no, at, lambda cause: cause == HAND))
        wanted = max(earned, floor, key=plan.rank_index)
        held = self._newest(shop_no, at, lambda _: True)
        raw = None if held is None else held.rank
        if raw is not None and held is not None and self._ladder.carry(raw, held.effective_at, at) != raw:
            return RankRow(at, wanted, MAPPED, raw)
        if known_rank(plan, raw) == wanted:
            return None
        return RankRow(at, wanted, RESTORED if wanted == earned else FLOOR)

    def _is_below(self, shop_no: int, at: datetime, since: datetime, rank: str, plan: Plan) -> bool:
        there = self._ladder.plan_at(at) or plan
        risen = known_rank(there, self._ladder.carry(rank, since, at))
        return there.rank_index(self.earned(shop_no, at, there)) < there.rank_index(risen)

    def _latest(self, shop_no: int, at: datetime, of: Callable[[str], bool]) -> str | None:
        """The rank of the newest row of some causes, as it is called at that instant."""
        row = self._newest(shop_no, at, of)
        return None if row is None or row.rank is None else self._ladder.carry(row.rank, row.effective_at, at)

    def _newest(self, shop_no: int, at: datetime, of: Callable[[str], bool]) -> RankRow | None:
        rows = [row for row in self._rows.get(shop_no, ()) if row.effective_at <= at and of(row.cause)]
        return rows[-1] if rows else None

    def _note(self, shop_no: int, row: RankRow) -> None:
        """Adds a row after those of the same instant."""
        insort(self._rows.setdefault(shop_no, []), row, key=attrgetter("effective_at"))


def known_rank(plan: Plan, rank: str | None) -> str:
    """The rank, or the plan's lowest where it has no such rank."""
    return plan.lowest_rank if rank is None or rank not in plan.rank_indexes else rank


def row_reason(row: RankRow) -> dict[str, Any]:
    """Why a row is there that only repeats what follows from others."""
    if row.cause == MAPPED:
        return {"rank_map": {row.was: row.rank}}
    return {row.cause: row.rank}
