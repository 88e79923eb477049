"""``distrib bench``: the project's own benchmarks, each a ratio against a limit measured in the same run.

Those that need servers work in databases of their own, on the servers of the settings, and drop them afterwards; only
``world`` makes what is kept. Exit status 0 where every goal is met, 1 where one is not. What is measured stands in a
module each; docs/benchmarks.md says how to read it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

from distrib.bootstrap import Container, open_container
from distrib.cli.bench import (
    auditing,
    beside_work,
    closes,
    console_pages,
    growing,
    ingesting,
    latencies,
    many_programs,
    one_by_one,
    peering,
    ranking,
    reading,
    reckoning,
    refunding,
    settling,
    simulating,
    starting,
)
from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.platform_world.keeping import describe_world, drop_world
from distrib.cli.bench.platform_world.shape import WORLD_SIZES, PlatformWorld
from distrib.cli.bench.report import machine, show, show_world, teller
from distrib.cli.output import json_option, language_option, options_as, print_json
from distrib.settings import read_settings

Command = Callable[..., Any]
Measure = Callable[[Container, Any, Callable[[str], None]], dict[str, Any]]
"""Measures at a size, telling each step as it begins."""


class _Wish(NamedTuple):
    """At which scale is measured, and how the figures are shown."""

    scale: str
    language: str
    as_json: bool


def _with_options(command: Command) -> Command:
    scale = click.option("--scale", type=click.Choice(["small", "full"]), default="small", show_default=True)
    return scale(language_option(json_option(command)))


@click.group()
def bench() -> None:
    """Measure the service against limits taken in the same run."""


@bench.command()
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A checkout of another commit with its own .venv; rounds take turns.",
)
@_with_options
def settle(against: Path | None, scale: str, language: str, as_json: bool) -> None:
    """Orders a second through two workers, against raw COPY of the same rows."""
    measure = partial(settling.bench_settle, against=against)
    _run("settle", settling.SIZES[scale], measure, _Wish(scale, language, as_json))


@bench.command()
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A checkout of another commit with its own .venv; rounds take turns.",
)
@_with_options
def ingest(against: Path | None, scale: str, language: str, as_json: bool) -> None:
    """Events a second over HTTP, against raw COPY of the same rows."""
    measure = partial(ingesting.bench_ingest, against=against)
    _run("ingest", ingesting.SIZES[scale], measure, _Wish(scale, language, as_json))


@bench.command()
@_with_options
def reads(scale: str, language: str, as_json: bool) -> None:
    """Every GET with its filters on a program of platform size, against the same on a small one."""
    _run("reads", scale, reading.bench_reads, _Wish(scale, language, as_json))


@bench.command()
@_with_options
def pages(scale: str, language: str, as_json: bool) -> None:
    """Every kind of page of the console and of a shop's owner, on a program of platform size and on a small one."""
    _run("pages", scale, console_pages.bench_pages, _Wish(scale, language, as_json))


@bench.command("ingest-single")
@_with_options
def ingest_single(scale: str, language: str, as_json: bool) -> None:
    """Posts of one event each, against a bare route with one INSERT."""
    _run("ingest-single", ingesting.SINGLE_SIZES[scale], ingesting.bench_single, _Wish(scale, language, as_json))


@bench.command()
@_with_options
def latency(scale: str, language: str, as_json: bool) -> None:
    """From the post of an event until it is done: under load, and while Valkey is away."""
    with teller(language) as say, _failures():
        measured = latencies.bench_latency(read_settings(), latencies.LATENCY_SIZES[scale], say)
    _end({"bench": "latency", "scale": scale, **measured, "machine": machine()}, language, as_json)


@bench.command()
@_with_options
def start(scale: str, language: str, as_json: bool) -> None:
    """The list of commands by processor time, and serve until it is ready."""
    with teller(language) as say, _failures():
        measured = starting.bench_start(starting.START_SIZES[scale], say)
    _end({"bench": "start", "scale": scale, **measured, "machine": machine()}, language, as_json)


@bench.command()
@_with_options
def engine(scale: str, language: str, as_json: bool) -> None:
    """Orders a second of the pure engine on one core, against the bare arithmetic."""
    with teller(language) as say, _failures():
        measured = reckoning.bench_engine(reckoning.SIZES[scale], say)
    _end({"bench": "engine", "scale": scale, **measured, "machine": machine()}, language, as_json)


@bench.command("whatif")
@_with_options
def what_if(scale: str, language: str, as_json: bool) -> None:
    """A plan on all of history: the kernel alone, and whole simulations against settling the same orders."""
    _run("whatif", simulating.SIZES[scale], simulating.bench_whatif, _Wish(scale, language, as_json))


@bench.command()
@_with_options
def ranks(scale: str, language: str, as_json: bool) -> None:
    """The monthly evaluation of all shops, against a bare COPY and bare arithmetic."""
    _run("ranks", ranking.SIZES[scale], ranking.bench_ranks, _Wish(scale, language, as_json))


@bench.command()
@_with_options
def network(scale: str, language: str, as_json: bool) -> None:
    """Passes over the whole referral tree, against a bare COPY and bare arithmetic."""
    _run("network", ranking.SIZES[scale], ranking.bench_network, _Wish(scale, language, as_json))


