"""How commands speak: Chinese or English, tables or one JSON document, amounts as people read them.

Nothing here knows what it shows.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any, TypeAlias, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text as RichText

from distrib.domain.identifiers import CONTROLS_IN_JSON, visible
from distrib.domain.plans.measures import PlanFigure, PlanThreshold
from distrib.domain.policies.figures import Measured, Thresholds
from distrib.domain.texts import Text, Wording
from distrib.languages import render_both

WIDTH_OF_PIPES = 140
_ACTED_ON = re.compile(f"[{CONTROLS_IN_JSON}]")
"""What JSON may hold as it is and a terminal would act on; written out in JSON it means the same."""
_F = TypeVar("_F", bound=Callable[..., Any])
_Options = TypeVar("_Options")


def options_as(options: Callable[..., _Options]) -> Callable[[Callable[[_Options], None]], Callable[..., None]]:
    """Hands a command all that it is asked as one value; stands below what declares its options."""

    def gathering(command: Callable[[_Options], None]) -> Callable[..., None]:
        @wraps(command)
        def gathered(**given: Any) -> None:
            command(options(**given))

        return gathered

    return gathering


def language_option(command: _F) -> _F:
    """``--lang``: English or Chinese, by the locale if not given."""
    return click.option(
        "--lang",
        "language",
        type=click.Choice(["en", "zh"]),
        default=_language_of_environment,
        help="English or Chinese; by LANG if not given.",
    )(command)


def program_option(command: _F) -> _F:
    """``--program``: which one, where there are several."""
    return click.option("--program", "program_code", default=None, help="Code of the program.")(command)


def json_option(command: _F) -> _F:
    """``--json``: one document on standard output."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")(command)


def print_json(document: object) -> None:
    """One JSON document on standard output, times in RFC 3339."""
    click.echo(_ACTED_ON.sub(_escaped, json.dumps(document, ensure_ascii=False, indent=2, default=_plain)))


def open_console() -> Console:
    """Standard output for tables: no colour and a fixed width where it is no terminal."""
    console = Console(highlight=False, soft_wrap=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_OF_PIPES)


Headings: TypeAlias = Mapping[Text, bool] | Mapping[str, bool] | Mapping[Wording, bool]


def in_both(text: Wording) -> str:
    """The English text and the Chinese one after it."""
    return visible(render_both(text, " "))


def print_table(console: Console, title: str, columns: Headings, rows: Sequence[Sequence[object]]) -> None:
    """A table; each column's heading, in both languages where it is a text, comes with whether it holds figures."""
    table = Table(title=visible(title), title_justify="left", title_style="bold", header_style="dim")
    for heading, is_figure in columns.items():
        table.add_column(in_both(heading), justify="right" if is_figure else "left", overflow="fold")
    for row in rows:
        table.add_row(*[RichText("" if cell is None else visible(str(cell))) for cell in row])
    console.print(table)


def print_line(console: Console, text: str, style: str = "") -> None:
    """A line as it is, nothing in it taken for markup."""
    console.print(RichText(visible(text), style=style))


def time_text(instant: datetime) -> str:
    """RFC 3339 in UTC.

    >>> time_text(datetime(2026, 3, 1, 2, tzinfo=UTC))
    '2026-03-01T02:00:00Z'
    """
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _plain(value: object) -> str | dict[str, object]:
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (Measured, Thresholds, PlanFigure, PlanThreshold)):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"no JSON for {type(value).__name__}")


def _language_of_environment() -> str:
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"
