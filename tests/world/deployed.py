"""What the files under ``deploy`` say, as values: the commands that they run, the variables that they set."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml

from distrib.cli import cli

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CONTAINER, SYSTEMD, CHART = DEPLOY / "container", DEPLOY / "systemd", DEPLOY / "helm" / "distrib"
UNITS = sorted(SYSTEMD.glob("*.service"))
PORT = 8000


def compose() -> dict[str, Any]:
    """The compose file, its anchors filled in."""
    loaded: dict[str, Any] = yaml.safe_load((CONTAINER / "compose.yaml").read_text("utf-8"))
    return loaded


def values_of(unit: Path, name: str) -> list[str]:
    """What a unit of systemd says under a name, in order."""
    return re.findall(rf"^{name}=(.*)$", unit.read_text("utf-8"), re.MULTILINE)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command of ours that a file runs, after the file's name: the words behind ``distrib``."""
    for unit in UNITS:
        for line in values_of(unit, "ExecStart"):
            if line.startswith("/opt/distrib/bin/distrib "):
                yield unit.name, shlex.split(line)[1:]
    for path in sorted([CONTAINER / "Containerfile", CONTAINER / "compose.yaml", *CHART.glob("templates/*.yaml")]):
        text = re.sub(r"{{.*?}}", "2", path.read_text("utf-8"))
        for listed in re.findall(r"\[((?:CMD, |\")?distrib\b[^]]*)\]", text):
            words = [word.strip().strip('"') for word in listed.split(",")]
            yield path.name, words[words.index("distrib") + 1 :]


def check_command(words: list[str]) -> None:
    """Parses a command as the command line does, and runs nothing.

    Raises:
        click.UsageError: it is none, or takes no such options.
    """
    group: click.Command = cli
    context = click.Context(cli)
    while isinstance(group, click.Group) and words:
        name, group, words = group.resolve_command(context, words)  # type: ignore[assignment]
        context = click.Context(group, parent=context, info_name=name)
    group.parse_args(context, list(words))


def variables() -> Iterator[tuple[str, str]]:
    """Every variable of ours that a file names, after the file's name."""
    for path in sorted(DEPLOY.rglob("*")):
        if path.is_file() and "secrets" not in path.parts:
            for name in re.findall(r"\bDISTRIB_[A-Z_]*[A-Z]\b", path.read_text("utf-8")):
                yield path.name, name
