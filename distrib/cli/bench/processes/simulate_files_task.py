"""A simulation on exported files in a process of its own: no server is asked while it runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from distrib.bootstrap import open_container
from distrib.cli.bench.processes.drain_task import peak_memory
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.programs.tenants import find_program
from distrib.services.simulations.asking import Wish
from distrib.services.simulations.running import enter_history


def prepare_file_simulation(spec: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """A simulation on the history of the servers that ``environment`` names, exported before: as ``simulate_task``."""
    from distrib.services.history.directory import HistoryDirectory  # noqa: PLC0415 - an extra, asked for before
    from distrib.services.history.engines import Engine  # noqa: PLC0415
    from distrib.services.history.exporting import export_history  # noqa: PLC0415
    from distrib.services.history.simulating import question_of, simulate_files  # noqa: PLC0415

    os.environ.update(spec["environment"])
    stack = ExitStack()
    directory = Path(stack.enter_context(TemporaryDirectory(prefix="distrib-bench-")))
    with open_container(migrated=False) as container:
        with container.worker_engine.begin() as conn:
            program = find_program(conn, "bench")
        with container.worker_engine.begin() as conn:
            enter_history(conn)
            export_history(Unit(conn, program, COMMAND_LINE, container.now()), container.policies, directory)
        policies = container.policies
    since, until = (datetime.fromisoformat(spec[name]) for name in ("since", "until"))

    def run() -> dict[str, Any]:
        with stack:
            opened = HistoryDirectory.open(directory)
            result = simulate_files(question_of(opened, policies, Wish([spec["plan"]], since, until)), Engine())
            return {
                "orders": result["orders"],
                "cost_minor": result["candidates"][0]["cost_minor"],
                "peak": peak_memory(),
            }

    return run
