"""Ranks that a plan version drops: refused without a map, carried over with one.

From the version's ``effective_from`` on a shop holds what ``rank_map`` names; a dated row says so. What was held
before, and the orders paid before, stay as they are. No SQL may enter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.plans.plan import Plan
from distrib.domain.plans.refusals import RankMapRequired
from distrib.domain.ranks.history import Ladder, RankHistory, row_reason
from distrib.store.network import standing
from distrib.store.ranks import figures
from distrib.store.ranks.figures import RankChange

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


def map_ranks(
    conn: Connection, program_id: int, ladder: Ladder, plan: Plan, effective_from: datetime, by: str, now: datetime
) -> None:
    """Records the rank that the version's map names for every shop that holds, or is to hold, a dropped one.

    Args:
        ladder: of the timeline with the version on it.
        plan: the version's.
    """
    if not plan.rank_map:
        return
    until = ladder.next_after(effective_from)
    standing.rename_later_ranks(conn, program_id, plan.rank_map, effective_from, until, by, now)
    for shops in _chunks(standing.shops_with_ranks(conn, program_id, list(plan.rank_map))):
        history = RankHistory(figures.rank_rows(conn, program_id, shops), ladder)
        changes = [
            RankChange(shop_no, row.effective_at, row.rank, row.cause, json.dumps(row_reason(row), ensure_ascii=False))
            for shop_no in shops
            for row in history.complete(shop_no, effective_from, plan)
        ]
        figures.insert_rank_changes(conn, program_id, changes, by, now)


def _chunks(shops: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(shops), SHOPS_CHUNK):
        yield shops[start : start + SHOPS_CHUNK]
