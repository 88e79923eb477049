"""What a batch writes of orders before they settle, and of groups. Part of the batch; no rule may enter."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from distrib.store.orders import groups, life
from distrib.store.orders.groups import Decision
from distrib.store.orders.life import EarlyRefundLine, ExpectedChange, OrderEnd, PaidOrder


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
