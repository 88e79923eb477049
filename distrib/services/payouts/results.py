"""What the channel said of the lines of a batch: paid or failed, once a line. No HTTP and no SQL may enter.

What was paid is posted to the ledger in the same transaction, what was withheld of it beside it; what failed is
available again because its line is reserved no longer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.services.context import Actor, Program
from distrib.services.payouts.batches import APPROVED, CANCELLED, locked_head, posting_time
from distrib.store.payouts import batches as rows
from distrib.store.payouts.batches import NewResult
from distrib.store.payouts.postings import PaidLine, post_paid
from distrib.store.webhooks.outbox import Message, insert_messages

PAID, FAILED = "paid", "failed"
RECORDED, UNCHANGED, REFUSED = "recorded", "unchanged", "refused"


@dataclass(frozen=True, slots=True)
class ResultDraft:
    """What the channel said of one shop's line."""

    shop_id: str
    status: str
    reference: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one result: recorded, unchanged, or refused with the refusal."""

    shop_id: str
    outcome: str
    refusal: Refusal | None = None


def record_results(
    conn: Connection, program: Program, payout_id: str, results: Sequence[ResultDraft], actor: Actor, now: datetime
) -> list[Settled]:
    """Records results in the order sent; one that is refused does not touch the rest.

    Raises:
        Refusal: ``payout_unknown``, ``payout_cancelled`` or ``payout_not_approved``; nothing is recorded then.
    """
    head = locked_head(conn, program, payout_id)
    if head.decision != APPROVED:
        raise Refusal("payout_cancelled" if head.decision == CANCELLED else "payout_not_approved", id=payout_id)
    lines = rows.lines_of_shops(conn, program.program_id, head.payout_no, [one.shop_id for one in results])
    known: dict[str, ResultDraft] = {
        row.shop_id: ResultDraft(row.shop_id, row.status, row.reference, row.reason)
        for row in lines.values()
        if row.status is not None
    }
    settled, fresh = [], []
    for one in results:
        outcome = _settled(one, one.shop_id in lines, known.get(one.shop_id))
        if outcome.outcome == RECORDED:
            known[one.shop_id] = one
            fresh.append(one)
        settled.append(outcome)
    if fresh:
        _write(conn, program, head, [(one, lines[one.shop_id]) for one in fresh], actor, now)
    return settled


def _settled(one: ResultDraft, has_line: bool, before: ResultDraft | None) -> Settled:
    if not has_line:
        return Settled(one.shop_id, REFUSED, Refusal("line_unknown_in_payout", id=one.shop_id))
    if before is None:
        return Settled(one.shop_id, RECORDED)
    if _is_same(one, before):
        return Settled(one.shop_id, UNCHANGED)
    return Settled(one.shop_id, REFUSED, Refusal("result_conflict", id=one.shop_id))


def _is_same(one: ResultDraft, before: ResultDraft) -> bool:
    """A repeat need not say again what it said; what it says must not differ."""
    return (
        one.status == before.status
        and one.reference in (None, before.reference)
        and one.reason in (None, before.reason)
    )


def _write(
    conn: Connection, program: Program, head: Any, fresh: Sequence[tuple[ResultDraft, Any]], actor: Actor, now: datetime
) -> None:
    at, period = posting_time(conn, program, now)
    program_id = program.program_id
    new = [NewResult(line.shop_no, one.status, one.reference, one.reason) for one, line in fresh]
    rows.insert_results(conn, program_id, head.payout_no, new, at, actor.key_id)
    paid = [
        PaidLine(line.shop_no, line.line_no, line.amount_minor - line.tax_minor, line.tax_minor)
        for one, line in fresh
        if one.status == PAID
    ]
    if paid:
        post_paid(conn, program_id, head.payout_no, paid, at, period)
    insert_messages(conn, program_id, [_message(conn, program, head, len(fresh) - len(paid), paid, at)])


def _message(
    conn: Connection, program: Program, head: Any, failed: int, paid: Sequence[PaidLine], at: datetime
) -> Message:
    """``payout.settled``: what this set of results came to; the lines are read from the batch."""
    sums = rows.sums_of(conn, program.program_id, [head.payout_no])[head.payout_no]
    payload = {
        "payout_id": head.payout_id,
        "currency": program.currency,
        "paid_count": len(paid),
        "failed_count": failed,
        "open_count": sums.lines - sums.paid - sums.failed,
        "paid_minor": sum(line.paid_minor for line in paid),
        "tax_minor": sum(line.tax_minor for line in paid),
    }
    return Message("payout.settled", at, json.dumps(payload, ensure_ascii=False))
