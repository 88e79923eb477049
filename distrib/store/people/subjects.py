"""Whom people are at providers of OpenID Connect: bindings, of which those that ended stay."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from distrib.store.sql import execute, value_or_none

_NAME = "SELECT set_config('distrib.issuer', %(issuer)s, true), set_config('distrib.subject', %(subject)s, true)"
_BY_SUBJECT = (
    "SELECT person_no FROM person_subjects WHERE issuer = %(issuer)s AND subject = %(subject)s AND unbound_at IS NULL"
)
_SUBJECT = (
    "SELECT subject FROM person_subjects WHERE person_no = %(person_no)s AND issuer = %(issuer)s AND unbound_at IS NULL"
)
# What is bound meanwhile by somebody else makes no row.
_BIND = (
    "INSERT INTO person_subjects (person_no, issuer, subject, bound_at) VALUES (%(person_no)s, %(issuer)s,"
    " %(subject)s, %(now)s) "
    "ON CONFLICT DO NOTHING"
)
_UNBIND = (
    "UPDATE person_subjects SET unbound_at = %(now)s "
    "WHERE person_no = %(person_no)s AND issuer = %(issuer)s AND unbound_at IS NULL"
)


def by_subject(conn: Connection, issuer: str, subject: str) -> int | None:
    """Reads whose subject it is: row-level security shows this one to who names it; None where it is nobody's."""
    values = {"issuer": issuer, "subject": subject}
    execute(conn, _NAME, values)
    return value_or_none(conn, int, _BY_SUBJECT, values)


def subject_of(conn: Connection, person_no: int, issuer: str) -> str | None:
    """Reads the subject that a person has at an issuer."""
    values = {"person_no": person_no, "issuer": issuer}
    return value_or_none(conn, str, _SUBJECT, values)


def bind(conn: Connection, person_no: int, issuer: str, subject: str, now: datetime) -> bool:
    """Writes that a person has a subject; False where the subject or the person is bound already."""
    values = {"person_no": person_no, "issuer": issuer, "subject": subject, "now": now}
    return execute(conn, _BIND, values).rowcount == 1


def unbind(conn: Connection, person_no: int, issuer: str, now: datetime) -> int:
    """Writes that a person has its subject no more; how many ended."""
    return execute(conn, _UNBIND, {"person_no": person_no, "issuer": issuer, "now": now}).rowcount
