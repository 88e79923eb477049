"""``distrib plan``: checks plan documents, publishes them, prints their schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from distrib.bootstrap import Container, open_container
from distrib.cli.instants import instant_of
from distrib.cli.output import in_both, json_option, print_json, program_option, time_text
from distrib.cli.plans.problems import show_findings, show_problems
from distrib.domain.amounts import show_amount
from distrib.domain.errors import Problem, Refusal
from distrib.domain.plans.plan import compile_plan
from distrib.domain.policies.policy import Finding
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.services.context import Program
from distrib.services.plans.drafts import load_samples
from distrib.services.plans.versions import PlanView, PublicationDraft, check_document, create_plan, judge, publish_plan
from distrib.services.plans.words import schema_for_editors
from distrib.services.programs.tenants import find_program, only_program
from distrib.services.simulations.asking import headlines_of_document
from distrib.services.simulations.running import AS_WERE, KNOWN, NONE, REPLAYED
from distrib.services.yaml_documents import line_at, read_with_lines, read_yaml, text_of
from distrib.settings import read_settings

_ASKED: Final[Mapping[str, Text]] = {
    AS_WERE: Text("ranks as they were"),
    REPLAYED: Text("ranks replayed"),
    KNOWN: Text("net of what came back"),
    NONE: Text("as if nothing had come back"),
}
"""How a simulation was asked, in words."""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def plan() -> None:
    """Check and publish plans."""


@plan.command()
@click.argument("file", type=_FILE)
@program_option
@json_option
def check(file: Path, program_code: str | None, as_json: bool) -> None:
    """Say everything that is wrong with the plan in FILE; 1 where it cannot be published as it is."""
    problems: list[Problem]
    findings: Sequence[Finding] = ()
    lines: dict[str, int] = {}
    try:
        document, lines = read_with_lines(text_of(file))
    except Refusal as refusal:
        problems = _unreadable(refusal)
    else:
        with open_container() as container:
            with container.begin() as conn:
                program = only_program(conn) if program_code is None else find_program(conn, program_code)
            problems, findings = _judged(container, program, document)
    is_good = not problems and not any(finding.severity in {"refuse", "sign_off"} for finding in findings)
    if as_json:
        shown = [_shown_problem(problem, lines) for problem in problems]
        print_json({"ok": is_good, "problems": shown, "findings": [finding._asdict() for finding in findings]})
    else:
        show_problems(file.name, problems, lines)
        show_findings(findings)
        if not problems and not findings:
            click.echo(in_both(Text("Nothing is wrong.")))
    if not is_good:
        raise SystemExit(1)


@plan.command()
@click.argument("file", type=_FILE)
@click.option("--effective-from", "since", required=True, help="RFC 3339, or a day of the program's.")
@click.option("--signed-off-by", help="Who answers for what the pack wants signed.")
@program_option
@json_option
def publish(file: Path, since: str, signed_off_by: str | None, program_code: str | None, as_json: bool) -> None:
    """Keep the plan in FILE as a version, where it is new, and put it in force."""
    document = read_document(file)
    with open_container() as container:
        policies = container.policies
        with container.begin() as conn:
            unit = container.unit(conn, program_code)
            effective_from = instant_of(since, unit.program, "--effective-from")
            made = create_plan(unit, document, policies)
            view = publish_plan(
                unit,
                policies,
                made.code,
                made.version,
                PublicationDraft(effective_from, signed_off_by),
            )
            headlines = headlines_of_document(conn, unit.program, view.document)
    if as_json:
        print_json(_shown(view) | {"simulation": next(iter(headlines), None), "simulations": headlines})
        return
    show_findings(view.findings)
    for headline in headlines:
        click.echo(in_both(_headline(headline)))
    click.echo(
        in_both(
            Text(
                "{code} version {version} is in force from {instant}.",
                code=view.code,
                version=view.version,
                instant=time_text(effective_from),
            )
        )
    )


@plan.command()
def schema() -> None:
    """Print the JSON Schema of plan documents, for editors."""
    print_json(schema_for_editors())


@plan.command()
@click.argument("name", required=False)
def sample(name: str | None) -> None:
    """Print the sample plan of NAME, to begin with; without a name, the names."""
    samples = load_samples(read_settings().config_dir)
    if name is None:
        click.echo("\n".join(samples))
    elif name in samples:
        click.echo(samples[name], nl=False)
    else:
        words = Text("must be one of {choices}", "field", choices=", ".join(samples))
        raise Refusal("invalid", [Problem("NAME", words)])


def read_document(file: Path) -> object:
    """Reads the document in a YAML or JSON file; wrong use where it is neither."""
    return read_yaml(text_of(file))


def _shown_problem(problem: Problem, lines: Mapping[str, int]) -> dict[str, object]:
    line = line_at(lines, problem.pointer)
    return {"pointer": problem.pointer, "detail": render_both(problem.detail), "line": line}


def _unreadable(refusal: Refusal) -> list[Problem]:
    """Turns what keeps a text from being read at all into problems of the document."""
    return list(refusal.problems) or [Problem("", refusal.text)]


def _judged(container: Container, program: Program | None, document: object) -> tuple[list[Problem], Sequence[Finding]]:
    """Checks and judges a document; without a program, by its own pack alone."""
    problems = check_document(program, container.policies, document)
    if problems or not isinstance(document, dict):
        return problems, ()
    return [], judge(program, container.policies, compile_plan(document))


def _headline(headline: Mapping[str, Any]) -> Text:
    """The figures of a simulation of the document, and how it was asked, in a sentence."""
    amounts = {
        name: show_amount(headline[f"{name}_minor"], headline["currency"])
        for name in ("cost", "as_it_was", "difference")
    }
    counts = {name: headline[name] for name in ("orders", "gaining", "losing", "failing")}
    span = {"since": time_text(headline["from"]), "until": time_text(headline["to"])}
    asked = {name: _ASKED[headline[name]] for name in ("ranks", "refunds")}
    return Text(
        "Simulated on {orders:,} orders paid from {since} to {until}, {ranks}, {refunds}: it costs {cost} {currency},"
        " as it was {as_it_was} ({difference}); {gaining:,} shops gain, {losing:,} lose, {failing:,} orders would fail."
        " Since then {events:,} events came.",
        currency=headline["currency"],
        events=headline["events_since"],
        **amounts,
        **counts,
        **span,
        **asked,
    )


def _shown(view: PlanView) -> dict[str, object]:
    return asdict(view) | {"findings": [finding._asdict() for finding in view.findings]}
