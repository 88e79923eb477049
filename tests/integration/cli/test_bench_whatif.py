"""The benchmark of simulations settles, simulates as it was and with ranks replayed, and looks at the memory."""

from __future__ import annotations

from distrib.bootstrap import open_container
from distrib.cli.bench.reckoning import EngineSize
from distrib.cli.bench.simulating import WhatIfSize, bench_whatif
from distrib.cli.bench.world import World
from distrib.settings import Settings

TINY = WhatIfSize(EngineSize(200, 2), World(80, 60), 1, World(80, 100))


def test_whole_simulations_are_measured_against_settling_the_same_orders(settings: Settings) -> None:
    with open_container(settings) as container:
        figures = bench_whatif(container, TINY, lambda step: None)
    assert figures["simulation_ratio"] >= 0
    assert figures["replayed_ratio"] >= 0
    assert figures["files_ratio"] >= 0
    assert figures["files_goal"] == 30
    assert figures["simulation_memory_longer_bytes"] > 0
    assert figures["simulation_memory_orders"] == 10
    assert figures["simulation_goal"] == 15
    assert figures["met"] is False or figures["simulation_ratio"] >= 15
