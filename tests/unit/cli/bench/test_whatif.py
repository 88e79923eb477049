"""The benchmark of simulations holds a kernel to the engine of one order, and says by how much it is faster."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from distrib.cli.bench import bench, whatif
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.reckoning import EngineSize

TINY = EngineSize(200, 2)


def test_the_command_needs_no_server_and_its_goals_decide_its_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTRIB_DATABASE_URL", "postgresql://nowhere.invalid/none")
    monkeypatch.setitem(whatif.SIZES, "small", TINY)
    result = CliRunner().invoke(bench, ["whatif", "--json"])
    figures = json.loads(result.stdout)
    assert (figures["bench"], figures["orders"], figures["kernel_goal"], figures["kernel_mixed_goal"]) == (
        "whatif",
        200,
        20,
        8,
    )
    assert figures["kernel_ratio"] > 0
    assert figures["kernel_mixed_ratio"] > 0
    assert result.exit_code == (0 if figures["met"] else 1)


def test_a_side_that_pays_differently_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whatif, "_settle_all", lambda plan, orders: whatif.PaidTotal(0, 0))
    with pytest.raises(BenchFailed, match="differ"):
        whatif.bench_whatif(TINY, lambda step: None)
