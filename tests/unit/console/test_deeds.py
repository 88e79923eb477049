"""Everything that can stand in the trail, and every periodic job, has words for people."""

from __future__ import annotations

from collections.abc import Iterator

import click

import distrib.api.resources
from distrib.api.calls.trailed import HANDLERS, PERSONAL_READS, STATES
from distrib.api.http.auth import SCOPE_OF
from distrib.cli import cli
from distrib.console.deeds import COMMANDS, OPERATIONS
from distrib.console.pages.workers import JOBS
from distrib.typed_commands import PERSONAL_READS as PERSONAL_COMMANDS
from workers.periodic import TABLE

_READING = (
    "list",
    "show",
    "check",
    "schema",
    "report",
    "maps",
    "monitors",
    "cases",
    "deliveries",
    "accounts",
    "content",
    "seals",
    "verify",
)


def commands(group: click.Command, words: tuple[str, ...] = ()) -> Iterator[str]:
    """The commands of a group by the words they are typed with."""
    if not isinstance(group, click.Group):
        yield " ".join(words)
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from commands(command, (*words, name))


def test_every_operation_that_leaves_a_row_has_words_and_no_words_are_of_none() -> None:
    assert distrib.api.resources.RESOURCES
    changing = {name for name in SCOPE_OF if not name.startswith(("get_", "list_", "export_", "report_"))} | {*STATES}
    assert OPERATIONS.keys() == changing | PERSONAL_READS.keys()
    assert HANDLERS.keys() >= OPERATIONS.keys()


def test_commands_with_words_are_there_and_those_that_read_alone_need_none() -> None:
    known = set(commands(cli))
    assert COMMANDS.keys() <= known
    assert COMMANDS.keys() >= PERSONAL_COMMANDS
    assert {name for name in known - COMMANDS.keys() if name.split()[-1] not in _READING} <= {
        *("explain", "ledger export", "plan sample", "shops poster", "shops qr", "statement export", "trail export"),
        *("history evaluate", "history export"),
        *(name for name in known if name.split()[0] in ("bench", "demo", "migrate", "serve", "settle", "worker")),
    }


def test_every_periodic_job_has_words() -> None:
    assert {job.name for job in TABLE} == JOBS.keys()
