"""The dated ranks of shops: what was earned, what was set by hand, and which of them holds.

A rank set by hand is a floor until it is cleared: at every instant a shop holds the higher of that floor and what it
has earned (plan.md, Ranks). The history keeps rows of both kinds, and where another rank than the newest row's holds,
a row that says so. No SQL may enter.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from distrib.domain.plan import Plan

HAND, FLOOR, PROMOTION = "hand", "floor", "promotion"


class RankRow(NamedTuple):
    """A rank from an instant on; None clears what was set by hand."""

    effective_at: datetime
    rank: str | None
    cause: str


class RankHistory:
    """The ranks of some shops, those decided meanwhile included.

    A look may come late, when ranks that take effect after it are already there; so every look is
    held against the rank of its own time.
    """

    def __init__(self, given: Iterable[tuple[int, datetime, str | None, str]]) -> None:
        self._rows: dict[int, list[RankRow]] = {}
        for shop_no, at, rank, cause in given:
            self._rows.setdefault(shop_no, []).append(RankRow(at, rank, cause))

    def earned(self, shop_no: int, at: datetime, plan: Plan) -> str:
        """The rank that a shop has earned by an instant, the lowest where it has none."""
        return known_rank(plan, self._latest(shop_no, at, lambda cause: cause not in (HAND, FLOOR)))

    def rise(self, shop_no: int, at: datetime, rank: str, plan: Plan) -> list[RankRow]:
        """The rows by which a shop has earned ``rank`` from an instant on; lower promotions of later do not undo it."""
        known = self._rows.get(shop_no, ())
        later = {row.effective_at for row in known if row.effective_at > at and row.cause == PROMOTION}
        instants = [at, *sorted(since for since in later if self._is_below(shop_no, since, rank, plan))]
        rows = [RankRow(instant, rank, PROMOTION) for instant in instants]
        for row in rows:
            self._note(shop_no, row)
        return rows + self.level(shop_no, at, plan)

    def level(self, shop_no: int, since: datetime, plan: Plan) -> list[RankRow]:
        """The rows that are missing from an instant on for the higher of floor and earned rank to hold."""
        rows: list[RankRow] = []
        for at in sorted({row.effective_at for row in self._rows.get(shop_no, ()) if row.effective_at >= since}):
            earned = self.earned(shop_no, at, plan)
            floor = known_rank(plan, self._latest(shop_no, at, lambda cause: cause == HAND))
            wanted = max(earned, floor, key=plan.rank_index)
            if known_rank(plan, self._latest(shop_no, at, lambda _: True)) != wanted:
                rows.append(RankRow(at, wanted, PROMOTION if wanted == earned else FLOOR))
                self._note(shop_no, rows[-1])
        return rows

    def _is_below(self, shop_no: int, at: datetime, rank: str, plan: Plan) -> bool:
        return plan.rank_index(self.earned(shop_no, at, plan)) < plan.rank_index(rank)

    def _latest(self, shop_no: int, at: datetime, of: Callable[[str], bool]) -> str | None:
        ranks = [row.rank for row in self._rows.get(shop_no, ()) if row.effective_at <= at and of(row.cause)]
        return ranks[-1] if ranks else None

    def _note(self, shop_no: int, row: RankRow) -> None:
        """Adds a row after those of the same instant."""
        insort(self._rows.setdefault(shop_no, []), row, key=attrgetter("effective_at"))


def known_rank(plan: Plan, rank: str | None) -> str:
    """The rank, or the plan's lowest where it has no such rank."""
    return plan.lowest_rank if rank is None or rank not in plan.rank_indexes else rank
