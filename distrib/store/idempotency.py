"""Answers recorded under an Idempotency-Key. Rows are never changed. What a key means is the service's business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from distrib.store.locks import IDEMPOTENCY

_LOCK = text(f"SELECT pg_advisory_xact_lock({IDEMPOTENCY}, hashtext(:program || '/' || :route || '/' || :key))")
_READ = text(
    "SELECT digest, status, body FROM idempotency_keys WHERE program_id = :program AND route = :route AND key = :key"
)
_WRITE = text(
    "INSERT INTO idempotency_keys (program_id, route, key, digest, status, body, recorded_at)"
    " VALUES (:program, :route, :key, :digest, :status, :body, :now)"
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


def kept_answer(conn: Connection, program_id: int, route: str, key: str) -> KeptAnswer | None:
    """Reads the answer recorded under a key; None without one."""
    row = conn.execute(_READ, {"program": program_id, "route": route, "key": key}).first()
    return None if row is None else KeptAnswer(bytes(row.digest), row.status, row.body)


def keep_answer(conn: Connection, program_id: int, route: str, key: str, answer: KeptAnswer, now: datetime) -> None:
    """Writes an answer, for ever."""
    values = {"program": program_id, "route": route, "key": key, "now": now}
    conn.execute(_WRITE, values | {"digest": answer.digest, "status": answer.status, "body": answer.body})
