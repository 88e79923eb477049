"""The logins of the web and of workers: made, and let into their role and no other, by whoever owns the database.

A login has no rights of its own (NOINHERIT): it acts under a role, a transaction at a time. Nothing that serves may
enter.
"""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass

import psycopg
from psycopg import errors, sql
from psycopg.rows import TupleRow
from sqlalchemy import make_url

from distrib.store.database import WEB_ROLE, WORKER_ROLE

WEB_LOGIN = "distrib_web_login"
WORKER_LOGIN = "distrib_worker_login"
"""What the logins of the embedded database are called."""
_IS_MADE = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %(login)s)"
_MAY_ENTER = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %(login)s AND pg_has_role(oid, %(role)s, 'MEMBER'))"
_REFUSED = (errors.InsufficientPrivilege, errors.UndefinedObject)
_DONE_BY_ANOTHER = (errors.DuplicateObject, errors.UniqueViolation, errors.InternalError_)
"""What two commands meet that do the same at once: roles belong to the whole server."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A condition about a login, and the statement that brings it about."""

    login: str
    role: str
    condition: str
    holds: bool
    statement: str
    secret: str = ""
    """What the statement ends with and nobody is shown."""

    def is_met(self, connection: psycopg.Connection[TupleRow]) -> bool:
        row = connection.execute(self.condition, {"login": self.login, "role": self.role}).fetchone()
        return row is not None and row[0] is self.holds

    def shown(self) -> str:
        names = {"login": sql.Identifier(self.login), "role": sql.Identifier(self.role)}
        return sql.SQL(self.statement).format(**names).as_string(None)

    def take(self, connection: psycopg.Connection[TupleRow]) -> None:
        if self.is_met(connection):
            return
        try:
            connection.execute((self.shown() + self.secret).encode())
        except (*_REFUSED, *_DONE_BY_ANOTHER):
            return  # what came of it is looked at in the end


def with_login(database_url: str, login: str) -> str:
    """The same database by another login."""
    return make_url(database_url).set(username=login).render_as_string(hide_password=False)


def admit_logins(owner_url: str, web_url: str, worker_url: str) -> list[str]:
    """Lets the logins of two addresses act as web and worker, and the web's as nothing else; makes those that miss.

    Args:
        owner_url: of a login that may make roles and grant them.
        web_url: of the web; where the worker's is of the same login, nothing is done.
        worker_url: of the worker.

    Returns:
        The statements that the owner may not run, for somebody who may; none when all is well.
    """
    web, worker = _login_of(web_url), _login_of(worker_url)
    if web == worker:
        return []
    plain = make_url(owner_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        steps = [
            _made(connection, web, web_url),
            _made(connection, worker, worker_url),
            _Step(web, WEB_ROLE, _MAY_ENTER, True, "GRANT {role} TO {login}"),
            _Step(worker, WORKER_ROLE, _MAY_ENTER, True, "GRANT {role} TO {login}"),
            _Step(web, WORKER_ROLE, _MAY_ENTER, False, "REVOKE {role} FROM {login}"),
        ]
        for step in steps:
            step.take(connection)
        return [step.shown() for step in steps if not step.is_met(connection)]


def _made(connection: psycopg.Connection[TupleRow], login: str, url: str) -> _Step:
    """That there is a login, with the password of its address: sent as what the server keeps, never in clear."""
    password = make_url(url).password
    words = ""
    if password is not None:
        verifier = connection.pgconn.encrypt_password(str(password).encode(), login.encode(), b"scram-sha-256")
        words = f" PASSWORD '{verifier.decode()}'"
    return _Step(login, WEB_ROLE, _IS_MADE, True, "CREATE ROLE {login} LOGIN NOINHERIT", words)


def _login_of(url: str) -> str:
    return make_url(url).username or os.environ.get("PGUSER") or getpass.getuser()
