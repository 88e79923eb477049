"""Whom a person is at a provider of OpenID Connect, so that it signs in there: bound and unbound on the command line.

A provider names its people by a subject, which it never gives to another (OpenID Connect Core 1.0, 2). An address of
e-mail is none: it changes hands. No SQL, nothing of HTTP may enter.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.refusals import NotFound
from distrib.domain.texts import Text
from distrib.services.people.accounts import SignedPerson, person_by_login, person_by_no
from distrib.services.people.refusals import SubjectBound
from distrib.store.people import accounts
from distrib.store.people import subjects as store

LONGEST_SUBJECT: Final = 255


def bind_subject(conn: Connection, login: str, issuer: str, subject: str, now: datetime) -> None:
    """Lets the person of a login in who is ``subject`` at the issuer; what is bound so already changes nothing.

    Raises:
        Refusal: ``person_unknown``, ``invalid`` for what cannot be a subject, or ``subject_bound`` where the subject is
            another person's or the person has another one.
    """
    person = person_by_login(conn, login)
    if not (subject.isascii() and subject.isprintable() and 1 <= len(subject) <= LONGEST_SUBJECT):
        words = Text("must have 1 to {most} visible ASCII characters", most=LONGEST_SUBJECT)
        raise Refusal("invalid", [Problem("/subject", words)])
    if store.subject_of(conn, person.person_no, issuer) == subject:
        return
    if not store.bind(conn, person.person_no, issuer, subject, now):
        raise SubjectBound(login=login, subject=subject)


def unbind_subject(conn: Connection, login: str, issuer: str, now: datetime) -> None:
    """Lets the person of a login in by that issuer no more, and ends all its sessions.

    Raises:
        Refusal: ``person_unknown``, or ``not_found`` where nothing is bound.
    """
    person = person_by_login(conn, login)
    if not store.unbind(conn, person.person_no, issuer, now):
        raise NotFound()
    accounts.end_sessions(conn, person.person_no, b"", now)


def person_of_subject(conn: Connection, issuer: str, subject: str) -> SignedPerson | None:
    """Finds who is ``subject`` at the issuer, and enters the person; None for nobody, or who signs in no more."""
    person_no = store.by_subject(conn, issuer, subject)
    return None if person_no is None else person_by_no(conn, person_no)
