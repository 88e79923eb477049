"""A withdrawal as it is shown, and the messages that tell of it. No rule and no SQL may enter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.services.context import Program
from distrib.store.payouts.withdrawals import WithdrawalRow
from distrib.store.webhooks.outbox import Message, insert_messages

CHANGED = "withdrawal.changed"


@dataclass(frozen=True, slots=True)
class WithdrawalView:
    """A withdrawal as it is shown; what has not happened yet is None."""

    id: str
    shop_id: str
    status: str
    amount_minor: int
    fee_minor: int
    currency: str
    requested_at: datetime
    requested_by: str
    approved_at: datetime | None
    approved_by: str | None
    ended_at: datetime | None
    ended_by: str | None
    payout_id: str | None
    settled_at: datetime | None
    reason: str | None


def withdrawal_view(program: Program, row: WithdrawalRow) -> WithdrawalView:
    """One withdrawal as it is shown."""
    return WithdrawalView(
        id=row.withdrawal_id,
        shop_id=row.shop_id,
        status=row.state,
        amount_minor=row.amount_minor,
        fee_minor=row.fee_minor,
        currency=program.currency,
        requested_at=row.requested_at,
        requested_by=row.requested_by,
        approved_at=row.approved_at,
        approved_by=row.approved_by,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        payout_id=row.payout_id,
        settled_at=row.settled_at,
        reason=row.reason,
    )


def tell_withdrawals(
    conn: Connection, program: Program, changed: Sequence[WithdrawalRow], changed_at: datetime
) -> None:
    """Writes a message a withdrawal: as it stands now."""
    messages = []
    for row in changed:
        data = {
            "withdrawal_id": row.withdrawal_id,
            "shop_id": row.shop_id,
            "status": row.state,
            "amount_minor": row.amount_minor,
            "fee_minor": row.fee_minor,
            "currency": program.currency,
            "payout_id": row.payout_id,
            "reason": row.reason,
        }
        messages.append(Message(CHANGED, changed_at, json.dumps(data, ensure_ascii=False)))
    insert_messages(conn, program.program_id, messages)
