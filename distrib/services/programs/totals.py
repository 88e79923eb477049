"""A program's totals and its progress: for control totals and for waiting. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from distrib.services.context import Program
from distrib.store.programs import totals as rows
from distrib.store.programs.totals import TransferTotal

NO_TRANSFERS = TransferTotal(0, 0)


@dataclass(frozen=True, slots=True)
class Totals:
    """One program's totals."""

    orders_settled: int
    orders_of_shops: int
    paid_minor: int
    refunds: int
    refunded_minor: int
    earned: TransferTotal
    reversed: TransferTotal
    promotions: dict[str, int]
    events: dict[str, int]


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of what was accepted is settled."""

    queued: int
    settled: int
    has_promotions_to_decide: bool

    @property
    def is_through(self) -> bool:
        """Whether nothing is left to settle or decide; what waits for another fact does not count."""
        return not self.queued and not self.has_promotions_to_decide


def program_totals(conn: Connection, program: Program) -> Totals:
    """Reads what the program's history adds up to, from the rows themselves and not from running totals."""
    orders, paid_minor, of_shops = rows.settled_totals(conn, program.program_id)
    refunds, refunded_minor = rows.refunded_totals(conn, program.program_id)
    transfers = rows.transfer_totals(conn, program.program_id)
    return Totals(
        orders_settled=orders,
        orders_of_shops=of_shops,
        paid_minor=paid_minor,
        refunds=refunds,
        refunded_minor=refunded_minor,
        earned=transfers.get("earned", NO_TRANSFERS),
        reversed=transfers.get("reversed", NO_TRANSFERS),
        promotions=rows.promotion_totals(conn, program.program_id),
        events=rows.event_totals(conn, program.program_id),
    )


def progress(conn: Connection, program: Program) -> Progress:
    """Reads how much of what the program accepted is settled."""
    return Progress(*rows.to_do(conn, program.program_id))
