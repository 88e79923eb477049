"""Results of a batch's lines as the channel gives them: paid or failed, once a line. No SQL may enter.

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
from distrib.services.payouts.selections import WITHDRAWALS
from distrib.services.payouts.withdrawals import settle_withdrawals
from distrib.store.payouts import batches as rows
from distrib.store.payouts.batches import NewResult
from distrib.store.payouts.postings import PaidLine, post_paid
from distrib.store.webhooks.outbox import Message, insert_messages

PAID, FAILED = "paid", "failed"
RECORDED, UNCHANGED, REFUSED = "recorded", "unchanged", "refused"


@dataclass(frozen=True, slots=True)
class ResultDraft:
    """The result of one shop's line as it was sent."""

    shop_id: str
    status: str
    reference: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """What became of one result: recorded, unchanged, or refused with the refusal."""

    shop_id: str
    outcome: str
    refusal: Refusal | None = None


def record_results(
    conn: Connection, program: Program, payout_id: str, results: Sequence[ResultDraft], actor: Actor, now: datetime
) -> list[LineOutcome]:
    """Records the results of lines in the order sent; one that is refused does not touch the rest.

    Raises:
        Refusal: ``payout_unknown``, ``payout_cancelled`` or ``payout_not_approved``; nothing is recorded then.
    """
    head = locked_head(conn, program, payout_id)
    if head.decision != APPROVED:
        raise Refusal("payout_cancelled" if head.decision == CANCELLED else "payout_not_approved", id=payout_id)
    lines = rows.lines_of_shops(conn, program.program_id, head.payout_no, [draft.shop_id for draft in results])
    known: dict[str, ResultDraft] = {
        row.shop_id: ResultDraft(row.shop_id, row.status, row.reference, row.reason)
        for row in lines.values()
        if row.status is not None
    }
    settled, fresh = [], []
    for draft in results:
        outcome = _outcome_of(draft, draft.shop_id in lines, known.get(draft.shop_id))
        if outcome.outcome == RECORDED:
            known[draft.shop_id] = draft
            fresh.append(draft)
        settled.append(outcome)
    if fresh:
        _write(conn, program, head, [(draft, lines[draft.shop_id]) for draft in fresh], actor, now)
    return settled


def _outcome_of(draft: ResultDraft, has_line: bool, before: ResultDraft | None) -> LineOutcome:
    if not has_line:
        return LineOutcome(draft.shop_id, REFUSED, Refusal("line_unknown_in_payout", id=draft.shop_id))
    if before is None:
        return LineOutcome(draft.shop_id, RECORDED)
    if _is_same(draft, before):
        return LineOutcome(draft.shop_id, UNCHANGED)
    return LineOutcome(draft.shop_id, REFUSED, Refusal("result_conflict", id=draft.shop_id))


def _is_same(draft: ResultDraft, before: ResultDraft) -> bool:
    """Whether a result repeats the one recorded; it may leave out what was said then."""
    return (
        draft.status == before.status
        and draft.reference in (None, before.reference)
        and draft.reason in (None, before.reason)
    )


def _write(
    conn: Connection, program: Program, head: Any, fresh: Sequence[tuple[ResultDraft, Any]], actor: Actor, now: datetime
) -> None:
    recorded_at, period = posting_time(conn, program, now)
    program_id = program.program_id
    new = [NewResult(line.shop_no, draft.status, draft.reference, draft.reason) for draft, line in fresh]
    rows.insert_results(conn, program_id, head.payout_no, new, recorded_at, actor.key_id)
    paid = [
        PaidLine(line.shop_no, line.line_no, line.net_minor, line.tax_minor)
        for draft, line in fresh
        if draft.status == PAID
    ]
    if paid:
        post_paid(conn, program_id, head.payout_no, paid, recorded_at, period)
    if head.selection == WITHDRAWALS:
        failed = [line.shop_no for draft, line in fresh if draft.status == FAILED]
        of_paid = [line.shop_no for line in paid]
        settle_withdrawals(conn, program, head.payout_no, of_paid, failed, recorded_at, period)
    insert_messages(conn, program_id, [_message(conn, program, head, len(fresh) - len(paid), paid, recorded_at)])


def _message(
    conn: Connection, program: Program, head: Any, failed: int, paid: Sequence[PaidLine], recorded_at: datetime
) -> Message:
    """Builds ``payout.settled``: what this set of results came to; the lines are read from the batch."""
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
    return Message("payout.settled", recorded_at, json.dumps(payload, ensure_ascii=False))
