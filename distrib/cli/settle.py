"""``distrib settle``: works on everything that waits, now, in this process."""

from __future__ import annotations

import json

import click

from distrib.bootstrap import open_container
from distrib.drainer import Drainer


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def settle(as_json: bool) -> None:
    """Work on everything that waits, now. 立即处理所有待处理事件。"""
    with open_container() as container:
        drainer = Drainer(
            container.worker_engine, container.policies, container.settings.drain_batch_orders, container.now
        )
        drainer.wake_waiting()
        tally = drainer.run()
    figures = {"orders": tally.orders, "events": tally.events, "batches": tally.batches, "parked": tally.parked}
    if as_json:
        click.echo(json.dumps(figures))
        return
    click.echo(f"{tally.orders} orders, {tally.events} events, {tally.parked} parked / "
               f"{tally.orders} 个订单，{tally.events} 个事件，{tally.parked} 个搁置")  # fmt: skip
