"""The made-up program of the benchmarks: shops in four levels, a plan that pays three, orders of three lines.

Made through the services, and the same to the byte on every run: numbers come from arithmetic,
not from chance. Nothing of a user's may enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from distrib.bootstrap import Container
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.network.shops import ShopDraft, register_shops
from distrib.services.orders.codec import decode_event
from distrib.services.orders.inbox import accept_events
from distrib.services.plans.versions import PublicationDraft, create_plan, publish_plan
from distrib.services.programs.tenants import ProgramDraft, create_program

BATCH = 1_000
LINES = 3
EARNERS = 3
OPENED = datetime(2024, 1, 1, tzinfo=UTC)
SOLD_FROM = datetime(2024, 3, 1, tzinfo=UTC)
SOLD_FOR = timedelta(days=28)
DELIVERY = timedelta(hours=20)
PLAN: dict[str, Any] = {
    "code": "bench",
    "currency": "CNY",
    "hold_days": 7,
    "tiers": 2,
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.10"},
        {"id": "upline-1", "pay": "upline", "tier": 1, "rate": "0.03"},
        {"id": "upline-2", "pay": "upline", "tier": 2, "rate": "0.01"},
    ],
}
STRIDE = 7_919  # a prime, so that sellers follow each other as if drawn


@dataclass(frozen=True, slots=True)
class World:
    """How many shops there are, and how many orders they sell."""

    shops: int
    orders: int

    @property
    def roots(self) -> int:
        """Shops of level 1: one in fifty."""
        return max(self.shops // 50, 1)

    @property
    def sellers_from(self) -> int:
        """The first shop with two uplines; those before it are of levels 1 and 2."""
        return max(self.shops // 5, self.roots + 1)

    def sponsor(self, shop: int) -> int | None:
        """Who brought the shop in: roots nobody, then roots, then level 2, and for the last quarter level 3."""
        if shop < self.roots:
            return None
        if shop < self.sellers_from:
            return shop % self.roots
        last_quarter = self.shops - self.shops // 4
        if shop >= max(last_quarter, self.sellers_from + 1):
            return self.sellers_from + shop % (last_quarter - self.sellers_from)
        return self.roots + shop % (self.sellers_from - self.roots)

    def seller(self, order: int) -> int:
        """Who sold the order; always a shop with two uplines."""
        return self.sellers_from + order * STRIDE % (self.shops - self.sellers_from)

    def events(self, start: int, stop: int) -> list[dict[str, Any]]:
        """The events that settle those orders, as an order system would send them."""
        return [self._event(number) for number in range(start, stop)]

    def batches(self, size: int = BATCH) -> Iterator[list[dict[str, Any]]]:
        """All events, in the order of their times."""
        for start in range(0, self.orders, size):
            yield self.events(start, min(start + size, self.orders))

    def _event(self, number: int) -> dict[str, Any]:
        paid_at = SOLD_FROM + SOLD_FOR * number / self.orders
        return {
            "id": f"evt-{number:08d}",
            "type": "order.settled",
            "occurred_at": _text(paid_at + DELIVERY),
            "order": {
                "id": f"o-{number:08d}",
                "channel": "retail",
                "shop_id": _shop_id(self.seller(number)),
                "customer_id": f"c-{number * STRIDE % (self.orders * 7 // 10 + 1):07d}",
                "currency": "CNY",
                "paid_at": _text(paid_at),
                "lines": [_line(number, line) for line in range(1, LINES + 1)],
            },
        }


def open_program(container: Container, code: str = "bench") -> Program:
    """The bench's program, with its plan in force."""
    with container.begin() as conn:
        now, packs = container.now(), container.policies
        program = create_program(conn, ProgramDraft(code, "CNY", "Asia/Shanghai", "open"), now, packs)
        plan = create_plan(Unit(conn, program, COMMAND_LINE, now), PLAN, packs)
        publish_plan(
            Unit(conn, program, COMMAND_LINE, now), packs, plan.code, plan.version, PublicationDraft(OPENED, None)
        )
    return program


def register(container: Container, program: Program, world: World) -> None:
    """Registers the world's shops."""
    pepper = container.identity_pepper
    policy = container.policies[program.policy]
    for start in range(0, world.shops, BATCH):
        drafts = [_draft(world, shop) for shop in range(start, min(start + BATCH, world.shops))]
        with container.begin() as conn:
            register_shops(Unit(conn, program, COMMAND_LINE, container.now()), policy, drafts, pepper)


def fill_inbox(container: Container, program: Program, world: World) -> None:
    """Puts all events into the inbox, in batches as posts would."""
    for batch in world.batches():
        now = container.now()
        decoded = [event for raw in batch if (event := decode_event(raw, now)) is not None]
        with container.begin() as conn:
            accept_events(Unit(conn, program, COMMAND_LINE, now), decoded)


def _draft(world: World, shop: int) -> ShopDraft:
    sponsor = world.sponsor(shop)
    return ShopDraft(
        id=_shop_id(shop),
        sponsor_id=None if sponsor is None else _shop_id(sponsor),
        invite_code=None,
        name=f"Shop {shop}",
        joined_at=OPENED,
        identity=None,
        attributes=None,
    )


def _shop_id(shop: int) -> str:
    return f"shop-{shop:07d}"


def _line(order: int, line: int) -> dict[str, Any]:
    price = 990 + (order * 37 + line * 1_013) % 20_000
    quantity = 1 + (order + line) % 3
    return {
        "id": str(line),
        "sku": f"SKU-{(order * 31 + line) % 5_000:05d}",
        "category": ("beauty", "food", "home")[(order + line) % 3],
        "quantity": quantity,
        "paid_minor": price * quantity,
    }


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
