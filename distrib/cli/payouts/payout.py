"""``distrib payout``: batches of money to shops: made, approved, sent as files, settled, reported; by two keys."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import Connection

from distrib.bootstrap import Container, open_container
from distrib.cli.acting_key import acting_as, key_option
from distrib.cli.imports.shape import ignored_option
from distrib.cli.output import (
    in_both,
    json_option,
    open_console,
    options_as,
    print_json,
    print_table,
    program_option,
    time_text,
)
from distrib.cli.payouts.arguments import amounts_of, reason_of
from distrib.cli.payouts.files import read_results, write_pieces
from distrib.cli.payouts.pages import PAGE, all_pages
from distrib.cli.payouts.showing import lines_in_all, show_batch, whole_batch
from distrib.domain.amounts import show_amount
from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import parse_instant
from distrib.domain.payouts.channels import CHANNELS, CSV, channel_on
from distrib.domain.refusals import Forbidden
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.services.context import Unit
from distrib.services.held_changes import reseal_contents
from distrib.services.payouts import batches as service
from distrib.services.payouts.batches import PayoutDraft
from distrib.services.payouts.closing_payments import ClosingDraft, propose_closing_payment
from distrib.services.payouts.files import ENCODINGS, WantedFile, channel_file
from distrib.services.payouts.payee_versions import apply_due_payees, reseal_payees
from distrib.services.payouts.reports import platform_report, us_1099_report
from distrib.services.payouts.results import record_results
from distrib.services.payouts.sheet import REFUSED, LineOutcome

RESULTS_CHUNK = 1_000
_OUTPUT = click.Path(dir_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
output_option = click.option("--output", type=_OUTPUT, help="A file; else standard output.")


@click.group()
def payout() -> None:
    """Pay out what is available, by two keys."""


@dataclass(frozen=True, slots=True)
class _PayoutOptions:
    """What `create` is asked."""

    payout_id: str
    up_to: str
    min_minor: int
    channel: str
    shop_ids: tuple[str, ...]
    amounts: tuple[str, ...]
    withdrawals: tuple[str, ...]
    key: str
    program_code: str | None
    as_json: bool


@payout.command()
@click.argument("payout_id", metavar="ID")
@click.option("--up-to", required=True, help="What was available then; RFC 3339 or `now`.")
@click.option("--min-minor", type=click.IntRange(0), default=0, help="Least amount.")
@click.option("--channel", type=click.Choice(CHANNELS), default=CSV, show_default=True, help="渠道。")
@click.option("--shop", "shop_ids", multiple=True, help="This shop alone; may be given again.")
@click.option("--amount", "amounts", multiple=True, metavar="SHOP=MINOR", help="A part of a balance; again for more.")
@click.option("--withdrawal", "withdrawals", multiple=True, help="An approved withdrawal; may be given again.")
@key_option()
@program_option
@json_option
@options_as(_PayoutOptions)
def create(asked: _PayoutOptions) -> None:
    """Make the batch ID and reserve its money: of everything available, or of what is named."""
    wanted = amounts_of(asked.amounts)
    with open_container() as container, container.begin() as conn:
        unit = acting_as(container, conn, asked.key, asked.program_code, "propose")
        draft = PayoutDraft(
            asked.payout_id,
            unit.now if asked.up_to == "now" else _instant(asked.up_to),
            asked.min_minor,
            asked.channel,
            shop_ids=asked.shop_ids or None,
            amounts=wanted,
            withdrawals=asked.withdrawals or None,
        )
        apply_due_payees(unit, container.sealer, container.identity_pepper)
        service.create_payout(unit, draft, container.channels)
        view = whole_batch(unit, asked.payout_id)
    show_batch(view, asked.as_json)


@dataclass(frozen=True, slots=True)
class _ClosingOptions:
    """What `closing` is asked."""

    payout_id: str
    shop_id: str
    reason: str
    channel: str
    key: str
    program_code: str | None
    as_json: bool


@payout.command()
@click.argument("payout_id", metavar="ID")
@click.option("--shop", "shop_id", required=True, help="Closed, with money left.")
@click.option("--reason", required=True, help="Why it is paid.")
@click.option("--channel", type=click.Choice(CHANNELS), default=CSV, show_default=True, help="渠道。")
@key_option()
@program_option
@json_option
@options_as(_ClosingOptions)
def closing(asked: _ClosingOptions) -> None:
    """Ask for the last money of a closed shop as the batch ID; another key approves it. Admins only."""
    draft = ClosingDraft(asked.payout_id, asked.shop_id, reason_of(asked.reason), asked.channel)
    with open_container() as container, container.begin() as conn:
        unit = acting_as(container, conn, asked.key, asked.program_code, "propose")
        if unit.actor.role != "admin":
            raise Forbidden()
        apply_due_payees(unit, container.sealer, container.identity_pepper)
        propose_closing_payment(unit, draft, container.channels)
        view = whole_batch(unit, asked.payout_id)
    show_batch(view, asked.as_json)


@dataclass(frozen=True, slots=True)
class _DecisionOptions:
    """What `approve` and `cancel` are asked."""

    payout_id: str
    key: str
    program_code: str | None
    as_json: bool


@payout.command()
@click.argument("payout_id", metavar="ID")
@key_option()
@program_option
@json_option
@options_as(_DecisionOptions)
def approve(asked: _DecisionOptions) -> None:
    """Approve the batch ID that another key made."""
    _decide(service.approve_payout, "confirm", asked)


@payout.command()
@click.argument("payout_id", metavar="ID")
@key_option()
@program_option
@json_option
@options_as(_DecisionOptions)
def cancel(asked: _DecisionOptions) -> None:
    """Give the money of the batch ID back before it is approved."""
    _decide(service.cancel_payout, "propose", asked)


def _decide(decision: Callable[[Unit, str], object], scope: str, asked: _DecisionOptions) -> None:
    with open_container() as container, container.begin() as conn:
        unit = acting_as(container, conn, asked.key, asked.program_code, scope)
        decision(unit, asked.payout_id)
        view = whole_batch(unit, asked.payout_id)
    show_batch(view, asked.as_json)


@dataclass(frozen=True, slots=True)
class _ResultsOptions:
    """What `results` is asked."""

    payout_id: str
    file: Path
    encoding: str
    ignored: frozenset[str]
    key: str
    program_code: str | None
    as_json: bool


@payout.command()
@click.argument("payout_id", metavar="ID")
@click.argument("file", type=_FILE)
@click.option("--encoding", type=click.Choice(list(ENCODINGS)), default="utf-8", show_default=True, help="Of FILE.")
@ignored_option
@key_option()
@program_option
@json_option
@options_as(_ResultsOptions)
def results(asked: _ResultsOptions) -> None:
    """Record what the channel or the bank said, from FILE.

    CSV or NDJSON: shop_id or detail_no, status (paid, failed, returned, or the channel's own word), paid_on, reference,
    reason. The columns of the batch's own file are passed over, so that it can come back with the answer filled in.
    Exit status 1 where a result was refused; it does not touch the rest.
    """
    settled = []
    with open_container() as container:
        with container.begin() as conn:
            unit = acting_as(container, conn, asked.key, asked.program_code, "results")
            head = service.head_of(conn, unit.program, asked.payout_id)
        channel = channel_on(container.channels, head.channel, unit.program.day_of(head.created_at))
        drafts, still_open = read_results(asked.file, channel, asked.encoding, asked.ignored)
        for start in range(0, len(drafts), RESULTS_CHUNK):
            with container.begin() as conn:
                unit = acting_as(container, conn, asked.key, asked.program_code, "results")
                chunk = drafts[start : start + RESULTS_CHUNK]
                settled += record_results(unit, asked.payout_id, chunk, container.channels)
    refused = [outcome for outcome in settled if outcome.outcome == REFUSED]
    if asked.as_json:
        print_json([_outcome_view(outcome) for outcome in settled])
    else:
        _print_outcomes(len(settled), refused, still_open)
    if refused:
        raise SystemExit(1)


def _print_outcomes(count: int, refused: Sequence[LineOutcome], still_open: int) -> None:
    recorded = Text("{recorded} results, {refused} refused.", recorded=count - len(refused), refused=len(refused))
    click.echo(in_both(recorded))
    if still_open:
        click.echo(in_both(Text("{count} lines are not through at the channel yet.", count=still_open)), err=True)
    for outcome in refused:
        if outcome.refusal is not None:
            name = outcome.shop_id or outcome.detail_no
            click.echo(f"{name}: {render_both(outcome.refusal.text, ' ')}", err=True)


def _outcome_view(outcome: LineOutcome) -> dict[str, object]:
    code = None if outcome.refusal is None else outcome.refusal.code
    return {"shop_id": outcome.shop_id, "detail_no": outcome.detail_no, "status": outcome.outcome, "code": code}


@payout.command("list")
@key_option(required=False)
@program_option
@json_option
def list_command(key: str | None, program_code: str | None, as_json: bool) -> None:
    """List the batches, the newest first."""
    with open_container() as container, container.begin() as conn:
        unit = _reader(container, conn, key, program_code, "read")
        batches = all_pages(lambda before: service.list_payouts(unit, before, PAGE))
    if as_json:
        print_json(batches)
        return
    columns = {
        Text("id", "column"): False,
        Text("status", "column"): False,
        Text("channel", "column"): False,
        Text("lines", "column"): True,
        Text("amount", "column"): True,
        Text("tax", "column"): True,
        Text("up to", "column"): False,
    }
    rows = [
        [
            batch.id,
            batch.status,
            batch.channel,
            batch.count,
            show_amount(batch.amount_minor, batch.currency),
            show_amount(batch.tax_minor, batch.currency),
            time_text(batch.up_to),
        ]
        for batch in batches
    ]
    print_table(open_console(), f"{in_both(Text('Payouts'))}: {unit.program.code}", columns, rows)


@payout.command()
@click.argument("payout_id", metavar="ID")
@key_option(required=False)
@program_option
@json_option
def show(payout_id: str, key: str | None, program_code: str | None, as_json: bool) -> None:
    """Show the batch ID with its lines."""
    with open_container() as container, container.begin() as conn:
        view = whole_batch(_reader(container, conn, key, program_code, "read"), payout_id)
    show_batch(view, as_json)


@dataclass(frozen=True, slots=True)
class _PayoutFileOptions:
    """What `export` is asked."""

    payout_id: str
    file_format: str | None
    part: int
    encoding: str
    output: Path | None
    key: str | None
    program_code: str | None


@payout.command()
@click.argument("payout_id", metavar="ID")
@click.option("--format", "file_format", type=click.Choice(CHANNELS), help="That of the channel if not given.")
@click.option("--part", type=click.IntRange(1), default=1, show_default=True, help="Which file.")
@click.option("--encoding", type=click.Choice(list(ENCODINGS)), default="utf-8", help="Of a CSV.")
@output_option
@key_option(required=False)
@program_option
@options_as(_PayoutFileOptions)
def export(asked: _PayoutFileOptions) -> None:
    """Write the file that the channel takes, once the batch ID is approved."""
    with open_container() as container, container.begin() as conn:
        unit = _reader(container, conn, asked.key, asked.program_code, "payees")
        made = channel_file(
            unit,
            asked.payout_id,
            container.channels,
            container.sealer,
            WantedFile(asked.file_format, asked.part, asked.encoding),
        )
        write_pieces([made.content], asked.output)
    for note in made.notes:
        click.echo(" / ".join(note.values()), err=True)
    currency = unit.program.currency
    total = show_amount(made.total_minor, currency)
    click.echo(in_both(lines_in_all(made.count, total, currency)), err=True)


@dataclass(frozen=True, slots=True)
class _TaxReportOptions:
    """What `report` is asked."""

    kind: str
    quarter: str | None
    year: int | None
    output: Path | None
    key: str | None
    program_code: str | None


@payout.command()
@click.argument("kind", type=click.Choice(["platform", "us-1099"]), default="platform")
@click.option("--quarter", help="Of the platform report, as 2026-Q1.")
@click.option("--year", type=click.IntRange(1970, 8999), help="Of the 1099 report.")
@output_option
@key_option(required=False)
@program_option
@options_as(_TaxReportOptions)
def report(asked: _TaxReportOptions) -> None:
    """Write a report to the tax office as CSV: `platform` (quarterly) or `us-1099` (yearly)."""
    with open_container() as container, container.begin() as conn:
        unit = _reader(container, conn, asked.key, asked.program_code, "payees")
        pieces: Generator[bytes, None, None]
        if asked.kind == "platform":
            pieces = platform_report(conn, unit.program, asked.quarter or "", container.sealer)
        elif asked.year is None:
            raise Refusal("invalid", [Problem("--year", Text("is required"))])
        else:
            pieces = us_1099_report(conn, unit.program, asked.year, container.sealer)
        write_pieces(pieces, asked.output)


@payout.command()
@program_option
def reseal(program_code: str | None) -> None:
    """Seal all payees with the newest data key, so that an older one can be let go."""
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        count = reseal_payees(conn, program, container.sealer) + reseal_contents(conn, program, container.sealer)
    click.echo(in_both(Text("{count} sealed anew.", count=count)))


def _reader(container: Container, conn: Connection, key: str | None, program_code: str | None, scope: str) -> Unit:
    """Whose payouts are read, and by whom: the key's where one was given."""
    if key is not None:
        return acting_as(container, conn, key, program_code, scope)
    return container.unit(conn, program_code)


def _instant(text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError:
        words = Text("must be an RFC 3339 time with an offset")
        raise Refusal("invalid", [Problem("--up-to", words)]) from None
