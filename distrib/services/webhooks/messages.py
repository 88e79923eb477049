"""Messages of what a drain did for a program's webhooks, written in the transaction that did it. No SQL may enter."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from distrib.services.context import Program, Unit
from distrib.store.webhooks import endpoints, outbox
from distrib.store.webhooks.outbox import EventFailure

EVENT_FAILED = "event.failed"
_KINDS = {"commission.earned": "earned", "commission.reversed": "reversed"}


def queue_commission_messages(conn: Connection, program: Program) -> None:
    """Writes a message for every event whose commissions this transaction has just posted.

    Where no live endpoint wants them nothing is read and nothing is written, so that messages cost those alone who
    asked for it.
    """
    wanted = endpoints.wanted_types(conn, program.program_id)
    kinds = sorted(kind for name, kind in _KINDS.items() if name in wanted)
    if kinds:
        outbox.insert_commission_messages(conn, program.program_id, program.currency, kinds)


def queue_failure_messages(unit: Unit, failures: Sequence[EventFailure]) -> None:
    """Writes a message for every event that this transaction has just set aside as failed."""
    if failures and EVENT_FAILED in endpoints.wanted_types(unit.conn, unit.program_id):
        outbox.insert_failure_messages(unit.conn, unit.program_id, failures, unit.now)
