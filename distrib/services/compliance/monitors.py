"""Runs the monitors and records their findings; opens cases for subjects whose pay a pack wants held.

A finding is recorded when it is new or its figures changed, and a bounded number a day.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.json_values import JsonObject
from distrib.domain.policies.figures import Measured, Thresholds
from distrib.domain.policies.monitors import figures_view
from distrib.domain.policies.policy import Policy
from distrib.domain.refusals import NotFound
from distrib.services.compliance.by_name import as_json, by_name
from distrib.services.compliance.structure import Structure, StructureFinding, measure_structure
from distrib.services.compliance.tree_units import TreeUnit
from distrib.services.context import Actor, Program, Unit
from distrib.store.compliance import cases
from distrib.store.compliance import findings as store
from distrib.store.compliance.cases import NewCase
from distrib.store.compliance.findings import FindingRow, ListedFinding, NewMonitorRun, WantedFindings
from distrib.store.recorded import Part

MOST_A_DAY = 1_000
"""So many findings of one id are recorded a day; more say nothing new, and the run has the figures."""
STRUCTURE, REGISTRATION = "structure", "registration"
CASE_OPENED, CASE_STANDS, CASE_DECIDED, REPORTED = "case_opened", "case_open", "case_decided", "reported"
_NEWEST = 2**63 - 1
MONITOR = Actor(key_id="monitor", name="daily monitor", role="admin")
"""The actor of the daily run."""
FINDING_SEVERITIES = ("info", "alert", "sign_off", "hold", "refuse")


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Which findings are listed: of an id, of a severity, found since then; None asks for all."""

    finding_id: str | None = None
    severity: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeptFinding:
    """A finding as it was recorded; figure, threshold and action as texts, ``evidence`` with the figures by name."""

    finding_no: int
    id: str
    severity: str
    moment: str
    subject: str
    figure: str
    threshold: str
    source: str
    detail_en: str
    detail_zh: str
    action: str
    evidence: JsonObject
    pack: str
    found_at: datetime


@dataclass(frozen=True, slots=True)
class KeptPayeeFinding(KeptFinding):
    """A recorded finding about a payee, with the first of its shops."""

    shop_ids: list[str]


@dataclass(frozen=True)
class StructureFindingView:
    """What a monitor found in a structure."""

    id: str
    severity: str
    subject: str
    figure: Measured
    threshold: Thresholds
    source: str
    detail_en: str
    detail_zh: str
    pack: str


@dataclass(frozen=True)
class PayeeFindingView(StructureFindingView):
    """What a monitor found about a payee, with the first of its shops."""

    shop_ids: list[str]


@dataclass(frozen=True, slots=True)
class StructureView:
    """A measured structure: figures by name, the largest trees and the organisers with theirs, and what was found."""

    program: str
    as_of: datetime
    structure: JsonObject
    largest_trees: list[JsonObject]
    organisers: list[JsonObject]
    findings: list[StructureFindingView]


@dataclass(frozen=True, slots=True)
class MonitorRun:
    """A run of the monitors: what they measured and found, how much of it is new, and the subjects of new cases."""

    run_no: int
    program: str
    as_of: datetime
    structure: JsonObject
    largest_trees: list[JsonObject]
    organisers: list[JsonObject]
    findings: list[StructureFindingView]
    new_findings: int
    cases_opened: list[str]


@dataclass(frozen=True, slots=True)
class KeptRun:
    """The newest run; ``result`` is what a ``MonitorRun`` holds beside its number, as JSON keeps it."""

    run_no: int
    as_of: datetime
    result: JsonObject


