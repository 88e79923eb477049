"""What a compliance report holds, as it is shown: packs, caps, plans, findings with what was done about each.

Fields stand in the order in which they are answered. Nothing is worked out here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from distrib.columns.outline import OutlineNode
from distrib.domain.json_values import JsonObject
from distrib.domain.plans.measures import PlanFigure, PlanThreshold
from distrib.domain.policies.figures import Thresholds
from distrib.services.compliance.cases import CaseView
from distrib.services.compliance.monitors import PayeeFindingView, StructureFindingView
from distrib.services.compliance.penalised import PenaltyInForce


@dataclass(frozen=True, slots=True)
class PackView:
    """A policy pack with what binds by it; ratios as decimal strings, None where it sets no bound."""

    name: str
    version: str
    valid_from: str
    source: str
    max_tiers: int
    max_tree_levels: int | None
    on_excess: str | None
    order_cap: str | None
    entry_pays_seller: bool
    self_purchase_pays_uplines: bool
    count_root: bool
    is_overridden: bool


@dataclass(frozen=True, slots=True)
class CapsView:
    """The caps that bind together."""

    max_tiers: int
    max_tree_levels: int | None
    on_excess: str | None
    order_cap: str | None


@dataclass(frozen=True, slots=True)
class ReportedPlan:
    """A version of a plan with what a regulator asks of it."""

    code: str
    version: int
    effective_from: datetime
    is_in_force: bool
    signed_off_by: str | None
    tiers: int
    order_cap: str | None
    hold_days: int
    declarations: JsonObject


class Action(NamedTuple):
    """The action taken on a finding, in a phrase and by its parts."""

    done: str
    case_no: int | None
    case_state: str | None
    signed_off_by: str | None


@dataclass(frozen=True, slots=True)
class PlanFinding:
    """What a pack found in a plan, with what was done about it."""

    id: str
    severity: str
    figure: PlanFigure
    threshold: PlanThreshold
    source: str
    detail_en: str
    detail_zh: str
    moment: str
    subject: str
    pack: str
    done: str
    case_no: int | None
    case_state: str | None
    signed_off_by: str | None


@dataclass(frozen=True)
class _Acted:
    """What was done about a finding of the structure, behind what was found."""

    moment: str
    done: str
    case_no: int | None
    case_state: str | None
    signed_off_by: str | None


@dataclass(frozen=True)
class ReportedFinding(_Acted, StructureFindingView):
    """What a monitor found, with what was done about it."""


@dataclass(frozen=True)
class ReportedPayeeFinding(_Acted, PayeeFindingView):
    """What a monitor found about a payee, with what was done about it."""


@dataclass(frozen=True, slots=True)
class RecordedFinding:
    """How often something was found, first and last, with the words and the thresholds of the last time."""

    id: str
    severity: str
    moment: str
    times: int
    first_at: datetime
    last_at: datetime
    source: str
    threshold: Thresholds
    detail_en: str
    detail_zh: str


@dataclass(frozen=True, slots=True)
class SignOffView:
    """Who signed for an override, and what it loosens."""

    pack: str
    digest: str
    loosened: list[str]
    signed_off_by: str
    reason: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ComplianceReport:
    """A report as of an instant; ``digest`` is the SHA-256 of all the rest."""

    program: str
    as_of: datetime
    currency: str
    time_zone: str
    packs: list[PackView]
    caps: CapsView
    plans: list[ReportedPlan]
    structure: JsonObject
    largest_trees: list[JsonObject]
    organisers: list[JsonObject]
    findings: list[PlanFinding | ReportedFinding | ReportedPayeeFinding]
    recorded: list[RecordedFinding]
    penalties: list[PenaltyInForce]
    cases: list[CaseView]
    sign_offs: list[SignOffView]
    notice_en: str
    notice_zh: str
    digest: str = ""


class ReportPaper(NamedTuple):
    """What a report on paper shows: the report, what the platform calls itself, and the largest tree drawn in part."""

    report: ComplianceReport
    platform: str
    tree: Sequence[DrawnShop]


class DrawnShop(NamedTuple):
    """A shop of the picture by its id, and where it stands there."""

    shop_id: str
    node: OutlineNode
