"""What a batch of orders became, gathered in memory and written in sets.

Filled by ``distrib.services.settlement.order_work``, written by the drain in one transaction. No rule
may enter.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection

from distrib.domain.periods import counting
from distrib.services.context import Program
from distrib.services.webhooks.messages import tell_commissions
from distrib.store.compliance import cases
from distrib.store.compliance.cases import Frozen
from distrib.store.orders import groups, inbox, life, queue
from distrib.store.orders.groups import Decision
from distrib.store.orders.life import EarlyRefundLine, ExpectedChange, OrderEnd, PaidOrder
from distrib.store.orders.queue import Outcome, PendingEvent
from distrib.store.settlement import batch
from distrib.store.settlement.batch import RefundLineRow, Settlement

EARNED, REVERSED, ORDERS, REFUNDS = range(4)


@dataclass(slots=True)
class LifeRows:
    """Payments, what is expected, early refunds, ends, and what groups decided and who belongs to them.

    ``closed`` are the paid orders of which nothing is expected any more, ``members`` pairs of group and order.
    """

    paid: list[PaidOrder] = field(default_factory=list)
    expected: list[ExpectedChange] = field(default_factory=list)
    early: list[EarlyRefundLine] = field(default_factory=list)
    ends: list[OrderEnd] = field(default_factory=list)
    closed: set[int] = field(default_factory=set)
    decisions: list[Decision] = field(default_factory=list)
    members: set[tuple[int, int]] = field(default_factory=set)

    def write(self, conn: Connection, program_id: int) -> None:
        """Writes everything, each kind at once."""
        if self.decisions:
            groups.insert_decisions(conn, program_id, self.decisions)
            groups.reopen_events(conn, program_id, self.decisions)
        if self.members:
            groups.insert_orders(conn, program_id, self.members)
        if self.paid:
            life.insert_paid(conn, program_id, self.paid)
        if self.expected:
            life.insert_expected(conn, program_id, self.expected)
        if self.early:
            life.insert_early_refunds(conn, program_id, self.early)
        if self.ends:
            life.insert_ends(conn, program_id, self.ends)
        if self.closed:
            life.close_payments(conn, program_id, self.closed)


@dataclass(slots=True)
class Batch:
    """The rows that a batch will write, and how many of each kind it made."""

    program: Program
    now: datetime
    closed_through: int = 0
    transfers: list[bytes] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)
    refunds: list[RefundLineRow] = field(default_factory=list)
    done: list[tuple[int, int]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    signals: set[tuple[date, int, datetime]] = field(default_factory=set)
    look_levels: int = 0
    earner_signals: set[tuple[date, int, datetime]] = field(default_factory=set)
    frozen: list[Frozen] = field(default_factory=list)
    later: dict[int, date] = field(default_factory=dict)
    life: LifeRows = field(default_factory=LifeRows)
    months: defaultdict[tuple[int, int], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0]))

    def period_of(self, at: datetime) -> tuple[int, int | None]:
        """The month a fact of that instant counts in, and the one it belongs to where that is closed."""
        return counting(self.program.period_of(at), self.closed_through)

    def finish(
        self,
        event: PendingEvent,
        status: str = "done",
        code: str | None = None,
        params: str | None = None,
        waits_for: str | None = None,
    ) -> None:
        """Notes what became of an event."""
        if status == "done" and code is None and event.status is None:
            self.done.append((event.order_no, event.event_no))
            return
        done_at = self.now if status == "done" else None
        attempts = event.attempts + 1
        self.outcomes.append(
            Outcome(event.order_no, event.event_no, status, attempts, code, params, waits_for, done_at)
        )

    def postpone(self, event: PendingEvent) -> None:
        """Leaves an event for its own day."""
        day = self.later.get(event.order_no)
        self.later[event.order_no] = event.day if day is None else min(day, event.day)

    def write(self, conn: Connection) -> None:
        """Writes everything; accounts come last, because all programs' batches meet there."""
        program_id = self.program.program_id
        self.life.write(conn, program_id)
        if self.settlements:
            batch.copy_settlements(conn, program_id, self.settlements)
        if self.refunds:
            batch.insert_refunds(conn, program_id, self.refunds)
        if self.transfers:
            batch.copy_transfers(conn, self.transfers)
            cases.freeze_commissions(conn, program_id, self.frozen)
            tell_commissions(conn, self.program)
        if self.done:
            batch.copy_done(conn, program_id, self.done, self.now)
        if self.outcomes:
            queue.upsert_outcomes(conn, program_id, self.outcomes)
        if self.signals:
            batch.insert_signals(conn, program_id, self.signals, self.look_levels)
        if self.earner_signals:
            batch.insert_signals(conn, program_id, self.earner_signals, 0)
        if self.later:
            inbox.enqueue(conn, program_id, list(self.later), list(self.later.values()))
        if self.months:
            batch.upsert_months(conn, program_id, self.months)
