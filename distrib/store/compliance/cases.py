"""Reads and writes cases, their decisions, and the commissions that a freeze holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.ledger import EXPENSE
from distrib.store.compliance.case_rows import CaseReversal, CaseRow, DecisionRow, LeftCommission
from distrib.store.recorded import Recorded
from distrib.store.sql import column, execute, execute_as, row_as, value

_INSERT = """
INSERT INTO compliance_cases (program_id, finding_id, subject, root_no, organiser_id, reason, evidence, opened_at,
    opened_by)
SELECT %(program)s, c.finding_id, c.subject, c.root_no, c.organiser_id, c.reason, c.evidence, %(now)s, %(by)s
FROM unnest(CAST(%(subjects)s AS text[]), CAST(%(roots)s AS bigint[]), CAST(%(organisers)s AS text[]),
    CAST(%(findings)s AS text[]), CAST(%(reasons)s AS text[]), CAST(%(evidence)s AS text[]))
    WITH ORDINALITY AS c (subject, root_no, organiser_id, finding_id, reason, evidence, place)
ORDER BY c.place RETURNING case_no
"""
_CASES = """
SELECT c.case_no, c.finding_id, c.subject, c.root_no, c.organiser_id, c.reason, c.evidence, c.opened_at, c.opened_by,
       (SELECT shop_id FROM shops s WHERE s.program_id = c.program_id AND s.shop_no = c.root_no) AS shop_id,
       (SELECT COALESCE(sum(signed_minor), 0)::bigint FROM frozen_transfers t
        WHERE t.program_id = c.program_id AND t.case_no = c.case_no AND t.occurred_at <= %(until)s
          AND (t.freed_at IS NULL OR t.freed_at > %(until)s)) AS frozen_minor
FROM compliance_cases c WHERE c.program_id = %(program)s AND c.opened_at <= %(until)s
"""
_DECISIONS = """
SELECT case_no, seq, decision, effective_at, decided_by, reason, recorded_at, recorded_by FROM case_decisions
WHERE program_id = %(program)s AND case_no = ANY(CAST(%(cases)s AS bigint[])) AND recorded_at <= %(until)s
ORDER BY case_no, seq
"""
# The newest case of a subject, unless it was dismissed or released: those are over.
_OPEN = """
SELECT c.subject FROM compliance_cases c
LEFT JOIN LATERAL (SELECT decision FROM case_decisions d WHERE d.program_id = c.program_id AND d.case_no = c.case_no
                   ORDER BY seq DESC LIMIT 1) d ON true
WHERE c.program_id = %(program)s AND c.subject = ANY(CAST(%(subjects)s AS text[]))
  AND COALESCE(d.decision, '') NOT IN ('dismiss', 'release')
"""
_ENDED = """
SELECT DISTINCT ON (c.subject) c.subject, c.evidence FROM compliance_cases c
WHERE c.program_id = %(program)s AND c.subject = ANY(CAST(%(subjects)s AS text[]))
  AND (SELECT decision FROM case_decisions d WHERE d.program_id = c.program_id AND d.case_no = c.case_no
       ORDER BY seq DESC LIMIT 1) IN ('dismiss', 'release')
ORDER BY c.subject, c.case_no DESC
"""
_DECIDE = """
INSERT INTO case_decisions (program_id, case_no, seq, decision, effective_at, decided_by, reason, recorded_at,
    recorded_by)
VALUES (%(program)s, %(case_no)s, %(seq)s, %(decision)s, %(effective_at)s, %(decided_by)s, %(reason)s, %(now)s, %(by)s)
"""
# A freeze is in force until a release; taking back what is held does not end it.
_FREEZES = """
SELECT c.case_no, c.root_no, c.organiser_id, f.effective_at
FROM compliance_cases c
CROSS JOIN LATERAL (SELECT decision FROM case_decisions d WHERE d.program_id = c.program_id AND d.case_no = c.case_no
                    ORDER BY seq DESC LIMIT 1) last
CROSS JOIN LATERAL (SELECT effective_at FROM case_decisions d WHERE d.program_id = c.program_id
                    AND d.case_no = c.case_no AND decision = 'freeze' ORDER BY seq DESC LIMIT 1) f
