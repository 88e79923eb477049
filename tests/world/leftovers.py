"""What a transaction may leave on its connection: a role, a setting, a statement, a lock. Read from the catalogue."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

_STORE = Path(__file__).resolve().parents[2] / "distrib" / "store"
_OWN_SETTING = re.compile(r"set_config\('(distrib\.\w+)'")
_OWN_STATEMENT = "_pg3_%"
"""How psycopg names what it prepares on a connection that nobody else has."""
_LEFT = """
SELECT ARRAY(SELECT current_user::text WHERE current_user <> session_user) AS roles,
    ARRAY(SELECT name || ' = ' || setting FROM pg_settings WHERE source = 'session' AND name NOT LIKE 'transaction_%%'
          UNION SELECT n || ' = ' || current_setting(n, true) FROM unnest(%s::text[]) n
          WHERE current_setting(n, true) <> '') AS settings,
    ARRAY(SELECT name FROM pg_prepared_statements WHERE name NOT LIKE %s) AS statements,
    ARRAY(SELECT name FROM pg_cursors WHERE name <> '') AS cursors,
    ARRAY(SELECT classid || ' ' || objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks,
    ARRAY(SELECT relname::text FROM pg_class WHERE relnamespace = pg_my_temp_schema()) AS tables,
    ARRAY(SELECT pg_listening_channels()) AS channels
"""


@cache
def own_settings() -> list[str]:
    """The settings of ours that the store and its triggers make: what a transaction says of itself."""
    texts = (path.read_text("utf-8") for path in _STORE.rglob("*") if path.suffix in (".py", ".sql"))
    return sorted({name for words in texts for name in _OWN_SETTING.findall(words)})


def left_behind(connection: psycopg.Connection[Any], own_statements: str = _OWN_STATEMENT) -> dict[str, list[str]]:
    """What is on a connection outside any transaction that was not there when it was new; nothing, if all is well."""
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    cursor = connection.execute(_LEFT, (own_settings(), own_statements), prepare=False)
    row = cursor.fetchone()
    names = [column.name for column in cursor.description or ()]
    return {name: found for name, found in zip(names, row or (), strict=True) if found}
