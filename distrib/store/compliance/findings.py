"""Reads and writes findings, monitor runs and sign-offs, as rows that only grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.locks import COMPLIANCE
from distrib.store.recorded import Part, Recorded
from distrib.store.sql import column, execute, execute_as, value

_FINDINGS = """
INSERT INTO compliance_findings (program_id, id, severity, moment, subject, figure, threshold, source, detail_en,
    detail_zh, action, evidence, pack, found_at, day)
SELECT %(program)s, f.* FROM unnest(CAST(%(id)s AS text[]), CAST(%(severity)s AS text[]), CAST(%(moment)s AS text[]),
    CAST(%(subject)s AS text[]), CAST(%(figure)s AS text[]), CAST(%(threshold)s AS text[]), CAST(%(source)s AS text[]),
    CAST(%(detail_en)s AS text[]), CAST(%(detail_zh)s AS text[]), CAST(%(action)s AS text[]),
        CAST(%(evidence)s AS text[]),
    CAST(%(pack)s AS text[]), CAST(%(found_at)s AS timestamptz[]), CAST(%(day)s AS date[]))
    AS f (id, severity, moment, subject, figure, threshold, source, detail_en, detail_zh, action, evidence, pack,
          found_at, day)
"""
# So many rows of a day are kept one by one; more of the same day say nothing new.
_COUNT = """
SELECT id, count(*) AS rows FROM compliance_findings
WHERE program_id = %(program)s AND day = %(day)s AND id = ANY(CAST(%(ids)s AS text[])) GROUP BY id
"""
_NEWEST_OF_EACH = """
SELECT DISTINCT ON (subject, id, detail_en) subject, id, detail_en, figure, threshold, pack
FROM compliance_findings
WHERE program_id = %(program)s AND moment = 'structure' AND subject = ANY(CAST(%(subjects)s AS text[]))
ORDER BY subject, id, detail_en, finding_no DESC
"""
_LIST = """
SELECT finding_no, id, severity, moment, subject, figure, threshold, source, detail_en, detail_zh, action, evidence,
       pack, found_at
FROM compliance_findings
WHERE program_id = %(program)s AND finding_no < %(before)s
  AND (CAST(%(id)s AS text) IS NULL OR id = %(id)s)
  AND (CAST(%(severity)s AS text) IS NULL OR severity = %(severity)s)
  AND (CAST(%(since)s AS timestamptz) IS NULL OR found_at >= %(since)s)
  AND (CAST(%(until)s AS timestamptz) IS NULL OR found_at <= %(until)s)
ORDER BY finding_no DESC LIMIT %(limit)s
"""
_SUMMARY = """
SELECT id, severity, moment, count(*) AS times, min(found_at) AS first_at, max(found_at) AS last_at,
       (array_agg(source ORDER BY finding_no DESC))[1] AS source,
       (array_agg(threshold ORDER BY finding_no DESC))[1] AS threshold,
       (array_agg(detail_en ORDER BY finding_no DESC))[1] AS detail_en,
       (array_agg(detail_zh ORDER BY finding_no DESC))[1] AS detail_zh
FROM compliance_findings WHERE program_id = %(program)s AND found_at <= %(until)s
GROUP BY id, severity, moment ORDER BY id, severity, moment
"""
_RUN = """
INSERT INTO compliance_runs (program_id, as_of, day, result, recorded_at, recorded_by)
VALUES (%(program)s, %(as_of)s, %(day)s, %(result)s, %(now)s, %(by)s) RETURNING run_no
"""
_DUE = """
SELECT p.program_id FROM programs p WHERE NOT EXISTS (
    SELECT 1 FROM compliance_runs r WHERE r.program_id = p.program_id
      AND r.day >= (CAST(%(now)s AS timestamptz) AT TIME ZONE p.time_zone)::date)
ORDER BY p.program_id LIMIT %(limit)s
"""
_SIGN_OFF = """
INSERT INTO policy_sign_offs (program_id, pack, digest, document, loosened, signed_off_by, reason, recorded_at,
    recorded_by)
VALUES (%(program)s, %(pack)s, %(digest)s, %(document)s, %(loosened)s, %(signed_off_by)s, %(reason)s, %(now)s, %(by)s)
"""
_SIGN_OFFS = """
SELECT pack, digest, loosened, signed_off_by, reason, recorded_at FROM policy_sign_offs
WHERE program_id = %(program)s AND recorded_at <= %(until)s ORDER BY sign_off_no
"""


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding to be written."""

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
    evidence: str
    pack: str
    found_at: datetime
    day: date


@dataclass(frozen=True, slots=True)
class ListedFinding:
    """A finding as it was recorded; thresholds, action and evidence as they are kept."""

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
    evidence: str
    pack: str
    found_at: datetime


