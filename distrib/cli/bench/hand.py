"""One process of a benchmark: makes ready, says so, waits for the word, works, reports, ends.

Dies with the bench that started it, ``kill -9`` included. What it does stands in the module of each task.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable
from time import monotonic
from typing import Any, TypeAlias

from distrib.cli.bench import drain_task, orm, post_task, rows

_PR_SET_PDEATHSIG = 1

Task: TypeAlias = Callable[[], dict[str, Any]]
TASKS: dict[str, Callable[[dict[str, Any]], Task]] = {
    "drain": drain_task.prepare_drain,
    "copy": rows.prepare_copy,
    "orm": orm.prepare_orm,
    "post": post_task.prepare_post,
}


def main() -> None:
    """Runs the task named by the second argument; the first is the parent's pid."""
    parent, task = int(sys.argv[1]), sys.argv[2]
    _die_with(parent)
    answers, sys.stdout = sys.stdout, sys.stderr  # what else is printed must not be taken for an answer
    work = TASKS[task](json.loads(sys.stdin.readline()))
    print("ready", file=answers, flush=True)
    if not sys.stdin.readline():
        return
    started = monotonic()
    figures = work()
    print(json.dumps({**figures, "started": started, "ended": monotonic()}), file=answers, flush=True)


def _die_with(parent: int) -> None:
    """Asks the kernel to end this process with its parent, where the kernel can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit(1)


if __name__ == "__main__":
    main()
