"""``distrib demo``: the whole way on real orders.

One file per step: reading (cdnow, online_retail, credits), inventing (dice, recipe), posting
(arrival, stream, poster, way_in), running (service, ground, run), living (life, books, payday, proof), reading back
(readback, checks), showing (texts, watch, report). This module is the command itself; nothing else may enter.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from distrib.bootstrap import open_container
from distrib.cli.demo.facts import DemoFailed
from distrib.cli.demo.run import run_demo
from distrib.cli.demo.showing.report import report
from distrib.cli.demo.showing.texts import speaker
from distrib.cli.demo.showing.watch import Watch
from distrib.cli.demo.sources.known import SOURCES, load
from distrib.cli.demo.sources.recipe import SEED
from distrib.cli.output import json_option, language_option, print_json
from distrib.domain.errors import Refusal
from distrib.domain.texts import Text
from distrib.languages import render_both


@click.command()
@click.option("--source", type=click.Choice(sorted(SOURCES)), default="cdnow", show_default=True, help="The orders.")
@click.option("--file", "path", type=click.Path(path_type=Path), help="The source's file; CDNOW's comes with distrib.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=SEED, show_default=True, help="Of what is invented.")
@language_option
@json_option
def demo(source: str, path: Path | None, seed: int, language: str, as_json: bool) -> None:
    """The whole way on real orders: program, plan, shops, events, settlement, statements, audit.

    The orders are real; who refers whom, which customers are shops and, but for UCI's credits, the refunds are
    invented by a seeded recipe (docs/demo.md).
    """
    if path is None and source != "cdnow":
        raise click.UsageError(render_both(Text("--source {source} needs --file PATH", source=source)))
    say = speaker(language)
    started = time.monotonic()
    try:
        with Watch() as watch:
            watch.step(say("reading"))
            loaded = load(source, path, seed)
            watch.step(say("starting"))
            with open_container() as container:
                figures = run_demo(container, loaded, watch, say)
    except (DemoFailed, Refusal) as error:
        click.echo(f"distrib demo: {error}", err=True)
        sys.exit(1)
    figures["seconds"] = round(time.monotonic() - started, 1)
    if as_json:
        print_json(figures)
    else:
        report(figures, say, chinese=language == "zh")
    sys.exit(0 if figures["ok"] else 1)
