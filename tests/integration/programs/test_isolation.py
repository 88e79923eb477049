"""What keeps programs apart and history whole is in the catalogue of the database, for every table there is."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, NullPool, create_engine, text

from distrib.store.database import WEB_ROLE, WORKER_ROLE

HISTORY = ("events", "orders", "settlements", "refund_lines", "transfers", "shop_ranks", "shop_statuses")
_TABLES = """
SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS is_forced
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'program_id' AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
"""
_POLICIES = "SELECT tablename FROM pg_policies WHERE policyname = 'own_program' AND roles = ARRAY[:role]::name[]"
_TRIGGERS = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'only_grows' AND tgenabled = 'O'"
_ROLE = "SELECT rolbypassrls, rolsuper, rolcanlogin FROM pg_roles WHERE rolname = :role"
_MAY = """
SELECT bool_or(has_table_privilege(:role, CAST(:name AS text), privilege))
FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS privilege
"""


def forced_by_table(conn: Connection) -> dict[str, bool]:
    """The tables whose rows belong to a program, and whether row-level security binds even their owner."""
    return {row.relname: row.is_forced for row in conn.execute(text(_TABLES))}


def test_every_table_of_a_program_is_under_forced_row_level_security(database_url: str) -> None:
    with create_engine(database_url, poolclass=NullPool).connect() as conn:
        forced = forced_by_table(conn)
        policies = set(conn.execute(text(_POLICIES), {"role": WEB_ROLE}).scalars())
    assert len(forced) > 40
    assert [name for name, is_forced in forced.items() if not is_forced] == []
    assert forced.keys() - policies == set()


@pytest.mark.parametrize("role", [WEB_ROLE, WORKER_ROLE])
def test_no_role_of_the_service_may_change_history(database_url: str, role: str) -> None:
    with create_engine(database_url, poolclass=NullPool).connect() as conn:
        guarded = set(conn.execute(text(_TRIGGERS)).scalars())
        changeable = {name for name in guarded if conn.execute(text(_MAY), {"role": role, "name": name}).scalar_one()}
        bypasses, is_super, can_login = conn.execute(text(_ROLE), {"role": role}).one()
    assert set(HISTORY) <= guarded
    assert changeable == set()
    assert (bypasses, is_super, can_login) == (role == WORKER_ROLE, False, False)
