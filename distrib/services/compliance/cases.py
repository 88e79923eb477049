"""Cases: opened by a monitor or a person, decided by a person with a name and a reason.

``freeze`` holds the indirect pay of the case's trees for orders paid from an instant on; ``reverse`` takes
back what is held so far, the freeze goes on; ``release`` ends the freeze and frees what is still held;
``dismiss`` ends a case that was never frozen. No SQL may enter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import is_storable_text
from distrib.domain.policies.monitors import told
from distrib.services.context import Actor, Program
from distrib.store import plans
from distrib.store.compliance import cases as store
from distrib.store.compliance.cases import NewCase
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


def open_case(
    conn: Connection,
    program: Program,
    shop_id: str | None,
    organiser_id: str | None,
    reason: str,
    actor: Actor,
    now: datetime,
) -> dict[str, Any]:
    """Opens a case about the tree of a shop's root, or about all trees that an organiser runs or ran.

    Raises:
        Refusal: ``shop_unknown``, ``organiser_unknown``, or ``case_open`` where one stands already.
    """
    number = program.program_id
    if shop_id is not None:
        root_no, subject = _root(conn, program, shop_id, now)
    else:
        root_no, subject = None, f"organiser:{organiser_id}"
        if not store.has_organised(conn, number, organiser_id or ""):
            raise Refusal("organiser_unknown", id=organiser_id)
    plans.lock_timeline(conn, number)
    if store.subjects_with_open_case(conn, number, [subject]):
        raise Refusal("case_open", subject=subject)
    organiser = None if root_no is not None else organiser_id
    case = NewCase(subject, root_no, organiser, None, reason, "{}")
    [case_no] = store.insert_cases(conn, number, [case], now, actor.key_id)
    return get_case(conn, program, case_no, now)


def decide_case(
    conn: Connection,
    program: Program,
    case_no: int,
    decision: str,
    effective_at: datetime | None,
    decided_by: str,
    reason: str,
    actor: Actor,
    now: datetime,
) -> dict[str, Any]:
    """Adds a decision and does what it says; no order is worked on meanwhile.

    Args:
        effective_at: of a freeze: it holds for orders paid from then on (now, if None).
        decided_by: the person who answers for it.

    Raises:
        Refusal: ``case_unknown``, ``case_decided`` where the decision does not fit the case's state, ``invalid``.
    """
    plans.lock_timeline(conn, program.program_id)
    case = get_case(conn, program, case_no, _EVER)
    now = max(now, _last_instant(case) + _TICK)
    if case["state"] not in _FROM[decision]:
        raise Refusal("case_decided", state=case["state"], decision=decision)
    if not decided_by.strip() or not is_storable_text(decided_by):
        raise Refusal("invalid", [Problem("/decided_by", "a person's name / 须填写姓名")])
    seq = len(case["decisions"]) + 1
    store.insert_decision(
        conn, program.program_id, case_no, seq, decision, effective_at or now, decided_by, reason, now, actor.key_id
    )
    if decision == "release":
        store.free_commissions(conn, program.program_id, case_no, seq, now)
    elif decision == "reverse":
        _take_back(conn, program, case_no, now)
    return get_case(conn, program, case_no, now)


def _last_instant(case: Mapping[str, Any]) -> datetime:
    """When the case was last touched: who waited for the lock read the clock before whoever held it."""
    touched: datetime = case["decisions"][-1]["recorded_at"] if case["decisions"] else case["opened_at"]
    return touched


def get_case(conn: Connection, program: Program, case_no: int, as_of: datetime) -> dict[str, Any]:
    """A case as it stood; raises ``case_unknown``."""
    row = store.find_case(conn, program.program_id, case_no, as_of) if 0 < case_no <= _NEWEST else None
    if row is None:
        raise Refusal("case_unknown", number=case_no)
    return _view(program, row, store.decisions_of(conn, program.program_id, [case_no], as_of)[case_no])


def list_cases(
    conn: Connection, program: Program, as_of: datetime, after: tuple[int] | None = None, limit: int = 50
) -> tuple[list[dict[str, Any]], tuple[int] | None]:
    """Cases as they stood, the newest first, and after what the next page begins."""
    before = after[0] if after else _NEWEST
    rows = store.list_cases(conn, program.program_id, as_of, before, limit + 1)
    numbers = [row["case_no"] for row in rows[:limit]]
    decided = store.decisions_of(conn, program.program_id, numbers, as_of)
    page = [_view(program, row, decided[row["case_no"]]) for row in rows[:limit]]
    return page, (numbers[-1],) if len(rows) > limit else None


def newest_cases(
    conn: Connection, program: Program, as_of: datetime, subjects: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """The newest case about each of the subjects, as it stood."""
    rows = store.newest_cases(conn, program.program_id, as_of, subjects)
    decided = store.decisions_of(conn, program.program_id, [row["case_no"] for row in rows], as_of)
    return {row["subject"]: _view(program, row, decided[row["case_no"]]) for row in rows}


def _root(conn: Connection, program: Program, shop_id: str, now: datetime) -> tuple[int, str]:
    """The root of a shop's tree and the subject that names it."""
    known = shops.by_ids(conn, program.program_id, [shop_id]).get(shop_id)
    if known is None:
        raise Refusal("shop_unknown", id=shop_id)
    above = tree.uplines_at(conn, program.program_id, known.shop_no, now, tree.DEEPEST)
    root_no = above[-1] if above else known.shop_no
    return root_no, f"tree:{shops.ids_of(conn, program.program_id, [root_no])[root_no]}"


