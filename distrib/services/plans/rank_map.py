"""Ranks that a plan version drops: refused without a map, carried over with one.

From the version's ``effective_from`` on a shop holds what ``rank_map`` names; a dated row says so. What was held
before, and the orders paid before, stay as they are. No SQL may enter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from distrib.domain.plans.plan import Plan
from distrib.domain.plans.refusals import RankMapRequired
from distrib.domain.ranks.history import Ladder, RankHistory, row_reason
from distrib.store.network import standing
from distrib.store.network.standing import RenamedRanks
from distrib.store.ranks import figures
from distrib.store.ranks.figures import RankChange
from distrib.store.recorded import Recorded

SHOPS_CHUNK = 20_000


def check_held_ranks(conn: Connection, program_id: int, plan: Plan) -> None:
    """Refuses a plan that drops ranks which shops hold and maps them to nothing.

    Raises:
        Refusal: ``rank_map_required`` with the ranks and how many shops hold each.
    """
    known = {*plan.rank_indexes, *plan.rank_map}
    dropped = {rank: shops for rank, shops in standing.ranks_held(conn, program_id).items() if rank not in known}
    if dropped:
        raise RankMapRequired(ranks=", ".join(f"{rank} ({dropped[rank]:,})" for rank in sorted(dropped)))


class MappedRanks(Protocol):
    """Ranks that a version may map, wherever they are."""

    def shops_with_ranks(self, ranks: Sequence[str]) -> Sequence[int]:
        """The shops that ever got one of the ranks, those from a later instant on included."""

    def rename_later_ranks(self, names: Mapping[str, str], since: datetime, until: datetime | None) -> None:
        """Writes again, under their new codes, the ranks that take effect from ``since`` to before ``until``."""

    def rank_rows(self, shops: Sequence[int]) -> Sequence[tuple[int, datetime, str | None, str]]:
        """The ranks that those shops were given, in the order in which they hold."""

    def insert(self, changes: Sequence[RankChange]) -> None:
        """Writes changes of rank, in their order."""


class StoredMappedRanks:
    """The same in the database.

    Args:
        by: who publishes the version.
    """

    def __init__(self, conn: Connection, program_id: int, by: str, now: datetime) -> None:
        self._conn, self._number, self._by, self._now = conn, program_id, by, now

    def shops_with_ranks(self, ranks: Sequence[str]) -> Sequence[int]:
        """Reads ``MappedRanks.shops_with_ranks``."""
        return standing.shops_with_ranks(self._conn, self._number, ranks)

    def rename_later_ranks(self, names: Mapping[str, str], since: datetime, until: datetime | None) -> None:
        """Writes ``MappedRanks.rename_later_ranks``."""
        renamed = RenamedRanks(names, since, until)
        standing.rename_later_ranks(self._conn, self._number, renamed, Recorded(self._now, self._by))

    def rank_rows(self, shops: Sequence[int]) -> Sequence[tuple[int, datetime, str | None, str]]:
        """Reads ``MappedRanks.rank_rows``."""
        return figures.rank_rows(self._conn, self._number, shops)

    def insert(self, changes: Sequence[RankChange]) -> None:
        """Writes ``MappedRanks.insert``."""
        figures.insert_rank_changes(self._conn, self._number, changes, self._by, self._now)


def map_ranks(ranks: MappedRanks, ladder: Ladder, plan: Plan, effective_from: datetime) -> None:
    """Records the rank that the version's map names for every shop that holds, or is to hold, a dropped one.

    Args:
        ladder: of the timeline with the version on it.
        plan: the version's.
    """
    if not plan.rank_map:
        return
    ranks.rename_later_ranks(plan.rank_map, effective_from, ladder.next_after(effective_from))
    for shops in _chunks(ranks.shops_with_ranks(list(plan.rank_map))):
        history = RankHistory(ranks.rank_rows(shops), ladder)
        changes = [
            RankChange(shop_no, row.effective_at, row.rank, row.cause, json.dumps(row_reason(row), ensure_ascii=False))
            for shop_no in shops
            for row in history.complete(shop_no, effective_from, plan)
        ]
        ranks.insert(changes)


def _chunks(shops: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(shops), SHOPS_CHUNK):
        yield shops[start : start + SHOPS_CHUNK]
