"""Whom people are at providers of OpenID Connect: bindings, of which those that ended stay."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

_NAME = text("SELECT set_config('distrib.issuer', :issuer, true), set_config('distrib.subject', :subject, true)")
_BY_SUBJECT = text(
    "SELECT person_no FROM person_subjects WHERE issuer = :issuer AND subject = :subject AND unbound_at IS NULL"
)
_SUBJECT = text(
    "SELECT subject FROM person_subjects WHERE person_no = :person_no AND issuer = :issuer AND unbound_at IS NULL"
)
# What is bound meanwhile by somebody else makes no row.
_BIND = text(
    "INSERT INTO person_subjects (person_no, issuer, subject, bound_at) VALUES (:person_no, :issuer, :subject, :now) "
    "ON CONFLICT DO NOTHING"
)
_UNBIND = text(
    "UPDATE person_subjects SET unbound_at = :now "
    "WHERE person_no = :person_no AND issuer = :issuer AND unbound_at IS NULL"
)


def by_subject(conn: Connection, issuer: str, subject: str) -> int | None:
    """Reads whose subject it is: row-level security shows this one to who names it; None where it is nobody's."""
    values = {"issuer": issuer, "subject": subject}
    conn.execute(_NAME, values)
    person_no: int | None = conn.execute(_BY_SUBJECT, values).scalar_one_or_none()
    return person_no


def subject_of(conn: Connection, person_no: int, issuer: str) -> str | None:
    """Reads the subject that a person has at an issuer."""
    values = {"person_no": person_no, "issuer": issuer}
    subject: str | None = conn.execute(_SUBJECT, values).scalar_one_or_none()
    return subject


def bind(conn: Connection, person_no: int, issuer: str, subject: str, now: datetime) -> bool:
    """Writes that a person has a subject; False where the subject or the person is bound already."""
    values = {"person_no": person_no, "issuer": issuer, "subject": subject, "now": now}
    return conn.execute(_BIND, values).rowcount == 1


def unbind(conn: Connection, person_no: int, issuer: str, now: datetime) -> int:
    """Writes that a person has its subject no more; how many ended."""
    return conn.execute(_UNBIND, {"person_no": person_no, "issuer": issuer, "now": now}).rowcount
