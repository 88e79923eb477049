"""What a whole program comes to, and how far it is settled: for control totals and progress. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from distrib.services.context import Program
from distrib.store.programs import totals as rows
from distrib.store.programs.totals import TransferTotal


@dataclass(frozen=True, slots=True)
class Totals:
    """One program's totals; transfers come as count and sum, both not negative."""

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
        """Whether all that can be settled is; what waits for another fact does not count."""
        return not self.queued and not self.has_promotions_to_decide


def program_totals(conn: Connection, program: Program) -> Totals:
    """What the program's history adds up to, read from the rows themselves and not from running totals."""
    orders, paid_minor, of_shops = rows.settled_totals(conn, program.program_id)
    refunds, refunded_minor = rows.refunded_totals(conn, program.program_id)
    transfers = rows.transfer_totals(conn, program.program_id)
    return Totals(
        orders_settled=orders,
        orders_of_shops=of_shops,
        paid_minor=paid_minor,
        refunds=refunds,
        refunded_minor=refunded_minor,
        earned=transfers.get("earned", TransferTotal(0, 0)),
        reversed=transfers.get("reversed", TransferTotal(0, 0)),
        promotions=rows.promotion_totals(conn, program.program_id),
        events=rows.event_totals(conn, program.program_id),
    )


def progress(conn: Connection, program: Program) -> Progress:
    """How many orders of the program are pending and settled, and whether promotions are to be decided."""
    return Progress(*rows.to_do(conn, program.program_id))
