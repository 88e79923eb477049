"""Who signs in: makes people, lets them in by a password, keeps their sessions. A session is known by its token's hash.

What a person may in a program is said by its seats. No SQL may enter.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import MAX_TEXT, is_storable_text, is_text
from distrib.domain.json_values import Json
from distrib.domain.refusals import NotFound
from distrib.domain.texts import Text
from distrib.services.people.passwords import LONGEST, hash_of_password, is_password, password_problems
from distrib.services.people.refusals import PersonKnown, PersonUnknown, SignInFailed
from distrib.services.pepper import Pepper
from distrib.store.people import accounts as store
from distrib.store.people import password_links
from distrib.store.people.accounts import PersonRow, PersonSessionRow

LONGEST_SESSION: Final = timedelta(hours=12)
IDLE: Final = timedelta(hours=2)
"""After so long without a request a session is over."""
MOST_SESSIONS: Final = 50
"""That are listed: of more, the newest."""
MOST_PREFERENCES: Final = 40
HERE: Final = "password"
AT_PROVIDER: Final = "oidc"
"""By what a session was begun: a password, or a provider of OpenID Connect."""
_SEEN_EVERY: Final = timedelta(minutes=1)
_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
_MOST_DEVICE: Final = 200


@dataclass(frozen=True, slots=True)
class SignedPerson:
    """Somebody who signs in, and whether the password was chosen by somebody else."""

    person_no: int
    login: str
    name: str
    must_change: bool
    language: str | None
    preferences: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person with the session that it is in by, and whether a password or a provider began that."""

    person: SignedPerson
    session_id: str
    signed_in_by: str = HERE


@dataclass(frozen=True, slots=True)
class PersonDraft:
    """Somebody who is to sign in by a password.

    Args:
        login: small letters, digits and ``. _ @ + -``, so that an address of e-mail is one; the owner of its keys.
        must_change: whether the password was chosen by somebody else, and is good for nothing but to choose one.
    """

    login: str
    name: str
    password: str
    must_change: bool


@dataclass(frozen=True, slots=True)
class SignIn:
    """How somebody came in: on which device, and by a password or a provider."""

    device: str
    signed_in_by: str = HERE


def make_person(conn: Connection, draft: PersonDraft, now: datetime) -> SignedPerson:
    """Makes somebody who signs in by a password, and enters the person.

    Raises:
        Refusal: ``invalid`` with all that is wrong, or ``person_known``.
    """
    login, password = draft.login, draft.password
    problems = [*_login_problems(login), *_name_problems(draft.name), *password_problems(password, login)]
    if problems:
        raise Refusal("invalid", problems)
    if store.by_login(conn, login) is not None:
        raise PersonKnown(login=login)
    row = PersonRow(0, login, draft.name, hash_of_password(password), draft.must_change, None, "{}", now)
    return _made(conn, row)


def person_by_login(conn: Connection, login: str) -> SignedPerson:
    """Finds a person who still signs in, and enters the person; raises ``person_unknown``."""
    row = store.by_login(conn, login)
    if row is None or row.ended_at is not None:
        raise PersonUnknown(login=login)
    store.enter_person(conn, row.person_no)
    return _person(row)


def person_by_no(conn: Connection, person_no: int) -> SignedPerson | None:
    """Enters a person by its number; None for one who signs in no more."""
    store.enter_person(conn, person_no)
    row = store.by_no(conn, person_no)
    return None if row is None or row.ended_at is not None else _person(row)


def enter(conn: Connection, person: SignedPerson) -> None:
    """Lets the transaction see a person who is signed in, its sessions and its seats."""
    store.enter_person(conn, person.person_no)


def check_password(conn: Connection, login: str, password: str) -> SignedPerson:
    """Finds the person of a login and a password, and enters the person; takes as long whatever is wrong.

    Raises:
        Refusal: ``sign_in_failed``, which tells nobody what was wrong.
    """
    row = store.by_login(conn, login) if _LOGIN.fullmatch(login) else None
    kept = row.password_hash if row is not None and row.ended_at is None else None
    if not is_password(kept, password[: LONGEST + 1]) or row is None:
        raise SignInFailed()
    store.enter_person(conn, row.person_no)
    return _person(row)


def begin_session(conn: Connection, person: SignedPerson, sign_in: SignIn, pepper: Pepper, now: datetime) -> str:
    """Begins a session and returns its token: the only time it is seen."""
    token = secrets.token_urlsafe(32)
    seen = "".join(character for character in sign_in.device if character.isprintable())[:_MOST_DEVICE]
    row = PersonSessionRow(pepper.hash(_content(token)), person.person_no, seen, now, now, now + LONGEST_SESSION)
    store.insert_session(conn, row._replace(signed_in_by=sign_in.signed_in_by))
    return token


def session_of(conn: Connection, token: str, pepper: Pepper, now: datetime) -> SignedIn | None:
    """Finds who is in by a token, and enters the person; None where the session is over or there never was one.

    Who came in by a provider is not asked to change a password that somebody else chose: it played no part.
    """
    sessions = (store.by_session(conn, session_hash) for session_hash in pepper.hashes(_content(token)))
    row = next(filter(None, sessions), None)
    if row is None or row.ended_at is not None or row.ends_at <= now or row.seen_at <= now - IDLE:
        return None
    store.enter_person(conn, row.person_no)
    person = store.by_no(conn, row.person_no)
    if person is None or person.ended_at is not None:
        return None
    if row.seen_at <= now - _SEEN_EVERY:
        store.note_seen(conn, row, now)
    signed = _person(person)
    must_change = signed.must_change and row.signed_in_by == HERE
    return SignedIn(replace(signed, must_change=must_change), row.session_hash.hex(), row.signed_in_by)


