"""The monthly evaluations of ranks; the ranks of a shop stand with the shops."""

from __future__ import annotations

from typing import Any

from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.calls.partners import must_be_own
from distrib.api.http.answers import Answer
from distrib.api.schemas.lists import PageQuerySchema
from distrib.api.schemas.ranks import (
    EVALUATIONS,
    NEAR_RANKS,
    NEXT_RANK,
    RANK_MOVES,
    NearRanksQuerySchema,
    RankMovesQuerySchema,
)
from distrib.domain.ranks.progress import ALL, ANY, MINOR, UNITS, RankProgress
from distrib.services.ranks import evaluation as service
from distrib.services.ranks import near
from distrib.services.ranks.changes import list_rank_changes as list_moves
from distrib.services.ranks.next_rank import counted_from, next_rank

ranks = Resource("ranks", "Ranks 等级 and their monthly evaluation 月度考核")


@ranks.operation("GET", "/ranks/evaluations", {200: EVALUATIONS}, Takes(query=PageQuerySchema))
def list_evaluations(call: Call) -> Answer:
    """The months that were evaluated, newest first, and what each came to; the reasons stand with the shops."""
    listing = call.listing("evaluations")
    after = listing.place(call.query["cursor"])
    rows, follows = service.list_evaluations(call.conn, call.program, after, call.query["limit"])
    return Answer(listing.page([service.evaluation_view(call.program, row) for row in rows], follows))


@ranks.operation("GET", "/ranks/changes", {200: RANK_MOVES}, Takes(query=RankMovesQuerySchema))
def list_rank_changes(call: Call) -> Answer:
    """Who rose and who fell, when and why, of all shops, the newest first."""
    cause, evaluation = call.query["cause"], call.query["evaluation"]
    listing = call.listing(f"rank changes {cause} {evaluation}")
    place = listing.place(call.query["cursor"])
    rows, follows = list_moves(call.unit, cause, evaluation, place, call.query["limit"])
    return Answer(listing.page(rows, follows))


@ranks.operation("GET", "/ranks/near", {200: NEAR_RANKS}, Takes(query=NearRanksQuerySchema))
def list_near_ranks(call: Call) -> Answer:
    """Who is near the next rank, with what each condition takes and what is there, the nearest first.

    Worked out over all shops every hour, and daily where there are many; ``as_of`` says when.
    """
    rank = call.query["rank"]
    listing = call.listing(f"near ranks {rank}")
    place = listing.place(call.query["cursor"])
    rows, follows, run = near.list_near_ranks(call.conn, call.program, rank, place, call.query["limit"])
    figures = {"as_of": None if run is None else run.as_of, "shops": None if run is None else run.shops}
    return Answer(listing.page(rows, follows) | figures)


@ranks.operation("GET", "/shops/<id:shop_id>/next-rank", {200: NEXT_RANK}, refusals=("shop_unknown",))
def get_next_rank(call: Call, shop_id: str) -> Answer:
    """What a shop has and lacks for the plan's next higher rank, condition by condition, as of now."""
    must_be_own(call, shop_id)
    reached = next_rank(call.unit, shop_id)
    progress = reached.progress
    parts = () if progress is None else (progress.parts if progress.kind in (ALL, ANY) else (progress,))
    return Answer(
        {
            "shop_id": reached.shop_id,
            "rank": reached.rank,
            "coming_rank": reached.coming_rank,
            "next_rank": reached.next_rank,
            "as_of": reached.as_of,
            "effective_at": reached.effective_at,
            "met": None if progress is None else progress.is_met,
            "takes": None if progress is None else (ANY if progress.kind == ANY else ALL),
            "conditions": [_condition(call, part) for part in parts],
        }
    )


def _condition(call: Call, progress: RankProgress) -> dict[str, Any]:
    metric = progress.metric
    view: dict[str, Any] = {"kind": progress.kind, "met": progress.is_met}
    if metric is None:
        return view | {"parts": [_condition(call, part) for part in progress.parts]}
    unit = UNITS[metric.name]
    return view | {
        "condition": metric.name,
        "window": metric.window,
        "since": counted_from(call.program, metric, call.now),
        "levels": metric.levels or None,
        "min_rank": metric.min_rank or None,
        "have": progress.have,
        "need": progress.need,
        "unit": unit,
        "currency": call.program.currency if unit == MINOR else None,
    }
