"""What cases, their decisions and the commissions they hold are like, a row each. No statement may enter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as it stood at an instant, with what it held then; ``evidence`` is JSON."""

    case_no: int
    finding_id: str | None
    subject: str
    root_no: int | None
    organiser_id: str | None
    reason: str
    evidence: str
    opened_at: datetime
    opened_by: str
    shop_id: str | None
    frozen_minor: int


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision on a case, by whom, and since when it holds."""

    case_no: int
    seq: int
    decision: str
    effective_at: datetime
    decided_by: str
    reason: str
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class LeftCommission:
    """What is left of a line's frozen commission after reversals, with what its reversal repeats.

    ``seq`` is the frozen commission's number in its order, ``last_seq`` the highest there.
    """

    cause_no: int
    seq: int
    shop_no: int
    version_no: int
    tier: int
    base_minor: int
    rate_ppm: int | None
    available_at: datetime
    line_id: str
    rule_id: str
    period: int
    belongs_to_period: int | None
    left_minor: int
    last_seq: int


class CaseReversal(NamedTuple):
    """A reversal by a decision: a transfer without an event, under the number ``seq`` of its order."""

    cause_no: int
    seq: int
    shop_no: int
    amount_minor: int
    tier: int
    base_minor: int
    rate_ppm: int | None
    version_no: int
    available_at: datetime
    reverses_seq: int
    line_id: str
    rule_id: str
