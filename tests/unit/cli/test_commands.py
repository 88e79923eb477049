"""The list of commands needs none of them: what it says is what they say, and nothing heavy is loaded for it."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest

from distrib import failures
from distrib.cli import COMMANDS, WRONG_USE, cli
from distrib.languages import CHINESE, ENGLISH, render

HEAVY = {"sqlalchemy", "psycopg", "marshmallow", "environs", "numpy", "flask", "networkx", "redis", "rq", "msgspec"}
LISTED = """
import json, sys
from distrib.cli import cli
try:
    cli(ARGUMENTS)
except SystemExit as end:
    print(json.dumps([end.code, sorted({name.partition(".")[0] for name in sys.modules})]), file=sys.stderr)
"""


def loaded_for(*arguments: str) -> tuple[int, set[str], str]:
    """The exit status of a command in a process of its own, the packages that it loaded, and what it printed."""
    code = LISTED.replace("ARGUMENTS", repr(list(arguments)))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    status, modules = json.loads(done.stderr.splitlines()[-1])
    return status, set(modules), done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["-h"]])
def test_the_list_of_commands_loads_nothing_heavy(arguments: list[str]) -> None:
    status, modules, printed = loaded_for(*arguments)
    assert (status, modules & HEAVY) == (0, set())
    for name, listed in COMMANDS.items():
        assert name in printed
        assert render(listed.summary, CHINESE)[:8] in printed


def test_a_command_that_does_not_exist_loads_nothing_heavy() -> None:
    status, modules, _ = loaded_for("no-such-command")
    assert (status, modules & HEAVY) == (WRONG_USE, set())


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_what_the_list_says_of_a_command_is_the_first_paragraph_of_its_own_help_in_both_languages(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)  # type: ignore[attr-defined]
    assert command is not None
    first = (command.help or "").split("\n\n")[0]
    summary = COMMANDS[name].summary
    assert first == f"{render(summary, ENGLISH)} {render(summary, CHINESE)}"


def test_the_exit_status_of_what_is_refused_is_that_of_the_processes() -> None:
    assert failures.WRONG_USE == WRONG_USE
