"""What a shop has and lacks for its next rank: the figures that a promotion would read, as they stand now.

Nothing is decided here; when the day is through, ``promotion`` reads the same figures and decides. No SQL may enter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from distrib.domain.identifiers import is_identifier
from distrib.domain.network.refusals import ShopUnknown
from distrib.domain.plans.plan import Plan
from distrib.domain.ranks.history import RankHistory, known_rank
from distrib.domain.ranks.progress import RankProgress, progress_of
from distrib.domain.ranks.promotion import Metric, leaves, promotion_effective_at, window_start
from distrib.services.context import Program, Unit
from distrib.services.plans.versions import ladder_of, load_timeline
from distrib.services.ranks.facts import StoredRanks
from distrib.services.ranks.promotion import PromotionCheck, figures_of
from distrib.store.network import shops, tree
from distrib.store.network.tree import Downline
from distrib.store.ranks import figures as rows

MOST_TEAM: Final = 20_000
"""So many shops are added up for an answer; the figure of a larger team is not known until the day is through."""


@dataclass(frozen=True, slots=True)
class NextRank:
    """A shop's rank, the one after it, and what that takes.

    Args:
        rank: that holds now; None without a plan in force.
        coming_rank: what it has earned already and holds from ``effective_at`` on; None where that is the same.
        next_rank: None at the top.
        effective_at: from when it would hold, were its conditions met today.
        progress: None where the next rank is given by hand alone, and at the top.
    """

    shop_id: str
    rank: str | None
    coming_rank: str | None
    next_rank: str | None
    as_of: datetime
    effective_at: datetime
    progress: RankProgress | None


def next_rank(unit: Unit, shop_id: str) -> NextRank:
    """Reads what a shop has of the conditions of the plan's next higher rank.

    Raises:
        Refusal: ``shop_unknown``.
    """
    row = shops.show(unit.conn, unit.program_id, shop_id, unit.now) if is_identifier(shop_id) else None
    if row is None:
        raise ShopUnknown(id=shop_id)
    timeline, effective_at = load_timeline(unit.conn, unit.program), promotion_effective_at(unit.now, unit.program.zone)
    entry = timeline.in_force(unit.now)
    if entry is None:
        return NextRank(shop_id, None, None, None, unit.now, effective_at, None)
    plan = entry.plan
    history = RankHistory(rows.rank_rows(unit.conn, unit.program_id, [row.shop_no]), ladder_of(timeline))
    held = known_rank(plan, row.rank)
    highest = max(held, history.earned(row.shop_no, effective_at, plan), key=plan.rank_index)
    coming = highest if highest != held else None
    above = plan.ranks[plan.rank_index(highest) + 1 :]
    if not above:
        return NextRank(shop_id, held, coming, None, unit.now, effective_at, None)
    condition = above[0].promote
    progress = None
    if condition is not None:
        metrics = sorted({leaf.metric for leaf in leaves(condition)})
        progress = progress_of(condition, _figures(unit, plan, row.shop_no, metrics))
    return NextRank(shop_id, held, coming, above[0].code, unit.now, effective_at, progress)


def counted_from(program: Program, metric: Metric, as_of: datetime) -> datetime | None:
    """Computes from when on a metric counts; None: since ever."""
    return window_start(metric.window, as_of, program.zone)


def _figures(unit: Unit, plan: Plan, shop_no: int, metrics: list[Metric]) -> dict[Metric, int | None]:
    """Reads the figures as a promotion at this instant would; None where the team is too large to be added up."""
    reach = max(metric.reach for metric in metrics)
    team = Downline(shop_no, unit.now, reach)
    is_large = reach > 0 and tree.is_larger(unit.conn, unit.program_id, team, MOST_TEAM)
    rows.prefer_indexes(unit.conn)
    check, facts = PromotionCheck(shop_no, unit.now, unit.now, unit.now), StoredRanks(unit.conn, unit.program_id)
    return {
        metric: None if is_large and metric.reach else figures_of(facts, unit.program, plan, metric, [check])[0]
        for metric in metrics
    }
