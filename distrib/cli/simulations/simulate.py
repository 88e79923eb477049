"""``distrib simulate``: what plans in files would have paid on history; or the ledger held against its own plans."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from distrib.api.http.codes import CODES
from distrib.bootstrap import Container, open_container
from distrib.cli.instants import instant_of
from distrib.cli.output import in_both, json_option, language_option, options_as, print_json, program_option
from distrib.cli.progress import terminal_progress
from distrib.cli.simulations.by_files import EXISTING, ByFiles, FileSpan, engine_options, simulate_by_files
from distrib.cli.simulations.chart import FORMATS as CHARTS
from distrib.cli.simulations.chart import chart_of
from distrib.cli.simulations.showing import show_check, show_result
from distrib.domain.errors import Problem, Refusal
from distrib.domain.texts import Text
from distrib.languages import render
from distrib.logs import configure_logs
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.simulations.asking import (
    DONE,
    FAILED,
    Wish,
    find_simulation,
    get_simulation,
    start_simulation,
)
from distrib.services.simulations.checking import check_as_published, check_ranks
from distrib.services.simulations.files import FORMATS, ORDERS, SHOPS, SimulationFile, file_of
from distrib.services.simulations.refusals import SimulationEnded
from distrib.services.simulations.result_views import SimulationView
from distrib.services.simulations.running import AS_WERE, KNOWN, RANKS, REFUNDS, REPLAYED, PaidSpan, enter_history
from distrib.services.simulations.trying_again import check_simulation
from distrib.services.yaml_documents import read_yaml, text_of
from distrib.simulator import Simulator

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_LATER = timedelta(days=1)
_LOOKS_EVERY_S = 0.2
Shown = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _SimulateOptions:
    """What `simulate` is asked."""

    files: tuple[Path, ...]
    since: str | None
    until: str | None
    refunds: str
    ranks: str
    ranks_from: str | None
    is_published: bool
    check: bool
    output: Path | None
    orders: bool
    directory: Path | None
    engine: str | None
    processes: int | None
    scheduler: str | None
    chart: Path | None
    program_code: str | None
    language: str
    as_json: bool


@click.command()
@click.argument("files", type=_FILE, nargs=-1, metavar="[FILE]...")
@click.option("--from", "since", help="Orders paid from then on: RFC 3339, or a day of the program's.")
@click.option("--to", "until", help="And before then.")
@click.option("--refunds", type=click.Choice(REFUNDS), default=KNOWN, help="With what came back, or without.")
@click.option("--ranks", type=click.Choice(RANKS), default=AS_WERE, help="Which ranks shops have.")
@click.option("--ranks-from", help="From when on ranks are replayed; the beginning of the span if not given.")
@click.option("--as-published", "is_published", is_flag=True, help="The plans that were in force, in place of a FILE.")
@click.option("--check", is_flag=True, help="Compare every row with the ledger's; 1 where any differs.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="A row a shop, to .csv, .xlsx, .parquet."
)
@click.option("--orders", is_flag=True, help="A row an order in place of a row a shop.")
@click.option(
    "--history", "directory", type=EXISTING, help="A directory of `distrib history export`, in place of a database."
)
@engine_options
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help="Cost by month, to .svg or .png.")
@program_option
@language_option
@json_option
@options_as(_SimulateOptions)
def simulate(asked: _SimulateOptions) -> None:
    """What the plans in FILE, up to five, would have paid on orders of history.

    With --as-published --check the plans that were in force are simulated, and every row is compared with the ledger's.
    """
    _check_use(asked.files, asked.since, asked.until, is_published=asked.is_published, check=asked.check)
    _check_files(asked.output, asked.chart, is_published=asked.is_published, orders=asked.orders)
    by_files = ByFiles(asked.directory, asked.engine, asked.processes, asked.scheduler)
    by_files.check(
        {
            "--as-published": asked.is_published,
            "--output": asked.output,
            "--orders": asked.orders,
            "--program": asked.program_code,
        }
    )
    documents = [read_yaml(text_of(file)) for file in asked.files]
    configure_logs("WARNING", "text")  # on standard error: standard output is the result's
    if asked.directory is not None:
        _tell(
            simulate_by_files(
                by_files,
                documents,
                FileSpan(asked.since or "", asked.until or "", asked.refunds, asked.ranks, asked.ranks_from),
            ),
            asked.chart,
            asked.language,
            as_json=asked.as_json,
        )
        return
    with open_container() as container:
        with container.begin() as conn:
            program = container.program(conn, asked.program_code)
        if asked.is_published:
            _check(container, program, asked)
            return
        wish = Wish(
            documents,
            instant_of(asked.since or "", program, "--from"),
            instant_of(asked.until or "", program, "--to"),
            asked.refunds,
            asked.ranks,
            None if asked.ranks_from is None else instant_of(asked.ranks_from, program, "--ranks-from"),
        )
        view = _simulated(container, program, wish)
        if asked.output is not None:
            _write_file(container, program, view["id"], asked.output, asked)
    _tell(view, asked.chart, asked.language, as_json=asked.as_json)


def _tell(view: Mapping[str, Any], chart: Path | None, language: str, *, as_json: bool) -> None:
    """Shows a simulation that is done, and draws it where asked."""
    if chart is not None:
        _write_chart(view["result"], chart, language)
    if as_json:
        print_json(view)
    else:
        show_result(view, language)


def _check_use(files: Sequence[Path], since: str | None, until: str | None, *, is_published: bool, check: bool) -> None:
    problems = []
    if is_published and files:
        problems.append(Problem("FILE", Text("goes without --as-published")))
    if is_published != check:
        problems.append(Problem("--check", Text("goes with --as-published, and that with it")))
    if not is_published and not files:
        problems.append(Problem("FILE", Text("is required, or --as-published --check")))
    if not is_published:
        given = {"--from": since, "--to": until}
        problems += [Problem(name, Text("is required")) for name, value in given.items() if value is None]
    if problems:
        raise Refusal("invalid", problems)


def _check_files(output: Path | None, chart: Path | None, *, is_published: bool, orders: bool) -> None:
    """Makes sure that every file that is asked for can be made, before anything is worked out."""
    problems = []
    for option, path, formats in (("--output", output, FORMATS), ("--chart", chart, CHARTS)):
        if path is not None and is_published:
            problems.append(Problem(option, Text("goes without --as-published")))
        elif path is not None and path.suffix.removeprefix(".") not in formats:
            choices = ", ".join(f".{name}" for name in formats)
            problems.append(Problem(option, Text("must end with one of {choices}", choices=choices)))
    if orders and output is None:
        problems.append(Problem("--orders", Text("goes with --output")))
    if problems:
        raise Refusal("invalid", problems)


def _write_file(
    container: Container, program: Program, simulation_id: str, path: Path, asked: _SimulateOptions
) -> None:
    detail = ORDERS if asked.orders else SHOPS
    with container.worker_engine.begin() as conn, path.open("wb") as file:
        wanted = SimulationFile(simulation_id, path.suffix.removeprefix("."), detail, asked.language)
        for piece in file_of(conn, program, wanted):
            file.write(piece)


def _write_chart(result: Mapping[str, Any], path: Path, language: str) -> None:
    names = [render(Text("as it was"), language), *(candidate["plan"] for candidate in result["candidates"])]
    title = render(Text("Cost by month, {currency}", currency=result["currency"]), language)
    path.write_bytes(chart_of(result, names, title, path.suffix.removeprefix(".")))


def _simulated(container: Container, program: Program, wish: Wish) -> SimulationView:
    """Asks the question and answers it in this process, or waits for the worker that has begun to."""
    with container.begin() as conn:
        asked = start_simulation(Unit(conn, program, COMMAND_LINE, container.now()), container.policies, wish)
    simulator = Simulator(container.worker_engine.begin, container.policies, container.now)
    with container.worker_engine.begin() as conn:
        number = find_simulation(conn, program, asked["id"]).simulation_no
    with _progress() as shown:
        while True:
            with container.worker_engine.begin() as conn:
                view = get_simulation(conn, program, asked["id"])
            if view["status"] == DONE:
                return view
            if view["status"] == FAILED:
                code = "" if view["problem"] is None else view["problem"]["code"]
                raise Refusal(code if code in CODES else "internal")
            if view["ended_at"] is not None:
                raise SimulationEnded(id=asked["id"])
            if not simulator.run_simulation_now(program.program_id, number, shown):
                time.sleep(_LOOKS_EVERY_S)


def _check(container: Container, program: Program, asked: _SimulateOptions) -> None:
    since, until = asked.since, asked.until
    begin = _BEGINNING if since is None else instant_of(since, program, "--from")
    end = container.now() + _LATER if until is None else instant_of(until, program, "--to")
    with _progress() as shown, container.worker_engine.begin() as conn:
        enter_history(conn)
        span = PaidSpan(begin, end)
        checked = check_as_published(conn, program, container.policies, span, shown)
        unit = Unit(conn, program, COMMAND_LINE, container.now())
        check_simulation(unit, container.worker_engine.begin, container.policies, span, checked)
        if asked.ranks == REPLAYED:
            check_ranks(unit, container.worker_engine.begin, container.policies, checked)
    if asked.as_json:
        print_json({"program": program.code, **checked.view()})
    else:
        show_check(checked.view(), asked.language)
    if checked.differences:
        raise SystemExit(1)


@contextmanager
def _progress() -> Iterator[Shown]:
    """Shows on a terminal how far it is."""
    with terminal_progress() as progress:
        bar = progress.add_task(in_both(Text("Orders")), total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)
