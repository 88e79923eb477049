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

from distrib.domain.errors import Refusal
from distrib.settings import SettingsError
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
    "worker": "service.worker:worker",
}
"""Where each command lives."""


class LazyCommands(click.Group):
    """Imports a command when it is asked for: each needs few modules, and all together take over a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, None where there is none."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"distrib.cli.{module}"), name)
        _list_in_both_languages(command)
        return command


def _list_in_both_languages(command: click.Command) -> None:
    """Lists of commands show each one's first paragraph whole: click's own cut ends before the Chinese."""
    command.short_help = " ".join((command.help or "").split("\n\n")[0].split())
    if isinstance(command, click.Group):
        for listed in command.commands.values():
            _list_in_both_languages(listed)


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="distrib")
def cli() -> None:
    """distrib: the commission engine for social commerce. 社交电商分销佣金引擎。"""


_NOT_MIGRATED = ("42P01", "42703")  # no such table, no such column


def main() -> None:
    """Runs the command line; what is refused is one message, never a traceback."""
    _make_printable()
    try:
        cli()
    except Refusal as refusal:
        _say(refusal)
        sys.exit(2)
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    except (DBAPIError, psycopg.Error) as error:
        _say_database(error)
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise
        click.echo(f"{error.filename}: {error.strerror} / 无法读写", err=True)
        sys.exit(2)


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
        words = "The database is not migrated: run `distrib migrate`. 数据库尚未升级，请运行 distrib migrate。"
        click.echo(words, err=True)
    elif is_passing(error):
        cause = str(error.orig if isinstance(error, DBAPIError) else error).strip().splitlines()
        click.echo(f"The database does not answer / 数据库暂不可用: {cause[0] if cause else ''}", err=True)
    else:
        raise error


def _say(refusal: Refusal) -> None:
    click.echo(f"{refusal.code}: {refusal.text('en')} {refusal.text('zh')}", err=True)
    for problem in refusal.problems:
        click.echo(f"  {problem.pointer}: {problem.detail}" if problem.pointer else f"  {problem.detail}", err=True)
