"""``distrib worker``: RQ workers and the periodic jobs, same as ``python -m workers``."""

from __future__ import annotations

import os
import sys

import click


@click.command()
@click.option("--processes", type=click.IntRange(0, 64), default=None, help="How many RQ workers.")
def worker(processes: int | None) -> None:
    """Run RQ workers and the periodic jobs."""
    command = [sys.executable, "-P", "-m", "workers"]  # never a directory of that name where it is started
    if processes is not None:
        command += ["--processes", str(processes)]
    os.execv(sys.executable, command)  # noqa: S606 - the very same program, without a shell on purpose