@bench.command()
@_with_options
def close(scale: str, language: str, as_json: bool) -> None:
    """The close of a month on a large program, against one aggregate query over its transfers."""
    _run("close", closes.CLOSE_SIZES[scale], closes.bench_close, _Wish(scale, language, as_json))


@bench.command()
@_with_options
def audit(scale: str, language: str, as_json: bool) -> None:
    """The audit of a large program, against that of a tenth of it."""
    _run("audit", auditing.SIZES[scale], auditing.bench_audit, _Wish(scale, language, as_json))


@bench.command()
@_with_options
def export(scale: str, language: str, as_json: bool) -> None:
    """The file of a month's lines on a large program, against COPY of the same query to nowhere."""
    _run("export", closes.CLOSE_SIZES[scale], closes.bench_export, _Wish(scale, language, as_json))


@bench.command()
@_with_options
def beside(scale: str, language: str, as_json: bool) -> None:
    """Orders a second beside an audit, an evaluation and the monitors, against the same alone."""
    _run("beside", beside_work.SIZES[scale], beside_work.bench_beside, _Wish(scale, language, as_json))


@bench.command()
@_with_options
def flat(scale: str, language: str, as_json: bool) -> None:
    """What an order costs on a large program, against the same order on a small one."""
    _run("flat", growing.SIZES[scale], growing.bench_flat, _Wish(scale, language, as_json))


@bench.command()
@_with_options
def refund(scale: str, language: str, as_json: bool) -> None:
    """Refunds against settling, at equal transfers."""
    _run("refund", refunding.SIZES[scale], refunding.bench_refund, _Wish(scale, language, as_json))


@bench.command()
@_with_options
def programs(scale: str, language: str, as_json: bool) -> None:
    """Ten programs one after another, and a small one beside a large one."""
    _run("programs", many_programs.SIZES[scale], many_programs.bench_programs, _Wish(scale, language, as_json))


@bench.command()
@click.option(
    "--pgledger",
    "files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    required=True,
    help="A file of SQL that makes pgledger; several times, in the order in which they are to be run.",
)
@_with_options
def peer(files: tuple[Path, ...], scale: str, language: str, as_json: bool) -> None:
    """What a transfer costs, against pgledger's best batch on the same server."""
    measure = partial(peering.bench_peer, files=files)
    _run("peer", peering.SIZES[scale], measure, _Wish(scale, language, as_json))


@dataclass(frozen=True, slots=True)
class _EveryOptions:
    """What `all` is asked."""

    only: tuple[str, ...]
    against: Path | None
    files: tuple[Path, ...]
    scale: str
    language: str
    as_json: bool


@bench.command("all")
@click.option("--only", multiple=True, type=click.Choice(one_by_one.MEASURED), help="These alone; several times.")
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A checkout of another commit with its own .venv, for settle and ingest.",
)
@click.option(
    "--pgledger",
    "files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="The files of peer, which is left out without.",
)
@_with_options
@options_as(_EveryOptions)
def every(asked: _EveryOptions) -> None:
    """All of these but world one after another, each in a process of its own: the record of a release."""
    names = [name for name in one_by_one.MEASURED if not asked.only or name in asked.only] + [one_by_one.PEER] * bool(
        asked.files
    )
    options = partial(one_by_one.options_of, against=asked.against, files=asked.files)
    figures = one_by_one.run_all(
        names, asked.scale, options, lambda own: None if asked.as_json else show(own, asked.language)
    )
    if asked.as_json:
        print_json({**figures, "machine": machine()})
    sys.exit(0 if figures["met"] else 1)


@dataclass(frozen=True, slots=True)
class _WorldOptions:
    """What `world` is asked."""

    shops: int | None
    orders: int | None
    drop: bool
    scale: str
    language: str
    as_json: bool


@bench.command()
@click.option("--shops", type=click.IntRange(10, 100_000_000), help="How many shops; by the scale if not given.")
@click.option("--orders", type=click.IntRange(10, 99_999_999), help="How many orders; by the scale if not given.")
@click.option("--drop", is_flag=True, help="Drop the program of this size, and make none.")
@_with_options
@options_as(_WorldOptions)
def world(asked: _WorldOptions) -> None:
    """Make a program of platform size in a database of its own, and keep it for the next run."""
    of_scale = WORLD_SIZES[asked.scale]
    wanted = PlatformWorld(asked.shops or of_scale.shops, asked.orders or of_scale.orders)
    with _failures(), open_container(migrated=False) as container, teller(asked.language) as say:
        answer = {"dropped": drop_world(container, wanted)} if asked.drop else describe_world(container, wanted, say)
    if asked.as_json:
        print_json(answer)
    else:
        show_world(answer, asked.language)


def _run(name: str, size: Any, measure: Measure, wish: _Wish) -> None:
    with _failures(), open_container(migrated=False) as container, teller(wish.language) as say:
        figures = {"bench": name, "scale": wish.scale, **measure(container, size, say), "machine": machine(container)}
    _end(figures, wish.language, wish.as_json)


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except BenchFailed as failed:
        raise click.ClickException(str(failed)) from failed


def _end(figures: Mapping[str, Any], language: str, as_json: bool) -> None:
    if as_json:
        print_json(figures)
    else:
        show(figures, language)
    sys.exit(0 if figures["met"] else 1)
