"""Measures whether an order costs the same on a large program as on a small one: processor time and log an order.

Both are kept worlds, copied, with the same new orders; rounds take turns, the first of each is not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import make_url

from distrib.bootstrap import Container
from distrib.cli.bench.platform_world.keeping import CODE, ensure_world
from distrib.cli.bench.platform_world.shape import (
    DELIVERY,
    SMALL_PROGRAM,
    SOLD_FOR_S,
    SOLD_FROM,
    WORLD_SIZES,
    PlatformWorld,
    shop_id,
)
from distrib.cli.bench.processes.databases import Databases, own_databases
from distrib.cli.bench.spending import Spent, drain_spends, median_of
from distrib.cli.bench.world import BATCH, LINES, STRIDE
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.orders.codec import decode_event
from distrib.services.orders.inbox import accept_events
from distrib.services.programs.tenants import find_program

GOAL = 1.2
WAL_GOAL = 2.0
WAL_BYTES_GOAL = 3_600
_SINCE = SOLD_FROM + timedelta(seconds=SOLD_FOR_S) - timedelta(days=5)


@dataclass(frozen=True, slots=True)
class FlatSize:
    """The large program, the small one, and how many orders a round each of them gets."""

    large: PlatformWorld
    small: PlatformWorld
    orders: int
    rounds: int


SIZES = {
    "small": FlatSize(WORLD_SIZES["small"], SMALL_PROGRAM, 6_000, 4),
    "full": FlatSize(WORLD_SIZES["full"], SMALL_PROGRAM, 20_000, 6),
}


def bench_flat(container: Container, size: FlatSize, say: Callable[[str], None]) -> dict[str, Any]:
    """All figures of the benchmark; the ratios are medians over the rounds of a large one against its small one."""
    with own_databases(container.database_url) as databases:
        sides = {
            name: _copied(container, databases, name, world, say)
            for name, world in (("large", size.large), ("small", size.small))
        }
        databases.flush()
        rounds: list[dict[str, Spent]] = []
        try:
            for number in range(size.rounds + 1):
                say("drain")
                rounds.append(
                    {
                        name: _settled(own, world, number * size.orders, size.orders)
                        for name, (own, world) in sides.items()
                    }
                )
        finally:
            for own, _ in sides.values():
                own.close()
    return _figures(size, rounds[1:])


def _copied(
    container: Container, databases: Databases, name: str, world: PlatformWorld, say: Callable[[str], None]
) -> tuple[Container, PlatformWorld]:
    kept, _ = ensure_world(container, world, say)
    url = databases.copy_kept(name, make_url(kept).database or "")
    return Container(container.settings, url, container.redis_url), world


def _settled(container: Container, world: PlatformWorld, first: int, orders: int) -> Spent:
    """Puts new orders into the inbox, then settles them; answers what settling took an order."""
    now = container.now()
    with container.begin() as conn:
        program = find_program(conn, CODE)
    for start in range(first, first + orders, BATCH):
        raw = [_event(world, number) for number in range(start, min(start + BATCH, first + orders))]
        decoded = [event for event in (decode_event(posted, now) for posted in raw) if event is not None]
        with container.begin() as conn:
            accept_events(Unit(conn, program, COMMAND_LINE, now), decoded)
    return drain_spends(container)


def _event(world: PlatformWorld, number: int) -> dict[str, Any]:
    """A new order of three lines, sold by each shop in turn."""
    paid_at = _SINCE + timedelta(seconds=number % 86_400)
    return {
        "id": f"flat-{number:08d}",
        "type": "order.settled",
        "occurred_at": _in_text(paid_at + DELIVERY),
        "order": {
            "id": f"flat-{number:08d}",
            "shop_id": shop_id(1 + number * STRIDE % world.shops),
            "customer_id": f"c-{number % world.customers:08d}",
            "currency": "CNY",
            "paid_at": _in_text(paid_at),
            "lines": [
                {"id": str(line), "sku": f"SKU-{number % 5_000:05d}", "quantity": 1, "paid_minor": 1_000 + line * 990}
                for line in range(1, LINES + 1)
            ],
        },
    }


def _figures(size: FlatSize, rounds: list[dict[str, Spent]]) -> dict[str, Any]:
    large, small = (median_of([spent[name] for spent in rounds]) for name in ("large", "small"))
    processor = median(spent["large"].processor_us / spent["small"].processor_us for spent in rounds)
    wal = median(spent["large"].wal_bytes / spent["small"].wal_bytes for spent in rounds)
    return {
        "rounds": size.rounds,
        "large": {**asdict(size.large), **large.rounded()},
        "small": {**asdict(size.small), **small.rounded()},
        "orders_a_round": size.orders,
        "large_processor_us": round(large.processor_us),
        "small_processor_us": round(small.processor_us),
        "flat_ratio": round(processor, 3),
        "flat_goal": GOAL,
        "large_wal": round(large.wal_bytes),
        "small_wal": round(small.wal_bytes),
        "small_wal_goal": WAL_BYTES_GOAL,
        "wal_ratio": round(wal, 3),
        "wal_goal": WAL_GOAL,
        "met": processor <= GOAL and wal <= WAL_GOAL and small.wal_bytes <= WAL_BYTES_GOAL,
    }


def _in_text(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
