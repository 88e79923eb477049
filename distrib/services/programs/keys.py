"""Makes, checks and ends API keys. A secret is seen once, by who made it; what stays is a keyed hash.

A key reads ``dk_<key id>_<secret>``; its id may be shown, its secret has 32 random bytes.
Nothing that decides what a role may do may enter.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import MAX_TEXT, is_storable_text, is_text
from distrib.domain.texts import Text
from distrib.services.context import Actor, Program
from distrib.services.programs.tenants import get_program
from distrib.store.database import enter_program
from distrib.store.network import shops
from distrib.store.programs import keys as store

ROLES = ("partner", "orders", "finance", "admin")
_KEY = re.compile(r"dk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_NOBODY = bytes(32)


def create_key(
    conn: Connection, program: Program, role: str, name: str, shop_id: str | None, pepper: bytes, now: datetime
) -> str:
    """Creates a key and returns it: the only time its secret is seen.

    Raises:
        Refusal: ``invalid`` (role or name, a partner without shop, a shop without partner) or ``shop_unknown``.
    """
    problems = _problems(role, name, shop_id)
    if problems:
        raise Refusal("invalid", problems)
    shop_no = None if shop_id is None else _shop_no(conn, program, shop_id)
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    hashed = _hash(pepper, key_id, secret)
    store.insert_key(conn, store.KeyRow(program.program_id, key_id, name, role, shop_no, hashed, now, None))
    return f"dk_{key_id}_{secret}"


def authenticate(conn: Connection, presented: str, pepper: bytes) -> tuple[Program, Actor] | None:
    """Finds the program and actor of a key, and enters the program; None where no live key is presented.

    Compares in constant time, a key that does not exist as well as one that does.
    """
    match = _KEY.fullmatch(presented)
    key_id, secret = (match[1], match[2]) if match else ("0" * 16, "")
    row = store.find_key(conn, key_id)
    is_same = hmac.compare_digest(row.secret_hmac if row else _NOBODY, _hash(pepper, key_id, secret))
    if match is None or row is None or not is_same or row.revoked_at is not None:
        return None
    enter_program(conn, row.program_id)
    program = get_program(conn, row.program_id)
    shop_id = None if row.shop_no is None else shops.ids_of(conn, row.program_id, [row.shop_no])[row.shop_no]
    return program, Actor(row.key_id, row.name, row.role, row.shop_no, shop_id, row.is_signed)


def list_keys(
    conn: Connection, program: Program, after: str | None = None, limit: int = 50
) -> tuple[list[store.ListedKey], str | None]:
    """Lists the program's keys without their secrets, by id, and after what the next page begins."""
    rows = store.list_keys(conn, program.program_id, after or "", limit + 1)
    return rows[:limit], rows[limit - 1].key_id if len(rows) > limit else None


def revoke_key(conn: Connection, program: Program, key_id: str, now: datetime) -> None:
    """Revokes a key at once and for ever; raises ``not_found``. Revoking it again changes nothing."""
    if not store.revoke_key(conn, program.program_id, key_id, now):
        raise Refusal("not_found")


def _problems(role: str, name: str, shop_id: str | None) -> list[Problem]:
    problems = []
    if role not in ROLES:
        problems.append(Problem("/role", Text("must be one of {choices}", "setting", choices=", ".join(ROLES))))
    if not is_storable_text(name) or not name.strip():
        problems.append(Problem("/name", Text("must have 1 to {most} characters", most=MAX_TEXT)))
    elif not is_text(name):
        problems.append(Problem("/name", Text("holds a control character", "service")))
    if (role == "partner") != (shop_id is not None):
        words = Text("a partner's key names its shop, another key none")
        problems.append(Problem("/shop_id", words))
    return problems


def _shop_no(conn: Connection, program: Program, shop_id: str) -> int:
    row = shops.by_ids(conn, program.program_id, [shop_id]).get(shop_id)
    if row is None:
        raise Refusal("shop_unknown", id=shop_id)
    return row.shop_no


def _hash(pepper: bytes, key_id: str, secret: str) -> bytes:
    return hmac.digest(pepper, f"key\0{key_id}\0{secret}".encode(), hashlib.sha256)
