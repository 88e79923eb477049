"""Monthly evaluations of ranks, as they are answered."""

from __future__ import annotations

from distrib.api.schemas.fields import Instant, PlainText, Shape, Whole
from distrib.api.schemas.lists import page_of


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
