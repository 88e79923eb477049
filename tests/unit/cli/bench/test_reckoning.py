"""The engine's benchmark measures what it says: both sides come to the same amounts, by every kind of rule."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from distrib.cli.bench import bench, reckoning
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.limits import reckoning_bare
from distrib.cli.bench.reckoning import MIXED, RATES, EngineSize, bench_engine, plan_of
from distrib.domain.settlement.commission import settle

TINY = EngineSize(200, 2)


def test_both_sides_come_to_the_same_amounts_and_the_ratios_say_how_far_apart_they_are() -> None:
    figures = bench_engine(TINY, lambda step: None)
    assert (figures["orders"], figures["lines"], figures["rules"], figures["tiers"]) == (200, 3, 6, 3)
    assert 0 < figures["ratio"] < 1
    assert 0 < figures["mixed_ratio"] < 1
    assert figures["met"] is (min(figures["orders_per_second"], figures["mixed_orders_per_second"]) >= reckoning.GOAL)


def test_a_side_that_does_not_do_all_of_its_work_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reckoning_bare, "HALF", 0)
    with pytest.raises(BenchFailed, match="differ"):
        bench_engine(TINY, lambda step: None)


@pytest.mark.parametrize("rules", [RATES, MIXED], ids=["rates", "mixed"])
def test_every_rule_pays_and_every_tier_is_paid_and_the_cap_never_binds(rules: tuple[dict[str, Any], ...]) -> None:
    plan = plan_of(rules)
    orders = reckoning.orders_of(500)
    paid = [commission for order, people in orders for commission in settle(plan, order, people)]
    without_cap = [(order, people._replace(order_cap_ppm=None)) for order, people in orders]
    uncapped = [commission for order, people in without_cap for commission in settle(plan, order, people)]
    assert {commission.rule_index for commission in paid} == set(range(6))
    assert {commission.tier for commission in paid} == {0, 1, 2, 3}
    assert paid == uncapped


def test_the_command_needs_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTRIB_DATABASE_URL", "postgresql://nowhere.invalid/none")
    monkeypatch.setitem(reckoning.SIZES, "small", TINY)
    result = CliRunner().invoke(bench, ["engine", "--json"])
    figures = json.loads(result.stdout)
    assert (figures["bench"], figures["scale"]) == ("engine", "small")
    assert "postgresql" not in figures["machine"]
    assert result.exit_code == (0 if figures["met"] else 1)
