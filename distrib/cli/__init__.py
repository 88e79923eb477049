"""The command line: one file per noun, the same services as the API.

Exit status 0 done, 1 done with findings, 2 wrong use. No SQL and no business rule may enter.
"""

from __future__ import annotations

import io
import sys

import click
import psycopg
from sqlalchemy.exc import DBAPIError

from distrib.api.transactions import is_passing, sqlstate_of
from distrib.cli.adjustment import adjustment
from distrib.cli.audit import audit
from distrib.cli.bench import bench
from distrib.cli.compliance import compliance
from distrib.cli.demo import demo
from distrib.cli.explain import explain
from distrib.cli.imports import import_group
from distrib.cli.key import key
from distrib.cli.ledger import ledger
from distrib.cli.migrate import migrate
from distrib.cli.payout import payout
from distrib.cli.plan import plan
from distrib.cli.pools import pools
from distrib.cli.program import program
from distrib.cli.ranks import ranks
from distrib.cli.serve import serve
from distrib.cli.settle import settle
from distrib.cli.shops import shops_group
from distrib.cli.statement import statement
from distrib.cli.webhook import webhook
from distrib.cli.worker import worker
from distrib.domain.errors import Refusal
from distrib.settings import SettingsError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="distrib")
def cli() -> None:
    """distrib: the commission engine for social commerce. 社交电商分销佣金引擎。"""


for command in (
    serve, worker, migrate, program, key, plan, import_group, settle, explain, pools, statement, adjustment, ranks,
    payout, ledger, compliance, audit, webhook, bench, demo, shops_group,
):
    cli.add_command(command)

_NOT_MIGRATED = ("42P01", "42703")  # no such table, no such column


def _list_in_both_languages(group: click.Group) -> None:
    """Lists of commands show each one's first paragraph whole: click's own cut ends before the Chinese."""
    for listed in group.commands.values():
        listed.short_help = " ".join((listed.help or "").split("\n\n")[0].split())
        if isinstance(listed, click.Group):
            _list_in_both_languages(listed)


_list_in_both_languages(cli)


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
