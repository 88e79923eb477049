"""What a batch of orders became, gathered in memory and written in sets.

Filled by ``gathering`` with what the state machine brought about, written by the drain in one transaction.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial

import numpy as np
from sqlalchemy import Connection

from distrib.columns.sums import sums_by
from distrib.columns.tree import Integers
from distrib.failpoints import reach
from distrib.services.context import Unit, period_bounds
from distrib.services.settlement.groups import Groups
from distrib.services.webhooks.messages import queue_commission_messages, queue_failure_messages
from distrib.store.compliance import cases
from distrib.store.compliance.cases import Frozen
from distrib.store.orders import groups, inbox, life, queue
from distrib.store.orders.groups import Decision
from distrib.store.orders.life import (
    BesideRefund,
    EarlyRefundLine,
    EndedOrder,
    ExpectedChange,
    FailedPayment,
    PaidOrder,
)
from distrib.store.orders.queue import EventOutcome, PendingEvent, Reopened, Reopening
from distrib.store.settlement import batch as rows
from distrib.store.settlement.batch import (
    MonthColumns,
    MonthTotals,
    RefundLineRow,
    SettlementColumns,
    SettlementRow,
)
from distrib.store.settlement.transfers import TransferRows
from distrib.store.webhooks.outbox import EventFailure
from distrib.tracing import span

_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class LifeRows:
    """Payments, failures, what is expected, refunds, ends, and what groups decided and who belongs to them.

    ``closed`` are orders of which nothing is expected any more by an earlier payment, ``opened`` those of which
    something is, with the number of the payment; ``members`` are pairs of group and order.
    """

    paid: list[PaidOrder] = field(default_factory=list)
    expected: list[ExpectedChange] = field(default_factory=list)
    failures: list[FailedPayment] = field(default_factory=list)
    early: list[EarlyRefundLine] = field(default_factory=list)
    beside: list[BesideRefund] = field(default_factory=list)
    ends: list[EndedOrder] = field(default_factory=list)
    closed: set[int] = field(default_factory=set)
    opened: dict[int, int] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    members: set[tuple[int, int]] = field(default_factory=set)

    def write(self, conn: Connection, program_id: int) -> None:
        """Writes everything, each kind at once."""
        if self.decisions:
            groups.insert_decisions(conn, program_id, self.decisions)
            groups.reopen_events(conn, program_id, self.decisions)
        kinds: tuple[tuple[Sized, Callable[[Connection, int], None]], ...] = (
            (self.members, partial(groups.insert_orders, members=self.members)),
            (self.failures, partial(life.insert_failures, rows=self.failures)),
            (self.closed, partial(life.close_payments, orders=self.closed)),
            (self.paid, partial(life.insert_paid, rows=self.paid)),
            (self.opened, partial(life.open_payments, payments=self.opened)),
            (self.expected, partial(life.insert_expected, rows=self.expected)),
            (self.early, partial(life.insert_early_refunds, rows=self.early)),
            (self.beside, partial(life.insert_beside, rows=self.beside)),
            (self.ends, partial(life.insert_ends, rows=self.ends)),
        )
        for rows_of_kind, write in kinds:
            if rows_of_kind:
                write(conn, program_id)


@dataclass(frozen=True, slots=True)
class Signals:
    """Whom an order may promote: shops by what they sell, so many ``levels`` above, and whoever it pays."""

    sales: bool = False
    levels: int = 0
    earnings: bool = False


NO_SIGNALS = Signals()


class Batch:
    """The rows that a batch of one program will write.

    Args:
        unit: in whose transaction it is written; its instant marks events done, and no figure depends on it.
        closed_through: the last month whose books are closed, as 202603; 0 for none.
        signals: whom an order may promote.
        in_columns: whether plain orders are settled in columns; the state machine makes the same of them.
    """

    def __init__(
        self,
        unit: Unit,
        closed_through: int = 0,
        signals: Signals = NO_SIGNALS,
        *,
        in_columns: bool = True,
    ) -> None:
        self.unit, self.program = unit, unit.program
        self.settlements: list[SettlementRow] = []
        self.refunds: list[RefundLineRow] = []
        self.groups = Groups({}, {})
        self.pending: dict[int, PendingEvent] = {}
        """The events that are applied, by their number."""
        self.now = unit.now
        self.closed_through = closed_through
        self.signals_sales, self.signals_earnings = signals.sales, signals.earnings
        self.signal_levels = signals.levels
        self.in_columns = in_columns
        self.transfers = TransferRows()
        self.settled: list[SettlementColumns] = []
        """What became of orders that were settled in columns; their transfers and months stand with the others'."""
        self.done: list[tuple[int, int]] = []
        self.done_columns: list[tuple[Integers, Integers]] = []
        self.outcomes: list[EventOutcome] = []
        self.signals: set[tuple[date, int, datetime]] = set()
        self.earner_signals: set[tuple[date, int, datetime]] = set()
        self.frozen: list[Frozen] = []
        self.later: dict[int, date] = {}
        self.postponed = 0
        """How many events come after others of their order that are to be applied anew."""
        self.failed_payments: list[Reopening] = []
        """Failures after which other events of their orders are to be applied anew."""
        self.undone_refunds: list[Reopening] = []
        """What undid refunds, after which others of their orders may be tried again."""
        self.life = LifeRows()
        self._month = (_EVER, _EVER, 0)
        self.months: defaultdict[tuple[int, int], MonthTotals] = defaultdict(MonthTotals)
        self.month_columns: list[MonthColumns] = []

    def finish(
        self,
        event: PendingEvent,
        status: str = "done",
        code: str | None = None,
        params: Mapping[str, object] | None = None,
        waits_for: str | None = None,
    ) -> None:
        """Records what became of an event; ``params`` fill the text of the code."""
        if status == "done" and code is None and event.status is None:
            self.done.append((event.order_no, event.event_no))
            return
        done_at = self.now if status == "done" else None
        attempts = event.attempts + 1
        written = None if params is None else json.dumps(params, default=str, ensure_ascii=False)
        self.outcomes.append(
            EventOutcome(event.order_no, event.event_no, status, attempts, code, written, waits_for, done_at)
        )

    def period_of(self, instant: datetime) -> int:
        """The program's month of an instant, as 202603; one after the other most facts are of the same."""
        start, end, period = self._month
        if not start <= instant < end:
            period = self.program.period_of(instant)
            start, end = (bound.astimezone(UTC) for bound in period_bounds(period, self.program.zone))
            self._month = (start, end, period)
        return period

    def postpone(self, event: PendingEvent) -> None:
        """Leaves an event for its own day."""
        day = self.later.get(event.order_no)
        self.later[event.order_no] = event.day if day is None else min(day, event.day)

    def postpone_waiting(self, event: PendingEvent) -> None:
        """Leaves an event for its own day of which what it waited for is known now.

        It is pending again in the same transaction, so that there is no moment at which nothing is pending.
        """
        if event.status == "waiting":
            self.outcomes.append(EventOutcome(event.order_no, event.event_no, "pending", event.attempts))
        self.postpone(event)

    def queue_again(self, numbers: Iterable[int], day: date) -> None:
        """Leaves orders or groups, by number, for a batch of that day."""
        self.later.update(dict.fromkeys(numbers, day))

    def changed_orders(self) -> set[int]:
        """The orders of which more is known now than before the batch: they settled, were paid, or ended."""
        changed = {settlement.order_no for settlement in self.settlements}
        changed.update(*(columns.order_no.tolist() for columns in self.settled))
        return changed | {row.order_no for row in self.life.paid} | {row.order_no for row in self.life.ends}

    def _queue_reopened(self, reopened: Iterable[Reopened]) -> None:
        for order_no, day in reopened:
            self.later[order_no] = min(day, self.later.get(order_no, day))

    def _write_outcomes(self, conn: Connection, program_id: int) -> None:
        done = [*self.done_columns, *([_columns_of(self.done)] if self.done else [])]
        if done:
            orders, events = (np.concatenate(column) for column in zip(*done, strict=True))
            rows.copy_done(conn, program_id, orders, events, self.now)
        if self.outcomes:
            queue.upsert_outcomes(conn, program_id, self.outcomes)
            failures = [
                EventFailure(outcome.order_no, outcome.event_no, outcome.code, outcome.attempts)
                for outcome in self.outcomes
                if outcome.status == "failed"
            ]
            queue_failure_messages(self.unit, failures)
        if self.undone_refunds:  # after this batch's own outcomes, which may be among them
            self._queue_reopened(queue.reopen_exceeding_refunds(conn, program_id, self.undone_refunds))

    def _signal_later_recruits(self, conn: Connection) -> None:
        """Asks again for the looks of later days: who gained a recruit since then was looked at without these sales.

        What happened today needs none: the look at the end of the day knows it.
        """
        today = self.program.day_of(self.now)
        for signals, levels in ((self.signals, self.signal_levels), (self.earner_signals, 0)):
            late = {(shop_no, instant) for day, shop_no, instant in signals if day < today}
            if late:
                program = self.program
                rows.insert_later_recruits(conn, program.program_id, program.time_zone, late, levels)

    def write(self, conn: Connection) -> None:
        """Writes everything; accounts come last, because all programs' batches meet there."""
        program_id = self.program.program_id
        if self.failed_payments:  # before this batch's own outcomes, which know of the failures
            self._queue_reopened(queue.reopen_after_failures(conn, program_id, self.failed_payments))
        self.life.write(conn, program_id)
        settled = [*self.settled, *([rows.settlement_columns(self.settlements)] if self.settlements else [])]
        rows.copy_settlements(conn, program_id, settled)
        if self.refunds:
            rows.copy_refunds(conn, program_id, self.refunds)
        if self.transfers:
            with span("transfers.post", program=self.program.code):
                self.transfers.copy(conn, program_id)
            cases.freeze_commissions(conn, program_id, self.frozen)
            queue_commission_messages(conn, self.program)
            reach("drain.posted")
        self._write_outcomes(conn, program_id)
        if self.signals:
            rows.insert_signals(conn, program_id, self.signals, self.signal_levels)
        if self.earner_signals:
            rows.insert_signals(conn, program_id, self.earner_signals, 0)
        self._signal_later_recruits(conn)
        if self.later:
            inbox.enqueue(conn, program_id, list(self.later), list(self.later.values()))
        months = [*self.month_columns, *([rows.month_columns(self.months)] if self.months else [])]
        if months:
            rows.upsert_months(conn, program_id, _added_up(months))
        reach("drain.written")


def _columns_of(pairs: Sequence[tuple[int, int]]) -> tuple[Integers, Integers]:
    orders, events = np.array(pairs, np.int64).T
    return orders, events


def _added_up(months: Sequence[MonthColumns]) -> MonthColumns:
    """Totals in which no account has a month twice."""
    if len(months) == 1:
        return months[0]
    account_no, period, *figures = (np.concatenate(column) for column in zip(*months, strict=True))
    keys, sums = sums_by([account_no, period], figures)
    return MonthColumns(*keys, *sums)
