"""Orders of history with all that a plan can be tried on, a chunk at a time. No SQL may enter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.events import UNDONE, Order, group_of
from distrib.domain.orders.lookups import GroupDecision
from distrib.domain.orders.state import Arrival
from distrib.domain.settlement.recomputing import PostedKey
from distrib.domain.settlement.snapshot import EarlierOrders, Snapshot
from distrib.domain.settlement.terms import Terms
from distrib.domain.simulations.lives import SettledLife, life_of
from distrib.domain.simulations.outcomes import Setback
from distrib.services.context import Program
from distrib.services.orders.codec import decode_stored
from distrib.services.plans.terms import TermsBook
from distrib.services.settlement.past_people import snapshots_of
from distrib.store.simulations import history as rows
from distrib.store.simulations.history import PaidSpan, PastSettlement, PostedRow, RefundRow

CHUNK_ORDERS = 2_000
COMPUTED = ("commission_too_large", "cost_missing", "currency_mismatch", "customer_missing", "no_plan")
"""Why a settlement fails by its plan: another plan may pay what one could not."""
_NEVER = datetime.max.replace(tzinfo=UTC)


class PastOrder(NamedTuple):
    """An order of history: what it holds, how it stood, what came back of it, and what the ledger has of it.

    ``version_no`` is that of the plan it settled under; None where nobody could earn, and of one that failed.
    ``counted`` are the earlier orders of its customer, where whoever read it counted them as far as any plan may ask.
    """

    order_no: int
    event_no: int
    version_no: int | None
    settled_at: datetime
    order: Order
    snapshot: Snapshot
    setbacks: Sequence[Setback]
    posted: Sequence[PostedRow]
    has_failed: bool = False
    counted: EarlierOrders | None = None

    @property
    def left_minor(self) -> int:
        """What refunds left of what was paid."""
        return self.order.paid_minor - sum(sum(setback.taken_minor.values()) for setback in self.setbacks)


def past_orders(conn: Connection, program: Program, span: PaidSpan, *, in_time: bool) -> Iterator[list[PastOrder]]:
    """Yields the settled orders of a span, chunk by chunk: by number, or in the order in which they settled."""
    for numbers in rows.numbers_of(conn, program.program_id, span, CHUNK_ORDERS, in_time=in_time):
        yield orders_by_number(conn, program, numbers)


def orders_by_number(conn: Connection, program: Program, numbers: Sequence[int]) -> list[PastOrder]:
    """Reads the settled orders of those numbers, in that order."""
    settled = rows.orders_of(conn, program.program_id, numbers)
    posted: defaultdict[int, list[PostedRow]] = defaultdict(list)
    for row in rows.posted_of(conn, program.program_id, numbers):
        posted[row.order_no].append(row)
    refunds: defaultdict[int, list[RefundRow]] = defaultdict(list)
    for refund in rows.refunds_of(conn, program.program_id, numbers):
        refunds[refund.order_no].append(refund)
    return [
        _past(settled[number], posted.get(number, ()), refunds.get(number, ()))
        for number in numbers
        if number in settled
    ]


def failed_orders(
    conn: Connection, program: Program, span: PaidSpan, published: TermsBook, otherwise: TermsBook
) -> Iterator[list[PastOrder]]:
    """Yields the orders of a span whose settlement failed by its plan, with the people as they stood.

    Args:
        otherwise: whose ranks people have where no plan was in force.
    """
    numbers = rows.failed_numbers(conn, program.program_id, span, COMPUTED)
    for start in range(0, len(numbers), CHUNK_ORDERS):
        yield failed_by_number(conn, program, published, otherwise, numbers[start : start + CHUNK_ORDERS])


def failed_by_number(
    conn: Connection, program: Program, published: TermsBook, otherwise: TermsBook, numbers: Sequence[int]
) -> list[PastOrder]:
    """Reads the orders of those numbers whose settlement failed; arguments as of ``failed_orders``."""
    failed = rows.failed_orders(conn, program.program_id, numbers) if numbers else []
    return _failed(conn, program, published, otherwise, failed) if failed else []


def _failed(
    conn: Connection, program: Program, published: TermsBook, otherwise: TermsBook, failed: Sequence[rows.FailedOrder]
) -> list[PastOrder]:
    lives = _lives(conn, program, failed)
    orders = [life.order for _, life in lives]

    def terms_of(order: Order) -> Terms:
        try:
            return published.in_force(order.paid_at)
        except Refusal:
            return otherwise.in_force(order.paid_at)

    snapshots = snapshots_of(conn, program.program_id, orders, terms_of)
    return [
        PastOrder(number, life.event_no, None, life.settled_at, life.order, snapshot, life.setbacks, (), True)
        for (number, life), snapshot in zip(lives, snapshots, strict=True)
        if snapshot is not None
    ]


def _lives(conn: Connection, program: Program, failed: Sequence[rows.FailedOrder]) -> list[tuple[int, SettledLife]]:
    """The orders among those that failed which another plan may let settle, each with what would come back of it."""
    program_id = program.program_id
    orders = {row.order_no: event.order for row in failed if (event := decode_stored(row.payload)).order}
    arrivals: dict[int, list[Arrival]] = {row.order_no: [] for row in failed}
    for row in rows.events_of(conn, program_id, list(orders)):
        arrivals[row.order_no].append(Arrival(row.event_no, row.day, decode_stored(row.payload)))
    groups = {group_id for order in orders.values() if (group_id := group_of(order))}
    decided = rows.decided_groups(conn, program_id, sorted(groups))
    lives = []
    for number, order in orders.items():
        decision = decided.get(group_of(order) or "")
        life = life_of(arrivals[number], order.currency, None if decision is None else GroupDecision(*decision))
        if life is not None:
            lives.append((number, life))
    return lives


def _past(row: PastSettlement, posted: Sequence[PostedRow], refunds: Sequence[RefundRow]) -> PastOrder:
    order = decode_stored(row.payload).order
    if order is None:
        raise ValueError("a settlement rests on an event with an order")
    setbacks = setbacks_of(posted, refunds) if refunds or any(p.event_no is None for p in posted) else ()
    snapshot = Snapshot.from_json(row.snapshot)
    return PastOrder(row.order_no, row.event_no, row.version_no, row.settled_at, order, snapshot, setbacks, posted)


def setbacks_of(posted: Sequence[PostedRow], refunds: Sequence[RefundRow]) -> list[Setback]:
    """What came back in the order in which it was applied: by batch, and within one as the state machine takes turns.

    The decision of a case stands before the first refund that was posted after it.
    """
    by_refund: defaultdict[str, list[RefundRow]] = defaultdict(list)
    for row in refunds:
        by_refund[row.refund_id].append(row)
    made = {refund_id: lines[0].happened_at for refund_id, lines in by_refund.items()}

    def turn(refund_id: str) -> tuple[datetime, datetime, bool, int]:
        row = by_refund[refund_id][0]
        undone = refund_id.startswith(UNDONE)
        happened_at = row.happened_at
        if undone:
            happened_at = max(happened_at, made.get(refund_id.removeprefix(UNDONE), happened_at))
        return row.done_at or _NEVER, happened_at, undone, row.event_no

    first_seq: dict[int | None, int] = {}
    for entry in posted:
        first_seq.setdefault(entry.event_no, entry.seq)
    decisions = _decisions(posted)
    setbacks: list[Setback] = []
    for refund_id in sorted(by_refund, key=turn):
        lines = by_refund[refund_id]
        seq = first_seq.get(lines[0].event_no)
        while decisions and seq is not None and decisions[0][0] < seq:
            setbacks.append(decisions.pop(0)[1])
        taken = {line.line_id: line.amount_minor for line in lines}
        setbacks.append(Setback(lines[0].event_no, refund_id, taken, lines[0].occurred_at))
    return setbacks + [setback for _, setback in decisions]


def _decisions(posted: Sequence[PostedRow]) -> list[tuple[int, Setback]]:
    """What cases took back, all rows of one instant as one setback, with the number of its first row."""
    decided: dict[datetime, list[PostedRow]] = {}
    for row in posted:
        if row.event_no is None and not row.is_earned:
            decided.setdefault(row.occurred_at, []).append(row)
    return [
        (
            taken[0].seq,
            Setback(
                None,
                "",
                {},
                instant,
                frozenset(PostedKey(row.line_id, row.rule_id, row.tier, row.shop_no) for row in taken),
            ),
        )
        for instant, taken in decided.items()
    ]
