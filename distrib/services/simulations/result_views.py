"""Simulations as JSON has them: what is worked out, kept as text, read again and shown is of these shapes.

Nothing is worked out here. Results that are kept bind this module: what it names has to be found in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict

from distrib.domain.json_values import JsonObject


class PairView(TypedDict):
    """An amount as it was, and under the candidate."""

    then_minor: int
    now_minor: int
    difference_minor: int


class MonthPair(PairView):
    """What counts in a month, as 2026-03."""

    month: str


class RulePair(PairView):
    """What a rule or a pool pays."""

    rule: str


class TierPair(PairView):
    """What a tier gets; None of pools."""

    tier: int | None


class RankPair(PairView):
    """What holders of a rank get; None of pools."""

    rank: str | None


class ChannelPair(PairView):
    """What orders of a channel pay; None of pools."""

    channel: str | None


class DayPair(PairView):
    """What is released on a day."""

    day: str


class ShopPair(PairView):
    """What a shop has."""

    shop_id: str | None


class MonthAmount(TypedDict):
    """What counts in a month, as 2026-03."""

    month: str
    amount_minor: int


class RuleAmount(TypedDict):
    """What a rule or a pool pays."""

    rule: str
    amount_minor: int


class TierAmount(TypedDict):
    """What a tier gets; None of pools."""

    tier: int | None
    amount_minor: int


class RankAmount(TypedDict):
    """What holders of a rank get; None of pools."""

    rank: str | None
    amount_minor: int


class ChannelAmount(TypedDict):
    """What orders of a channel pay; None of pools."""

    channel: str | None
    amount_minor: int


class DayAmount(TypedDict):
    """What is released on a day."""

    day: str
    amount_minor: int


class CostView(TypedDict):
    """What a side costs: what is earned less what came back, and pools; ``share_of_sales`` is None of no sales."""

    cost_minor: int
    earned_minor: int
    reversed_minor: int
    pools_minor: int
    share_of_sales: str | None


class AsItWasView(CostView):
    """What the ledger has of the same orders."""

    by_month: list[MonthAmount]
    by_rule: list[RuleAmount]
    by_tier: list[TierAmount]
    by_rank: list[RankAmount]
    by_channel: list[ChannelAmount]
    releases: list[DayAmount]


class CapView(TypedDict):
    """Orders that meet a cap, and what it took of them."""

    cap: str
    orders: int
    paid_minor: int
    taken_minor: int


class FailuresView(TypedDict):
    """Orders that would fail for one reason, what was paid for them, and what they pay as it was."""

    code: str
    orders: int
    paid_minor: int
    then_minor: int


class FindingView(TypedDict):
    """What a policy pack finds in a candidate."""

    id: str
    severity: str
    figure: str
    threshold: str
    source: str
    detail_en: str
    detail_zh: str


class QuantileView(TypedDict):
    """So large a share of the shops differ by at most so much."""

    share: str
    difference_minor: int


class SpreadView(TypedDict):
    """How the difference spreads over the shops that have anything on either side."""

    shops: int
    gaining: int
    losing: int
    unchanged: int
    to_zero: int
    gained_minor: int
    lost_minor: int
    quantiles: list[QuantileView]
    top_hundredth: str
    top_tenth: str
    gain_most: list[ShopPair]
    lose_most: list[ShopPair]


class CandidateView(CostView):
    """What a candidate would have cost."""

    plan: str
    title: str | Mapping[str, str]
    difference_minor: int
    by_month: list[MonthPair]
    by_rule: list[RulePair]
    by_tier: list[TierPair]
    by_rank: list[RankPair]
    by_channel: list[ChannelPair]
    releases: list[DayPair]
    caps: list[CapView]
    failures: list[FailuresView]
    findings: list[FindingView]
    shops: SpreadView


class ResultView(TypedDict):
    """What came of a simulation. Candidates are in the order in which they were asked."""

    currency: str
    orders: int
    failed_orders: int
    paid_minor: int
    refunded_minor: int
    sales_minor: int
    as_it_was: AsItWasView
    candidates: list[CandidateView]


class HeadlineView(TypedDict):
    """The few figures that are shown beside a plan."""

    orders: int
    currency: str
    as_it_was_minor: int
    cost_minor: int
    difference_minor: int
    share_of_sales: str | None
    gaining: int
    losing: int
    failing: int


_Span = TypedDict("_Span", {"from": datetime, "to": datetime})
"""From when on (included) to when (not included) orders were paid."""


class KnownHeadline(HeadlineView, _Span):
    """Those figures with the simulation that came to them, how it was asked, and how many events came since."""

    id: str
    ranks: str
    refunds: str
    events_since: int


class CandidateShown(TypedDict):
    """A candidate by its code, and its version where one was named, or else its document."""

    code: str
    version: int | None
    document: JsonObject | None


class ProgressView(TypedDict):
    """How many orders are through, of how many; None before it began."""

    orders_done: int
    orders_total: int | None


class ProblemView(TypedDict):
    """Why a simulation failed."""

    code: str
    detail: str


class BeforeView(TypedDict):
    """The simulation of the same question before this one: how much more was seen, and what that changed."""

    id: str
    events: int
    as_it_was_minor: int
    candidates_minor: list[int]


class SimulationView(_Span):
    """A simulation as it is shown: what was asked, how far it is, what it came to, and what came since."""

    id: str
    status: str
    plans: list[CandidateShown]
    refunds: str
    ranks: str
    ranks_from: datetime | None
    asked_at: datetime
    asked_by: str
    begun_at: datetime | None
    ended_at: datetime | None
    attempts: int
    progress: ProgressView
    problem: ProblemView | None
    last_event: int | None
    events_since: int | None
    before: BeforeView | None
    result: ResultView | None
