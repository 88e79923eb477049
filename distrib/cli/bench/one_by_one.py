"""Runs benchmarks one after another, each in a process of its own, and gathers what they answer: a release's record."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from distrib.cli.bench.starting import COMMAND

MEASURED: Final = (
    "settle",
    "ingest",
    "ingest-single",
    "refund",
    "latency",
    "start",
    "programs",
    "engine",
    "whatif",
    "ranks",
    "network",
    "flat",
    "close",
    "export",
    "audit",
    "beside",
    "reads",
    "pages",
)
"""What is run, in this order; ``peer`` last where its files are named."""
PEER: Final = "peer"


def options_of(name: str, against: Path | None, files: Sequence[Path]) -> list[str]:
    """The options that a benchmark is run with, beside its scale."""
    if name == PEER:
        return [word for file in files for word in ("--pgledger", str(file))]
    return ["--against", str(against)] if against is not None and name in ("settle", "ingest") else []


def run_all(
    names: Sequence[str], scale: str, options: Callable[[str], Sequence[str]], show: Callable[[Mapping[str, Any]], None]
) -> dict[str, Any]:
    """Runs benchmarks one after another; one that fails is named and keeps none from being run.

    Args:
        options: answers what a benchmark is run with, by its name.
        show: is given the figures of each as soon as they are there.

    Returns:
        ``of``, the figures by benchmark (``failed`` what one said that came to none), and whether all goals are met.
    """
    figures: dict[str, Any] = {}
    for name in names:
        command = [*COMMAND, "bench", name, "--scale", scale, "--json", *options(name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        is_answered = done.returncode in (0, 1) and done.stdout.lstrip().startswith("{")
        failed = {"bench": name, "scale": scale, "failed": done.stderr.strip()[-1_000:], "met": False}
        figures[name] = json.loads(done.stdout) if is_answered else failed
        show(figures[name])
    return {"bench": "all", "scale": scale, "of": figures, "met": all(own["met"] for own in figures.values())}
