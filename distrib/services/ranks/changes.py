"""Who rose and who fell, and why: changes of rank of all shops, the newest first. No SQL may enter."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from distrib.domain.json_values import Json
from distrib.domain.plans.plan import Plan
from distrib.domain.ranks.history import EVALUATION, HAND, PROMOTION, Ladder, known_rank
from distrib.services.context import Unit, format_period
from distrib.services.plans.versions import ladder_of, load_timeline
from distrib.store.ranks import changes as rows
from distrib.store.ranks import evaluations
from distrib.store.ranks.changes import ChangePlace, MadeChanges, RankChangeRow
from distrib.store.recorded import Part

DECIDED: Final = (PROMOTION, EVALUATION, HAND)
"""Causes that change what a shop has; the others only repeat what follows from these."""
BY_EVALUATION: Final = (PROMOTION, EVALUATION)
ROSE, FELL = "rose", "fell"
DIRECTIONS: Final = (ROSE, FELL)


@dataclass(frozen=True, slots=True)
class RankMove:
    """A change of a shop's rank: from which one to which, why, and by which evaluation."""

    shop_id: str
    name: str | None
    from_rank: str | None
    rank: str | None
    direction: str | None
    cause: str
    evaluation: str | None
    reason: Json
    effective_at: datetime
    recorded_at: datetime
    recorded_by: str


def list_rank_changes(
    unit: Unit, cause: str | None, evaluation: int | None, place: tuple[str, int] | None, limit: int
) -> tuple[list[RankMove], tuple[str, int] | None]:
    """Lists changes of rank by from when they hold, the newest first, and after what the next page begins.

    Args:
        cause: of them; all that are decided without one.
        evaluation: those that the evaluation of that month (202603) made; none where it has none.
        place: what the page begins after, as it was answered.
    """
    before = None if place is None else (datetime.fromisoformat(place[0]), place[1])
    part = Part(before, limit + 1)
    causes = DECIDED if cause is None else (cause,)
    if evaluation is None:
        listed = rows.list_changes(unit.conn, unit.program_id, causes, part)
    else:
        listed = _of_evaluation(unit, evaluation, cause, part)
    ladder = ladder_of(load_timeline(unit.conn, unit.program)) if listed else Ladder()
    page = listed[:limit]
    follows = (page[-1].effective_at.isoformat(), page[-1].seq) if len(listed) > limit else None
    return [_view(ladder, row) for row in page], follows


def _of_evaluation(unit: Unit, period: int, cause: str | None, part: Part[ChangePlace | None]) -> list[RankChangeRow]:
    made = evaluations.find_evaluation(unit.conn, unit.program_id, period)
    causes = [known for known in BY_EVALUATION if cause in (None, known)]
    if made is None or not causes:
        return []
    begins = json.dumps({"evaluation": format_period(period)})[:-1]
    return rows.of_evaluation(unit.conn, unit.program_id, causes, MadeChanges(made.effective_at, begins), part)


def _view(ladder: Ladder, row: RankChangeRow) -> RankMove:
    """A change as it is shown; from which rank it came is what the reason says, else what the row before left."""
    reason: Json = row.reason if row.cause == HAND else json.loads(row.reason)
    decided = reason if isinstance(reason, dict) else {}
    plan = ladder.plan_at(row.effective_at)
    said, evaluation = decided.get("from", row.rank_before), decided.get("evaluation")
    from_rank, to_rank = said if isinstance(said, str) else None, row.rank
    if plan is not None:
        from_rank, to_rank = known_rank(plan, from_rank), known_rank(plan, to_rank)
    return RankMove(
        shop_id=row.shop_id,
        name=row.name,
        from_rank=from_rank,
        rank=row.rank,
        direction=_direction(plan, from_rank, to_rank),
        cause=row.cause,
        evaluation=evaluation if isinstance(evaluation, str) else None,
        reason=reason,
        effective_at=row.effective_at,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
    )


def _direction(plan: Plan | None, from_rank: str | None, to_rank: str | None) -> str | None:
    """Whether the shop rose or fell by it; None where it is neither, or no plan says which is higher."""
    if plan is None or from_rank is None or to_rank is None or from_rank == to_rank:
        return None
    return ROSE if plan.rank_index(to_rank) > plan.rank_index(from_rank) else FELL
