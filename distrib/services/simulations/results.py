"""The result of a simulation as it is kept and shown: figures then and now, side by side; all of them exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from distrib.domain.money import show_ratio
from distrib.domain.plans.plan import Plan
from distrib.domain.policies.policy import Finding
from distrib.domain.simulations.spread import share_of, spread_of
from distrib.services.context import Program, format_period
from distrib.services.simulations.tallies import AS_IT_WAS, Count, Side, Tally

MOST_SHOPS = 20
"""So many shops that gain most, and that lose most, are named."""
_BY = ("month", "rule", "tier", "rank", "channel")
_FIELD = {"month": "period"}
IdsOf = Callable[[Sequence[int]], Mapping[int, str]]


class Described(NamedTuple):
    """A candidate with what the policy packs say of it."""

    plan: Plan
    findings: Sequence[Finding]


def result_view(program: Program, tally: Tally, described: Sequence[Described], ids_of: IdsOf) -> dict[str, Any]:
    """The result of a simulation whose orders are added up.

    Args:
        ids_of: answers the ids of shops by the store's numbers.
    """
    sales_minor = tally.paid_minor - tally.refunded_minor
    sides = tally.sides
    shops, then = tally.shops.shops(), tally.shops.side(AS_IT_WAS)
    return {
        "currency": program.currency,
        "orders": tally.orders,
        "failed_orders": tally.failed_orders,
        "paid_minor": tally.paid_minor,
        "refunded_minor": tally.refunded_minor,
        "sales_minor": sales_minor,
        "as_it_was": _cost(sides[AS_IT_WAS], sales_minor) | _alone(sides[AS_IT_WAS]),
        "candidates": [
            _candidate(candidate, sides[AS_IT_WAS], sides[place], sales_minor)
            | {"shops": _shops(shops, then, tally.shops.side(place), ids_of)}
            for place, candidate in enumerate(described, 1)
        ],
    }


def headline_of(candidate: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
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


def _cost(side: Side, sales_minor: int) -> dict[str, Any]:
    return {
        "cost_minor": side.cost_minor,
        "earned_minor": side.earned_minor,
        "reversed_minor": side.reversed_minor,
        "pools_minor": side.pools_minor,
        "share_of_sales": share_of(side.cost_minor, sales_minor),
    }


def _alone(side: Side) -> dict[str, Any]:
    """The figures of one side by itself."""
    view: dict[str, Any] = {}
    for name in _BY:
        sums = side.by(_FIELD.get(name, name))
        view[f"by_{name}"] = [{name: _shown(name, key), "amount_minor": sums[key]} for key in _sorted(sums)]
    view["releases"] = [{"day": day.isoformat(), "amount_minor": minor} for day, minor in _days(side.releases)]
    return view


def _candidate(candidate: Described, then: Side, now: Side, sales_minor: int) -> dict[str, Any]:
    plan = candidate.plan
    view = {"plan": plan.code, "title": plan.title, **_cost(now, sales_minor)}
    view["difference_minor"] = now.cost_minor - then.cost_minor
    for name in _BY:
        before, after = then.by(_FIELD.get(name, name)), now.by(_FIELD.get(name, name))
        view[f"by_{name}"] = [
            {name: _shown(name, key), **_pair(before.get(key, 0), after.get(key, 0))}
            for key in _sorted({**before, **after})
        ]
    days = sorted({*then.releases, *now.releases})
    view["releases"] = [
        {"day": day.isoformat(), **_pair(then.releases.get(day, 0), now.releases.get(day, 0))} for day in days
    ]
    view["caps"] = [
        {"cap": cap, "orders": count.orders, "paid_minor": count.paid_minor, "taken_minor": count.amount_minor}
        for cap, count in sorted(now.caps.items())
    ]
    view["failures"] = [_failure(code, count) for code, count in sorted(now.failures.items())]
    view["findings"] = [_finding(finding) for finding in candidate.findings]
    return view


def _failure(code: str, count: Count) -> dict[str, Any]:
    return {
        "code": code,
        "orders": count.orders,
        "paid_minor": count.paid_minor,
        "then_minor": count.amount_minor,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {name: value if name == "severity" else str(value) for name, value in finding._asdict().items()}


def _shops(shops: Sequence[int], then: Sequence[int], now: Sequence[int], ids_of: IdsOf) -> dict[str, Any]:
    """Who gains and loses most, and how that spreads over all shops concerned."""
    concerned = [place for place in range(len(shops)) if then[place] or now[place]]
    spread = spread_of([then[place] for place in concerned], [now[place] for place in concerned])
    by_difference = sorted(concerned, key=lambda place: (then[place] - now[place], shops[place]))
    gain = [place for place in by_difference[:MOST_SHOPS] if now[place] > then[place]]
    lose = [place for place in reversed(by_difference[-MOST_SHOPS:]) if now[place] < then[place]]
    ids = ids_of([shops[place] for place in (*gain, *lose)])

    def rows(places: Sequence[int]) -> list[dict[str, Any]]:
        return [{"shop_id": ids.get(shops[place]), **_pair(then[place], now[place])} for place in places]

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
        "gain_most": rows(gain),
        "lose_most": rows(lose),
    }


def _pair(then_minor: int, now_minor: int) -> dict[str, int]:
    return {"then_minor": then_minor, "now_minor": now_minor, "difference_minor": now_minor - then_minor}


def _shown(name: str, key: Any) -> Any:
    return format_period(key) if name == "month" else key


def _sorted(sums: Mapping[Any, int]) -> list[Any]:
    """Keys in their order; what has none (a pool's tier, rank and channel) comes last."""
    return sorted(sums, key=lambda key: (key is None, key if key is not None else 0))


def _days(releases: Mapping[date, int]) -> list[tuple[date, int]]:
    return sorted(releases.items())
