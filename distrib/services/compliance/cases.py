"""Cases: opened by a monitor or a person, decided by a person with a name and a reason.

``freeze`` holds the indirect pay of the case's trees for orders paid from an instant on; ``reverse`` takes
back what is held so far, the freeze goes on; ``release`` ends the freeze and frees what is still held;
``dismiss`` ends a case that was never frozen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import is_storable_text
from distrib.domain.network.refusals import ShopUnknown
from distrib.domain.periods import counting
from distrib.domain.policies.monitors import figures_view
from distrib.domain.texts import Text
from distrib.services.compliance.refusals import CaseDecided, CaseOpen, CaseUnknown, OrganiserUnknown
from distrib.services.context import Program, Unit
from distrib.store import plans
from distrib.store.compliance import cases as store
from distrib.store.compliance.case_rows import CaseReversal, CaseRow, DecisionRow, LeftCommission
from distrib.store.compliance.cases import NewCase, NewCaseDecision
from distrib.store.network import shops, tree
from distrib.store.settlement import batch
from distrib.store.settlement.batch import MonthTotals

DECISIONS = ("freeze", "release", "reverse", "dismiss")
STATES = {"freeze": "frozen", "reverse": "frozen", "release": "released", "dismiss": "dismissed"}
OPEN = "open"
_FROM = {"freeze": (OPEN, "released"), "reverse": ("frozen",), "release": ("frozen",), "dismiss": (OPEN,)}
_NEWEST = 2**63 - 1
_EVER = datetime.max.replace(tzinfo=UTC)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A decision on a case: since when it holds, who answers for it, and who recorded it."""

    seq: int
    decision: str
    effective_at: datetime
    decided_by: str
    reason: str
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as it stood at an instant, with its decisions and what it held."""

    case_no: int
    finding_id: str | None
    subject: str
    shop_id: str | None
    organiser_id: str | None
    state: str
    reason: str
    evidence: Mapping[str, object]
    opened_at: datetime
    opened_by: str
    frozen_minor: int
    currency: str
    decisions: list[DecisionView]


def open_case(unit: Unit, shop_id: str | None, organiser_id: str | None, reason: str) -> CaseView:
    """Opens a case about the tree of a shop's root, or about all trees that an organiser runs or ran.

    Raises:
        Refusal: ``shop_unknown``, ``organiser_unknown``, or ``case_open`` where one stands already.
    """
    number = unit.program_id
    if shop_id is not None:
        root_no, subject = _root(unit, shop_id)
    else:
        root_no, subject = None, f"organiser:{organiser_id}"
        if not store.has_organised(unit.conn, number, organiser_id or ""):
            raise OrganiserUnknown(id=organiser_id or "")
    plans.lock_timeline(unit.conn, number)
    if store.subjects_with_open_case(unit.conn, number, [subject]):
        raise CaseOpen(subject=subject)
    organiser = None if root_no is not None else organiser_id
    case = NewCase(subject, root_no, organiser, None, reason, "{}")
    [case_no] = store.insert_cases(unit.conn, number, [case], unit.now, unit.actor.key_id)
    return get_case(unit.conn, unit.program, case_no, unit.now)


@dataclass(frozen=True, slots=True)
class CaseDecision:
    """What a person decides on a case.

    Args:
        effective_at: of a freeze: it holds for orders paid from then on (now, if None).
        decided_by: the person who answers for it.
    """

    decision: str
    effective_at: datetime | None
    decided_by: str
    reason: str


def decide_case(unit: Unit, case_no: int, decided: CaseDecision) -> CaseView:
    """Records a decision on a case and applies it; no order is settled meanwhile.

    Raises:
        Refusal: ``case_unknown``, ``case_decided`` where the decision does not fit the case's state, ``invalid``.
    """
    plans.lock_timeline(unit.conn, unit.program_id)
    case = get_case(unit.conn, unit.program, case_no, _EVER)
    unit = unit.as_of(max(unit.now, _last_instant(case) + _TICK))
    decision = decided.decision
    if case.state not in _FROM[decision]:
        raise CaseDecided(state=case.state, decision=decision)
    if not decided.decided_by.strip() or not is_storable_text(decided.decided_by):
        raise Refusal("invalid", [Problem("/decided_by", Text("a person's name"))])
    seq = len(case.decisions) + 1
    row = NewCaseDecision(seq, decision, decided.effective_at or unit.now, decided.decided_by, decided.reason)
    store.insert_decision(unit.conn, unit.program_id, case_no, row, unit.recorded)
    if decision == "release":
        store.free_commissions(unit.conn, unit.program_id, case_no, seq, unit.now)
    elif decision == "reverse":
        _take_back(unit, case_no)
    return get_case(unit.conn, unit.program, case_no, unit.now)


def _last_instant(case: CaseView) -> datetime:
    """Reads when the case was last changed: a call that waited for the lock read its clock before that."""
    return case.decisions[-1].recorded_at if case.decisions else case.opened_at


def get_case(conn: Connection, program: Program, case_no: int, as_of: datetime) -> CaseView:
    """Reads a case as it stood at an instant; raises ``case_unknown``."""
    row = store.find_case(conn, program.program_id, case_no, as_of) if 0 < case_no <= _NEWEST else None
    if row is None:
        raise CaseUnknown(number=case_no)
    return _view(program, row, store.decisions_of(conn, program.program_id, [case_no], as_of)[case_no])


def list_cases(
    conn: Connection, program: Program, as_of: datetime, after: tuple[int] | None = None, limit: int = 50
) -> tuple[list[CaseView], tuple[int] | None]:
    """Lists a page of cases as they stood at an instant, the newest first, and the cursor of the next page."""
    (before,) = after or (_NEWEST,)
    rows = store.list_cases(conn, program.program_id, as_of, before, limit + 1)
    numbers = [row.case_no for row in rows[:limit]]
    decided = store.decisions_of(conn, program.program_id, numbers, as_of)
    page = [_view(program, row, decided[row.case_no]) for row in rows[:limit]]
    return page, (numbers[-1],) if len(rows) > limit else None


def newest_cases(conn: Connection, program: Program, as_of: datetime, subjects: Sequence[str]) -> dict[str, CaseView]:
    """Reads the newest case about each of the subjects, as it stood at an instant."""
    rows = store.newest_cases(conn, program.program_id, as_of, subjects)
    decided = store.decisions_of(conn, program.program_id, [row.case_no for row in rows], as_of)
    return {row.subject: _view(program, row, decided[row.case_no]) for row in rows}


def _root(unit: Unit, shop_id: str) -> tuple[int, str]:
    """Resolves the root of a shop's tree and the subject that names it."""
    known = shops.by_ids(unit.conn, unit.program_id, [shop_id]).get(shop_id)
    if known is None:
        raise ShopUnknown(id=shop_id)
    above = tree.uplines_at(unit.conn, unit.program_id, known.shop_no, unit.now, tree.DEEPEST)
    root_no = above[-1] if above else known.shop_no
    return root_no, f"tree:{shops.ids_of(unit.conn, unit.program_id, [root_no])[root_no]}"


