"""Who is near the next rank: worked out over all shops by the workers, kept, and read page by page.

The figures are those that the monthly evaluation reads, as of the instant at which the list is worked out. What a shop
has this minute is ``next_rank``'s to say. No SQL may enter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NotRequired, TypedDict

import numpy as np
from sqlalchemy import Connection

from distrib.columns.nearness import nearest, shares
from distrib.columns.tree import Integers
from distrib.domain.json_values import Json
from distrib.domain.money import show_ratio
from distrib.domain.plans.conditions import AnyOf, Metric
from distrib.domain.plans.plan import Plan
from distrib.domain.ranks.progress import ALL, ANY, FIGURE, MINOR, UNITS
from distrib.domain.ranks.promotion import decisive_figures, promotion_effective_at, promotion_metrics
from distrib.services.context import Program, Unit
from distrib.services.plans.versions import ladder_of, load_timeline
from distrib.services.ranks.facts import StoredRanks
from distrib.services.ranks.figures import RankFigures, Shops, shops_at
from distrib.store.ranks import columns
from distrib.store.ranks import near as store
from distrib.store.ranks.near import NearRow, NearRun, NearShop
from distrib.store.runs_over_shops import RunPace

MOST_KEPT: Final = 1_000
"""So many shops of each rank are kept, the nearest."""
MANY_SHOPS: Final = 20_000
OFTEN: Final = timedelta(hours=1)
"""How old the list may be of a program of up to ``MANY_SHOPS`` shops."""
SLOWLY: Final = timedelta(days=1)
"""And of a larger one, whose figures are read for a minute."""


def programs_due(conn: Connection, now: datetime, limit: int = 100) -> list[int]:
    """Lists the programs whose list is to be worked out again, the longest due first."""
    return store.NEAR_RUNS.programs_due(conn, now, RunPace(OFTEN, SLOWLY, MANY_SHOPS), limit)


def keep_near_ranks(unit: Unit) -> bool:
    """Works out who is near the next rank and keeps it in place of what was; False where somebody else does."""
    if not store.NEAR_RUNS.try_lock(unit.conn, unit.program_id):
        return False
    columns.allow_long_reads(unit.conn)
    timeline = load_timeline(unit.conn, unit.program)
    entry = timeline.in_force(unit.now)
    if entry is None or not entry.plan.has_promotions:
        run = NearRun(unit.now, None if entry is None else entry.version_no, 0)
        store.replace_list(unit.conn, unit.program_id, run, [])
        return True
    facts = StoredRanks(unit.conn, unit.program_id)
    shops = shops_at(facts, unit.now)
    reader = RankFigures(facts, unit.program, ladder_of(timeline), shops, unit.now)
    figures = reader.read(entry.plan, promotion_metrics(entry.plan))
    tomorrow = promotion_effective_at(unit.now, unit.program.zone)
    earned, _ = reader.earned_ranks(entry.plan, tomorrow, unit.now)
    highest = np.maximum(earned, reader.held_ranks(entry.plan))
    near = list(_near(entry.plan, shops, highest, figures))
    store.replace_list(unit.conn, unit.program_id, NearRun(unit.now, entry.version_no, shops.count), near)
    return True


class _KeptFigure(TypedDict):
    metric: str
    window: Json
    figure: int
    at_least: int
    holds: bool
    levels: NotRequired[int | None]
    min_rank: NotRequired[str | None]


class _KeptNear(TypedDict):
    """What is kept of a shop that is near, as JSON."""

    takes: str
    conditions: list[_KeptFigure]


@dataclass(frozen=True, slots=True)
class NearCondition:
    """A threshold of the next rank: what the shop has, and what it needs."""

    kind: str
    met: bool
    condition: str
    window: Json
    levels: int | None
    min_rank: str | None
    have: int
    need: int
    unit: str
    currency: str | None


@dataclass(frozen=True, slots=True)
class NearView:
    """A shop that is near its next rank; ``takes`` says whether one condition or all are to be met."""

    shop_id: str
    name: str | None
    rank: str
    next_rank: str
    share: str
    takes: str
    conditions: list[NearCondition]


def list_near_ranks(
    conn: Connection, program: Program, rank: str | None, place: tuple[int, int] | None, limit: int
) -> tuple[list[NearView], tuple[int, int] | None, NearRun | None]:
    """Lists the shops nearest to a rank (to any, without one), after what the next page begins, and of when it is."""
    listed = store.list_near(conn, program.program_id, rank, place, limit + 1)
    page = listed[:limit]
    follows = (page[-1].share_ppm, page[-1].shop_no) if len(listed) > limit else None
    return [_view(program, row) for row in page], follows, store.last_run(conn, program.program_id)


def _near(plan: Plan, shops: Shops, highest: Integers, figures: Mapping[Metric, Integers]) -> Iterator[NearShop]:
    """Yields the nearest shops of each rank that is won by figures: those that stand one below it."""
    for below, rank in enumerate(plan.ranks[1:]):
        if rank.promote is None:
            continue
        share = shares(rank.promote, figures, shops.count)
        for place in nearest(share, highest == below, MOST_KEPT):
            own = {metric: int(column[place]) for metric, column in figures.items()}
            takes = ANY if isinstance(rank.promote, AnyOf) else ALL
            kept = {"takes": takes, "conditions": decisive_figures(rank.promote, own)}
            text = json.dumps(kept, ensure_ascii=False)
            yield NearShop(int(shops.numbers[place]), plan.ranks[below].code, rank.code, int(share[place]), text)


def _view(program: Program, row: NearRow) -> NearView:
    kept: _KeptNear = json.loads(row.figures)
    return NearView(
        shop_id=row.shop_id,
        name=row.name,
        rank=row.rank,
        next_rank=row.next_rank,
        share=show_ratio(row.share_ppm),
        takes=kept["takes"],
        conditions=[_condition(program, figure) for figure in kept["conditions"]],
    )


def _condition(program: Program, figure: _KeptFigure) -> NearCondition:
    """A threshold as what lacks to the next rank is shown, wherever it stands in the condition."""
    unit = UNITS[figure["metric"]]
    return NearCondition(
        kind=FIGURE,
        met=figure["holds"],
        condition=figure["metric"],
        window=figure["window"],
        levels=figure.get("levels"),
        min_rank=figure.get("min_rank"),
        have=figure["figure"],
        need=figure["at_least"],
        unit=unit,
        currency=program.currency if unit == MINOR else None,
    )
