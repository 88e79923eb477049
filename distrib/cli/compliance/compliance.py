"""``distrib compliance``: the report, the monitors, cases, local overrides of packs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from distrib.bootstrap import Container, open_container
from distrib.cli.compliance.penalty import penalty
from distrib.cli.output import (
    in_both,
    json_option,
    language_option,
    open_console,
    options_as,
    print_json,
    print_line,
    print_table,
    program_option,
    time_text,
)
from distrib.domain.amounts import show_amount
from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import parse_instant
from distrib.domain.policies.override import Override
from distrib.domain.policies.refusals import PolicyLoosened
from distrib.domain.texts import Text
from distrib.languages import render
from distrib.services.compliance import cases
from distrib.services.compliance.by_name import by_name
from distrib.services.compliance.cases import CaseDecision
from distrib.services.compliance.monitors import MonitorRun, StructureView, run_monitors
from distrib.services.compliance.pdf import render_report
from distrib.services.compliance.report import report_paper
from distrib.services.compliance.report_views import ComplianceReport
from distrib.services.compliance.words import LANGUAGES, ReportWording
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.policies import load_documents, read_override, sign_override
from distrib.services.programs.refusals import NoProgram
from distrib.services.programs.tenants import list_programs
from distrib.services.yaml_documents import text_of

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)
SERIOUS = frozenset({"alert", "hold", "refuse"})
COLUMNS_OF_FINDINGS = ("id", "severity", "subject", "figure", "threshold", "detail", "source")
_TITLE = Text("Findings in {program} as of {as_of}")


@click.group()
def compliance() -> None:
    """Report, monitors, cases, penalties and local overrides of policy packs."""


compliance.add_command(penalty)


@dataclass(frozen=True, slots=True)
class _ComplianceReportOptions:
    """What `report` is asked."""

    as_of: str | None
    kind: str
    paper: str | None
    output: Path | None
    program_code: str | None
    language: str
    as_json: bool


@compliance.command()
@click.option("--as-of", "as_of", help="RFC 3339; now if not given.")
@click.option("--format", "kind", type=click.Choice(["text", "json", "pdf"]), default="text", help="Form.")
@click.option("--language", "paper", type=click.Choice(LANGUAGES), help="Of the PDF, if not --lang's.")
@click.option("--output", "-o", type=_OUT, help="Where it goes; standard output if not given.")
@program_option
@language_option
@json_option
@options_as(_ComplianceReportOptions)
def report(asked: _ComplianceReportOptions) -> None:
    """Print plans, caps, structure and findings for a regulator; 1 where anything serious stands."""
    with open_container() as container, container.begin() as conn:
        now = container.now()
        instant = now if asked.as_of is None else _instant(asked.as_of)
        unit = container.unit(conn, asked.program_code)
        composed = report_paper(unit, container.policies, instant)
        document = composed.report
    if asked.kind == "pdf":
        _write(render_report(composed, asked.paper or asked.language), asked.output)
    elif asked.as_json or asked.kind == "json":
        print_json(document)
    else:
        show_findings(document, unit.program, asked.language, (*COLUMNS_OF_FINDINGS, "done"))
    if any(finding.severity in SERIOUS for finding in document.findings):
        raise SystemExit(1)


@compliance.command()
@program_option
@language_option
@json_option
def run(program_code: str | None, language: str, as_json: bool) -> None:
    """Run the structure monitors now; 1 where anything serious was found."""
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, program_code)
        result = run_monitors(unit, container.policies)
    if as_json:
        print_json(result)
    else:
        show_findings(result, unit.program, language, COLUMNS_OF_FINDINGS)
    if any(finding.severity in SERIOUS for finding in result.findings):
        raise SystemExit(1)


@dataclass(frozen=True, slots=True)
class _DecideOptions:
    """What `decide` is asked."""

    case_no: int
    decision: str
    decided_by: str
    reason: str
    effective_at: str | None
    program_code: str | None
    as_json: bool


@compliance.command()
@click.argument("case_no", type=int)
@click.argument("decision", type=click.Choice(cases.DECISIONS))
@click.option("--decided-by", required=True, help="The person who answers for it.")
@click.option("--reason", required=True, help="Why.")
@click.option("--effective-at", help="Of a freeze: for orders paid from then on.")
@program_option
@json_option
@options_as(_DecideOptions)
def decide(asked: _DecideOptions) -> None:
    """Decide the case CASE_NO: freeze, release, reverse or dismiss."""
    instant = None if asked.effective_at is None else _instant(asked.effective_at)
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, asked.program_code)
        case = cases.decide_case(
            unit,
            asked.case_no,
            CaseDecision(asked.decision, instant, asked.decided_by, asked.reason),
        )
    if asked.as_json:
        print_json(case)
    else:
        click.echo(in_both(Text("Case {case_no} is {state}.", case_no=asked.case_no, state=case.state)))


@compliance.command("cases")
@program_option
@json_option
def list_command(program_code: str | None, as_json: bool) -> None:
    """List the cases with their decisions."""
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        listed, _ = cases.list_cases(conn, program, container.now(), limit=500)
    if as_json:
        print_json(listed)
        return
    columns = {
        Text("case", "column"): True,
        Text("subject", "column"): False,
        Text("state", "column"): False,
        Text("opened", "column"): False,
        Text("held", "column"): True,
    }
    rows = [
        [
            case.case_no,
            case.subject,
            case.state,
            time_text(case.opened_at),
            show_amount(case.frozen_minor, case.currency),
        ]
        for case in listed
    ]
    print_table(open_console(), f"{in_both(Text('Cases'))}: {program.code}", columns, rows)


@compliance.command()
@click.argument("file", type=_FILE)
@click.option("--signed-off-by", help="Who answers for what it loosens.")
@click.option("--reason", default="", help="Why.")
@json_option
def override(file: Path, signed_off_by: str | None, reason: str, as_json: bool) -> None:
    """Put the local override in FILE in force: tighter at once, looser with a named sign-off only."""
    with open_container() as container:
        loaded = read_override(load_documents(container.settings.config_dir), file)
        if loaded.loosened:
            _sign(container, loaded, file, signed_off_by, reason)
        path = container.settings.overrides_dir / f"{loaded.policy.name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.read_bytes())
    if as_json:
        print_json({"pack": loaded.policy.version, "loosened": loaded.loosened, "file": str(path)})
        return
    click.echo(in_both(Text("{version} is in force from the next start.", version=loaded.policy.version)))
    for figure in loaded.loosened:
        click.echo(f"  {figure}")


def _sign(container: Container, loaded: Override, file: Path, signed_off_by: str | None, reason: str) -> None:
    """Records the sign-off in the trail of every program that the pack judges."""
    if signed_off_by is None or not signed_off_by.strip():
        problems = [Problem(file.name, figure) for figure in loaded.loosened]
        raise PolicyLoosened(problems=problems, figures="; ".join(loaded.loosened))
    with container.begin() as conn:
        judged = [program for program in list_programs(conn) if program.policy == loaded.policy.name]
        if not judged:
            raise NoProgram()
        text = text_of(file)
        now = container.now()
        for program in judged:
            container.act(program)
            sign_override(Unit(conn, program, COMMAND_LINE, now), loaded, text, signed_off_by, reason)


def _instant(text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise Refusal("invalid", [Problem("--as-of", Text("{problem}", "as of", problem=error))]) from error


def _write(paper: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(paper)
    else:
        output.write_bytes(paper)


def show_findings(
    document: StructureView | MonitorRun | ComplianceReport, program: Program, language: str, columns: Sequence[str]
) -> None:
    """Prints the figures and findings of a report or a monitor run."""
    reader, console = ReportWording(language, program.currency, program.time_zone), open_console()
    figures = [(reader.say(name), reader.value(name, figure)) for name, figure in document.structure.items()]
    print_table(console, reader.say("structure"), {reader.say("structure"): False, reader.say("figure"): True}, figures)
    rows = [[reader.cell(finding, name) for name in columns] for finding in map(by_name, document.findings)]
    as_of = reader.value("as_of", document.as_of)
    title = render(_TITLE.with_params(program=document.program, as_of=f"{as_of} ({program.time_zone})"), language)
    if rows:
        print_table(console, title, {reader.say(name): False for name in columns}, rows)
    else:
        print_line(console, f"{title}: {reader.say('nothing_found')}", "green")