def _take_back(unit: Unit, case_no: int) -> None:
    """Posts reversals of all that is left of what the case holds, in the earliest open month from now on."""
    held = store.left_of_case(unit.conn, unit.program_id, case_no)
    if not held:
        return
    period, _ = counting(unit.period, store.closed_through(unit.conn, unit.program_id))
    next_seq = {row.cause_no: row.last_seq + 1 for row in held}
    months: dict[tuple[int, int], MonthTotals] = {}
    rows = []
    for row in held:
        seq = next_seq[row.cause_no]
        next_seq[row.cause_no] += 1
        rows.append(_reversal(row, seq))
        months.setdefault((row.shop_no, period), MonthTotals()).reversed_minor -= row.left_minor
    store.insert_reversals(unit.conn, unit.program_id, rows, unit.now, period)
    batch.upsert_months(unit.conn, unit.program_id, batch.month_columns(months))


def _reversal(row: LeftCommission, seq: int) -> CaseReversal:
    return CaseReversal(
        row.cause_no,
        seq,
        row.shop_no,
        row.left_minor,
        row.tier,
        row.base_minor,
        row.rate_ppm,
        row.version_no,
        row.available_at,
        row.seq,
        row.line_id,
        row.rule_id,
    )


def _view(program: Program, row: CaseRow, decisions: Sequence[DecisionRow]) -> CaseView:
    return CaseView(
        case_no=row.case_no,
        finding_id=row.finding_id,
        subject=row.subject,
        shop_id=row.shop_id,
        organiser_id=row.organiser_id,
        state=STATES[decisions[-1].decision] if decisions else OPEN,
        reason=row.reason,
        evidence=figures_view(json.loads(row.evidence)),
        opened_at=row.opened_at,
        opened_by=row.opened_by,
        frozen_minor=row.frozen_minor,
        currency=program.currency,
        decisions=[_decision(decision) for decision in decisions],
    )


def _decision(row: DecisionRow) -> DecisionView:
    return DecisionView(
        row.seq, row.decision, row.effective_at, row.decided_by, row.reason, row.recorded_at, row.recorded_by
    )