@dataclass(frozen=True, slots=True)
class SessionView:
    """A live session of a person; ``is_this``: the one that asks."""

    id: str
    device: str
    began_at: datetime
    seen_at: datetime
    ends_at: datetime
    signed_in_by: str
    is_this: bool


def sessions_of(conn: Connection, signed_in: SignedIn, now: datetime) -> list[SessionView]:
    """Lists the live sessions of a person, the newest first."""
    rows = store.sessions_of(conn, signed_in.person.person_no, now, now - IDLE, MOST_SESSIONS)
    return [
        SessionView(
            id=row.session_hash.hex(),
            device=row.device,
            began_at=row.began_at,
            seen_at=row.seen_at,
            ends_at=row.ends_at,
            signed_in_by=row.signed_in_by,
            is_this=row.session_hash.hex() == signed_in.session_id,
        )
        for row in rows
    ]


def end_session(conn: Connection, signed_in: SignedIn, session_id: str, now: datetime) -> None:
    """Ends one of the person's own sessions; raises ``not_found`` where there is no such live one."""
    is_hash = re.fullmatch(r"[0-9a-f]{64}", session_id) is not None
    if not is_hash or not store.end_session(conn, signed_in.person.person_no, bytes.fromhex(session_id), now):
        raise NotFound()


def change_password(conn: Connection, signed_in: SignedIn, former: str, password: str, now: datetime) -> None:
    """Sets the person's own password, and ends all other sessions.

    Raises:
        Refusal: ``sign_in_failed`` where the former one is not right, ``invalid`` where the new one will not do.
    """
    person = signed_in.person
    check_password(conn, person.login, former)
    problems = password_problems(password, person.login)
    if former == password:
        problems.append(Problem("/password", Text("must be another than before")))
    if problems:
        raise Refusal("invalid", problems)
    store.set_password(conn, person.person_no, hash_of_password(password), must_change=False)
    store.end_sessions(conn, person.person_no, bytes.fromhex(signed_in.session_id), now)
    password_links.end_links(conn, person.person_no, now)


def give_password(
    conn: Connection, login: str, password: str, now: datetime, *, must_change: bool = True
) -> SignedPerson:
    """Gives a person a password and ends all sessions; for who runs the service. Enters the person.

    Args:
        must_change: whether it is good for nothing but to choose another.

    Raises:
        Refusal: ``person_unknown``, or ``invalid``.
    """
    person = person_by_login(conn, login)
    set_password(conn, person, password, now, must_change=must_change)
    return replace(person, must_change=must_change)


def set_password(conn: Connection, person: SignedPerson, password: str, now: datetime, *, must_change: bool) -> None:
    """Sets the password of a person whom the transaction has entered; ends all sessions, and links for another one.

    Raises:
        Refusal: ``invalid`` where it will not do.
    """
    problems = password_problems(password, person.login)
    if problems:
        raise Refusal("invalid", problems)
    store.set_password(conn, person.person_no, hash_of_password(password), must_change=must_change)
    store.end_sessions(conn, person.person_no, b"", now)
    password_links.end_links(conn, person.person_no, now)


def end_person(conn: Connection, login: str, now: datetime) -> None:
    """Lets a person sign in no more, and ends all sessions; for who runs the service. Raises ``person_unknown``."""
    person = person_by_login(conn, login)
    store.end_person(conn, person.person_no, now)
    store.end_sessions(conn, person.person_no, b"", now)


def set_language(conn: Connection, signed_in: SignedIn, language: str) -> None:
    """Keeps which language the person reads."""
    store.set_language(conn, signed_in.person.person_no, language)


def set_preference(conn: Connection, person: SignedPerson, name: str, value: Json) -> None:
    """Keeps how a person likes one list; of more than ``MOST_PREFERENCES`` the first is forgotten."""
    kept = {**{key: kept for key, kept in person.preferences.items() if key != name}, name: value}
    for key in list(kept)[:-MOST_PREFERENCES]:
        del kept[key]
    store.set_preferences(conn, person.person_no, json.dumps(kept, separators=(",", ":")))


def _made(conn: Connection, row: PersonRow) -> SignedPerson:
    """Writes the row, reads it back, and enters the person; another may have made that login meanwhile."""
    store.insert_person(conn, row)
    made = store.by_login(conn, row.login)
    if made is None or made.password_hash != row.password_hash:
        raise PersonKnown(login=row.login)
    store.enter_person(conn, made.person_no)
    return _person(made)


def _person(row: PersonRow) -> SignedPerson:
    preferences = json.loads(row.preferences)
    return SignedPerson(row.person_no, row.login, row.name, row.must_change, row.language, preferences)


def _content(token: str) -> bytes:
    return f"session\0{token}".encode()


def _login_problems(login: str) -> list[Problem]:
    if _LOGIN.fullmatch(login):
        return []
    return [Problem("/login", Text("must have 1 to 64 small letters, digits or . _ @ + -"))]


def _name_problems(name: str) -> list[Problem]:
    if not is_storable_text(name) or not name.strip():
        return [Problem("/name", Text("must have 1 to {most} characters", most=MAX_TEXT))]
    return [] if is_text(name) else [Problem("/name", Text("holds a control character", "service"))]
