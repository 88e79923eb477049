"""What the owner of the tables needs on a server where it is no superuser. Nothing that serves may enter.

That is roles and rights, made beforehand by somebody who may, and policies in the place of BYPASSRLS where nobody can
give that (docs/operations.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import psycopg
from psycopg import errors, sql
from psycopg.rows import TupleRow
from sqlalchemy import make_url

from distrib.store.database import WEB_ROLE, WORKER_ROLE

_WHO = "SELECT rolname, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user"
_HAS_ROLE = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %(role)s)"
_IS_MEMBER = (
    "SELECT pg_has_role(current_user, %(role)s, 'USAGE')"
    " OR pg_has_role(current_user, %(role)s, 'MEMBER WITH ADMIN OPTION')"
)
_OWNS_SCHEMA = (
    "SELECT has_schema_privilege('public', 'CREATE WITH GRANT OPTION')"
    " AND has_schema_privilege('public', 'USAGE WITH GRANT OPTION')"
)
_OWN_ROLES_ALONE = 160_000
"""From PostgreSQL 16 on, who makes roles may grant those alone that were granted to it so."""

_MAKE_WEB: Final = f"CREATE ROLE {WEB_ROLE} NOLOGIN NOINHERIT"
_MAKE_WORKER: Final = f"CREATE ROLE {WORKER_ROLE} NOLOGIN NOINHERIT"
_MAKE_OWNER: Final = "CREATE ROLE {owner} LOGIN"
_MAKE_LOGIN: Final = "CREATE ROLE {login} LOGIN NOINHERIT"
_ENTER: Final = "GRANT {role} TO {login}"
_OWN: Final = "GRANT {role} TO {owner}"
_SCHEMA: Final = "GRANT USAGE, CREATE ON SCHEMA public TO {owner} WITH GRANT OPTION"

EVERY_PROGRAM: Final = """DO $$
DECLARE bound text; held regclass;
BEGIN
    SELECT string_agg(quote_ident(rolname), ', ') INTO bound FROM pg_roles
    WHERE rolname IN (current_user, 'distrib_worker') AND NOT rolsuper AND NOT rolbypassrls;
    IF bound IS NULL THEN RETURN; END IF;
    FOR held IN SELECT oid::regclass FROM pg_class c
        WHERE relrowsecurity AND relnamespace = 'public'::regnamespace AND pg_has_role(relowner, 'USAGE')
          AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid AND polname = 'every_program')
    LOOP
        EXECUTE format('CREATE POLICY every_program ON %s TO %s USING (true)', held, bound);
    END LOOP;
END $$"""
"""Lets the owner and the workers see all programs where they do not bypass row-level security; else it does nothing.

Run after each migration, before the next one reads: under forced row-level security an owner sees no row, and says
nothing of it; and where nothing is to be migrated, for a dump may come from a server where all of them bypassed it.
"""


class Logins(NamedTuple):
    """Whose the addresses of the database are: the owner's of the tables, the web's, the workers'."""

    owner: str
    web: str
    worker: str


def role_statements(logins: Logins) -> Sequence[str]:
    """All that has to be run once by somebody who may make roles, in the database, before ``distrib migrate``."""
    statements = [
        _MAKE_WEB,
        f"{_MAKE_WORKER} BYPASSRLS",
        _filled(_MAKE_OWNER, owner=logins.owner),
        *(_filled(_MAKE_LOGIN, login=login) for login in (logins.web, logins.worker) if login != logins.owner),
        *(_filled(_OWN, role=role, owner=logins.owner) for role in (WEB_ROLE, WORKER_ROLE)),
        _filled(_SCHEMA, owner=logins.owner),
        _filled(_ENTER, role=WEB_ROLE, login=logins.web),
        _filled(_ENTER, role=WORKER_ROLE, login=logins.worker),
    ]
    return list(dict.fromkeys(statements))


def prepare_roles(owner_url: str) -> Sequence[str]:
    """Makes the workers' role, without BYPASSRLS where the owner cannot give it, and looks at what else is needed.

    Returns:
        The statements that somebody who may has to run before the owner can migrate; none when all is well.
    """
    plain = make_url(owner_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        (owner, is_superuser, makes_roles), *_ = connection.execute(_WHO).fetchall()
        if is_superuser:
            return []
        if makes_roles and not _holds(connection, _HAS_ROLE, WORKER_ROLE):
            _make_worker(connection)
        needed = {
            _MAKE_WEB: makes_roles or _holds(connection, _HAS_ROLE, WEB_ROLE),
            f"{_MAKE_WORKER} BYPASSRLS": _holds(connection, _HAS_ROLE, WORKER_ROLE),
            **{
                _filled(_OWN, role=role, owner=owner): _may_act_as(connection, role, makes_roles=makes_roles)
                for role in (WEB_ROLE, WORKER_ROLE)
            },
            _filled(_SCHEMA, owner=owner): _holds(connection, _OWNS_SCHEMA),
        }
    return [statement for statement, is_met in needed.items() if not is_met]


def _make_worker(connection: psycopg.Connection[TupleRow]) -> None:
    try:
        connection.execute(f"{_MAKE_WORKER} BYPASSRLS".encode())
    except errors.InsufficientPrivilege:
        connection.execute(_MAKE_WORKER.encode())


def _may_act_as(connection: psycopg.Connection[TupleRow], role: str, *, makes_roles: bool) -> bool:
    """Whether the owner is a member of a role, or can make itself one as the first migration does."""
    if not _holds(connection, _HAS_ROLE, role):
        return makes_roles
    is_free = makes_roles and connection.info.server_version < _OWN_ROLES_ALONE
    return is_free or _holds(connection, _IS_MEMBER, role)


def _holds(connection: psycopg.Connection[TupleRow], condition: str, role: str = "") -> bool:
    row = connection.execute(condition.encode(), {"role": role}).fetchone()
    return row is not None and row[0] is True


def _filled(statement: str, **names: str) -> str:
    return sql.SQL(statement).format(**{key: sql.Identifier(name) for key, name in names.items()}).as_string(None)