def run_monitors(unit: Unit, policies: Mapping[str, Policy]) -> MonitorRun:
    """Measures the program as it stands, records new findings, opens cases; answers the run."""
    store.lock_monitors(unit.conn, unit.program_id)
    structure = measure_structure(unit.conn, unit.program, policies, unit.now)
    changed = _changed(unit.conn, unit.program, structure.findings)
    actions = _open_cases(unit, [*structure.findings, *structure.unreported])
    rows = [_row(unit.program, finding, actions.get(finding.subject, REPORTED), unit.now) for finding in changed]
    view = structure_view(unit.program, structure)
    new_findings = record_findings(unit.conn, unit.program, rows)
    cases_opened = sorted(subject for subject, action in actions.items() if action == CASE_OPENED)
    result = {**by_name(view), "new_findings": new_findings, "cases_opened": cases_opened}
    text = json.dumps(result, default=as_json, ensure_ascii=False)
    run_no = store.insert_run(unit.conn, unit.program_id, NewMonitorRun(unit.now, unit.day, text), unit.recorded)
    return MonitorRun(
        run_no=run_no,
        program=view.program,
        as_of=view.as_of,
        structure=view.structure,
        largest_trees=view.largest_trees,
        organisers=view.organisers,
        findings=view.findings,
        new_findings=new_findings,
        cases_opened=cases_opened,
    )


def latest_run(conn: Connection, program: Program) -> KeptRun:
    """Reads the newest run as it was answered; raises ``not_found`` before the first."""
    kept = store.latest_run(conn, program.program_id)
    if kept is None:
        raise NotFound()
    run_no, as_of, result = kept
    return KeptRun(run_no, as_of, json.loads(result))


def programs_due(conn: Connection, now: datetime, limit: int = 100) -> list[int]:
    """Lists the numbers of programs whose monitors have not run yet on their present day."""
    return store.programs_due(conn, now, limit)


def record_findings(conn: Connection, program: Program, rows: Sequence[FindingRow]) -> int:
    """Records findings of one day, up to ``MOST_A_DAY`` of one id; answers how many."""
    if not rows:
        return 0
    [day] = {row.day for row in rows}
    ids = sorted({row.id for row in rows})
    counts = dict.fromkeys(ids, 0) | store.findings_of_day(conn, program.program_id, ids, day)
    recorded = []
    for row in rows:
        if counts[row.id] < MOST_A_DAY:
            counts[row.id] += 1
            recorded.append(row)
    store.insert_findings(conn, program.program_id, recorded)
    return len(recorded)


def list_findings(
    unit: Unit,
    wanted: FindingFilter,
    after: tuple[int] | None = None,
    limit: int = 50,
) -> tuple[list[KeptFinding], tuple[int] | None]:
    """Lists a page of recorded findings, the newest first, and the cursor of the next page."""
    (before,) = after or (_NEWEST,)
    narrowed = WantedFindings(wanted.finding_id, wanted.severity, wanted.since)
    rows = store.list_findings(unit.conn, unit.program_id, narrowed, Part(before, limit + 1))
    page = [finding_view(row) for row in rows[:limit]]
    return page, (rows[limit - 1].finding_no,) if len(rows) > limit else None


def finding_view(row: ListedFinding) -> KeptFinding:
    """Shows a recorded finding; one about a payee names its shops."""
    evidence: JsonObject = json.loads(row.evidence)
    shop_ids = evidence.pop("shop_ids", None)
    shown = (
        row.finding_no,
        row.id,
        row.severity,
        row.moment,
        row.subject,
        row.figure,
        row.threshold,
        row.source,
        row.detail_en,
        row.detail_zh,
        row.action,
        figures_view(evidence),
        row.pack,
        row.found_at,
    )
    if isinstance(shop_ids, list) and shop_ids:
        return KeptPayeeFinding(*shown, [str(shop_id) for shop_id in shop_ids])
    return KeptFinding(*shown)


def structure_view(program: Program, structure: Structure) -> StructureView:
    """Shows a measured structure: the figures, the largest trees, the organisers, and the findings of the packs."""
    return StructureView(
        program=program.code,
        as_of=structure.as_of,
        structure=figures_view(structure.figures),
        largest_trees=[_unit_view(tree_unit) for tree_unit in structure.largest],
        organisers=[_unit_view(tree_unit) for tree_unit in structure.organisers],
        findings=[structure_finding_view(finding) for finding in structure.findings],
    )


