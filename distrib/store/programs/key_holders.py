"""Who has had keys in hand: their owners, then and now, and who made them. What makes one person may not enter."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import column, execute

# Who makes a key, sets it or gives it a secret could act with it: such a change is a step from a key to its maker. A
# partner's key is its shop's, whoever made it. What the command line did leads to no key.
_HANDED = "c.program_id = %(program_id)s AND c.change IN ('made', 'set', 'rotated') AND c.changed_by <> c.key_id"
_HOLDERS = f"""
WITH RECURSIVE held (asked_id, key_id) AS (
    SELECT key_id, key_id FROM api_keys WHERE program_id = %(program_id)s AND key_id = ANY(CAST(%(key_ids)s AS text[]))
    UNION
    SELECT h.asked_id, m.key_id FROM held h
    JOIN api_keys k ON k.program_id = %(program_id)s AND k.key_id = h.key_id AND k.role <> 'partner'
    JOIN key_changes c ON c.key_id = h.key_id AND {_HANDED}
    JOIN api_keys m ON m.program_id = %(program_id)s AND m.key_id = c.changed_by
)
SELECT h.asked_id, k.key_id, k.name, k.role, k.owner,
       ARRAY(SELECT DISTINCT c.owner FROM key_changes c
             WHERE c.program_id = %(program_id)s AND c.key_id = k.key_id AND c.owner IS NOT NULL) AS owners
FROM held h JOIN api_keys k ON k.program_id = %(program_id)s AND k.key_id = h.key_id
"""
_MAKERS = f"SELECT DISTINCT c.changed_by FROM key_changes c WHERE c.key_id = %(key_id)s AND {_HANDED}"
_MAKERS_OF_ALL = (
    "SELECT DISTINCT c.key_id, c.changed_by FROM key_changes c"
    f" WHERE c.key_id = ANY(CAST(%(key_ids)s AS text[])) AND {_HANDED}"
)


class HeldKey(NamedTuple):
    """A key that leads to the one that was asked for: that one itself, or one that made it, directly or through others.

    ``owners`` are all that it was ever set to.
    """

    asked_id: str
    key_id: str
    name: str
    role: str
    owner: str | None
    owners: Sequence[str]


def holders_of(conn: Connection, program_id: int, key_ids: Collection[str]) -> list[HeldKey]:
    """Lists those keys and all that made them, directly or through others; nothing for what is no key."""
    values = {"program_id": program_id, "key_ids": list(key_ids)}
    return [HeldKey._make(row) for row in execute(conn, _HOLDERS, values)]


def makers_of(conn: Connection, program_id: int, key_id: str) -> list[str]:
    """Lists the keys that made this one, set it or gave it a secret."""
    return column(conn, str, _MAKERS, {"program_id": program_id, "key_id": key_id})


def makers_of_all(conn: Connection, program_id: int, key_ids: Collection[str]) -> dict[str, list[str]]:
    """Lists for each of the keys those that made it, set it or gave it a secret."""
    makers: dict[str, list[str]] = {key_id: [] for key_id in key_ids}
    values = {"program_id": program_id, "key_ids": list(key_ids)}
    for key_id, maker in execute(conn, _MAKERS_OF_ALL, values):
        makers[key_id].append(maker)
    return makers
