"""The real drain in a process of its own, as a worker runs it, with an eye on its memory."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from distrib.bootstrap import open_container
from distrib.drainer import Drainer, DrainTally

_REST_S = 0.02
_STATUS = Path("/proc/self/status")


def prepare_drain(spec: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """A drainer with its connection open, on the servers that ``environment`` names."""
    os.environ.update(spec["environment"])
    stack = ExitStack()
    container = stack.enter_context(open_container(migrated=False))
    drainer = Drainer(container.worker_engine, container.policies, container.settings.drain_batch_orders, container.now)
    drainer.has_pending_events()  # opens the connection
    first: list[int] = []

    def watch(tally: DrainTally) -> None:
        if not first and tally.orders >= spec["first_orders"]:
            first.append(peak_memory())

    def run() -> dict[str, Any]:
        with stack:
            ends = time.monotonic() + spec.get("lasts_s", 0)
            tally = drainer.run(after_batch=watch)
            while time.monotonic() < ends:  # as a worker that is rung up again
                time.sleep(_REST_S)
                tally.orders += drainer.run().orders
        last = max([peak_memory(), *first])  # Linux counts pages per processor: a later reading may be lower by a few
        return {
            "orders": tally.orders,
            "batches": tally.batches,
            "parked": tally.parked,
            "peak_after_first": first[0] if first else last,
            "peak": last,
        }

    return run


def peak_memory() -> int:
    """The most memory this process ever had in use, in bytes."""
    if _STATUS.exists():  # getrusage begins with what the parent had when it forked
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
