"""Posts without an id of the caller's, sent twice: the same key and content get the same answer.

A key belongs to whoever sent it, and to every API key of that person: another person's is another. API keys of which
nothing but their role is known share theirs, as all keys of a program did before they had owners.

A refusal is not kept, for it changed nothing: the same post may succeed later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime

from distrib.domain.json_values import Json
from distrib.services.context import Actor, Unit
from distrib.services.refusals import IdempotencyKeyReused
from distrib.store import idempotency as rows
from distrib.store.idempotency import KeptAnswer, RequestKey


def recall(unit: Unit, route: str, key: str, content: object) -> tuple[int, str] | None:
    """Reads what was answered (status, body) when a post was first sent under its key; None when it is new.

    Holds the key until the transaction ends, so that of two posts at once the second waits for the first.

    Raises:
        Refusal: ``idempotency_key_reused`` where the content was another.
    """
    sent = _sent(unit, route, key)
    rows.lock_key(unit.conn, unit.program_id, sent)
    kept = rows.kept_answer(unit.conn, unit.program_id, sent)
    if kept is None:
        return None
    if kept.digest != digest_of(content):
        raise IdempotencyKeyReused()
    return kept.status, kept.body


def remember(unit: Unit, route: str, key: str, content: object, answer: tuple[int, str]) -> None:
    """Records the answer (status, body) to a post under its key, in the transaction of the post itself."""
    kept = KeptAnswer(digest_of(content), *answer)
    rows.keep_answer(unit.conn, unit.program_id, _sent(unit, route, key), kept, unit.now)


def digest_of(content: object) -> bytes:
    """Computes the digest of parsed content: times as instants, absent as null, the order of keys ignored.

    >>> digest_of({"a": 1, "b": None}) == digest_of({"a": 1})
    True
    """
    text = json.dumps(_plain(content), sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _sent(unit: Unit, route: str, key: str) -> RequestKey:
    return RequestKey(route, key, unit.actor.key_id, _owner_of(unit.actor))


def _owner_of(actor: Actor) -> str:
    """Whose an Idempotency-Key is: the person's, or that of all who are named alike where nobody was."""
    return actor.name if actor.person == actor.key_id else actor.person


def _plain(value: object) -> Json:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value) if not isinstance(value, str | int | bool | None) or isinstance(value, date) else value
