"""Results of a batch's lines as the channel or the bank gives them: paid, failed, returned. No SQL may enter.

What was paid is posted to the ledger in the same transaction, what was withheld of it beside it; what failed is
available again because its line is reserved no longer; what came back (退票) is posted the other way, net and tax, so
that both are available again. What may be said of a line is ``distrib.domain.payouts.results``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.payouts.channels import Channel
from distrib.domain.payouts.refusals import PayoutCancelled, PayoutNotApproved
from distrib.domain.payouts.results import PAID, RETURNED
from distrib.failpoints import reach
from distrib.services.context import Program, Unit
from distrib.services.payouts.batch_views import APPROVED, CANCELLED
from distrib.services.payouts.batches import locked_head, posting_time, sums_of
from distrib.services.payouts.selections import WITHDRAWALS
from distrib.services.payouts.sheet import FreshResult, LineOutcome, ResultDraft, ResultSheet
from distrib.services.payouts.withdrawals import SettledLine, settle_withdrawals
from distrib.store.payouts import batches as rows
from distrib.store.payouts.batch_rows import BatchHead
from distrib.store.payouts.batches import NewResult, NewReturn
from distrib.store.payouts.postings import PaidLine, post_paid, post_returned
from distrib.store.webhooks.outbox import Message, insert_messages


def record_results(
    unit: Unit, payout_id: str, results: Sequence[ResultDraft], channels: Sequence[Channel]
) -> list[LineOutcome]:
    """Records the results of lines in the order sent; one that is refused does not touch the rest.

    A line is paid, or comes back, on the day ``paid_on`` in the program's time zone, or else now; that day decides the
    month in which books and tax count it.

    Raises:
        Refusal: ``payout_unknown``, ``payout_cancelled`` or ``payout_not_approved``; nothing is recorded then.
    """
    head = locked_head(unit.conn, unit.program, payout_id)
    if head.decision != APPROVED or head.decided_at is None:
        raise PayoutCancelled(id=payout_id) if head.decision == CANCELLED else PayoutNotApproved(id=payout_id)
    counts_at, _ = posting_time(unit)
    sheet = ResultSheet(unit.as_of(counts_at), head, head.decided_at, results, channels)
    settled = [sheet.settle(draft) for draft in results]
    if sheet.fresh:
        _write(unit, head, sheet.fresh, counts_at)
    return settled


def _write(unit: Unit, head: BatchHead, fresh: Sequence[FreshResult], recorded_at: datetime) -> None:
    """Writes results before returns, so that what was paid and came back in one call stands in that order."""
    settled = [item for item in fresh if item.saying.status != RETURNED]
    returned = [item for item in fresh if item.saying.status == RETURNED]
    program_id, payout_no, recorded = unit.program_id, head.payout_no, unit.as_of(recorded_at).recorded
    messages: list[tuple[str, Mapping[str, object]]] = []
    if settled:
        results = [
            NewResult(x.line.shop_no, x.saying.status, x.occurred_at, x.saying.reference, x.saying.reason)
            for x in settled
        ]
        rows.insert_results(unit.conn, program_id, payout_no, results, recorded)
        reach("payout.resulted")
        paid = _paid_lines(unit.program, (item for item in settled if item.saying.status == PAID))
        if paid:
            post_paid(unit.conn, program_id, payout_no, paid)
            reach("payout.posted")
        figures = _figures(paid) | {"paid_count": len(paid), "failed_count": len(settled) - len(paid)}
        messages.append(("payout.settled", figures))
        _settle_withdrawals(unit.conn, unit.program, head, settled, recorded_at)
    if returned:
        returns = [NewReturn(x.line.shop_no, x.occurred_at, x.saying.reference, x.saying.reason) for x in returned]
        rows.insert_returns(unit.conn, program_id, payout_no, returns, recorded)
        back = _paid_lines(unit.program, returned)
        post_returned(unit.conn, program_id, payout_no, back)
        lines = [
            {"shop_id": x.line.shop_id, "amount_minor": x.line.amount_minor, "reason": x.saying.reason}
            for x in returned
        ]
        messages.append(("payout.returned", {"returned_count": len(back), **_figures(back), "lines": lines}))
        _settle_withdrawals(unit.conn, unit.program, head, returned, recorded_at)
    insert_messages(unit.conn, program_id, _messages(unit.conn, unit.program, head, messages, recorded_at))


def _settle_withdrawals(
    conn: Connection, program: Program, head: BatchHead, items: Sequence[FreshResult], recorded_at: datetime
) -> None:
    if head.selection == WITHDRAWALS:
        lines = [SettledLine(item.line.shop_no, item.saying.status, item.occurred_at) for item in items]
        settle_withdrawals(conn, program, head.payout_no, lines, recorded_at)


def _paid_lines(program: Program, items: Iterable[FreshResult]) -> list[PaidLine]:
    return [
        PaidLine(
            item.line.shop_no,
            item.line.line_no,
            item.line.net_minor,
            item.line.tax_minor,
            item.occurred_at,
            program.period_of(item.occurred_at),
        )
        for item in items
    ]


def _figures(lines: Sequence[PaidLine]) -> dict[str, int]:
    return {"paid_minor": sum(line.paid_minor for line in lines), "tax_minor": sum(line.tax_minor for line in lines)}


def _messages(
    conn: Connection,
    program: Program,
    head: BatchHead,
    facts: Sequence[tuple[str, Mapping[str, object]]],
    recorded_at: datetime,
) -> list[Message]:
    """Builds the messages of a set of results: what it came to, and how many lines of the batch are still open."""
    common = {
        "payout_id": head.payout_id,
        "currency": program.currency,
        "open_count": sums_of(conn, program, head).open,
    }
    return [
        Message(type_, recorded_at, json.dumps({**common, **figures}, ensure_ascii=False)) for type_, figures in facts
    ]
