"""Promotions whose condition does not hold any more at its look, now that refunds are known (plan.md, Ranks).

An evaluation takes them back: what a shop has earned is then what its other rows say. No SQL may enter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from distrib.domain.plans.plan import Plan
from distrib.domain.ranks.history import Ladder
from distrib.domain.ranks.promotion import decided, holds, leaves
from distrib.services.context import Program
from distrib.services.ranks.promotion import Asked, figures_of
from distrib.store.ranks import evaluations as store
from distrib.store.ranks.evaluations import PromotedRow

SHOPS_AT_ONCE = 20_000
ALL_REFUNDS = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Since:
    """Where the evaluation before left off: promotions after that instant, or by newer rows, are looked at."""

    instant: datetime
    seq: int


@dataclass(slots=True)
class _Promotion:
    """A look that led to a promotion, and the rows that it wrote."""

    shop_no: int
    at: datetime
    rank: str
    rows: set[int]


@dataclass(frozen=True, slots=True)
class Unfounded:
    """A promotion that lacks its basis: its rows, and the numbers as they are now."""

    rows: frozenset[int]
    shown: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A shop with promotions to be taken back, and what it has earned without them."""

    shop_no: int
    before: str | None
    now: str | None
    unfounded: Sequence[Unfounded]


def take_back(
    conn: Connection,
    program: Program,
    ladder: Ladder,
    shops: Sequence[int],
    since: Since,
    last_instant: datetime,
    effective_at: datetime,
) -> Iterator[TakenBack]:
    """Which of the shops lose promotions made since the evaluation before, and what remains.

    Args:
        shops: those whose figures a refund may have changed.
        last_instant: of the month; ``before`` is what was earned by then.
        effective_at: the start of the next month; ``now`` is what is earned by then.
    """
    for start in range(0, len(shops), SHOPS_AT_ONCE):
        some = shops[start : start + SHOPS_AT_ONCE]
        rows = store.promotions(conn, program.program_id, some, since.instant, since.seq, effective_at)
        unfounded = _unfounded(conn, program, ladder, _by_look(rows))
        earned = store.earned_rows(conn, program.program_id, list(unfounded), effective_at)
        for shop_no, found in unfounded.items():
            gone = frozenset().union(*(one.rows for one in found))
            left = [(at, rank) for at, seq, rank in earned[shop_no] if seq not in gone]
            yield TakenBack(
                shop_no,
                next((ladder.carry(rank, at, last_instant) for at, rank in reversed(left) if at <= last_instant), None),
                next((rank for _, rank in reversed(left)), None),
                found,
            )


def _by_look(rows: Sequence[PromotedRow]) -> list[_Promotion]:
    """One entry a look: what came late was written for later instants too."""
    looks: dict[tuple[int, str, str], _Promotion] = {}
    for row in rows:
        reason = json.loads(row.reason)
        if "conditions" in reason:
            key = (row.shop_no, reason["at"], reason["to"])
            look = _Promotion(row.shop_no, datetime.fromisoformat(reason["at"]), reason["to"], set())
            looks.setdefault(key, look).rows.add(row.seq)
    return list(looks.values())


def _unfounded(
    conn: Connection, program: Program, ladder: Ladder, looks: Sequence[_Promotion]
) -> dict[int, list[Unfounded]]:
    found: dict[int, list[Unfounded]] = {}
    for plan, some in _by_plan(ladder, looks):
        metrics = sorted({leaf.metric for look in some for leaf in leaves(_condition(plan, look))})
        asked = [Asked(look.shop_no, look.at, look.at, ALL_REFUNDS) for look in some]
        columns = {metric: figures_of(conn, program, plan, metric, asked) for metric in metrics}
        for place, look in enumerate(some):
            figures = {metric: column[place] for metric, column in columns.items()}
            if not holds(_condition(plan, look), figures):
                conditions = decided(_condition(plan, look), figures)
                shown = {"at": look.at.isoformat(), "to": look.rank, "conditions": conditions}
                found.setdefault(look.shop_no, []).append(Unfounded(frozenset(look.rows), shown))
    return found


def _by_plan(ladder: Ladder, looks: Sequence[_Promotion]) -> list[tuple[Plan, list[_Promotion]]]:
    groups: dict[int, tuple[Plan, list[_Promotion]]] = {}
    for look in looks:
        plan = ladder.plan_at(look.at)
        if plan is not None and look.rank in plan.rank_indexes and plan.ranks[plan.rank_index(look.rank)].promote:
            groups.setdefault(id(plan), (plan, []))[1].append(look)
    return list(groups.values())


def _condition(plan: Plan, look: _Promotion) -> Any:
    return plan.ranks[plan.rank_index(look.rank)].promote