WHERE c.program_id = %(program)s AND last.decision IN ('freeze', 'reverse') ORDER BY c.case_no
"""
# The roots among the shops above a shop at an instant, however far.
_ABOVE = """
WITH RECURSIVE chain AS (
    SELECT a.place, a.shop_no, a.at
    FROM unnest(%(places)b::integer[], %(numbers)b::bigint[], %(times)b::timestamptz[]) AS a (place, shop_no, at)
    UNION ALL
    SELECT c.place, r.sponsor_no, c.at
    FROM chain c CROSS JOIN LATERAL (
        SELECT sponsor_no FROM referrals
        WHERE program_id = %(program)s AND shop_no = c.shop_no AND effective_at <= c.at
        ORDER BY effective_at DESC, seq DESC LIMIT 1
    ) r
    WHERE r.sponsor_no IS NOT NULL
)
SELECT place, shop_no FROM chain WHERE shop_no = ANY(%(roots)b::bigint[])
"""
# The shops that ever named one of the organisers, with all that each named before and after.
_ORGANISED = """
SELECT shop_no, effective_at, organiser_id FROM shop_organisers
WHERE program_id = %(program)s AND shop_no IN (
    SELECT shop_no FROM shop_organisers
    WHERE program_id = %(program)s AND organiser_id = ANY(%(organisers)b::text[]))
ORDER BY shop_no, effective_at, seq
"""
_HAS_ORGANISED = """
SELECT EXISTS (SELECT 1 FROM shop_organisers WHERE program_id = %(program)s AND organiser_id = %(organiser)s)
"""
_FREEZE = """
INSERT INTO frozen_commissions (program_id, cause_no, seq, case_no, shop_no, frozen_at)
SELECT %(program)s, f.* FROM unnest(%(orders)b::bigint[], %(seqs)b::integer[], %(cases)b::bigint[], %(shops)b::bigint[],
    %(times)b::timestamptz[]) AS f (order_no, seq, case_no, shop_no, frozen_at)
"""
_FREE = """
INSERT INTO freed_commissions (program_id, cause_no, seq, case_no, decision_seq, freed_at)
SELECT f.program_id, f.cause_no, f.seq, f.case_no, %(seq)s, %(now)s FROM held_commissions f
WHERE f.program_id = %(program)s AND f.case_no = %(case_no)s
"""
# The rest of each frozen commission of a case after reversals, with the columns that its reversal repeats; by line,
# for another line of the order may have taken up what a cap had denied it.
_LEFT = """
SELECT e.cause_no, e.seq, e.shop_no, e.version_no, e.tier, (array_agg(t.base_minor ORDER BY t.seq))[1] AS base_minor,
       (array_agg(t.rate_ppm ORDER BY t.seq))[1] AS rate_ppm, e.available_at, t.line_id,
       e.rule_id, e.period, e.belongs_to_period,
       sum(signed_minor(t.shop_no, t.credit_account, t.amount_minor))::bigint AS left_minor,
       (SELECT max(seq) FROM transfers m WHERE m.program_id = e.program_id AND m.cause_no = e.cause_no) AS last_seq
FROM held_commissions f
JOIN transfers e ON e.program_id = f.program_id AND e.cause_no = f.cause_no AND e.seq = f.seq
JOIN transfers t ON t.program_id = f.program_id AND t.cause_no = f.cause_no AND COALESCE(t.reverses_seq, t.seq) = f.seq
     AND t.kind IN ('earned', 'reversed')
WHERE f.program_id = %(program)s AND f.case_no = %(case_no)s
GROUP BY e.program_id, e.cause_no, e.seq, e.shop_no, e.version_no, e.tier, e.available_at, t.line_id, e.rule_id,
         e.period, e.belongs_to_period
HAVING sum(signed_minor(t.shop_no, t.credit_account, t.amount_minor)) > 0
ORDER BY e.cause_no, e.seq, t.line_id
"""
_REVERSE = """
INSERT INTO transfers (program_id, cause_no, seq, debit_account, credit_account, amount_minor, kind, tier, base_minor,
    rate_ppm, version_no, occurred_at, available_at, period, belongs_to_period, reverses_seq, line_id, rule_id)
SELECT %(program)s, r.cause_no, r.seq, r.shop_no, %(expense)s, r.amount_minor, 'reversed', r.tier, r.base_minor,
    r.rate_ppm,
       r.version_no, %(now)s, r.available_at, %(period)s, CAST(%(belongs)s AS integer), r.reverses_seq, r.line_id,
           r.rule_id
