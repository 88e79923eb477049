"""Answers recorded under somebody's Idempotency-Key. Rows never change. What a key means is the service's business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.locks import IDEMPOTENCY
from distrib.store.sql import execute

_LOCK = f"SELECT pg_advisory_xact_lock({IDEMPOTENCY}, hashtext(%(program)s || '/' || %(route)s || '/' || %(key)s))"
_READ = (
    "SELECT digest, status, body FROM idempotency_keys WHERE program_id = %(program)s AND route = %(route)s"
    " AND key = %(key)s"
    " AND (key_id IN (%(key_id)s, '') OR owner = %(owner)s) ORDER BY key_id <> %(key_id)s, recorded_at LIMIT 1"
)
_WRITE = (
    "INSERT INTO idempotency_keys (program_id, route, key, key_id, owner, digest, status, body, recorded_at)"
    " VALUES (%(program)s, %(route)s, %(key)s, %(key_id)s, %(owner)s, %(digest)s, %(status)s, %(body)s, %(now)s)"
)


class RequestKey(NamedTuple):
    """The Idempotency-Key of a post: on which route, by which API key it was sent, and whose that is."""

    route: str
    key: str
    key_id: str
    owner: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The first answer under a key, and the digest of what was asked."""

    digest: bytes
    status: int
    body: str


def lock_key(conn: Connection, program_id: int, sent: RequestKey) -> None:
    """Locks a key until the transaction ends."""
    execute(conn, _LOCK, {"program": str(program_id), "route": sent.route, "key": sent.key})


def kept_answer(conn: Connection, program_id: int, sent: RequestKey) -> KeptAnswer | None:
    """Reads the answer that an API key, or another of its owner, got under a key; None without one.

    Answers of before it was kept whose they are (migration 0027) are everybody's.
    """
    row = execute(conn, _READ, {"program": program_id} | sent._asdict()).fetchone()
    return None if row is None else KeptAnswer(*row)


def keep_answer(
    conn: Connection,
    program_id: int,
    sent: RequestKey,
    answer: KeptAnswer,
    now: datetime,
) -> None:
    """Writes an answer, for ever, with the API key that got it and its owner."""
    values = {"program": program_id, "now": now} | sent._asdict()
    execute(conn, _WRITE, values | {"digest": answer.digest, "status": answer.status, "body": answer.body})