@dataclass(frozen=True, slots=True)
class SummedFinding:
    """How often something was found, first and last, with the words and the thresholds of the last time."""

    id: str
    severity: str
    moment: str
    times: int
    first_at: datetime
    last_at: datetime
    source: str
    threshold: str
    detail_en: str
    detail_zh: str


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who signed for an override that loosens figures; ``loosened`` is JSON."""

    pack: str
    digest: str
    loosened: str
    signed_off_by: str
    reason: str
    recorded_at: datetime


class WantedFindings(NamedTuple):
    """Which findings are asked for; what is None does not narrow them."""

    id: str | None = None
    severity: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class NewMonitorRun(NamedTuple):
    """A run of the monitors: the instant whose figures it has, the day it counts for, and its result as JSON."""

    as_of: datetime
    day: date
    result: str


class SignedOverride(NamedTuple):
    """An override of a policy pack, what it loosens as JSON, and who answers for it."""

    pack: str
    digest: str
    document: str
    loosened: str
    signed_off_by: str
    reason: str


class KnownFinding(NamedTuple):
    """The figure, threshold and pack of the finding last recorded about a subject."""

    figure: str
    threshold: str
    pack: str


def lock_monitors(conn: Connection, program_id: int) -> None:
    """Locks the monitors of this program against other runs until the transaction ends."""
    execute(conn, "SELECT pg_advisory_xact_lock(%(lock)s, %(program)s)", {"lock": COMPLIANCE, "program": program_id})


def insert_findings(conn: Connection, program_id: int, rows: Sequence[FindingRow]) -> None:
    """Writes findings, in their order."""
    if not rows:
        return
    names = FindingRow.__slots__
    columns = {name: [getattr(row, name) for row in rows] for name in names}
    execute(conn, _FINDINGS, {"program": program_id, **columns})


def findings_of_day(conn: Connection, program_id: int, ids: Sequence[str], day: date) -> dict[str, int]:
    """Counts by id the findings that a day has already."""
    return dict(execute(conn, _COUNT, {"program": program_id, "ids": list(ids), "day": day}).fetchall())


def newest_of_subjects(
    conn: Connection, program_id: int, subjects: Sequence[str]
) -> dict[tuple[str, str, str], KnownFinding]:
    """Reads the newest finding of the monitors by subject, id and (English) text."""
    rows = execute(conn, _NEWEST_OF_EACH, {"program": program_id, "subjects": list(subjects)})
    return {(subject, id_, detail): KnownFinding(*known) for subject, id_, detail, *known in rows}


def list_findings(conn: Connection, program_id: int, wanted: WantedFindings, part: Part[int]) -> list[ListedFinding]:
    """Lists findings by number, the newest first, from before a number on."""
    bound = {"program": program_id, "before": part.place, "limit": part.limit}
    return execute_as(conn, ListedFinding, _LIST, bound | wanted._asdict()).fetchall()


def summed_findings(conn: Connection, program_id: int, until: datetime) -> list[SummedFinding]:
    """Sums the findings up to an instant by id and severity: how often, first and last."""
    return execute_as(conn, SummedFinding, _SUMMARY, {"program": program_id, "until": until}).fetchall()


def insert_run(conn: Connection, program_id: int, run: NewMonitorRun, recorded: Recorded) -> int:
    """Writes the result of a monitor run; answers its number."""
    bound = {"program": program_id, "now": recorded.instant, "by": recorded.by}
    return value(conn, int, _RUN, bound | run._asdict())


def latest_run(conn: Connection, program_id: int) -> tuple[int, datetime, str] | None:
    """Reads the newest run's number, its instant and its result; None before the first."""
    statement = (
        "SELECT run_no, as_of, result FROM compliance_runs WHERE program_id = %(program)s ORDER BY run_no DESC LIMIT 1"
    )
    return execute(conn, statement, {"program": program_id}).fetchone()


def programs_due(conn: Connection, now: datetime, limit: int) -> list[int]:
    """Lists up to ``limit`` programs without a run on their present day."""
    return column(conn, int, _DUE, {"now": now, "limit": limit})


def insert_sign_off(conn: Connection, program_id: int, signed: SignedOverride, recorded: Recorded) -> None:
    """Writes the sign-off of an override that loosens figures."""
    bound = {"program": program_id, "now": recorded.instant, "by": recorded.by}
    execute(conn, _SIGN_OFF, bound | signed._asdict())


def signed_digests(conn: Connection) -> set[str]:
    """Lists the digests of overrides that a person has signed for, over all programs."""
    return set(column(conn, str, "SELECT * FROM signed_overrides()"))


def list_sign_offs(conn: Connection, program_id: int, until: datetime) -> list[SignOff]:
    """Lists the sign-offs of a program up to an instant, in their order."""
    return execute_as(conn, SignOff, _SIGN_OFFS, {"program": program_id, "until": until}).fetchall()
