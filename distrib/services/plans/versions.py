"""Plan documents as versions: recorded, published, and the timeline that decides an order's version.

What a document means is the domain's business. Nothing that reads files may enter.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.events import CLOCK_SKEW
from distrib.domain.identifiers import is_storable_text
from distrib.domain.json_values import JsonObject
from distrib.domain.plans.document import canonical_json, check_plan
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.plans.refusals import (
    EffectiveFromClosed,
    EffectiveFromTaken,
    OrdersHandledBefore,
    PlanInvalid,
    PlanPublished,
    PlanRefused,
    PlanUnknown,
    SignOffRequired,
)
from distrib.domain.policies.policy import Finding, Policy, is_stricter, judge_plan
from distrib.domain.ranks.history import Ladder
from distrib.domain.texts import Text
from distrib.services.context import Program, Unit, format_period
from distrib.services.plans.rank_map import StoredMappedRanks, check_held_ranks, map_ranks
from distrib.store import plans as store
from distrib.store.ledger import books
from distrib.store.network import tree
from distrib.store.plans import NewPublication, NewVersion

PLANS_KEPT = 1_024
_NEWEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan version as it is shown: ``draft`` until it is published."""

    code: str
    version: int
    status: str
    created_at: datetime
    created_by: str
    effective_from: datetime | None
    published_at: datetime | None
    published_by: str | None
    signed_off_by: str | None
    document: JsonObject
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A published version: in force from ``effective_from`` until the next entry's."""

    version_no: int
    effective_from: datetime
    code: str
    version: int
    plan: Plan


@dataclass(frozen=True, slots=True)
class Timeline:
    """A program's published versions over all codes, by ``effective_from``."""

    entries: tuple[TimelineEntry, ...]

    def in_force(self, paid_at: datetime) -> TimelineEntry | None:
        """Finds the version in force: the newest ``effective_from`` that is not after ``paid_at``."""
        place = bisect_right(self.entries, paid_at, key=lambda entry: entry.effective_from)
        return self.entries[place - 1] if place else None


def check_document(program: Program | None, policies: Mapping[str, Policy], document: object) -> list[Problem]:
    """Checks a document for a program and its policy pack, or by itself; returns every problem."""
    problems = check_plan(document, currency=program.currency if program else None)
    named = document.get("policy") if isinstance(document, Mapping) else None
    if isinstance(named, str) and not any(problem.pointer == "policy" for problem in problems):
        pack = policies.get(named)
        if pack is None:
            problems.append(Problem("policy", Text("there is no policy pack {policy}", policy=named)))
        elif program is not None and not is_stricter(pack, policies[program.policy]):
            problems.append(
                Problem("policy", Text("must not be looser than the program's {policy}", policy=program.policy))
            )
    return problems


def judge(program: Program | None, policies: Mapping[str, Policy], plan: Plan) -> tuple[Finding, ...]:
    """Judges a plan by the program's pack, where there is a program, and by the one the plan names."""
    names = dict.fromkeys([program.policy if program else None, plan.policy])
    return tuple(finding for name in names if name for finding in judge_plan(policies[name], plan))


def create_plan(unit: Unit, document: object, policies: Mapping[str, Policy]) -> PlanView:
    """Records a document as the next version of its code; the newest one sent again stays that version.

    Raises:
        Refusal: ``plan_invalid`` with every problem of the document.
    """
    problems = check_document(unit.program, policies, document)
    if problems or not isinstance(document, Mapping):
        raise PlanInvalid(problems=problems)
    text = canonical_json(document)
    digest = hashlib.sha256(text.encode()).digest()
    plan = _compiled(digest, text)
    store.lock_timeline(unit.conn, unit.program_id)
    newest = store.newest_version(unit.conn, unit.program_id, plan.code)
    if newest is None or newest.digest != digest:
        store.insert_version(unit.conn, unit.program_id, NewVersion(plan.code, text, digest), unit.recorded)
        newest = store.newest_version(unit.conn, unit.program_id, plan.code)
    return _view(newest, judge(unit.program, policies, plan))


@dataclass(frozen=True, slots=True)
class PublicationDraft:
    """From when on a version is in force, and who answers for what its pack wants signed off; None: nobody."""

    effective_from: datetime
    signed_off_by: str | None


def publish_plan(
    unit: Unit,
    policies: Mapping[str, Policy],
    code: str,
    version: int,
    publication: PublicationDraft,
) -> PlanView:
    """Publishes a version from an instant on; the same again answers as the first time.

    Raises:
        Refusal: ``plan_unknown``, ``plan_published``, ``plan_refused``, ``sign_off_required``,
            ``rank_map_required``, ``effective_from_taken``, ``effective_from_closed`` or ``orders_worked_on``.
    """
    effective_from, signed_off_by = publication.effective_from, publication.signed_off_by
    store.lock_timeline(unit.conn, unit.program_id)
    row = _find(unit.conn, unit.program, code, version)
    plan = _compiled(row.digest, row.document)
    findings = judge(unit.program, policies, plan)
    if row.effective_from is not None:
        if row.effective_from != effective_from:
            raise PlanPublished()
        return _view(row, findings)
    _check_findings(findings, signed_off_by)
    check_held_ranks(unit.conn, unit.program_id, plan)
    _check_open(unit.conn, unit.program, effective_from)
    if effective_from <= unit.now + CLOCK_SKEW and store.has_orders_since(unit.conn, unit.program_id, effective_from):
        raise OrdersHandledBefore()
    published = NewPublication(row.version_no, effective_from, signed_off_by)
    if not store.insert_publication(unit.conn, unit.program_id, published, unit.recorded):
        raise EffectiveFromTaken()
    if plan.rank_map:
        ladder = ladder_of(load_timeline(unit.conn, unit.program))
        map_ranks(
            StoredMappedRanks(unit.conn, unit.program_id, unit.actor.key_id, unit.now), ladder, plan, effective_from
        )
    if plan.has_promotions and effective_from < unit.now:
        tree.signal_recruiters(unit.conn, unit.program_id, unit.program.time_zone, effective_from)
    return _view(_find(unit.conn, unit.program, code, version), findings)