def _take_back(conn: Connection, program: Program, case_no: int, now: datetime) -> None:
    """Posts a reversal for all that stands of what the case holds, in the earliest open month from now on."""
    standing = store.standing_of_case(conn, program.program_id, case_no)
    if not standing:
        return
    period = max(program.period_of(now), _first_open(store.closed_through(conn, program.program_id)))
    next_seq = {row["cause_no"]: row["last_seq"] + 1 for row in standing}
    months: dict[tuple[int, int], MonthTotals] = {}
    rows = []
    for row in standing:
        seq = next_seq[row["cause_no"]]
        next_seq[row["cause_no"]] += 1
        rows.append({**row, "seq": seq, "reverses_seq": row["seq"], "amount_minor": row["left_minor"]})
        months.setdefault((row["shop_no"], period), MonthTotals()).reversed_minor -= row["left_minor"]
    store.insert_reversals(conn, program.program_id, rows, now, period)
    batch.upsert_months(conn, program.program_id, months)


def _first_open(closed_through: int) -> int:
    """The month after the last closed one; 0 where none is closed.

    >>> _first_open(202612), _first_open(202603), _first_open(0)
    (202701, 202604, 0)
    """
    if not closed_through:
        return 0
    year, month = divmod(closed_through, 100)
    return (year + 1) * 100 + 1 if month == 12 else closed_through + 1


def _view(program: Program, row: Mapping[str, Any], decisions: list[dict[str, Any]]) -> dict[str, Any]:
    state = STATES[decisions[-1]["decision"]] if decisions else OPEN
    shown = ("seq", "decision", "effective_at", "decided_by", "reason", "recorded_at", "recorded_by")
    return {
        "case_no": row["case_no"],
        "finding_id": row["finding_id"],
        "subject": row["subject"],
        "shop_id": row["shop_id"],
        "organiser_id": row["organiser_id"],
        "state": state,
        "reason": row["reason"],
        "evidence": told(json.loads(row["evidence"])),
        "opened_at": row["opened_at"],
        "opened_by": row["opened_by"],
        "frozen_minor": row["frozen_minor"],
        "currency": program.currency,
        "decisions": [{name: decision[name] for name in shown} for decision in decisions],
    }
