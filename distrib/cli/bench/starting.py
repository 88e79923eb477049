"""Measures how long commands take to start: the list of commands by processor time, ``serve`` until it is ready.

Everything runs as whoever types it runs it, in processes and on servers of its own.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.processes.builds import end
from distrib.cli.bench.processes.processor import processor_seconds
from distrib.cli.service.local import free_port, is_ready
from distrib.domain.texts import Text
from distrib.settings import PREFIX

HELP_GOAL_S = 0.4
SERVE_GOAL_S = 5.0
_READY_WITHIN_S = 180.0
_POLL_S = 0.05
COMMAND = (sys.executable, "-c", "from distrib.cli import main; main()")


@dataclass(frozen=True, slots=True)
class StartSize:
    """How often each is started."""

    helps: int
    serves: int


START_SIZES = {"small": StartSize(5, 2), "full": StartSize(20, 5)}


def bench_start(size: StartSize, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of the benchmark, in seconds.

    Raises:
        BenchFailed: a command fails, or the service is not ready within three minutes.
    """
    say("help")
    listed, bare = [], []
    for _ in range(size.helps):
        listed.append(_processor([*COMMAND, "--help"]))
        bare.append(_processor([sys.executable, "-c", "pass"]))
    with TemporaryDirectory(prefix="distrib-bench-") as directory:
        say("serve_cold")
        cold, _ = _serve(Path(directory))
        say("serve_warm")
        warm = [_serve(Path(directory)) for _ in range(size.serves)]
    ready = median(seconds for seconds, _ in warm)
    taken = [processor for _, processor in warm if processor is not None]
    return {
        "help_processor_s": round(median(listed), 3),
        "help_processor_s_goal": HELP_GOAL_S,
        "python_processor_s": round(median(bare), 3),
        "serve_ready_s": round(ready, 2),
        "serve_ready_s_goal": SERVE_GOAL_S,
        "serve_fresh_ready_s": round(cold, 2),
        **({"serve_processor_s": round(median(taken), 2)} if taken else {}),
        "met": median(listed) <= HELP_GOAL_S and ready <= SERVE_GOAL_S,
    }


def _processor(command: Sequence[str]) -> float:
    """Processor time of a command, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise BenchFailed(Text("a command failed"), log=done.stderr.decode("utf-8", "replace"))
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _serve(directory: Path) -> tuple[float, float | None]:
    """Seconds until `distrib serve` on that directory is ready, and what processors gave to it and all it started."""
    port, log = free_port(), directory / "serve.log"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment = {**inherited, f"{PREFIX}VAR_DIR": str(directory / "var")}
    with log.open("wb") as output:
        started = time.monotonic()
        command = [*COMMAND, "serve", "--port", str(port)]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            while not is_ready(port):
                if process.poll() is not None or time.monotonic() - started > _READY_WITHIN_S:
                    raise BenchFailed(Text("the service does not come up"), log=log.read_text("utf-8", "replace"))
                time.sleep(_POLL_S)
            return time.monotonic() - started, processor_seconds(process.pid)
        finally:
            end(process)
