"""Facts from the order system as plain frozen values: the one description of an event.

What arrives over HTTP is checked by ``distrib.services.orders.codec``, which also reads what the inbox keeps into these
values. Fields are named as on the wire. The values have no slots: so msgspec fills them twice as fast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

GROUP_BUY: Final = "group_buy"
"""The channel (拼团) whose orders settle when their group has succeeded, and not before."""
PAID: Final = "order.paid"
SETTLED: Final = "order.settled"
REFUNDED: Final = "order.refunded"
CANCELLED: Final = "order.cancelled"
PAYMENT_FAILED: Final = "order.payment_failed"
REFUND_REVERSED: Final = "refund.reversed"
SUCCEEDED: Final = "group.succeeded"
FAILED: Final = "group.failed"
CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far in the future an instant that a caller gives may lie: clocks differ."""
CANCEL: Final = "/cancelled"
"""Under what a cancel takes back what is left; no refund of a caller's can be called so, for no id contains a slash."""
UNDONE: Final = "/reversed/"
"""What stands before a refund's id where what it took is given back; no id of a caller's begins so."""
SPREAD_LINES: Final = "lines"
SPREAD_NONE: Final = "none"
SPREADS: Final = (SPREAD_LINES, SPREAD_NONE)
"""How money that is given back without lines counts: shared over the lines, or for no commission."""


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

    def has_content_of(self, other: Order) -> bool:
        """Whether both say the same: lines have ids, so their order says nothing (api.md, Events)."""
        if self.lines == other.lines:
            return self == other
        return replace(self, lines=_by_id(self.lines)) == replace(other, lines=_by_id(other.lines))


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
    """A refund: of lines, of an amount that names no lines, or without either of all that is left of the order.

    ``amount_minor`` goes with ``spread``: shared over the lines by what is left of each, or beside all lines.
    """

    id: str
    order_id: str
    lines: tuple[RefundLine, ...] | None = None
    amount_minor: int | None = None
    spread: str | None = None

    @property
    def is_beside_lines(self) -> bool:
        """Whether the money is no line's (goodwill, freight) and counts for no commission."""
        return self.spread == SPREAD_NONE

    def has_content_of(self, other: Refund) -> bool:
        """Whether both say the same, whatever the order of their lines."""
        if self.lines is None or other.lines is None:
            return self == other
        first, second = (sorted(refund.lines or (), key=lambda line: line.line_id) for refund in (self, other))
        return first == second and replace(self, lines=None) == replace(other, lines=None)


@dataclass(frozen=True)
class Event:
    """One fact; the unit of idempotency.

    Exactly one of ``order``, ``refund``, ``order_id`` (of an order that is cancelled or whose payment failed),
    ``group_id`` and ``refund_id`` (of a refund that is undone) is set; only the last may have ``order_id`` beside it.
    """

    id: str
    type: str
    occurred_at: datetime
    order: Order | None = None
    refund: Refund | None = None
    order_id: str | None = None
    group_id: str | None = None
    refund_id: str | None = None

    @property
    def about_order_id(self) -> str:
        """The id of the order that this fact is about.

        Raises:
            ValueError: it is a group's, or undoes a refund by its id alone.
        """
        if self.order is not None:
            return self.order.id
        if self.refund is not None:
            return self.refund.order_id
        if self.order_id is not None:
            return self.order_id
        raise ValueError("the event names no order")

    def has_content_of(self, other: Event) -> bool:
        """Whether both say the same; lists of lines with ids are sets."""
        if self.order is not None and other.order is not None:
            is_same = self.order.has_content_of(other.order)
        elif self.refund is not None and other.refund is not None:
            is_same = self.refund.has_content_of(other.refund)
        else:
            return self == other
        return is_same and replace(self, order=None, refund=None) == replace(other, order=None, refund=None)


def _by_id(lines: tuple[OrderLine, ...]) -> tuple[OrderLine, ...]:
    return tuple(sorted(lines, key=lambda line: line.id))


class DecodedEvent(NamedTuple):
    """An event that is fit to be kept: its key, its order, its canonical JSON and digest.

    ``group_id`` names the group that a group-buy order waits for, or that the event itself decides; ``order_id`` is
    None for the latter, and for what undoes the refund ``refund_id`` without naming its order.
    """

    id: str
    type: str
    order_id: str | None
    occurred_at: datetime
    digest: bytes
    payload: bytes
    group_id: str | None = None
    refund_id: str | None = None
