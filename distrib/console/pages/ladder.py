"""The ranks of the plan in force, as the pages of shops and ranks show them."""

from __future__ import annotations

from distrib.console.frame import Visit
from distrib.domain.plans.plan import Plan
from distrib.services.plans.versions import TimelineEntry, load_timeline


def plan_in_force(visit: Visit) -> TimelineEntry | None:
    """The published version that decides now; None where no plan is in force."""
    return load_timeline(visit.desk.conn, visit.desk.program).in_force(visit.desk.now)


def rank_codes(visit: Visit) -> list[str]:
    """The ranks of the plan in force, the lowest first."""
    entry = plan_in_force(visit)
    return [] if entry is None else codes_of(entry.plan)


def codes_of(plan: Plan) -> list[str]:
    """The codes of a plan's ranks, the lowest first."""
    return [rank.code for rank in plan.ranks]
