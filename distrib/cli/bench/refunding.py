"""Measures refunds against settling at equal transfers: orders of three lines are settled, then wholly given back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from distrib.bootstrap import Container
from distrib.cli.bench.processes.databases import own_databases
from distrib.cli.bench.settling import prepare
from distrib.cli.bench.spending import drain_spends, median_of
from distrib.cli.bench.world import BATCH, DELIVERY, EARNERS, LINES, SOLD_FOR, SOLD_FROM, World
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.orders.codec import decode_event
from distrib.services.orders.inbox import accept_events
from distrib.services.programs.tenants import find_program

GOAL = 0.7


@dataclass(frozen=True, slots=True)
class RefundSize:
    """What is settled and given back a round."""

    world: World
    rounds: int


SIZES = {"small": RefundSize(World(2_000, 6_000), 3), "full": RefundSize(World(20_000, 40_000), 5)}


def bench_refund(container: Container, size: RefundSize, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of the benchmark; the ratio is the median of a round's settling against its refunds."""
    settling, refunding = [], []
    with own_databases(container.database_url) as databases:
        say("prepare")
        program_id = prepare(container, databases.make("prepared"), size.world)
        for _ in range(size.rounds):
            with databases.copy_of("prepared") as url:
                own = Container(container.settings, url, container.redis_url)
                try:
                    say("drain")
                    settling.append(drain_spends(own))
                    _give_back(own, size.world)
                    say("refund")
                    refunding.append(drain_spends(own))
                finally:
                    own.close()
    ratio = median(done.processor_us / back.processor_us for done, back in zip(settling, refunding, strict=True))
    settled, refunded = median_of(settling), median_of(refunding)
    return {
        "rounds": size.rounds,
        "world": asdict(size.world),
        "program_id": program_id,
        "transfers_each": LINES * EARNERS,
        "settle": settled.rounded(),
        "refund": refunded.rounded(),
        "settle_processor_us": round(settled.processor_us),
        "refund_processor_us": round(refunded.processor_us),
        "ratio": round(ratio, 3),
        "goal": GOAL,
        "met": ratio >= GOAL,
    }


def _give_back(container: Container, world: World) -> None:
    """Puts a refund of all that is left of every order into the inbox."""
    refunded_at = (SOLD_FROM + SOLD_FOR + DELIVERY + timedelta(days=1)).isoformat()
    with container.begin() as conn:
        program = find_program(conn, "bench")
    for start in range(0, world.orders, BATCH):
        now = container.now()
        raw = [
            {
                "id": f"ret-{number:08d}",
                "type": "order.refunded",
                "occurred_at": refunded_at,
                "refund": {"id": f"r-{number:08d}", "order_id": f"o-{number:08d}"},
            }
            for number in range(start, min(start + BATCH, world.orders))
        ]
        decoded = [event for event in (decode_event(posted, now) for posted in raw) if event is not None]
        with container.begin() as conn:
            accept_events(Unit(conn, program, COMMAND_LINE, now), decoded)
