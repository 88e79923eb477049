"""Monthly evaluations of ranks, as they are answered."""

from __future__ import annotations

from marshmallow import fields

from distrib.api.http.auth import PARTNER, STAFF
from distrib.api.schemas.fields import (
    Choice,
    Currency,
    Flag,
    Identifier,
    Inner,
    Instant,
    Listed,
    Period,
    PlainText,
    Shape,
    Whole,
)
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.api.schemas.visible import Visible, paged, within
from distrib.domain.money import MAX_SUM_MINOR
from distrib.domain.plans.conditions import METRICS
from distrib.domain.ranks.history import RANK_CAUSES
from distrib.domain.ranks.progress import ALL, ANY, CUSTOMERS, KINDS, MINOR, ORDERS, SHOPS
from distrib.services.ranks.changes import DIRECTIONS


class EvaluationSchema(Shape):
    """One month's evaluation."""

    program = PlainText(required=True)
    month = PlainText(required=True, metadata={"description": "as 2026-03"})
    effective_at = Instant(required=True, metadata={"description": "the start of the next month"})
    shops = Whole(required=True, metadata={"description": "how many were judged"})
    promoted = Whole(required=True)
    lowered = Whole(required=True, metadata={"description": "failed keep more often than grace allows"})
    taken_back = Whole(required=True, metadata={"description": "promotions whose basis was refunded"})
    failing = Whole(required=True, metadata={"description": "failed keep, within grace or not"})
    evaluated_at = Instant(required=True)
    evaluated_by = PlainText(required=True)


EvaluationsPageSchema = page_of(EvaluationSchema, "EvaluationsPage")


class RankMovesQuerySchema(PageQuerySchema):
    """Which changes of rank; with ``evaluation`` those that this month's made."""

    cause = Choice(RANK_CAUSES, load_default=None, metadata={"description": "promotion, evaluation and hand without"})
    evaluation = Period(load_default=None)


class RankMoveSchema(Shape):
    """A shop that rose or fell, with the words or the figures that decided it."""

    shop_id = Identifier(required=True)
    name = PlainText(required=True, allow_none=True)
    from_rank = PlainText(required=True, allow_none=True)
    rank = PlainText(required=True, allow_none=True, metadata={"description": "null: what was set by hand ended"})
    direction = Choice(DIRECTIONS, required=True, allow_none=True, metadata={"description": "null: neither"})
    cause = Choice(RANK_CAUSES, required=True)
    evaluation = PlainText(required=True, allow_none=True, metadata={"description": "the month that decided it"})
    reason = fields.Raw(required=True, allow_none=True)
    effective_at = Instant(required=True)
    recorded_at = Instant(required=True)
    recorded_by = PlainText(required=True)


RankMovesPageSchema = page_of(RankMoveSchema, "RankMovesPage")


class RankConditionSchema(Shape):
    """A threshold with what the shop has of it, or several of which all or any must be met."""

    kind = Choice(KINDS, required=True, metadata={"description": "figure: one threshold; all, any: its parts"})
    met = Flag(required=True, allow_none=True, metadata={"description": "null where that hangs on an unknown figure"})
    condition = Choice(METRICS, metadata={"description": "the metric of the plan"})
    window = PlainText(metadata={"description": "Nd, month, or ever"})
    since = Instant(allow_none=True, metadata={"description": "from when on it counts; null: since ever"})
    levels = Whole(low=1, allow_none=True, metadata={"description": "how many levels below count"})
    min_rank = PlainText(allow_none=True, metadata={"description": "from which rank on a recruit counts"})
    have = Whole(
        low=-MAX_SUM_MINOR,
        allow_none=True,
        metadata={"description": "null: the team is too large to add up at once"},
    )
    need = Whole()
    unit = Choice((MINOR, ORDERS, CUSTOMERS, SHOPS))
    currency = Currency(allow_none=True)
    parts = Listed(Inner("RankConditionSchema"))


class NextRankSchema(Shape):
    """What a shop has and lacks for its next rank."""

    shop_id = Identifier(required=True)
    rank = PlainText(required=True, allow_none=True, metadata={"description": "null: no plan is in force"})
    coming_rank = PlainText(
        required=True, allow_none=True, metadata={"description": "earned already, and held from effective_at on"}
    )
    next_rank = PlainText(required=True, allow_none=True, metadata={"description": "null at the top"})
    as_of = Instant(required=True)
    effective_at = Instant(required=True, metadata={"description": "from when it would hold, were it earned today"})
    met = Flag(required=True, allow_none=True)
    takes = Choice(
        (ALL, ANY), required=True, allow_none=True, metadata={"description": "null: it is given by hand alone"}
    )
    conditions = Listed(Inner(RankConditionSchema), required=True)


class NearRanksQuerySchema(PageQuerySchema):
    """Which rank is near."""

    rank = PlainText(high=40, load_default=None, metadata={"description": "the one to come; any without"})


class NearRankSchema(Shape):
    """A shop that is near its next rank, as of the list's ``as_of``."""

    shop_id = Identifier(required=True)
    name = PlainText(required=True, allow_none=True)
    rank = PlainText(required=True, metadata={"description": "that it holds, or has earned and holds tomorrow"})
    next_rank = PlainText(required=True)
    share = PlainText(
        required=True,
        metadata={"description": "of what it takes: of all the least, of any the most", "examples": ["0.9"]},
    )
    takes = Choice((ALL, ANY), required=True)
    conditions = Listed(Inner(RankConditionSchema), required=True, metadata={"description": "every threshold"})


class NearRanksPageSchema(Shape):
    """A page of those who are near."""

    data = Listed(Inner(NearRankSchema), required=True)
    next_cursor = PlainText(high=2_000, required=True, allow_none=True)
    as_of = Instant(required=True, allow_none=True, metadata={"description": "null: not worked out yet"})
    shops = Whole(required=True, allow_none=True, metadata={"description": "how many were looked at"})


# Who sees what: a condition may hold others, which show what it shows. Lists of many shops are for staff.
_CONDITION = (
    "kind",
    "met",
    "condition",
    "window",
    "since",
    "levels",
    "min_rank",
    "have",
    "need",
    "unit",
    "currency",
    "parts",
)
_NEXT_RANK = (
    "shop_id",
    "rank",
    "coming_rank",
    "next_rank",
    "as_of",
    "effective_at",
    "met",
    "takes",
    *within("conditions", _CONDITION),
)
_NEAR_RANK = ("shop_id", "name", "rank", "next_rank", "share", "takes", *within("conditions", _CONDITION))
_EVALUATION = (
    "program",
    "month",
    "effective_at",
    "shops",
    "promoted",
    "lowered",
    "taken_back",
    "failing",
    "evaluated_at",
    "evaluated_by",
)
_MOVE = (
    "shop_id",
    "name",
    "from_rank",
    "rank",
    "direction",
    "cause",
    "evaluation",
    "reason",
    "effective_at",
    "recorded_at",
    "recorded_by",
)
NEXT_RANK = Visible(NextRankSchema, dict.fromkeys((PARTNER, *STAFF), _NEXT_RANK))
NEAR_RANKS = Visible(NearRanksPageSchema, dict.fromkeys(STAFF, (*paged(_NEAR_RANK), "as_of", "shops")))
EVALUATIONS = Visible(EvaluationsPageSchema, dict.fromkeys(STAFF, paged(_EVALUATION)))
RANK_MOVES = Visible(RankMovesPageSchema, dict.fromkeys(STAFF, paged(_MOVE)))
