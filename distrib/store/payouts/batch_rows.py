"""What payout batches and their lines are like as they are read, a row each. No rule and no statement may enter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class BatchHead:
    """A batch without its lines, and its decision: ``approved`` or ``cancelled``, None before."""

    payout_no: int
    payout_id: str
    digest: bytes
    up_to: datetime
    min_minor: int
    channel: str
    withholding: str
    selection: str
    reason: str | None
    created_at: datetime
    created_by: str
    decision: str | None
    decided_at: datetime | None
    decided_by: str | None


@dataclass(frozen=True, slots=True)
class BatchSums:
    """What the lines of a batch come to, and how many of them ended how."""

    payout_no: int
    lines: int = 0
    amount_minor: int = 0
    tax_minor: int = 0
    fee_minor: int = 0
    paid: int = 0
    failed: int = 0
    returned: int = 0
    paid_minor: int = 0
    returned_minor: int = 0

    @property
    def open(self) -> int:
        """How many lines have no result."""
        return self.lines - self.paid - self.failed - self.returned


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line of a batch, its result and what came back; ``status`` is None without a result.

    ``account_changed_at`` is since when the payee's account stands, None of a shop's first one.
    """

    shop_id: str
    shop_no: int
    line_no: int
    amount_minor: int
    tax_minor: int
    fee_minor: int
    net_minor: int
    payee_version: int
    payee_kind: str
    tax_period: int
    months_counted: int | None
    months_given: bool
    income_before_minor: int
    tax_before_minor: int
    status: str | None
    reference: str | None
    reason: str | None
    occurred_at: datetime | None
    recorded_at: datetime | None
    returned_at: datetime | None
    return_reference: str | None
    return_reason: str | None
    return_recorded_at: datetime | None
    account_changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnLineRow:
    """A shop's line with what it may know of its batch, its result and what came back."""

    payout_no: int
    payout_id: str
    channel: str
    created_at: datetime
    decision: str | None
    decided_at: datetime | None
    shop_no: int
    line_no: int
    amount_minor: int
    tax_minor: int
    fee_minor: int
    net_minor: int
    status: str | None
    reference: str | None
    reason: str | None
    occurred_at: datetime | None
    recorded_at: datetime | None
    returned_at: datetime | None
    return_reason: str | None


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """A shop with money that got no line, and the code why."""

    shop_id: str
    code: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class RefusalCount:
    """How many shops got no line for a reason, and what they have."""

    code: str
    shops: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ClosingHead:
    """A closing payment of a shop by its batch, and what was decided of it."""

    payout_no: int
    payout_id: str
    decision: str | None


class IncomeMonths(NamedTuple):
    """The months of a time zone, both included, whose income is asked for.

    Args:
        late: the batches made before the first that may have been paid since (``paid_late``).
    """

    zone: str
    first: int
    last: int
    late: Sequence[int]
