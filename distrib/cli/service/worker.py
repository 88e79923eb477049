"""``distrib worker``: RQ workers and the periodic jobs, same as ``python -m workers``; or whether they work."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

import click

from distrib.cli.output import in_both
from distrib.domain.texts import Text
from distrib.settings import var_dir
from distrib.worker_health import NAME, read_health


@click.command()
@click.option("--processes", type=click.IntRange(0, 64), default=None, help="How many RQ workers.")
@click.option("--health", is_flag=True, help="Say whether the workers of this machine work; exit status 1 where not.")
def worker(processes: int | None, health: bool) -> None:
    """Run RQ workers and the periodic jobs."""
    if health:
        _tell_health()
    command = [sys.executable, "-P", "-m", "workers"]  # never a directory of that name where it is started
    if processes is not None:
        command += ["--processes", str(processes)]
    os.execv(sys.executable, command)  # noqa: S606 - the very same program, without a shell on purpose


def _tell_health() -> None:
    state = read_health(var_dir(), datetime.now(UTC))
    if state is None:
        click.echo(in_both(Text("No workers work here: {path} is not there, or old.", path=var_dir() / NAME)))
        sys.exit(1)
    figures = {name: state.get(name) for name in ("running", "processes", "database", "seen_at")}
    click.echo(
        in_both(Text("The workers work: {running} of {processes} run, database {database}, seen {seen_at}.", **figures))
    )
    sys.exit(0)
