"""``distrib compliance penalty``: records, lists and withdraws penalties."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import click

from distrib.bootstrap import open_container
from distrib.cli.output import in_both, json_option, open_console, options_as, print_json, print_table, program_option
from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import parse_day
from distrib.domain.penalties import KINDS
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.services.compliance.penalties import (
    PenaltyDraft,
    PenaltyView,
    list_penalties,
    record_penalty,
    withdraw_penalty,
)

PAGE = 500


@click.group()
def penalty() -> None:
    """Record penalties for organising pyramid selling."""


@dataclass(frozen=True, slots=True)
class _AddOptions:
    """What `add` is asked."""

    penalty_id: str
    shop_id: str | None
    organiser_id: str | None
    kind: str
    decided_on: str
    authority: str | None
    reference: str | None
    reason: str
    program_code: str | None
    as_json: bool


@penalty.command()
@click.argument("penalty_id", metavar="ID")
@click.option("--shop", "shop_id", help="About the person who runs it.")
@click.option("--organiser", "organiser_id", help="Or about an organiser.")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="Kind.")
@click.option("--decided-on", required=True, help="Day of the decision, as 2026-03-09.")
@click.option("--authority", help="Who decided.")
@click.option("--reference", help="Number of the decision.")
@click.option("--reason", required=True, help="What for.")
@program_option
@json_option
@options_as(_AddOptions)
def add(asked: _AddOptions) -> None:
    """Record the penalty ID about a shop or an organiser."""
    draft = PenaltyDraft(
        asked.penalty_id,
        asked.kind,
        _day(asked.decided_on),
        asked.reason,
        asked.shop_id,
        asked.organiser_id,
        asked.authority,
        asked.reference,
    )
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, asked.program_code)
        view, _ = record_penalty(unit, draft)
    _show(view, asked.as_json)


@penalty.command()
@click.argument("penalty_id", metavar="ID")
@click.option("--reason", required=True, help="Why it no longer stands.")
@program_option
@json_option
def withdraw(penalty_id: str, reason: str, program_code: str | None, as_json: bool) -> None:
    """Say that the penalty ID no longer stands, such as one annulled on appeal."""
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, program_code)
        view = withdraw_penalty(unit, penalty_id, reason)
    _show(view, as_json)


@penalty.command("list")
@click.option("--shop", "shop_id", help="About one shop.")
@click.option("--organiser", "organiser_id", help="About one organiser.")
@program_option
@json_option
def list_command(shop_id: str | None, organiser_id: str | None, program_code: str | None, as_json: bool) -> None:
    """List the penalties, lapsed and withdrawn ones too."""
    penalties: list[PenaltyView] = []
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, program_code)
        after: int | None = 0
        while after is not None:
            page, after = list_penalties(unit, shop_id, organiser_id, after, PAGE)
            penalties += page
    if as_json:
        print_json(penalties)
        return
    columns = (
        Text("id", "column"),
        Text("about", "column"),
        Text("kind", "column"),
        Text("decided on", "column"),
        Text("lapses on", "column"),
        Text("status", "column"),
    )
    rows = [[view.id, _about(view), view.kind, view.decided_on, view.lapses_on, view.status] for view in penalties]
    print_table(
        open_console(), f"{in_both(Text('Penalties'))}: {unit.program.code}", dict.fromkeys(columns, False), rows
    )


def _day(text: str) -> date:
    try:
        return parse_day(text)
    except ValueError as error:
        raise Refusal("invalid", [Problem("--decided-on", Text("{problem}", "decided on", problem=error))]) from error


def _about(view: PenaltyView) -> str:
    return f"shop {view.shop_id}" if view.organiser_id is None else f"organiser {view.organiser_id}"


def _show(view: PenaltyView, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    words = {
        "in_force": render_both(Text("in force")),
        "lapsed": render_both(Text("no longer counts")),
        "withdrawn": render_both(Text("withdrawn")),
    }
    click.echo(f"{view.id}: {_about(view)}, {view.kind}, {view.decided_on}: {words[view.status]}")
