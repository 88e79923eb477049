"""Plan versions and their publications. Documents are text here; no rule of a plan may enter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.locks import TIMELINE
from distrib.store.recorded import Recorded
from distrib.store.sql import execute, execute_as


class NewVersion(NamedTuple):
    """A plan's document that is to be the next version of its code."""

    code: str
    document: str
    digest: bytes


class NewPublication(NamedTuple):
    """From when on a version is to be in force, and who signs for it."""

    version_no: int
    effective_from: datetime
    signed_off_by: str | None


class PlanRow(NamedTuple):
    """One version of a plan, and its publication where there is one."""

    version_no: int
    code: str
    version: int
    document: str
    digest: bytes
    created_at: datetime
    created_by: str
    effective_from: datetime | None
    published_at: datetime | None
    published_by: str | None
    signed_off_by: str | None


class PublishedVersion(NamedTuple):
    """One version on the timeline."""

    version_no: int
    effective_from: datetime
    code: str
    version: int
    digest: bytes


_SELECT = """
SELECT v.version_no, v.code, v.version, v.document, v.digest, v.created_at, v.created_by,
    p.effective_from, p.published_at, p.published_by, p.signed_off_by
FROM plan_versions v LEFT JOIN plan_publications p ON p.program_id = v.program_id AND p.version_no = v.version_no
WHERE v.program_id = %(program)s
"""
_FIND = _SELECT + "AND v.code = %(code)s AND v.version = %(version)s"
_NEWEST = _SELECT + "AND v.code = %(code)s ORDER BY v.version DESC LIMIT 1"
_LIST = _SELECT + "AND v.version_no < %(before)s ORDER BY v.version_no DESC LIMIT %(limit)s"
_INSERT = """
INSERT INTO plan_versions (program_id, version_no, code, version, document, digest, created_at, created_by)
SELECT %(program)s, coalesce(max(version_no), 0) + 1, %(code)s,
    coalesce(max(version) FILTER (WHERE code = %(code)s), 0) + 1, %(document)s, %(digest)s, %(now)s, %(by)s
FROM plan_versions WHERE program_id = %(program)s
"""
_PUBLISH = """
INSERT INTO plan_publications (program_id, version_no, effective_from, published_at, published_by, signed_off_by)
VALUES (%(program)s, %(version_no)s, %(effective_from)s, %(now)s, %(by)s, %(signed_off_by)s) ON CONFLICT DO NOTHING
"""
_TIMELINE = """
SELECT p.version_no, p.effective_from, v.code, v.version, v.digest
FROM plan_publications p JOIN plan_versions v ON v.program_id = p.program_id AND v.version_no = p.version_no
WHERE p.program_id = %(program)s ORDER BY p.effective_from
"""
_PUBLICATIONS = """
SELECT version_no, published_at, published_by, signed_off_by FROM plan_publications
WHERE program_id = %(program)s ORDER BY version_no
"""
_DOCUMENTS = """
SELECT version_no, document FROM plan_versions WHERE program_id = %(program)s
AND version_no = ANY(%(version_nos)b::integer[])
"""
_ORDERS_SINCE = """
SELECT EXISTS (SELECT 1 FROM settlements WHERE program_id = %(program)s AND paid_at >= %(at)s)
    OR EXISTS (SELECT 1 FROM paid_orders WHERE program_id = %(program)s AND paid_at >= %(at)s)
"""


def lock_timeline(conn: Connection, program_id: int) -> None:
    """Locks the timeline until the transaction ends: no other makes or publishes versions, or settles by them."""
    execute(conn, "SELECT pg_advisory_xact_lock(%(lock)s, %(program)s)", {"lock": TIMELINE, "program": program_id})


def insert_version(conn: Connection, program_id: int, version: NewVersion, recorded: Recorded) -> None:
    """Writes a document as the next version of its code; the timeline must be locked."""
    values = {"program": program_id, "now": recorded.instant, "by": recorded.by}
    execute(conn, _INSERT, values | version._asdict())


def insert_publication(conn: Connection, program_id: int, publication: NewPublication, recorded: Recorded) -> bool:
    """Writes a version's publication; False where another takes effect at that very instant."""
    bound = {"program": program_id, "now": recorded.instant, "by": recorded.by}
    return bool(execute(conn, _PUBLISH, bound | publication._asdict()).rowcount)


def find_version(conn: Connection, program_id: int, code: str, version: int) -> PlanRow | None:
    """Reads that version of that code; None without one."""
    return execute_as(conn, PlanRow, _FIND, {"program": program_id, "code": code, "version": version}).fetchone()


def newest_version(conn: Connection, program_id: int, code: str) -> PlanRow | None:
    """Reads the newest version of that code; None without one."""
    return execute_as(conn, PlanRow, _NEWEST, {"program": program_id, "code": code}).fetchone()


def list_versions(conn: Connection, program_id: int, before: int, limit: int) -> list[PlanRow]:
    """Lists versions of all codes, newest first, from the one before ``before`` on."""
    return execute_as(conn, PlanRow, _LIST, {"program": program_id, "before": before, "limit": limit}).fetchall()


def published_versions(conn: Connection, program_id: int) -> list[PublishedVersion]:
    """Lists the published versions by when they take effect."""
    return execute_as(conn, PublishedVersion, _TIMELINE, {"program": program_id}).fetchall()


class Publication(NamedTuple):
    """The publication of a version: by whom, and who signed for it."""

    version_no: int
    published_at: datetime
    published_by: str
    signed_off_by: str | None


def publications(conn: Connection, program_id: int) -> list[Publication]:
    """Lists every publication of a program."""
    return execute_as(conn, Publication, _PUBLICATIONS, {"program": program_id}).fetchall()


def documents(conn: Connection, program_id: int, version_nos: Iterable[int]) -> dict[int, str]:
    """Reads the documents of those versions."""
    return dict(execute(conn, _DOCUMENTS, {"program": program_id, "version_nos": list(version_nos)}).fetchall())


def has_orders_since(conn: Connection, program_id: int, paid_from: datetime) -> bool:
    """Whether an order paid at or after ``paid_from`` has been settled or recorded as paid."""
    cursor = execute(conn, _ORDERS_SINCE, {"program": program_id, "at": paid_from})
    return any(has_orders for (has_orders,) in cursor)
