"""Findings, cases, monitor runs and the compliance report, as they are asked for and shown."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from distrib.api.http.auth import STAFF
from distrib.api.schemas.fields import Choice, Identifier, Inner, Instant, Listed, PlainText, Shape, Total, Whole
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.api.schemas.penalties import PENALTY_IN_FORCE_FIELDS, PenaltyInForceSchema
from distrib.api.schemas.visible import Visible, paged, within
from distrib.services.compliance.cases import DECISIONS
from distrib.services.compliance.monitors import FINDING_SEVERITIES
from distrib.services.compliance.words import LANGUAGES

_SHOP_IDS = {"description": "the shops of one payee in one tree, of a finding about these; the first 20"}
STATES = ("open", "frozen", "released", "dismissed")


class Figures(fields.Dict):
    """Figures by name: whole numbers, minor units, or shares as decimal strings; null for what cannot be taken."""

    def __init__(self, **options: Any) -> None:
        kinds = {"additionalProperties": {"type": ["integer", "string", "object", "null"]}}
        super().__init__(metadata=kinds, **options)


class FindingsQuerySchema(PageQuerySchema):
    """Which findings."""

    id = PlainText(high=40, load_default=None)
    severity = Choice(FINDING_SEVERITIES, load_default=None)
    since = Instant(load_default=None)


class KeptFindingSchema(Shape):
    """What a policy pack saw: the figure, the threshold, the source, and what was done at once."""

    finding_no = Whole(low=1, required=True)
    id = PlainText(required=True)
    severity = Choice(FINDING_SEVERITIES, required=True)
    moment = Choice(("registration", "structure"), required=True)
    subject = PlainText(required=True)
    figure = PlainText(high=2_000, required=True)
    threshold = PlainText(high=2_000, required=True)
    source = PlainText(required=True)
    detail_en = PlainText(required=True)
    detail_zh = PlainText(required=True)
    action = PlainText(required=True)
    evidence = Figures(required=True)
    shop_ids = Listed(Identifier(), metadata=_SHOP_IDS)
    pack = PlainText(required=True)
    found_at = Instant(required=True)


class CaseDraftSchema(Shape):
    """A case about the tree a shop stands in, or about all the trees of an organiser; not both."""

    shop_id = Identifier(load_default=None)
    organiser_id = PlainText(high=64, load_default=None)
    reason = PlainText(has_lines=True, required=True)


class DecisionDraftSchema(Shape):
    """What is decided, by whom and why; a freeze holds for orders paid from ``effective_at`` on."""

    decision = Choice(DECISIONS, required=True)
    decided_by = PlainText(required=True)
    reason = PlainText(has_lines=True, required=True)
    effective_at = Instant(load_default=None)


class DecisionSchema(Shape):
    """A decision that was taken."""

    seq = Whole(low=1, required=True)
    decision = Choice(DECISIONS, required=True)
    effective_at = Instant(required=True)
    decided_by = PlainText(required=True)
    reason = PlainText(has_lines=True, required=True)
    recorded_at = Instant(required=True)
    recorded_by = PlainText(required=True)


class CaseSchema(Shape):
    """A case with its decisions; ``frozen_minor`` is what it still holds."""

    case_no = Whole(low=1, required=True)
    finding_id = PlainText(required=True, allow_none=True)
    subject = PlainText(required=True)
    shop_id = Identifier(required=True, allow_none=True)
    organiser_id = PlainText(high=64, required=True, allow_none=True)
    state = Choice(STATES, required=True)
    reason = PlainText(has_lines=True, high=2_000, required=True)
    evidence = Figures(required=True)
    opened_at = Instant(required=True)
    opened_by = PlainText(required=True)
    frozen_minor = Total(required=True)
    currency = PlainText(required=True)
    decisions = Listed(Inner(DecisionSchema), required=True)


class StructureFindingSchema(Shape):
    """What a monitor found."""

    id = PlainText(required=True)
    severity = Choice(FINDING_SEVERITIES, required=True)
    subject = PlainText(required=True)
    figure = PlainText(high=2_000, required=True)
    threshold = PlainText(high=2_000, required=True)
    source = PlainText(required=True)
    detail_en = PlainText(required=True)
    detail_zh = PlainText(required=True)
    pack = PlainText(required=True)
    shop_ids = Listed(Identifier(), metadata=_SHOP_IDS)


class RunSchema(Shape):
    """What a run of the monitors measured and found."""

    run_no = Whole(low=1, required=True)
    program = Identifier(required=True)
    as_of = Instant(required=True)
    structure = Figures(required=True)
    largest_trees = Listed(Figures(), required=True)
    organisers = Listed(Figures(), required=True)
    findings = Listed(Inner(StructureFindingSchema), required=True)
    new_findings = Whole(required=True)
    cases_opened = Listed(PlainText(), required=True)


class ReportQuerySchema(Shape):
    """As of when, and in which form."""

    as_of = Instant(load_default=None)
    format = Choice(("json", "pdf"), load_default="json")
    language = Choice(LANGUAGES, load_default="zh")


class ReportedFindingSchema(StructureFindingSchema):
    """A finding of a plan or of the structure, with what was done about it."""

    moment = Choice(("plan", "structure"), required=True)
    done = PlainText(required=True)
    case_no = Whole(low=1, required=True, allow_none=True, metadata={"description": "the newest case about it"})
    case_state = Choice(STATES, required=True, allow_none=True)
    signed_off_by = PlainText(
        required=True, allow_none=True, metadata={"description": "of a plan's finding: who answers"}
    )


class ReportSchema(Shape):
    """A compliance report as of an instant; the same instant gives the same report and digest."""

    program = Identifier(required=True)
    as_of = Instant(required=True)
    currency = PlainText(required=True)
    time_zone = PlainText(required=True)
    packs = Listed(fields.Dict(), required=True)
    caps = fields.Dict(required=True)
    plans = Listed(fields.Dict(), required=True)
    structure = Figures(required=True)
    largest_trees = Listed(Figures(), required=True)
    organisers = Listed(Figures(), required=True)
    findings = Listed(Inner(ReportedFindingSchema), required=True)
    recorded = Listed(fields.Dict(), required=True)
    penalties = Listed(Inner(PenaltyInForceSchema), required=True)
    cases = Listed(Inner(CaseSchema), required=True)
    sign_offs = Listed(fields.Dict(), required=True)
    notice_en = PlainText(required=True)
    notice_zh = PlainText(required=True)
    digest = PlainText(required=True)


FindingsPageSchema: type[Schema] = page_of(KeptFindingSchema, "ComplianceFindingsPage")
CasesPageSchema: type[Schema] = page_of(CaseSchema, "CasesPage")

# Who sees what: all of staff reads what the monitors found and what was decided. Figures are shown as they are kept.
_KEPT_FINDING = (
    "finding_no",
    "id",
    "severity",
    "moment",
    "subject",
    "figure",
    "threshold",
    "source",
    "detail_en",
    "detail_zh",
    "action",
    "evidence",
    "shop_ids",
    "pack",
    "found_at",
)
_DECISION = ("seq", "decision", "effective_at", "decided_by", "reason", "recorded_at", "recorded_by")
_CASE = (
    "case_no",
    "finding_id",
    "subject",
    "shop_id",
    "organiser_id",
    "state",
    "reason",
    "evidence",
    "opened_at",
    "opened_by",
    "frozen_minor",
    "currency",
    *within("decisions", _DECISION),
)
_FINDING = ("id", "severity", "subject", "figure", "threshold", "source", "detail_en", "detail_zh", "pack", "shop_ids")
_RUN = (
    "run_no",
    "program",
    "as_of",
    "structure",
    "largest_trees",
    "organisers",
    *within("findings", _FINDING),
    "new_findings",
    "cases_opened",
)
_REPORTED_FINDING = (*_FINDING, "moment", "done", "case_no", "case_state", "signed_off_by")
_REPORT = (
    "program",
    "as_of",
    "currency",
    "time_zone",
    "packs",
    "caps",
    "plans",
    "structure",
    "largest_trees",
    "organisers",
    *within("findings", _REPORTED_FINDING),
    "recorded",
    *within("penalties", PENALTY_IN_FORCE_FIELDS),
    *within("cases", _CASE),
    "sign_offs",
    "notice_en",
    "notice_zh",
    "digest",
)
FINDINGS = Visible(FindingsPageSchema, dict.fromkeys(STAFF, paged(_KEPT_FINDING)))
CASE = Visible(CaseSchema, dict.fromkeys(STAFF, _CASE))
CASES = Visible(CasesPageSchema, dict.fromkeys(STAFF, paged(_CASE)))
RUN = Visible(RunSchema, dict.fromkeys(STAFF, _RUN))
REPORT = Visible(ReportSchema, dict.fromkeys(STAFF, _REPORT))
