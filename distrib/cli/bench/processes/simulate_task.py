"""A simulation in a process of its own, as a worker runs it, with an eye on its memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from distrib.bootstrap import open_container
from distrib.cli.bench.processes.drain_task import peak_memory
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.programs.tenants import find_program
from distrib.services.simulations.asking import Wish, get_simulation, start_simulation
from distrib.simulator import Simulator


def prepare_simulation(spec: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """A simulation that waits, on the servers that ``environment`` names: ``plan``, ``since``, ``until``, ``ranks``."""
    os.environ.update(spec["environment"])
    stack = ExitStack()
    container = stack.enter_context(open_container(migrated=False))
    since, until = (datetime.fromisoformat(spec[name]) for name in ("since", "until"))
    wish = Wish([spec["plan"]], since, until, ranks=spec["ranks"])
    with container.worker_engine.begin() as conn:
        program = find_program(conn, "bench")
        asked = start_simulation(Unit(conn, program, COMMAND_LINE, container.now()), container.policies, wish)
    simulator = Simulator(container.worker_engine.begin, container.policies, container.now)

    def run() -> dict[str, Any]:
        with stack:
            simulator.run_waiting()
            peak = peak_memory()
            with container.worker_engine.begin() as conn:
                view = get_simulation(conn, program, asked["id"])
        result = view["result"]
        if result is None:
            return {"orders": 0, "cost_minor": 0, "peak": peak}
        return {"orders": result["orders"], "cost_minor": result["candidates"][0]["cost_minor"], "peak": peak}

    return run