def get_plan(conn: Connection, program: Program, policies: Mapping[str, Policy], code: str, version: int) -> PlanView:
    """Reads one version with its document and findings; raises ``plan_unknown``."""
    row = _find(conn, program, code, version)
    return _view(row, judge(program, policies, _compiled(row.digest, row.document)))


def list_plans(
    conn: Connection,
    program: Program,
    policies: Mapping[str, Policy],
    before: int | None = None,
    limit: int = 50,
) -> tuple[list[PlanView], int | None]:
    """Lists versions of all codes, newest first, and before which number the next page begins."""
    rows = store.list_versions(conn, program.program_id, _NEWEST if before is None else before, limit + 1)
    views = [_view(row, judge(program, policies, _compiled(row.digest, row.document))) for row in rows[:limit]]
    return views, rows[limit - 1].version_no if len(rows) > limit else None


def load_timeline(conn: Connection, program: Program) -> Timeline:
    """Loads the published versions of a program, compiled; one small query once they are cached."""
    published = store.published_versions(conn, program.program_id)
    plans = _KEPT.known({row.digest for row in published})
    missing = {row.version_no: row.digest for row in published if row.digest not in plans}
    texts = store.documents(conn, program.program_id, missing) if missing else {}
    plans |= {missing[version_no]: _compiled(missing[version_no], text) for version_no, text in texts.items()}
    return Timeline(
        tuple(
            TimelineEntry(row.version_no, row.effective_from, row.code, row.version, plans[row.digest])
            for row in published
        )
    )


def ladder_of(timeline: Timeline) -> Ladder:
    """Builds the ranks of a program over time from its timeline."""
    return Ladder((entry.effective_from, entry.plan) for entry in timeline.entries)


def _check_findings(findings: Sequence[Finding], signed_off_by: str | None) -> None:
    refused = [finding for finding in findings if finding.severity == "refuse"]
    if refused:
        raise PlanRefused(problems=[_problem(finding) for finding in refused])
    unsigned = [finding for finding in findings if finding.severity == "sign_off"]
    if unsigned and signed_off_by is None:
        raise SignOffRequired(problems=[_problem(finding) for finding in unsigned])
    if signed_off_by is not None and (not is_storable_text(signed_off_by) or not signed_off_by.strip()):
        raise Refusal("invalid", [Problem("signed_off_by", "a person's name, 1-255 characters")])


def _check_open(conn: Connection, program: Program, effective_from: datetime) -> None:
    """Refuses an instant inside a closed period (plan.md): its pools and figures are fixed."""
    period = program.period_of(effective_from)
    if period <= books.closed_through(conn, program.program_id):
        raise EffectiveFromClosed(period=format_period(period))


def _problem(finding: Finding) -> Problem:
    figures = f"{finding.figure} ({finding.threshold})"
    return Problem(finding.id, f"{finding.detail_en} {finding.detail_zh} {figures}; {finding.source}")


def _find(conn: Connection, program: Program, code: str, version: int) -> store.PlanRow:
    is_possible = is_storable_text(code) and 0 < version <= _NEWEST
    row = store.find_version(conn, program.program_id, code, version) if is_possible else None
    if row is None:
        raise PlanUnknown(code=code, version=version)
    return row


def _view(row: store.PlanRow | None, findings: tuple[Finding, ...]) -> PlanView:
    assert row is not None
    return PlanView(
        row.code,
        row.version,
        "draft" if row.effective_from is None else "published",
        row.created_at,
        row.created_by,
        row.effective_from,
        row.published_at,
        row.published_by,
        row.signed_off_by,
        json.loads(row.document),
        findings,
    )


class _KeptPlans:
    """A cache of compiled plans by the digest of their document; the least recently used goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._plans: OrderedDict[bytes, Plan] = OrderedDict()
        self._lock = Lock()

    def known(self, digests: Iterable[bytes]) -> dict[bytes, Plan]:
        """Finds the cached plans of those digests."""
        with self._lock:
            kept = {digest: self._plans[digest] for digest in digests if digest in self._plans}
            for digest in kept:
                self._plans.move_to_end(digest)
        return kept

    def keep(self, digest: bytes, plan: Plan) -> None:
        """Caches a plan."""
        with self._lock:
            self._plans[digest] = plan
            while len(self._plans) > self._most:
                self._plans.popitem(last=False)


_KEPT = _KeptPlans(PLANS_KEPT)


def _compiled(digest: bytes, text: str) -> Plan:
    plan = _KEPT.known([digest]).get(digest)
    if plan is None:
        plan = compile_plan(json.loads(text))
        _KEPT.keep(digest, plan)
    return plan
