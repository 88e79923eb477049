"""Monthly evaluations of ranks, as they are answered."""

from __future__ import annotations

from distrib.api.schemas.fields import (
    Choice,
    Currency,
    Flag,
    Identifier,
    Inner,
    Instant,
    Listed,
    PlainText,
    Shape,
    Whole,
)
from distrib.api.schemas.lists import page_of
from distrib.domain.money import MAX_SUM_MINOR
from distrib.domain.plans.conditions import METRICS
from distrib.domain.ranks.progress import ALL, ANY, CUSTOMERS, KINDS, MINOR, ORDERS, SHOPS


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
