"""``distrib ranks``: runs the monthly evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from distrib.bootstrap import Container, open_container
from distrib.cli.output import json_option, language_option, print_json, program_option, time_text
from distrib.domain.texts import Text
from distrib.drainer import Drainer
from distrib.languages import render
from distrib.services.context import COMMAND_LINE, Unit, parse_period
from distrib.services.ranks.evaluation import evaluate_month, evaluation_view

_WORDS = {
    "evaluated": Text(
        "{month} evaluated: {shops:,} shops, {promoted:,} promoted, {lowered:,} lowered, {taken_back:,} taken back,"
        " {failing:,} failed to keep their rank. In effect from {effective_at}."
    ),
    "known": Text("{month} was evaluated on {evaluated_at}; nothing changes."),
}


@click.group()
def ranks() -> None:
    """Ranks of shops."""


@ranks.command()
@click.option("--month", metavar="MONTH", required=True, help="A month that is over, as 2026-03.")
@program_option
@language_option
@json_option
def evaluate(month: str, program_code: str | None, language: str, as_json: bool) -> None:
    """Evaluate the ranks of all shops for a month; once."""
    period = parse_period(month)
    with open_container() as container:
        with container.begin() as conn:
            program = container.program(conn, program_code)
        _apply_pending_events(container)
        with container.begin() as conn:
            row, is_new = evaluate_month(Unit(conn, program, COMMAND_LINE, container.now()), period)
    view = {**asdict(evaluation_view(program, row)), "status": "evaluated" if is_new else "already_evaluated"}
    if as_json:
        print_json(view)
    else:
        click.echo(_said(view, "evaluated" if is_new else "known", language))


def _apply_pending_events(container: Container) -> None:
    """Drains the queue, so that no promotion is still to be decided when all ranks are judged."""
    batch = container.settings.drain_batch_orders
    Drainer(container.worker_engine, container.policies, batch, container.now).run()


def _said(view: Mapping[str, Any], word: str, language: str) -> str:
    times = {name: time_text(view[name]) for name in ("effective_at", "evaluated_at")}
    return render(_WORDS[word].with_params(**{**view, **times}), language)
