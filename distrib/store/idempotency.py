"""Answers recorded under somebody's Idempotency-Key. Rows never change. What a key means is the service's business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from distrib.store.locks import IDEMPOTENCY

_LOCK = text(f"SELECT pg_advisory_xact_lock({IDEMPOTENCY}, hashtext(:program || '/' || :route || '/' || :key))")
_READ = text(
    "SELECT digest, status, body FROM idempotency_keys WHERE program_id = :program AND route = :route AND key = :key"
    " AND (key_id IN (:key_id, '') OR owner = :owner) ORDER BY key_id <> :key_id, recorded_at LIMIT 1"
)
_WRITE = text(
    "INSERT INTO idempotency_keys (program_id, route, key, key_id, owner, digest, status, body, recorded_at)"
    " VALUES (:program, :route, :key, :key_id, :owner, :digest, :status, :body, :now)"
)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The first answer under a key, and the digest of what was asked."""

    digest: bytes
    status: int
    body: str


def lock_key(conn: Connection, program_id: int, route: str, key: str) -> None:
    """Locks a key until the transaction ends."""
    conn.execute(_LOCK, {"program": str(program_id), "route": route, "key": key})


def kept_answer(conn: Connection, program_id: int, route: str, key: str, key_id: str, owner: str) -> KeptAnswer | None:
    """Reads the answer that an API key, or another of its owner, got under a key; None without one.

    Answers of before it was kept whose they are (migration 0027) are everybody's.
    """
    values = {"program": program_id, "route": route, "key": key, "key_id": key_id, "owner": owner}
    row = conn.execute(_READ, values).first()
    return None if row is None else KeptAnswer(bytes(row.digest), row.status, row.body)


def keep_answer(
    conn: Connection,
    program_id: int,
    route: str,
    key: str,
    answer: KeptAnswer,
    now: datetime,
    *,
    key_id: str,
    owner: str,
) -> None:
    """Writes an answer, for ever, with the API key that got it and its owner."""
    values = {"program": program_id, "route": route, "key": key, "now": now, "key_id": key_id, "owner": owner}
    conn.execute(_WRITE, values | {"digest": answer.digest, "status": answer.status, "body": answer.body})
