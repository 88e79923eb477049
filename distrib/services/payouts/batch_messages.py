"""The messages of a batch: that it waits for another person, and of the withdrawals that it took or gave back.

No rule and no SQL may enter.
"""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection

from distrib.services.context import Program, Unit
from distrib.services.payouts.selections import WITHDRAWALS
from distrib.services.payouts.withdrawal_messages import tell_withdrawals
from distrib.store.payouts import batches, withdrawals
from distrib.store.webhooks.outbox import Message, insert_messages


def tell_of_proposal(unit: Unit, named: tuple[str, str, str], payout_no: int, created_at: datetime) -> None:
    """Writes the message of a batch that waits for another person.

    Args:
        named: its id, what it selects, and its channel.
    """
    payout_id, selection, channel = named
    sums = batches.sums_of(unit.conn, unit.program_id, [payout_no]).get(payout_no)
    data = {
        "payout_id": payout_id,
        "selection": selection,
        "channel": channel,
        "lines": 0 if sums is None else sums.lines,
        "amount_minor": 0 if sums is None else sums.amount_minor,
        "currency": unit.program.currency,
        "proposed_by": unit.actor.key_id,
    }
    message = Message("payout.proposed", created_at, json.dumps(data, ensure_ascii=False))
    insert_messages(unit.conn, unit.program_id, [message])


def tell_of_withdrawals(
    conn: Connection, program: Program, selection: str, payout_no: int, changed_at: datetime
) -> None:
    """Tells of the withdrawals that a batch took or gave back."""
    if selection == WITHDRAWALS:
        taken = withdrawals.of_payout(conn, program.program_id, payout_no)
        tell_withdrawals(conn, program, taken, changed_at)
