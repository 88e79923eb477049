"""A shop's own payouts: its line of each batch and what became of it. Nothing of others, no totals, may enter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from distrib.domain.identifiers import is_identifier
from distrib.domain.payouts.refusals import PayoutUnknown
from distrib.domain.payouts.results import PAID, RETURNED
from distrib.services.context import Program
from distrib.services.payouts.batch_views import CANCELLED
from distrib.store.payouts import batches as rows
from distrib.store.payouts.batch_rows import OwnLineRow


@dataclass(frozen=True, slots=True)
class OwnPayoutView:
    """A shop's line of a batch as the shop sees it; ``reason`` is that of the status."""

    id: str
    status: str
    amount_minor: int
    tax_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    channel: str
    created_at: datetime
    approved_at: datetime | None
    paid_on: date | None
    returned_on: date | None
    reference: str | None
    reason: str | None


def list_own_payouts(
    conn: Connection, program: Program, shop_no: int, before: int | None, limit: int
) -> tuple[list[OwnPayoutView], int | None]:
    """Lists a shop's payouts, the newest first, and before which number the next page begins."""
    listed = rows.lines_of_shop_before(conn, program.program_id, shop_no, before or 2**62, limit + 1)
    page = [own_view(program, row) for row in listed[:limit]]
    return page, listed[limit - 1].payout_no if len(listed) > limit else None


def get_own_payout(conn: Connection, program: Program, shop_no: int, payout_id: str) -> OwnPayoutView:
    """Reads a shop's part of one batch; raises ``payout_unknown``, also where the shop has none."""
    row = None
    if is_identifier(payout_id):
        row = rows.line_of_shop(conn, program.program_id, shop_no, payout_id)
    if row is None:
        raise PayoutUnknown(id=payout_id)
    return own_view(program, row)


def own_view(program: Program, row: OwnLineRow) -> OwnPayoutView:
    """A shop's line of a batch as the shop sees it; ``reason`` is that of the status."""
    has_returned = row.returned_at is not None
    status = row.status or (CANCELLED if row.decision == CANCELLED else "reserved")
    return OwnPayoutView(
        id=row.payout_id,
        status=RETURNED if has_returned else status,
        amount_minor=row.amount_minor,
        tax_minor=row.tax_minor,
        fee_minor=row.fee_minor,
        net_minor=row.net_minor,
        currency=program.currency,
        channel=row.channel,
        created_at=row.created_at,
        approved_at=None if row.decision == CANCELLED else row.decided_at,
        paid_on=program.day_of(row.occurred_at) if row.occurred_at is not None and status == PAID else None,
        returned_on=None if row.returned_at is None else program.day_of(row.returned_at),
        reference=row.reference,
        reason=row.return_reason if has_returned else row.reason,
    )
