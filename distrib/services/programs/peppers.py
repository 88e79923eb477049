"""Whether the peppers of the settings are those that the database was served with before.

A wrong one makes every key look wrong, and shops that are known look new. No SQL may enter.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from distrib.services.pepper import Pepper
from distrib.store.programs import peppers as store

KEYS: Final = "keys"
IDENTITIES: Final = "identities"
_CHECK_BYTES: Final = 16


def record_peppers(conn: Connection, pepper: Pepper, identity_pepper: bytes, now: datetime) -> None:
    """Records the peppers that the database is served with from now on: the first of each, and one that follows it.

    What is wrong is not recorded. Workers alone may: whoever got hold of the web could call every pepper wrong.
    """
    store.record(conn, IDENTITIES, check_value(identity_pepper, IDENTITIES), now)
    if are_known(conn, pepper, identity_pepper):
        store.record(conn, KEYS, check_value(pepper, KEYS), now)


def are_known(conn: Connection, pepper: Pepper, identity_pepper: bytes) -> bool:
    """Whether keys that were made last are good by one of the peppers, and identities are hashed as ever.

    True as well where none was recorded: then nothing is known to have been hashed with another.
    """
    newest = store.recorded(conn, KEYS)
    return (newest is None or newest in _counting(pepper)) and _is_identities(conn, identity_pepper)


def check_value(pepper: bytes, purpose: str) -> bytes:
    """Computes what is kept to know a pepper again: 16 bytes that say nothing else of it."""
    return hmac.digest(pepper, f"pepper of {purpose}".encode(), hashlib.sha256)[:_CHECK_BYTES]


def _is_identities(conn: Connection, identity_pepper: bytes) -> bool:
    recorded = store.recorded(conn, IDENTITIES)
    return recorded is None or recorded == check_value(identity_pepper, IDENTITIES)


def _counting(pepper: Pepper) -> list[bytes]:
    return [check_value(each, KEYS) for each in pepper.all]
