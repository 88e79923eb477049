"""What a program of platform size consists of: who brought whom, who sold what, what was given back.

Arithmetic, not chance: the same to the byte on every run. ``filling`` says the same in SQL, and a test holds both
equal. Nothing of a user's may enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from distrib.cli.bench.world import STRIDE
from distrib.services.network.shops import ShopDraft

OPENED = datetime(2023, 12, 1, tzinfo=UTC)
SOLD_FROM = datetime(2023, 12, 31, 16, tzinfo=UTC)
SOLD_FOR_S = 80 * 86_400
DELIVERY = timedelta(hours=20)
RETURN_AFTER = timedelta(days=9)
TIME_ZONE = "Asia/Shanghai"
CATEGORIES = ("beauty", "food", "home")
WHOLE, SINGLE_LINE = 7, 23
"""Of fifty orders the one of which everything comes back, and the one of which the second of its three lines does."""


@dataclass(frozen=True, slots=True)
class PlatformWorld:
    """How many shops there are, and how many orders they sold; both are counted from 1.

    One shop in fifty is a root, every other was brought in by the shop of a fifth of its number: four levels. Of a
    thousand orders one is sold by a single large shop, the others by all in turn.
    """

    shops: int
    orders: int

    @property
    def roots(self) -> int:
        """Shops of level 1."""
        return max(self.shops // 50, 5)

    @property
    def largest_shop(self) -> int:
        """The shop that sells one order in a thousand."""
        return self.shops // 2 + 1

    @property
    def customers(self) -> int:
        """Customers who bought something, or might have."""
        return self.orders * 7 // 10 + 1

    @property
    def refunds(self) -> int:
        """Refunds that come after all orders are settled."""
        return sum(1 for number in range(1, self.orders + 1) if number % 50 in (WHOLE, SINGLE_LINE))

    def sponsor(self, shop: int) -> int | None:
        """Who brought the shop in; roots nobody."""
        return shop // 5 if shop > self.roots else None

    def seller(self, order: int) -> int:
        """Who sold the order."""
        return self.largest_shop if order % 1_000 == 0 else 1 + order * STRIDE % self.shops

    def drafts(self) -> Iterator[ShopDraft]:
        """The registrations, sponsors first."""
        for shop in range(1, self.shops + 1):
            sponsor = self.sponsor(shop)
            yield ShopDraft(
                id=shop_id(shop),
                sponsor_id=None if sponsor is None else shop_id(sponsor),
                name=f"Shop {shop}",
                joined_at=OPENED,
            )

    def settled_events(self) -> Iterator[dict[str, Any]]:
        """The events that settle the orders, in the order of their times."""
        return map(self._settled, range(1, self.orders + 1))

    def refunded_events(self) -> Iterator[dict[str, Any]]:
        """The events that give back, in the order of their times."""
        for number in range(1, self.orders + 1):
            if number % 50 in (WHOLE, SINGLE_LINE):
                yield self._refunded(number)

    def paid_at(self, order: int) -> datetime:
        """When the order was paid, to the second."""
        return SOLD_FROM + timedelta(seconds=(order - 1) * SOLD_FOR_S // self.orders)

    def _settled(self, order: int) -> dict[str, Any]:
        paid_at = self.paid_at(order)
        return {
            "id": f"evt-{order:08d}",
            "type": "order.settled",
            "occurred_at": _in_text(paid_at + DELIVERY),
            "order": {
                "id": f"o-{order:08d}",
                "shop_id": shop_id(self.seller(order)),
                "customer_id": f"c-{order * STRIDE % self.customers:08d}",
                "currency": "CNY",
                "paid_at": _in_text(paid_at),
                "lines": [_line(order, line) for line in range(1, lines_of(order) + 1)],
            },
        }

    def _refunded(self, order: int) -> dict[str, Any]:
        refund: dict[str, Any] = {"id": f"r-{order:08d}", "order_id": f"o-{order:08d}"}
        if order % 50 == SINGLE_LINE:
            refund["lines"] = [{"line_id": "2", "amount_minor": _line(order, 2)["paid_minor"]}]
        return {
            "id": f"ret-{order:08d}",
            "type": "order.refunded",
            "occurred_at": _in_text(self.paid_at(order) + DELIVERY + RETURN_AFTER),
            "refund": refund,
        }


WORLD_SIZES = {"small": PlatformWorld(100_000, 300_000), "full": PlatformWorld(1_000_000, 3_000_000)}
SMALL_PROGRAM = PlatformWorld(2_000, 2_000)
"""The other side of every comparison with a large one."""


def shop_id(shop: int) -> str:
    """The id of a shop by its number."""
    return f"shop-{shop:07d}"


def lines_of(order: int) -> int:
    """How many lines an order has: one in ten has three, the others one."""
    return 3 if order % 10 == 3 else 1


def _line(order: int, line: int) -> dict[str, Any]:
    quantity = 1 + (order + line) % 3
    return {
        "id": str(line),
        "sku": f"SKU-{(order * 31 + line) % 5_000:05d}",
        "category": CATEGORIES[(order + line) % 3],
        "quantity": quantity,
        "paid_minor": (990 + (order * 37 + line * 1_013) % 20_000) * quantity,
    }


def _in_text(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