def _unit_view(tree_unit: TreeUnit) -> JsonObject:
    return {"subject": tree_unit.subject, **figures_view(tree_unit.figures)}


def structure_finding_view(finding: StructureFinding) -> StructureFindingView:
    """Shows a finding of a monitor; one about a payee names its shops."""
    monitor = finding.monitor
    shown = (
        monitor.id,
        monitor.severity,
        finding.subject,
        finding.figure,
        monitor.threshold(),
        monitor.source,
        monitor.en,
        monitor.zh,
        finding.pack,
    )
    if finding.shop_ids:
        return PayeeFindingView(*shown, list(finding.shop_ids))
    return StructureFindingView(*shown)


def _changed(conn: Connection, program: Program, findings: Sequence[StructureFinding]) -> list[StructureFinding]:
    """Picks the findings that differ from the one last recorded about their subject."""
    subjects = sorted({finding.subject for finding in findings})
    known = store.newest_of_subjects(conn, program.program_id, subjects)
    return [
        finding
        for finding in findings
        if known.get((finding.subject, finding.monitor.id, finding.monitor.en))
        != (str(finding.figure), str(finding.monitor.threshold()), finding.pack)
    ]


def _open_cases(unit: Unit, findings: Sequence[StructureFinding]) -> dict[str, str]:
    """Opens a case for each subject that a pack wants held and that has none; answers the action for each subject.

    A case that was ended is not opened anew as long as the figures stay what they were.
    """
    held = [finding for finding in findings if finding.monitor.severity == "hold" and _has_trees(finding)]
    subjects = sorted({finding.subject for finding in held})
    open_subjects = cases.subjects_with_open_case(unit.conn, unit.program_id, subjects)
    ended = cases.evidence_of_ended_cases(unit.conn, unit.program_id, subjects)
    new: dict[str, StructureFinding] = {}
    for finding in held:
        if finding.subject not in open_subjects and not _is_decided(finding, ended.get(finding.subject)):
            new.setdefault(finding.subject, finding)
    if new:
        cases.insert_cases(
            unit.conn, unit.program_id, [_case(finding) for finding in new.values()], unit.now, unit.actor.key_id
        )
    actions = {subject: CASE_STANDS if subject in open_subjects else CASE_DECIDED for subject in subjects}
    return actions | dict.fromkeys(new, CASE_OPENED)


def _has_trees(finding: StructureFinding) -> bool:
    """Whether a finding is about a tree or an organiser's trees, whose pay can be held."""
    return finding.root_no is not None or finding.organiser_id is not None


def _is_decided(finding: StructureFinding, evidence: str | None) -> bool:
    """Whether the newest case about the subject was ended on these very figures."""
    return evidence is not None and finding.monitor.figure(json.loads(evidence)) == finding.figure


def _case(finding: StructureFinding) -> NewCase:
    monitor = finding.monitor
    reason = f"{monitor.en} {monitor.zh}"
    return NewCase(finding.subject, finding.root_no, finding.organiser_id, monitor.id, reason, _evidence(finding))


def _row(program: Program, finding: StructureFinding, action: str, now: datetime) -> FindingRow:
    monitor = finding.monitor
    return FindingRow(
        id=monitor.id,
        severity=monitor.severity,
        moment=STRUCTURE,
        subject=finding.subject,
        figure=str(finding.figure),
        threshold=str(monitor.threshold()),
        source=monitor.source,
        detail_en=monitor.en,
        detail_zh=monitor.zh,
        action=action if monitor.severity == "hold" else REPORTED,
        evidence=_evidence(finding),
        pack=finding.pack,
        found_at=now,
        day=program.day_of(now),
    )


def _evidence(finding: StructureFinding) -> str:
    shop_ids = {"shop_ids": list(finding.shop_ids)} if finding.shop_ids else {}
    return json.dumps({**finding.figures, **shop_ids}, ensure_ascii=False, sort_keys=True)
