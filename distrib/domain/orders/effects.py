"""What an event brings about besides the order's next state: values that a batch gathers and the store writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from distrib.domain.events import Order
from distrib.domain.orders.state import Arrival, CommissionChange, OrderAccount, PaymentNumbers, Settlement
from distrib.domain.settlement.snapshot import Snapshot
from distrib.domain.settlement.terms import Terms

EXPECTED, REFUNDED, ENDED = "expected", "refunded", "ended"
"""Why what is expected changed."""


class OrderSettled(NamedTuple):
    """An order has earned its commissions.

    ``is_frozen``: the case that holds what those above the seller earn is still in force.
    """

    arrival: Arrival
    settlement: Settlement
    is_frozen: bool


class OrderPaid(NamedTuple):
    """An order was paid and lets its commissions be expected, under the snapshot that counts from now on."""

    arrival: Arrival
    order: Order
    terms: Terms
    snapshot: Snapshot
    numbers: PaymentNumbers


class ExpectationChanged(NamedTuple):
    """What is expected of an order changed; ``kind`` says why, ``first_seq`` numbers the changes."""

    event_no: int
    kind: str
    account: OrderAccount
    changes: Sequence[CommissionChange]
    first_seq: int
    occurred_at: datetime


class ExpectationClosed(NamedTuple):
    """Nothing more is expected of the order: it has settled, it has ended, or its payment failed."""


class PaymentFailed(NamedTuple):
    """The payment of an order failed, which is not final."""

    event_no: int
    occurred_at: datetime


class EventsReopened(NamedTuple):
    """Later payments, all refunds, and what contradicted the payment that failed are to be applied anew.

    ``only_conflicts``: only the latter, for the order stands by another payment.
    """

    arrival: Arrival
    only_conflicts: bool = False


class RefundApplied(NamedTuple):
    """A refund took of a settled order's lines, by index, or below 0 gave back; ``account`` is the order before it."""

    event_no: int
    refund_id: str
    account: OrderAccount
    taken_minor: Sequence[int]
    occurred_at: datetime


class EarlyRefundApplied(NamedTuple):
    """A refund took of a paid order's lines, by index, before its settlement; ``seq`` numbers such refunds."""

    event_no: int
    refund_id: str
    order: Order
    taken_minor: Sequence[int]
    seq: int
    occurred_at: datetime


class RefundedBeside(NamedTuple):
    """Money was given back, or below 0 taken again, that is no line's and counts for no commission."""

    event_no: int
    refund_id: str
    amount_minor: int
    occurred_at: datetime


class RefundUndone(NamedTuple):
    """A refund was undone: refunds of more than was left then are to be tried again."""

    arrival: Arrival


class CommissionsReversed(NamedTuple):
    """Commissions changed by what was given back, or undone; ``account`` is the order before the change."""

    event_no: int
    account: OrderAccount
    changes: Sequence[CommissionChange]
    occurred_at: datetime


class SalesChanged(NamedTuple):
    """What was given back changes the sales of an order's seller and the earnings of those it paid."""

    arrival: Arrival
    account: OrderAccount


class OrderEnded(NamedTuple):
    """An order ended for ever; ``shop_id`` is the one it names."""

    reason: str
    event_no: int
    shop_id: str | None
    occurred_at: datetime


class GroupJoined(NamedTuple):
    """The order belongs to a group (拼团), whose decision concerns it."""

    group_id: str


class GroupDecided(NamedTuple):
    """An event decided a group for ever; its orders are to be looked at."""

    arrival: Arrival
    has_succeeded: bool


class EventDone(NamedTuple):
    """An event has been applied; ``remark`` says what else there is to say of it."""

    event_no: int
    remark: str | None = None


class EventFailed(NamedTuple):
    """An event cannot be applied: the code of the refusal and what fills its text. Nothing was changed by it."""

    event_no: int
    code: str
    params: Mapping[str, object]


class EventPostponed(NamedTuple):
    """An event's turn comes after that of events which are to be applied anew; until then nothing is known of it."""

    event_no: int


class EventWaiting(NamedTuple):
    """An event waits: why, for the id of what, and by which key its coming is noticed."""

    event_no: int
    code: str
    id: str
    waits_for: str


Effect: TypeAlias = (
    OrderSettled
    | OrderPaid
    | ExpectationChanged
    | ExpectationClosed
    | PaymentFailed
    | EventsReopened
    | RefundApplied
    | EarlyRefundApplied
    | RefundedBeside
    | RefundUndone
    | CommissionsReversed
    | SalesChanged
    | OrderEnded
    | GroupJoined
    | GroupDecided
    | EventDone
    | EventFailed
    | EventPostponed
    | EventWaiting
)
