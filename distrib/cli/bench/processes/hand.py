"""One process of a benchmark: makes ready, says so, waits for the word, runs, reports, and so on until it is let go.

Dies with the bench that started it, ``kill -9`` included. What it does stands in the module of each task.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
from collections.abc import Callable
from time import monotonic
from typing import Any, TextIO, TypeAlias

from distrib.cli.bench.limits import orm, rows
from distrib.cli.bench.processes import drain_task, post_task, simulate_files_task, simulate_task

_PR_SET_PDEATHSIG = 1

TimedTask: TypeAlias = Callable[[], dict[str, Any]]
TASKS: dict[str, Callable[[dict[str, Any]], TimedTask]] = {
    "drain": drain_task.prepare_drain,
    "copy": rows.prepare_copy,
    "orm": orm.prepare_orm,
    "post": post_task.prepare_post,
    "simulate": simulate_task.prepare_simulation,
    "simulate_files": simulate_files_task.prepare_file_simulation,
}


def main() -> None:
    """Runs the task named by the second argument as often as asked; the first is the parent's pid."""
    parent, task = int(sys.argv[1]), sys.argv[2]
    _die_with(parent)
    answers, sys.stdout = sys.stdout, sys.stderr  # what else is printed must not be taken for an answer
    while spec := sys.stdin.readline():
        _serve(TASKS[task], json.loads(spec), answers)


def _serve(prepare: Callable[[dict[str, Any]], TimedTask], spec: dict[str, Any], answers: TextIO) -> None:
    run = prepare(spec)
    gc.collect()
    print("ready", file=answers, flush=True)
    if not sys.stdin.readline():
        return
    started = monotonic()
    figures = run()
    print(json.dumps({**figures, "started": started, "ended": monotonic()}), file=answers, flush=True)


def _die_with(parent: int) -> None:
    """Asks the kernel to end this process with its parent, where the kernel can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit(1)


if __name__ == "__main__":
    main()
