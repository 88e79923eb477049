"""Facts from the order system as plain frozen values: the one description of an event.

What arrives over HTTP is checked by ``distrib.services.orders.codec``, which also reads what the inbox keeps into these
values. Fields are named as on the wire. The values have no slots: so msgspec fills them twice as fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

GROUP_BUY: Final = "group_buy"
"""The channel (拼团) whose orders settle when their group has succeeded, and not before."""
PAID: Final = "order.paid"
SETTLED: Final = "order.settled"
REFUNDED: Final = "order.refunded"
CANCELLED: Final = "order.cancelled"
SUCCEEDED: Final = "group.succeeded"
FAILED: Final = "group.failed"
CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far in the future an instant that a caller gives may lie: clocks differ."""
CANCEL: Final = "/cancelled"
"""Under what a cancel takes back what is left; no refund of a caller's can be called so, for no id contains a slash."""


@dataclass(frozen=True)
class OrderLine:
    """One line of an order; amounts are those of the whole line, in minor units."""

    id: str
    sku: str
    quantity: int
    paid_minor: int
    list_minor: int | None = None
    cost_minor: int | None = None
    category: str | None = None
    entry: bool = False


@dataclass(frozen=True)
class Order:
    """An order as the order system tells it; ``paid_at`` decides plan, chain and ranks."""

    id: str
    currency: str
    paid_at: datetime
    lines: tuple[OrderLine, ...]
    channel: str = "retail"
    shop_id: str | None = None
    customer_id: str | None = None
    leader_id: str | None = None
    opener_id: str | None = None
    group_id: str | None = None

    @property
    def paid_minor(self) -> int:
        """What was paid for all lines together."""
        return sum([line.paid_minor for line in self.lines])


def group_of(order: Order) -> str | None:
    """The group that an order waits for: group-buy orders (拼团) that name one; None for all others."""
    return order.group_id if order.channel == GROUP_BUY else None


@dataclass(frozen=True)
class RefundLine:
    """How much of one line is given back, in minor units."""

    line_id: str
    amount_minor: int


@dataclass(frozen=True)
class Refund:
    """A refund; without ``lines`` it takes all that is left of the order."""

    id: str
    order_id: str
    lines: tuple[RefundLine, ...] | None = None


@dataclass(frozen=True)
class Event:
    """One fact; the unit of idempotency.

    Exactly one of ``order``, ``refund``, ``order_id`` (of an order that is cancelled) and ``group_id`` is set.
    """

    id: str
    type: str
    occurred_at: datetime
    order: Order | None = None
    refund: Refund | None = None
    order_id: str | None = None
    group_id: str | None = None

    @property
    def about_order_id(self) -> str:
        """The id of the order that this fact is about.

        Raises:
            ValueError: it is a group's and about no order of its own.
        """
        if self.order is not None:
            return self.order.id
        if self.refund is not None:
            return self.refund.order_id
        if self.order_id is not None:
            return self.order_id
        raise ValueError("a group's event is about no order of its own")
