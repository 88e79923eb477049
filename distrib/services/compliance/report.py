"""Composes the report for a regulator: plans, caps, structure, findings and the action taken on each.

It depends on its instant alone: whatever was recorded or decided later, joined later or took effect later does not
show. ``pdf`` renders it on paper.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from distrib.columns.outline import OutlineNode
from distrib.domain.errors import Problem, Refusal
from distrib.domain.events import CLOCK_SKEW
from distrib.domain.money import show_ratio
from distrib.domain.policies.figures import read_thresholds
from distrib.domain.policies.policy import Policy, combine, judge_plan
from distrib.domain.texts import Text
from distrib.languages import CHINESE, ENGLISH, render
from distrib.services.compliance.by_name import as_json, by_name
from distrib.services.compliance.cases import CaseView, list_cases, newest_cases
from distrib.services.compliance.monitors import PayeeFindingView, StructureFindingView, structure_view
from distrib.services.compliance.penalised import penalised_view
from distrib.services.compliance.report_views import (
    Action,
    CapsView,
    ComplianceReport,
    DrawnShop,
    PackView,
    PlanFinding,
    RecordedFinding,
    ReportedFinding,
    ReportedPayeeFinding,
    ReportedPlan,
    ReportPaper,
    SignOffView,
)
from distrib.services.compliance.structure import as_it_was, measure_structure, packs_at
from distrib.services.context import Program, Unit
from distrib.services.plans.versions import TimelineEntry, load_timeline
from distrib.store import plans
from distrib.store.compliance import findings as store
from distrib.store.compliance.findings import SummedFinding
from distrib.store.network import shops

MOST_CASES = 500
NOTICE = Text("Figures of the program's own records against the thresholds named. This is no legal advice.")
REPORTED = "reported"


def compliance_report(unit: Unit, policies: Mapping[str, Policy], as_of: datetime) -> ComplianceReport:
    """Composes the report of a program as of an instant; the same instant gives the same report.

    Raises:
        Refusal: ``invalid`` for an instant that is still to come.
    """
    return _composed(unit, policies, as_of)[0]


def report_paper(unit: Unit, policies: Mapping[str, Policy], as_of: datetime) -> ReportPaper:
    """Composes the same for paper; raises as ``compliance_report`` does."""
    report, outline = _composed(unit, policies, as_of)
    ids = shops.ids_of(unit.conn, unit.program_id, [node.number for node in outline])
    return ReportPaper(
        report, unit.program.title or unit.program.code, [DrawnShop(ids[node.number], node) for node in outline]
    )


def _composed(
    unit: Unit, policies: Mapping[str, Policy], as_of: datetime
) -> tuple[ComplianceReport, list[OutlineNode]]:
    program = unit.program
    as_of = as_of.astimezone(UTC)
    if as_of > unit.now + CLOCK_SKEW:
        raise Refusal("invalid", [Problem("?as_of", Text("lies in the future"))])
    program = as_it_was(unit.conn, program, as_of)
    timeline = load_timeline(unit.conn, program)
    packs = packs_at(program, policies, timeline, as_of)
    cases, _ = list_cases(unit.conn, program, as_of, None, MOST_CASES)
    entries = [entry for entry in timeline.entries if entry.effective_from <= as_of]
    signed = {row.version_no: row.signed_off_by for row in plans.publications(unit.conn, program.program_id)}
    structure = measure_structure(unit.conn, program, policies, as_of)
    measured = structure_view(program, structure)
    subjects = sorted({finding.subject for finding in measured.findings})
    concerned = newest_cases(unit.conn, program, as_of, subjects)
    report = ComplianceReport(
        program=program.code,
        as_of=as_of,
        currency=program.currency,
        time_zone=program.time_zone,
        packs=[_pack(pack) for pack in packs],
        caps=_caps(packs, entries),
        plans=[_plan(entry, signed, entry is entries[-1]) for entry in entries],
        structure=measured.structure,
        largest_trees=measured.largest_trees,
        organisers=measured.organisers,
        findings=[
            *_plan_findings(program, packs, entries[-1:], signed, as_of),
            *(_reported(finding, concerned.get(finding.subject)) for finding in measured.findings),
        ],
        recorded=[_recorded(row) for row in store.summed_findings(unit.conn, program.program_id, as_of)],
        penalties=penalised_view(unit.conn, program, structure.penalties, as_of),
        cases=list(cases),
        sign_offs=_sign_offs(unit.conn, program, as_of),
        notice_en=render(NOTICE, ENGLISH),
        notice_zh=render(NOTICE, CHINESE),
    )
    return replace(report, digest=_digest(report)), structure.outline


def _pack(pack: Policy) -> PackView:
    return PackView(
        name=pack.name,
        version=pack.version,
        valid_from=pack.valid_from.isoformat(),
        source=pack.source,
        max_tiers=pack.max_tiers,
        max_tree_levels=pack.max_tree_levels,
        on_excess=pack.on_excess if pack.max_tree_levels is not None else None,
        order_cap=None if pack.order_cap_ppm is None else show_ratio(pack.order_cap_ppm),
        entry_pays_seller=pack.entry_pays_seller,
        self_purchase_pays_uplines=pack.self_purchase_pays_uplines,
        count_root=pack.count_root,
        is_overridden=bool(pack.override),
    )


def _caps(packs: Sequence[Policy], entries: Sequence[TimelineEntry]) -> CapsView:
    """Shows the caps that bind: the strictest of the packs and of the plan in force."""
    limits = combine(*packs)
    plan = entries[-1].plan if entries else None
    cap = limits.order_cap_with(plan.order_cap_ppm if plan is not None else None)
    return CapsView(
        max_tiers=limits.max_tiers if plan is None else min(limits.max_tiers, plan.tiers),
        max_tree_levels=limits.max_tree_levels,
        on_excess=limits.on_excess if limits.max_tree_levels is not None else None,
        order_cap=None if cap is None else show_ratio(cap),
    )


def _plan(entry: TimelineEntry, signed: Mapping[int, str | None], is_in_force: bool) -> ReportedPlan:
    plan = entry.plan
    return ReportedPlan(
        code=entry.code,
        version=entry.version,
        effective_from=entry.effective_from,
        is_in_force=is_in_force,
        signed_off_by=signed.get(entry.version_no),
        tiers=plan.tiers,
        order_cap=None if plan.order_cap_ppm is None else show_ratio(plan.order_cap_ppm),
        hold_days=plan.hold_days,
        declarations=dict(plan.declarations),
    )


def _plan_findings(
    program: Program,
    packs: Sequence[Policy],
    in_force: Sequence[TimelineEntry],
    signed: Mapping[int, str | None],
    as_of: datetime,
) -> list[PlanFinding]:
    day = program.day_of(as_of)
    return [
        PlanFinding(
            *finding,
            "plan",
            f"plan:{entry.code}/{entry.version}",
            pack.version,
            *_action(signed_off_by=signed.get(entry.version_no) if finding.severity == "sign_off" else None),
        )
        for entry in in_force
        for pack in packs
        for finding in judge_plan(pack, entry.plan, day)
    ]


def _action(case: CaseView | None = None, signed_off_by: str | None = None) -> Action:
    case_no, state = (None, None) if case is None else (case.case_no, case.state)
    phrase = REPORTED if signed_off_by is None else f"signed off by {signed_off_by}"
    done = phrase if case is None else f"case {case_no}: {state}"
    return Action(done, case_no, state, signed_off_by)


def _reported(finding: StructureFindingView, newest: CaseView | None) -> ReportedFinding | ReportedPayeeFinding:
    """Shows a finding with the newest case about its subject and the state of that case."""
    shown = (
        finding.id,
        finding.severity,
        finding.subject,
        finding.figure,
        finding.threshold,
        finding.source,
        finding.detail_en,
        finding.detail_zh,
        finding.pack,
    )
    acted = ("structure", *_action(newest))
    if isinstance(finding, PayeeFindingView):
        return ReportedPayeeFinding(*shown, finding.shop_ids, *acted)
    return ReportedFinding(*shown, *acted)


def _recorded(row: SummedFinding) -> RecordedFinding:
    return RecordedFinding(
        id=row.id,
        severity=row.severity,
        moment=row.moment,
        times=row.times,
        first_at=row.first_at,
        last_at=row.last_at,
        source=row.source,
        threshold=read_thresholds(row.threshold),
        detail_en=row.detail_en,
        detail_zh=row.detail_zh,
    )


def _sign_offs(conn: Connection, program: Program, as_of: datetime) -> list[SignOffView]:
    return [
        SignOffView(row.pack, row.digest, json.loads(row.loosened), row.signed_off_by, row.reason, row.recorded_at)
        for row in store.list_sign_offs(conn, program.program_id, as_of)
    ]


def _digest(report: ComplianceReport) -> str:
    """Computes the SHA-256 of the report's canonical text, so that two copies can be compared."""
    content = by_name(report)
    del content["digest"]
    text = json.dumps(content, default=as_json, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
