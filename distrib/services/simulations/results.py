"""The result of a simulation as it is kept and shown: figures then and now, side by side; all of them exact."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

import numpy as np

from distrib.columns.commissions.rounding import Whole
from distrib.domain.money import show_ratio
from distrib.domain.plans.plan import Plan
from distrib.domain.policies.policy import Finding
from distrib.domain.simulations.spread import share_of, spread_of
from distrib.services.context import Program, format_period
from distrib.services.simulations.result_views import (
    AsItWasView,
    CandidateView,
    CostView,
    FailuresView,
    FindingView,
    HeadlineView,
    PairView,
    ResultView,
    ShopPair,
    SpreadView,
)
from distrib.services.simulations.shop_sums import ShopSums
from distrib.services.simulations.tallies import AS_IT_WAS, Count, Side, Tally

MOST_SHOPS = 20
"""So many shops that gain most, and that lose most, are named."""
IdsOf = Callable[[Sequence[int]], Mapping[int, str]]
_Of = TypeVar("_Of")
_Key = TypeVar("_Key", int, str)


class Described(NamedTuple):
    """A candidate with what the policy packs say of it."""

    plan: Plan
    findings: Sequence[Finding]


def result_view(program: Program, tally: Tally, described: Sequence[Described], ids_of: IdsOf) -> ResultView:
    """The result of a simulation whose orders are added up.

    Args:
        ids_of: answers the ids of shops by the store's numbers.
    """
    sales_minor = tally.paid_minor - tally.refunded_minor
    sides = tally.sides
    return {
        "currency": program.currency,
        "orders": tally.orders,
        "failed_orders": tally.failed_orders,
        "paid_minor": tally.paid_minor,
        "refunded_minor": tally.refunded_minor,
        "sales_minor": sales_minor,
        "as_it_was": _alone(sides[AS_IT_WAS], sales_minor),
        "candidates": [
            _candidate(
                candidate,
                sides[AS_IT_WAS],
                sides[place],
                sales_minor + sides[place].sales_more_minor,
                _shops(tally.shops, place, ids_of),
            )
            for place, candidate in enumerate(described, 1)
        ],
    }


def kept_result(text: str) -> ResultView:
    """A result as it was kept."""
    result: ResultView = json.loads(text)
    return result


def headline_of(candidate: CandidateView, result: ResultView) -> HeadlineView:
    """The few figures that are shown beside a plan."""
    shops = candidate["shops"]
    return {
        "orders": result["orders"],
        "currency": result["currency"],
        "as_it_was_minor": result["as_it_was"]["cost_minor"],
        "cost_minor": candidate["cost_minor"],
        "difference_minor": candidate["difference_minor"],
        "share_of_sales": candidate["share_of_sales"],
        "gaining": shops["gaining"],
        "losing": shops["losing"],
        "failing": sum(failure["orders"] for failure in candidate["failures"]),
    }


def _cost(side: Side, sales_minor: int) -> CostView:
    return {
        "cost_minor": side.cost_minor,
        "earned_minor": side.earned_minor,
        "reversed_minor": side.reversed_minor,
        "pools_minor": side.pools_minor,
        "share_of_sales": share_of(side.cost_minor, sales_minor),
    }


def _alone(side: Side, sales_minor: int) -> AsItWasView:
    """The figures of one side by itself."""
    cost = side.breakdown()
    return {
        **_cost(side, sales_minor),
        "by_month": [{"month": format_period(key), "amount_minor": cost.period[key]} for key in sorted(cost.period)],
        "by_rule": [{"rule": key, "amount_minor": cost.rule[key]} for key in sorted(cost.rule)],
        "by_tier": [{"tier": key, "amount_minor": cost.tier[key]} for key in _sorted(cost.tier)],
        "by_rank": [{"rank": key, "amount_minor": cost.rank[key]} for key in _sorted(cost.rank)],
        "by_channel": [{"channel": key, "amount_minor": cost.channel[key]} for key in _sorted(cost.channel)],
        "releases": [{"day": day.isoformat(), "amount_minor": minor} for day, minor in sorted(side.releases.items())],
    }


def _candidate(candidate: Described, then: Side, now: Side, sales_minor: int, shops: SpreadView) -> CandidateView:
    plan, before, after = candidate.plan, then.breakdown(), now.breakdown()
    periods, rules = {*before.period, *after.period}, {*before.rule, *after.rule}
    tiers, ranks = {*before.tier, *after.tier}, {*before.rank, *after.rank}
    channels = {*before.channel, *after.channel}
    return {
        "plan": plan.code,
        "title": plan.title,
        **_cost(now, sales_minor),
        "difference_minor": now.cost_minor - then.cost_minor,
        "by_month": [
            {"month": format_period(key), **_pair_of(before.period, after.period, key)} for key in sorted(periods)
        ],
        "by_rule": [{"rule": key, **_pair_of(before.rule, after.rule, key)} for key in sorted(rules)],
        "by_tier": [{"tier": key, **_pair_of(before.tier, after.tier, key)} for key in _sorted(tiers)],
        "by_rank": [{"rank": key, **_pair_of(before.rank, after.rank, key)} for key in _sorted(ranks)],
        "by_channel": [{"channel": key, **_pair_of(before.channel, after.channel, key)} for key in _sorted(channels)],
        "releases": [
            {"day": day.isoformat(), **_pair_of(then.releases, now.releases, day)}
            for day in sorted({*then.releases, *now.releases})
        ],
        "caps": [
            {"cap": cap, "orders": count.orders, "paid_minor": count.paid_minor, "taken_minor": count.amount_minor}
            for cap, count in sorted(now.caps.items())
        ],
        "failures": [_failure(code, count) for code, count in sorted(now.failures.items())],
        "findings": [_finding(finding) for finding in candidate.findings],
        "shops": shops,
    }


def _failure(code: str, count: Count) -> FailuresView:
    return {
        "code": code,
        "orders": count.orders,
        "paid_minor": count.paid_minor,
        "then_minor": count.amount_minor,
    }


def _finding(finding: Finding) -> FindingView:
    return {
        "id": finding.id,
        "severity": finding.severity,
        "figure": str(finding.figure),
        "threshold": str(finding.threshold),
        "source": finding.source,
        "detail_en": finding.detail_en,
        "detail_zh": finding.detail_zh,
    }


def _shops(sums: ShopSums, side: int, ids_of: IdsOf) -> SpreadView:
    """Who gains and loses most, and how that spreads over all shops concerned."""
    then, now = sums.side(AS_IT_WAS), sums.side(side)
    concerned = np.flatnonzero((then != 0) | (now != 0))
    concerned = concerned[np.argsort(sums.shops[concerned])]
    falling = np.argsort((then - now)[concerned], kind="stable")
    shops, then, now = (column[concerned][falling] for column in (sums.shops, then, now))
    spread = spread_of((now - then)[::-1].tolist(), int(np.count_nonzero((then > 0) & (now <= 0))))
    gain = shops[:MOST_SHOPS].tolist()[: spread.gaining]
    lose = shops[::-1][:MOST_SHOPS].tolist()[: spread.losing]
    ids = ids_of([*gain, *lose])

    def rows(named: Sequence[int], before: Whole, after: Whole) -> list[ShopPair]:
        figures = zip(named, before[:MOST_SHOPS].tolist(), after[:MOST_SHOPS].tolist(), strict=False)
        return [{"shop_id": ids.get(shop_no), **_pair(minor, now_minor)} for shop_no, minor, now_minor in figures]

    return {
        "shops": spread.shops,
        "gaining": spread.gaining,
        "losing": spread.losing,
        "unchanged": spread.unchanged,
        "to_zero": spread.to_zero,
        "gained_minor": spread.gained_minor,
        "lost_minor": spread.lost_minor,
        "quantiles": [{"share": show_ratio(share), "difference_minor": minor} for share, minor in spread.quantiles],
        "top_hundredth": show_ratio(spread.top_hundredth_ppm),
        "top_tenth": show_ratio(spread.top_tenth_ppm),
        "gain_most": rows(gain, then, now),
        "lose_most": rows(lose, then[::-1], now[::-1]),
    }


def _pair(then_minor: int, now_minor: int) -> PairView:
    return {"then_minor": then_minor, "now_minor": now_minor, "difference_minor": now_minor - then_minor}


def _pair_of(then: Mapping[_Of, int], now: Mapping[_Of, int], key: _Of) -> PairView:
    return _pair(then.get(key, 0), now.get(key, 0))


def _sorted(keys: Collection[_Key | None]) -> list[_Key | None]:
    """Keys in their order; None (a pool has no tier, rank and channel) comes last."""
    known = sorted(key for key in keys if key is not None)
    return list(chain(known, (key for key in keys if key is None)))
