"""A withdrawal as it is shown, and the messages that tell of it. No rule and no SQL may enter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from distrib.services.context import Program
from distrib.store.payouts.withdrawals import WithdrawalRow
from distrib.store.webhooks.outbox import Message, insert_messages

CHANGED = "withdrawal.changed"
_NAMES = ("status", "amount_minor", "fee_minor", "currency", "payout_id", "reason")


def withdrawal_view(program: Program, row: WithdrawalRow) -> dict[str, Any]:
    """One withdrawal as it is shown."""
    return {
        "id": row.withdrawal_id,
        "shop_id": row.shop_id,
        "status": row.state,
        "amount_minor": row.amount_minor,
        "fee_minor": row.fee_minor,
        "currency": program.currency,
        "requested_at": row.requested_at,
        "requested_by": row.requested_by,
        "approved_at": row.approved_at,
        "approved_by": row.approved_by,
        "ended_at": row.ended_at,
        "ended_by": row.ended_by,
        "payout_id": row.payout_id,
        "settled_at": row.settled_at,
        "reason": row.reason,
    }


def tell_withdrawals(
    conn: Connection, program: Program, changed: Sequence[WithdrawalRow], changed_at: datetime
) -> None:
    """Writes a message a withdrawal: as it stands now."""
    messages = []
    for row in changed:
        view = withdrawal_view(program, row)
        data = {"withdrawal_id": row.withdrawal_id, "shop_id": row.shop_id} | {name: view[name] for name in _NAMES}
        messages.append(Message(CHANGED, changed_at, json.dumps(data, ensure_ascii=False)))
    insert_messages(conn, program.program_id, messages)