FROM unnest(CAST(%(cause_no)s AS bigint[]), CAST(%(seq)s AS integer[]), CAST(%(shop_no)s AS bigint[]),
    CAST(%(amount_minor)s AS bigint[]), CAST(%(tier)s AS smallint[]), CAST(%(base_minor)s AS bigint[]),
    CAST(%(rate_ppm)s AS integer[]), CAST(%(version_no)s AS integer[]), CAST(%(available_at)s AS timestamptz[]),
    CAST(%(reverses_seq)s AS integer[]), CAST(%(line_id)s AS text[]), CAST(%(rule_id)s AS text[]))
    AS r (cause_no, seq, shop_no, amount_minor, tier, base_minor, rate_ppm, version_no, available_at, reverses_seq,
          line_id, rule_id)
"""


class NewCase(NamedTuple):
    """A case to be opened."""

    subject: str
    root_no: int | None
    organiser_id: str | None
    finding_id: str | None
    reason: str
    evidence: str


class NewCaseDecision(NamedTuple):
    """A decision on a case, by its number among those of the case."""

    seq: int
    decision: str
    effective_at: datetime
    decided_by: str
    reason: str


class Freeze(NamedTuple):
    """A freeze in force, of one tree or of an organiser's trees, for orders paid from ``effective_at`` on."""

    case_no: int
    root_no: int | None
    organiser_id: str | None
    effective_at: datetime


class Frozen(NamedTuple):
    """A commission that a freeze holds: its transfer's order and number, its case and shop, and since when."""

    order_no: int
    seq: int
    case_no: int
    shop_no: int
    frozen_at: datetime


def insert_cases(conn: Connection, program_id: int, cases: Sequence[NewCase], now: datetime, by: str) -> list[int]:
    """Writes new cases and answers their numbers, in the same order."""
    bound = {
        "program": program_id,
        "subjects": [case.subject for case in cases],
        "roots": [case.root_no for case in cases],
        "organisers": [case.organiser_id for case in cases],
        "findings": [case.finding_id for case in cases],
        "reasons": [case.reason for case in cases],
        "evidence": [case.evidence for case in cases],
        "now": now,
        "by": by,
    }
    return column(conn, int, _INSERT, bound)


def subjects_with_open_case(conn: Connection, program_id: int, subjects: Sequence[str]) -> set[str]:
    """Lists those of the subjects that have a case which is not over."""
    bound = {"program": program_id, "subjects": list(subjects)}
    return set(column(conn, str, _OPEN, bound))


def evidence_of_ended_cases(conn: Connection, program_id: int, subjects: Sequence[str]) -> dict[str, str]:
    """Reads by subject the evidence of the newest case that was dismissed or released."""
    bound = {"program": program_id, "subjects": list(subjects)}
    return dict(execute(conn, _ENDED, bound).fetchall())


_PAGE = _CASES + " AND c.case_no < %(before)s ORDER BY c.case_no DESC LIMIT %(limit)s"


def list_cases(conn: Connection, program_id: int, until: datetime, before: int, limit: int) -> list[CaseRow]:
    """Lists up to ``limit`` cases with numbers below ``before``, the newest first; with what each still holds."""
    bound = {"program": program_id, "until": until, "before": before, "limit": limit}
    return execute_as(conn, CaseRow, _PAGE, bound).fetchall()


_NEWEST_CASES = f"""
{_CASES} AND c.case_no IN (SELECT max(n.case_no) FROM compliance_cases n WHERE n.program_id = %(program)s
    AND n.opened_at <= %(until)s AND n.subject = ANY(CAST(%(subjects)s AS text[])) GROUP BY n.subject)
"""
_BY_NUMBER = f"{_CASES} AND c.case_no = %(case_no)s"


def newest_cases(conn: Connection, program_id: int, until: datetime, subjects: Sequence[str]) -> list[CaseRow]:
    """Finds the newest case about each of the subjects."""
    bound = {"program": program_id, "until": until, "subjects": list(subjects)}
    return execute_as(conn, CaseRow, _NEWEST_CASES, bound).fetchall()


def find_case(conn: Connection, program_id: int, case_no: int, until: datetime) -> CaseRow | None:
    """Finds a case as it stood at ``until``; None where it was not open by then."""
    bound = {"program": program_id, "until": until, "case_no": case_no}
    return row_as(conn, CaseRow, _BY_NUMBER, bound)


