"""The benchmark of the kernel holds it to the engine of one order, and says by how much it is faster."""

from __future__ import annotations

import pytest

from distrib.cli.bench import whatif
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.reckoning import EngineSize

TINY = EngineSize(200, 2)


def test_the_kernel_is_measured_on_rates_and_on_rules_of_every_kind() -> None:
    figures = whatif.bench_kernel(TINY, lambda step: None)
    assert (figures["orders"], figures["kernel_goal"], figures["kernel_mixed_goal"]) == (200, 20, 8)
    assert figures["kernel_ratio"] > 0
    assert figures["kernel_mixed_ratio"] > 0
    is_met = figures["kernel_ratio"] >= 20 and figures["kernel_mixed_ratio"] >= 8
    assert figures["met"] is is_met


def test_a_side_that_pays_differently_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whatif, "_settle_all", lambda plan, orders: whatif.PaidTotal(0, 0))
    with pytest.raises(BenchFailed, match="differ"):
        whatif.bench_kernel(TINY, lambda step: None)
