"""``distrib settle``: settles everything that waits, now, in this process."""

from __future__ import annotations

import click

from distrib.bootstrap import open_container
from distrib.cli.output import json_option, print_json, program_option
from distrib.domain.texts import Text
from distrib.drainer import Drainer
from distrib.languages import render_both


@click.command()
@program_option
@json_option
def settle(program_code: str | None, as_json: bool) -> None:
    """Work on everything that waits, now, in this process.

    What waits is worked on for all programs, whichever is named.
    """
    with open_container() as container:
        if program_code is not None:
            with container.begin() as conn:
                container.program(conn, program_code)
        drainer = Drainer(
            container.worker_engine, container.policies, container.settings.drain_batch_orders, container.now
        )
        drainer.wake_waiting()
        tally = drainer.run()
    figures = {"orders": tally.orders, "events": tally.events, "batches": tally.batches, "parked": tally.parked}
    if as_json:
        print_json(figures)
        return
    click.echo(
        render_both(
            Text(
                "{orders:,} orders, {events:,} events, {parked:,} parked",
                orders=tally.orders,
                events=tally.events,
                parked=tally.parked,
            )
        )
    )