def decisions_of(
    conn: Connection, program_id: int, cases: Sequence[int], until: datetime
) -> dict[int, list[DecisionRow]]:
    """Lists by case the decisions recorded by ``until``, in their order."""
    decisions: dict[int, list[DecisionRow]] = {case_no: [] for case_no in cases}
    bound = {"program": program_id, "cases": list(cases), "until": until}
    for row in execute_as(conn, DecisionRow, _DECISIONS, bound).fetchall():
        decisions[row.case_no].append(row)
    return decisions


def insert_decision(
    conn: Connection, program_id: int, case_no: int, decision: NewCaseDecision, recorded: Recorded
) -> None:
    """Writes a decision on a case."""
    bound = {"program": program_id, "case_no": case_no, "now": recorded.instant, "by": recorded.by}
    execute(conn, _DECIDE, bound | decision._asdict())


def freezes_in_force(conn: Connection, program_id: int) -> list[Freeze]:
    """Lists the freezes that no release has ended."""
    return execute_as(conn, Freeze, _FREEZES, {"program": program_id}).fetchall()


def organised(
    conn: Connection, program_id: int, organisers: Sequence[str]
) -> dict[int, list[tuple[datetime, str | None]]]:
    """Lists, by shop that ever named one of those organisers, the organisers it named and from when on."""
    named: dict[int, list[tuple[datetime, str | None]]] = {}
    rows = execute(conn, _ORGANISED, {"program": program_id, "organisers": list(organisers)})
    for shop_no, effective_at, organiser_id in rows:
        named.setdefault(shop_no, []).append((effective_at, organiser_id))
    return named


def has_organised(conn: Connection, program_id: int, organiser_id: str) -> bool:
    """Whether a shop names that organiser, or ever did."""
    [(has_organised,)] = execute(conn, _HAS_ORGANISED, {"program": program_id, "organiser": organiser_id})
    return bool(has_organised)


def standing_above(
    conn: Connection, program_id: int, asked: Sequence[tuple[int, datetime]], roots: Sequence[int]
) -> list[set[int]]:
    """Finds, for each shop and instant, those of the roots that stood in its chain, itself included."""
    roots_above: list[set[int]] = [set() for _ in asked]
    columns = {
        "program": program_id,
        "places": list(range(len(asked))),
        "numbers": [number for number, _ in asked],
        "times": [instant for _, instant in asked],
        "roots": list(roots),
    }
    for place, number in execute(conn, _ABOVE, columns):
        roots_above[place].add(number)
    return roots_above


def freeze_commissions(conn: Connection, program_id: int, rows: Sequence[Frozen]) -> None:
    """Writes that commissions are held for their cases."""
    if not rows:
        return
    columns = {
        "orders": [row.order_no for row in rows],
        "seqs": [row.seq for row in rows],
        "cases": [row.case_no for row in rows],
        "shops": [row.shop_no for row in rows],
        "times": [row.frozen_at for row in rows],
    }
    execute(conn, _FREEZE, {"program": program_id, **columns})


def free_commissions(conn: Connection, program_id: int, case_no: int, seq: int, now: datetime) -> int:
    """Writes that all commissions which the case still holds are free; answers how many."""
    bound = {"program": program_id, "case_no": case_no, "seq": seq, "now": now}
    return execute(conn, _FREE, bound).rowcount


def left_of_case(conn: Connection, program_id: int, case_no: int) -> list[LeftCommission]:
    """Lists what is left, after reversals, of the commissions that the case holds."""
    return execute_as(conn, LeftCommission, _LEFT, {"program": program_id, "case_no": case_no}).fetchall()


def insert_reversals(
    conn: Connection, program_id: int, rows: Sequence[CaseReversal], now: datetime, period: int
) -> None:
    """Posts reversals by a decision, without an event."""
    columns = dict(zip(CaseReversal._fields, map(list, zip(*rows, strict=True)), strict=True))
    bound = {"program": program_id, "expense": EXPENSE, "now": now, "period": period, "belongs": None, **columns}
    execute(conn, _REVERSE, bound)


def closed_through(conn: Connection, program_id: int) -> int:
    """Reads the last closed month of the program and locks it: no other one closes until the transaction ends."""
    statement = "SELECT closed_through FROM programs WHERE program_id = %(program)s FOR SHARE"
    return value(conn, int, statement, {"program": program_id})
