"""The command line: one room a noun, the same services as the API.

Exit status 0 done, 1 done with findings, 2 wrong use. No SQL and no business rule may enter.
"""

from __future__ import annotations

import importlib
import io
import sys

import click
import psycopg
from sqlalchemy.exc import DBAPIError

from distrib import failures
from distrib.domain.texts import Text
from distrib.failures import FAILURES, WRONG_USE
from distrib.languages import render_both
from distrib.transactions import is_passing, sqlstate_of

_COMMANDS = {
    "adjustment": "ledger.adjustment:adjustment",
    "audit": "ledger.audit:audit",
    "bench": "bench:bench",
    "compliance": "compliance.compliance:compliance",
    "demo": "demo:demo",
    "explain": "explain:explain",
    "import": "imports.command:import_group",
    "key": "programs.key:key",
    "ledger": "ledger.ledger:ledger",
    "migrate": "service.migrate:migrate",
    "payout": "payouts.payout:payout",
    "plan": "plans.plan:plan",
    "pools": "ledger.pools:pools",
    "program": "programs.program:program",
    "ranks": "ranks:ranks",
    "serve": "service.serve:serve",
    "settle": "service.settle:settle",
    "shops": "network.shops:shops_group",
    "statement": "ledger.statement:statement",
    "webhook": "webhook:webhook",
    "withdrawal": "payouts.withdrawal:withdrawal",
    "worker": "service.worker:worker",
}
"""Where each command lives."""


class LazyCommands(click.Group):
    """Imports a command when it is asked for: each needs few modules, and all together take over a second."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help of all commands together."""
        _word_in_both_languages(self)
        super().format_help(ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, None where there is none."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"distrib.cli.{module}"), name)
        _word_in_both_languages(command)
        return command


def _word_in_both_languages(command: click.Command) -> None:
    """Help in both languages; lists show a command's first paragraph whole: click's own cut ends before the Chinese."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in (command.help or "").split("\n\n")]
    worded = [render_both(Text(paragraph), " ") for paragraph in paragraphs]
    command.help, command.short_help = "\n\n".join(worded), worded[0]
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help:
            parameter.help = render_both(Text(parameter.help), " ")
    if isinstance(command, click.Group):
        for listed in command.commands.values():
            _word_in_both_languages(listed)


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="distrib")
def cli() -> None:
    """distrib: the commission engine for social commerce."""


_NOT_MIGRATED = ("42P01", "42703")  # no such table, no such column


def main() -> None:
    """Runs the command line; what is refused is one message, never a traceback."""
    _make_printable()
    try:
        cli()
    except FAILURES as failure:
        click.echo(failures.explain(failure), err=True)  # the command of that name shadows what is imported
        sys.exit(WRONG_USE)
    except (DBAPIError, psycopg.Error) as error:
        _say_database(error)
        sys.exit(WRONG_USE)
    except OSError as error:
        if error.filename is None:
            raise
        click.echo(
            render_both(Text("{filename}: {strerror}", filename=error.filename, strerror=error.strerror)), err=True
        )
        sys.exit(WRONG_USE)


def _make_printable() -> None:
    """A locale that has no Chinese is answered in UTF-8, rather than with a traceback half way."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            try:
                "佣金".encode(stream.encoding)
            except UnicodeEncodeError:
                stream.reconfigure(encoding="utf-8")
            stream.reconfigure(errors="backslashreplace")


def _say_database(error: DBAPIError | psycopg.Error) -> None:
    """What an operator can mend; anything else the database says is a mistake of ours and keeps its traceback."""
    if sqlstate_of(error) in _NOT_MIGRATED:
        click.echo(render_both(Text("The database is not migrated: run `distrib migrate`."), " "), err=True)
    elif is_passing(error):
        cause = str(error.orig if isinstance(error, DBAPIError) else error).strip().splitlines()
        click.echo(f"{render_both(Text('The database does not answer'))}: {cause[0] if cause else ''}", err=True)
    else:
        raise error
