"""Simulations as they are asked for and shown. What a plan document may hold is the plan language's business."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import ValidationError, fields, validates_schema

from distrib.api.http.words import say
from distrib.api.schemas.fields import (
    Choice,
    Day,
    Identifier,
    Inner,
    Instant,
    Listed,
    PlainText,
    QueryWhole,
    Shape,
    Total,
    Whole,
)
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.api.schemas.plans import FindingSchema, PlanDocumentSchema
from distrib.services.orders.codec import CHANNELS
from distrib.services.simulations.asking import STATES
from distrib.services.simulations.running import AS_WERE, KNOWN, MOST_CANDIDATES, RANKS, REFUNDS

_PLAN: Final[dict[str, Any]] = {
    "type": "object",
    "description": "a plan document, or {code, version} of a version that is known",
}


class SimulationDraftSchema(Shape):
    """What is asked: a plan, or up to five side by side, on orders paid from (included) to (not included)."""

    plan = fields.Dict(load_default=None, allow_none=True, metadata=_PLAN)
    plans = Listed(fields.Dict(metadata=_PLAN), low=1, high=MOST_CANDIDATES, load_default=None, allow_none=True)
    since = Instant(data_key="from", required=True)
    until = Instant(data_key="to", required=True)
    refunds = Choice(
        REFUNDS, load_default=KNOWN, metadata={"description": "with all that came back, or as if nothing had"}
    )
    ranks = Choice(
        RANKS,
        load_default=AS_WERE,
        metadata={"description": "those of each order's snapshot, or by the plan's own conditions, day by day"},
    )
    ranks_from = Instant(
        load_default=None,
        metadata={"description": "from when on ranks are replayed; from the beginning of the span if not given"},
    )

    @validates_schema(skip_on_field_errors=True)
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        if (data["plan"] is None) == (data["plans"] is None):
            raise ValidationError([say("either_or", one="plan", other="plans")], "plan")


class SimulationProgressSchema(Shape):
    """How many orders are through, of how many; null before it began. It stays as it was when the simulation ended."""

    orders_done = Whole(low=0, required=True)
    orders_total = Whole(low=0, required=True, allow_none=True)


class CandidateVersionSchema(Shape):
    """A candidate by its code, and its version where one was named, or else its document."""

    code = PlainText(required=True)
    version = Whole(low=1, required=True, allow_none=True)
    document = Inner(
        PlanDocumentSchema, required=True, allow_none=True, metadata={"description": "null of a version that was named"}
    )


class PairSchema(Shape):
    """An amount as it was, and under the candidate."""

    then_minor = Total(required=True)
    now_minor = Total(required=True)
    difference_minor = Total(required=True)


def _pairs(name: str, key: fields.Field[Any]) -> Any:
    return Listed(Inner(PairSchema.from_dict({name: key}, name=f"By{name.title()}Schema")), required=True)


def _amounts(name: str, key: fields.Field[Any]) -> Any:
    shape = Shape.from_dict({name: key, "amount_minor": Total(required=True)}, name=f"AmountBy{name.title()}Schema")
    return Listed(Inner(shape), required=True)


class CostSchema(Shape):
    """What a side costs: what is earned less what came back, and pools."""

    cost_minor = Total(required=True)
    earned_minor = Total(required=True)
    reversed_minor = Total(required=True, metadata={"description": "0 or below"})
    pools_minor = Total(required=True)
    share_of_sales = PlainText(
        required=True, allow_none=True, metadata={"description": "of sales net of refunds, as a decimal; null of none"}
    )


def _month() -> PlainText:
    return PlainText(required=True, metadata={"description": "in which it counts, as 2026-03"})


def _of_order() -> dict[str, Any]:
    return {"required": True, "allow_none": True, "metadata": {"description": "null of pools"}}


class AsItWasSchema(CostSchema):
    """What the ledger has of the same orders."""

    by_month = _amounts("month", _month())
    by_rule = _amounts("rule", PlainText(required=True))
    by_tier = _amounts("tier", Whole(**_of_order()))
    by_rank = _amounts("rank", PlainText(**_of_order()))
    by_channel = _amounts("channel", PlainText(**_of_order()))
    releases = _amounts("day", Day(required=True))


class CapSchema(Shape):
    """Orders that meet a cap, and what it took of them."""

    cap = PlainText(required=True, metadata={"description": "rule_cap or order_cap"})
    orders = Whole(low=0, required=True)
    paid_minor = Total(required=True)
    taken_minor = Total(required=True)


class FailuresSchema(Shape):
    """Orders that would fail for one reason, what was paid for them, and what they pay as it was."""

    code = PlainText(required=True)
    orders = Whole(low=0, required=True)
    paid_minor = Total(required=True)
    then_minor = Total(required=True)


class QuantileSchema(Shape):
    """So large a share of the shops differ by at most so much."""

    share = PlainText(required=True)
    difference_minor = Total(required=True)


class ShopDifferenceSchema(PairSchema):
    """A shop, then and now."""

    shop_id = Identifier(required=True, allow_none=True)


class ShopSpreadSchema(Shape):
    """How the difference spreads over the shops that have anything on either side."""

    shops = Whole(low=0, required=True)
    gaining = Whole(low=0, required=True)
    losing = Whole(low=0, required=True)
    unchanged = Whole(low=0, required=True)
    to_zero = Whole(low=0, required=True, metadata={"description": "shops that had something and have nothing now"})
    gained_minor = Total(required=True)
    lost_minor = Total(required=True)
    quantiles = Listed(Inner(QuantileSchema), required=True)
    top_hundredth = PlainText(required=True, metadata={"description": "what of all gains those get that gain most"})
    top_tenth = PlainText(required=True)
    gain_most = Listed(Inner(ShopDifferenceSchema), required=True)
    lose_most = Listed(Inner(ShopDifferenceSchema), required=True)


class CandidateSchema(CostSchema):
    """What a candidate would have cost."""

    plan = PlainText(required=True, metadata={"description": "its code"})
    title = fields.Raw(required=True, metadata={"type": ["string", "object"]})
    difference_minor = Total(required=True)
    by_month = _pairs("month", _month())
    by_rule = _pairs("rule", PlainText(required=True))
    by_tier = _pairs("tier", Whole(**_of_order()))
    by_rank = _pairs("rank", PlainText(**_of_order()))
    by_channel = _pairs("channel", PlainText(**_of_order()))
    releases = _pairs("day", Day(required=True))
    caps = Listed(Inner(CapSchema), required=True)
    failures = Listed(Inner(FailuresSchema), required=True)
    findings = Listed(Inner(FindingSchema), required=True)
    shops = Inner(ShopSpreadSchema, required=True)


class SimulationResultSchema(Shape):
    """What came of a simulation. Each candidate comes in the order in which it was asked."""

    currency = PlainText(required=True)
    orders = Whole(low=0, required=True, metadata={"description": "that settled"})
    failed_orders = Whole(low=0, required=True, metadata={"description": "whose settlement failed by its plan"})
    paid_minor = Total(required=True)
    refunded_minor = Total(required=True)
    sales_minor = Total(required=True, metadata={"description": "paid less refunded"})
    as_it_was = Inner(AsItWasSchema, required=True)
    candidates = Listed(Inner(CandidateSchema), required=True)


class SimulationBeforeSchema(Shape):
    """The simulation of the same question before this one: how much more was seen, and what that changed."""

    id = Identifier(required=True)
    events = Whole(low=0, required=True)
    as_it_was_minor = Total(required=True)
    candidates_minor = Listed(Total(), required=True)


class SimulationProblemSchema(Shape):
    """Why a simulation failed."""

    code = PlainText(required=True)
    detail = PlainText(required=True)


class SimulationSchema(Shape):
    """A simulation: what was asked, how far it is, and then its result."""

    id = Identifier(required=True)
    status = Choice(STATES, required=True)
    plans = Listed(Inner(CandidateVersionSchema), required=True)
    since = Instant(data_key="from", required=True)
    until = Instant(data_key="to", required=True)
    refunds = Choice(REFUNDS, required=True)
    ranks = Choice(RANKS, required=True)
    ranks_from = Instant(required=True, allow_none=True)
    asked_at = Instant(required=True)
    asked_by = PlainText(required=True, metadata={"description": "id of the key"})
    begun_at = Instant(required=True, allow_none=True, metadata={"description": "of the last attempt"})
    ended_at = Instant(required=True, allow_none=True)
    attempts = Whole(low=0, required=True)
    progress = Inner(SimulationProgressSchema, required=True)
    problem = Inner(SimulationProblemSchema, required=True, allow_none=True)
    last_event = Whole(
        low=0, required=True, allow_none=True, metadata={"description": "number of the newest event that it saw"}
    )
    events_since = Whole(
        low=0, required=True, allow_none=True, metadata={"description": "how many came since, up to 10,000"}
    )
    before = Inner(SimulationBeforeSchema, required=True, allow_none=True)
    result = Inner(SimulationResultSchema, required=True, allow_none=True)


class SimulatedOrdersQuerySchema(PageQuerySchema):
    """Which orders: those in which a shop has something by a rule, or that have a reason."""

    rule = PlainText(load_default=None, metadata={"description": "Where this rule pays, then or now."})
    shop_id = Identifier(load_default=None)
    reason = PlainText(load_default=None, metadata={"description": "A cap that the order meets, or why it would fail."})
    candidate = QueryWhole(
        low=1, high=MOST_CANDIDATES, load_default=1, metadata={"description": "Under which candidate, counted from 1."}
    )


class RuleAmountSchema(Shape):
    """What a shop has of an order by a rule, net of what came back."""

    rule = PlainText(required=True)
    shop_id = Identifier(required=True, allow_none=True)
    amount_minor = Total(required=True)


class SimulatedLookSchema(Shape):
    """A line, a rule and a person looked at under the candidate, and what came of it."""

    line_id = Identifier(required=True)
    rule = PlainText(required=True)
    tier = Whole(required=True)
    shop_id = Identifier(required=True, allow_none=True)
    rank = PlainText(required=True, allow_none=True)
    base_minor = Total(required=True)
    rate = PlainText(required=True, allow_none=True)
    amount_before_cap_minor = Total(required=True)
    amount_minor = Total(required=True)
    reason = PlainText(required=True)


class SimulatedOrderSchema(PairSchema):
    """An order then and now as the simulation saw it, with why it would pay what."""

    order_id = Identifier(required=True)
    channel = Choice(CHANNELS, required=True)
    shop_id = Identifier(required=True, allow_none=True, metadata={"description": "the selling shop"})
    paid_at = Instant(required=True)
    settled_at = Instant(required=True, allow_none=True)
    paid_minor = Total(required=True)
    left_minor = Total(required=True, metadata={"description": "of what was paid, when the simulation saw it"})
    refunded_since_minor = Total(
        required=True, metadata={"description": "what came back since; below 0 where refunds were undone"}
    )
    then = Listed(Inner(RuleAmountSchema), required=True)
    now = Listed(Inner(RuleAmountSchema), required=True)
    reasons = Listed(PlainText(), required=True, metadata={"description": "caps that it meets, or why it would fail"})
    explanation = Listed(Inner(SimulatedLookSchema), required=True)


SimulatedOrdersPageSchema: Any = page_of(SimulatedOrderSchema, "SimulatedOrdersPage")
