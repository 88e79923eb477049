"""Messages about commissions for a program's webhooks, written in the transaction that posts them. No SQL may enter."""

from __future__ import annotations

from sqlalchemy import Connection

from distrib.services.context import Program
from distrib.store.webhooks import endpoints, outbox

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
