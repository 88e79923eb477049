"""A payout batch and its lines as they are shown. Nothing is read or decided here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from distrib.domain.payouts.results import PAID, RETURNED
from distrib.services.context import Program, format_period
from distrib.services.payouts.lines import channel_no
from distrib.store.payouts.batch_rows import BatchHead, BatchSums, LineRow, RefusalCount, RefusalRow

PROPOSED, APPROVED, CANCELLED, SETTLED = "proposed", "approved", "cancelled", "settled"
FRESH = timedelta(days=30)
"""So long an account that is not a shop's first is called fresh on the lines of batches."""


@dataclass(frozen=True, slots=True)
class PayoutView:
    """A batch as lists show it: what it is of, and what its lines come to."""

    id: str
    status: str
    up_to: datetime
    min_minor: int
    selection: str
    reason: str | None
    channel: str
    withholding: str
    currency: str
    count: int
    amount_minor: int
    tax_minor: int
    fee_minor: int
    net_minor: int
    paid_count: int
    failed_count: int
    returned_count: int
    paid_minor: int
    returned_minor: int
    created_at: datetime
    created_by: str
    decided_at: datetime | None
    decided_by: str | None


@dataclass(frozen=True, slots=True)
class LineView:
    """A line of a batch; ``reason`` is that of its state: of a payment that came back, why it did."""

    shop_id: str
    detail_no: str
    status: str
    amount_minor: int
    tax_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    channel_no: str
    payee_kind: str
    payee_version: int
    account_changed_at: datetime | None
    fresh_account: bool
    tax_period: str
    months_counted: int | None
    months_given: bool
    income_before_minor: int
    tax_before_minor: int
    paid_on: date | None
    returned_on: date | None
    reference: str | None
    return_reference: str | None
    reason: str | None
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class PayoutInFull:
    """A batch with a page of its lines; ``refused`` names the first shops that had money and got no line."""

    batch: PayoutView
    lines: list[LineView]
    refused: list[RefusalRow]
    refused_counts: list[RefusalCount]


def payout_summary(program: Program, head: BatchHead, sums: BatchSums) -> PayoutView:
    """A batch as lists show it."""
    status = head.decision or PROPOSED
    if status == APPROVED and sums.lines and not sums.open:
        status = SETTLED
    return PayoutView(
        id=head.payout_id,
        status=status,
        up_to=head.up_to,
        min_minor=head.min_minor,
        selection=head.selection,
        reason=head.reason,
        channel=head.channel,
        withholding=head.withholding,
        currency=program.currency,
        count=sums.lines,
        amount_minor=sums.amount_minor,
        tax_minor=sums.tax_minor,
        fee_minor=sums.fee_minor,
        net_minor=sums.amount_minor - sums.tax_minor - sums.fee_minor,
        paid_count=sums.paid,
        failed_count=sums.failed,
        returned_count=sums.returned,
        paid_minor=sums.paid_minor,
        returned_minor=sums.returned_minor,
        created_at=head.created_at,
        created_by=head.created_by,
        decided_at=head.decided_at,
        decided_by=head.decided_by,
    )


def line_view(program: Program, head: BatchHead, row: LineRow) -> LineView:
    """One line as it is shown: its amounts, its state, its days, and what the tax rests on.

    ``reason`` is that of the state: of a payment that came back, why it did.
    """
    status = row.status or (CANCELLED if head.decision == CANCELLED else "reserved")
    has_returned = row.returned_at is not None
    number = channel_no(program.code, head.payout_id, head.payout_no, row.line_no)
    return LineView(
        shop_id=row.shop_id,
        detail_no=number,
        status=RETURNED if has_returned else status,
        amount_minor=row.amount_minor,
        tax_minor=row.tax_minor,
        fee_minor=row.fee_minor,
        net_minor=row.net_minor,
        currency=program.currency,
        channel_no=number,
        payee_kind=row.payee_kind,
        payee_version=row.payee_version,
        account_changed_at=row.account_changed_at,
        fresh_account=is_fresh(row.account_changed_at, head.created_at),
        tax_period=format_period(row.tax_period),
        months_counted=row.months_counted,
        months_given=row.months_given,
        income_before_minor=row.income_before_minor,
        tax_before_minor=row.tax_before_minor,
        paid_on=program.day_of(row.occurred_at) if row.occurred_at is not None and status == PAID else None,
        returned_on=None if row.returned_at is None else program.day_of(row.returned_at),
        reference=row.reference,
        return_reference=row.return_reference,
        reason=row.return_reason if has_returned else row.reason,
        recorded_at=row.return_recorded_at if has_returned else row.recorded_at,
    )


def is_fresh(changed_at: datetime | None, created_at: datetime) -> bool:
    """Whether an account that was changed is so new that whoever approves should look at it."""
    return changed_at is not None and created_at - changed_at < FRESH
