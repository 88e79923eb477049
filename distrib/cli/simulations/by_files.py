"""``distrib simulate --history``: the same question to a directory of history, without a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import click

from distrib.bootstrap import utc_now
from distrib.cli.instants import instant_of
from distrib.cli.output import in_both
from distrib.cli.progress import terminal_progress
from distrib.domain.errors import Problem, Refusal
from distrib.domain.policies.policy import Policy
from distrib.domain.texts import Text
from distrib.services.history.extras import must_have
from distrib.services.policies import load_policies
from distrib.services.simulations.asking import Wish
from distrib.settings import read_settings

PROCESS, DASK = ENGINES = ("process", "dask")
MOST_PROCESSES: Final = 64
_DASK_WORKERS: Final = 2
_F = TypeVar("_F", bound=Callable[..., Any])
EXISTING = click.Path(exists=True, file_okay=False, path_type=Path)


class ByFiles(NamedTuple):
    """How a directory is to be worked on, as it was typed."""

    directory: Path | None
    engine: str | None
    processes: int | None
    scheduler: str | None

    def check(self, without: Mapping[str, object]) -> None:
        """Checks that the options go together.

        Args:
            without: options that go without ``--history``, by name, as they were typed.

        Raises:
            Refusal: ``invalid`` with all that is wrong.
        """
        problems = []
        given = {"--engine": self.engine, "--processes": self.processes, "--scheduler": self.scheduler}
        if self.directory is None:
            problems += [Problem(name, Text("goes with --history")) for name, value in given.items() if value]
        else:
            problems += [Problem(name, Text("goes without --history")) for name, value in without.items() if value]
            if self.scheduler and self.engine != DASK:
                problems.append(Problem("--scheduler", Text("goes with --engine dask")))
            if self.scheduler and self.processes:
                problems.append(Problem("--processes", Text("goes without --scheduler")))
        if problems:
            raise Refusal("invalid", problems)


class FileSpan(NamedTuple):
    """From when to when, with what, as it was typed."""

    since: str
    until: str
    refunds: str
    ranks: str
    ranks_from: str | None


class OpenedHistory(NamedTuple):
    """A directory that can be read, the packs that judge its program, and who works on its months."""

    directory: Any
    policies: Mapping[str, Policy]
    engine: Any


def engine_options(command: _F) -> _F:
    """``--engine``, ``--processes``, ``--scheduler``: who works on months."""
    for option in (
        click.option("--scheduler", help="Address of a scheduler of Dask, in place of two workers here."),
        click.option("--processes", type=click.IntRange(1, MOST_PROCESSES), help="How many, on this machine."),
        click.option("--engine", type=click.Choice(ENGINES), help="Who works on the months; process if not given."),
    ):
        command = option(command)
    return command


def open_history(how: ByFiles, option: str) -> OpenedHistory:
    """Opens a directory of history.

    Args:
        option: what names the directory.

    Raises:
        Refusal: ``invalid`` where an extra is missing, ``history_unreadable``.
    """
    must_have("parquet", option)
    if how.engine == DASK:
        must_have("dask", "--engine")
    from distrib.services.history.directory import HistoryDirectory  # noqa: PLC0415 - an extra, asked for before
    from distrib.services.history.engines import Engine  # noqa: PLC0415

    directory = HistoryDirectory.open(how.directory or Path())
    settings, signed = read_settings(), frozenset(directory.manifest.signed_overrides)
    policies = load_policies(settings.config_dir, settings.overrides_dir, lambda: signed, utc_now)
    processes = how.processes or (_DASK_WORKERS if how.engine == DASK else 1)
    return OpenedHistory(directory, policies, Engine(how.engine or PROCESS, processes, how.scheduler))


def simulate_by_files(how: ByFiles, documents: Sequence[Any], asked: FileSpan) -> dict[str, Any]:
    """Simulates plans on a directory, and answers what ``distrib simulate`` shows."""
    directory, policies, engine = open_history(how, "--history")
    from distrib.services.history.simulating import question_of, simulate_files  # noqa: PLC0415 - asked for before

    since, until = (
        instant_of(text, directory.program, option) for text, option in ((asked.since, "--from"), (asked.until, "--to"))
    )
    begun = None if asked.ranks_from is None else instant_of(asked.ranks_from, directory.program, "--ranks-from")
    question = question_of(directory, policies, Wish(documents, since, until, asked.refunds, asked.ranks, begun))
    with months_progress() as shown:
        result = simulate_files(question, engine, shown)
    return {
        "history": str(how.directory),
        "exported_at": directory.manifest.exported_at,
        "plans": [{"code": plan.code, "version": None, "document": plan.document} for plan in question.plans],
        "from": since,
        "to": until,
        "refunds": asked.refunds,
        "ranks": asked.ranks,
        "ranks_from": begun,
        "last_event": directory.manifest.last_event_no,
        "events_since": None,
        "before": None,
        "result": result,
    }


@contextmanager
def months_progress() -> Iterator[Any]:
    """Shows on a terminal how many months are done."""
    with terminal_progress() as progress:
        bar = progress.add_task(in_both(Text("Months")), total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)
