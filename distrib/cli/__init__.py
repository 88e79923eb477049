"""The command line: one room a noun, the same services as the API.

Exit status 0 done, 1 done with findings, 2 wrong use. No SQL and no business rule may enter.
"""

from __future__ import annotations

import importlib
import io
import sys
from typing import Final, NamedTuple

import click

from distrib import __version__
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.loading import loading

WRONG_USE = 2
"""The exit status where a command is refused."""


class CommandEntry(NamedTuple):
    """A command as the list of commands shows it, and where it lives."""

    place: str
    summary: Text


COMMANDS: Final = {
    "adjustment": CommandEntry("ledger.adjustment:adjustment", Text("Adjust a shop's account by hand, by two keys.")),
    "audit": CommandEntry("ledger.audit:audit", Text("Check every invariant; exit status 1 where one fails.")),
    "bench": CommandEntry("bench:bench", Text("Measure the service against limits taken in the same run.")),
    "change": CommandEntry("change:change", Text("See, approve and cancel changes of where money goes.")),
    "compliance": CommandEntry(
        "compliance.compliance:compliance",
        Text("Report, monitors, cases, penalties and local overrides of policy packs."),
    ),
    "demo": CommandEntry(
        "demo:demo", Text("The whole way on real orders: program, plan, shops, events, settlement, statements, audit.")
    ),
    "explain": CommandEntry("explain:explain", Text("Why an order paid what it paid, worked out again.")),
    "history": CommandEntry("history:history", Text("A program's history as Parquet files, month by month.")),
    "import": CommandEntry("imports.command:import_group", Text("Bring in shops or events from a file.")),
    "key": CommandEntry("programs.key:key", Text("Make, list, change and end API keys.")),
    "ledger": CommandEntry("ledger.ledger:ledger", Text("Accounts, and seals over the transfers.")),
    "migrate": CommandEntry("service.migrate:migrate", Text("Bring the database to the newest schema.")),
    "payout": CommandEntry("payouts.payout:payout", Text("Pay out what is available, by two keys.")),
    "person": CommandEntry("people.person:person", Text("Let people sign in to the console, and end that.")),
    "plan": CommandEntry("plans.plan:plan", Text("Check and publish plans.")),
    "pools": CommandEntry("ledger.pools:pools", Text("Pools of a month.")),
    "program": CommandEntry("programs.program:program", Text("Open, set and list programs.")),
    "ranks": CommandEntry("ranks:ranks", Text("Ranks of shops.")),
    "serve": CommandEntry("service.serve:serve", Text("Serve the API and the console.")),
    "settle": CommandEntry("service.settle:settle", Text("Work on everything that waits, now, in this process.")),
    "shops": CommandEntry("network.shops:shops_group", Text("Export parts of the referral tree; draw invitations.")),
    "simulate": CommandEntry(
        "simulations.simulate:simulate",
        Text("What the plans in FILE, up to five, would have paid on orders of history."),
    ),
    "statement": CommandEntry("ledger.statement:statement", Text("Monthly statements.")),
    "trail": CommandEntry("trail:trail", Text("See and export who changed or read what.")),
    "webhook": CommandEntry("webhook:webhook", Text("Where the service tells of what happened.")),
    "withdrawal": CommandEntry(
        "payouts.withdrawal:withdrawal", Text("See, approve and refuse the withdrawals that shops ask for.")
    ),
    "worker": CommandEntry("service.worker:worker", Text("Run RQ workers and the periodic jobs.")),
}
"""All commands. To list them none is imported: each summary is the first paragraph of its command's own help."""


class LazyCommands(click.Group):
    """Imports a command when it is asked for: each needs few modules, and all together take over a second."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help of all commands together."""
        _word_in_both_languages(self)
        super().format_help(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, which imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, render_both(COMMANDS[name].summary, " ")) for name in self.list_commands(ctx)])

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].place.partition(":")
        with loading():
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
@click.version_option(__version__)
def cli() -> None:
    """distrib: the commission engine for social commerce."""


def main() -> None:
    """Runs the command line; what is refused is one message, never a traceback."""
    _make_printable()
    try:
        cli()
    except Exception as error:
        if not importlib.import_module("distrib.cli.mishaps").is_explained(error):
            raise
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
