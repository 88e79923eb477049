"""Keys whose posts of events must be signed (Standard Webhooks 1.0.0): their secrets, and if a post is signed well.

Who has stolen the key alone can then post nothing, and what was changed on the way is not taken. A post that is sent
again is known by the ids of its events, for ever: nothing of a message's id is kept here.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from distrib.domain.refusals import NotFound
from distrib.domain.webhooks import (
    KEEPS_FORMER_SECRET,
    SIGNED_HEADERS,
    TOLERANCE,
    SignedHeaders,
    secret_text,
    signature_fault,
)
from distrib.services.context import Program, Unit
from distrib.services.encryption import Sealer
from distrib.services.programs.refusals import KeyEnded, KeyIsSeat, SignatureExpired, SignatureMissing, SignatureWrong
from distrib.store.programs import keys
from distrib.store.programs import signing as store
from distrib.store.programs.keys import KeyRow
from distrib.store.programs.signing import NewSecret

SECRET_BYTES = 32
_SET: Final = "set"
"""What the history of a key calls a change of its terms."""


def require_signing(unit: Unit, key_id: str, sealer: Sealer) -> tuple[str, datetime | None]:
    """Gives a key a new secret by which its posts of events must be signed from now on.

    Returns:
        The secret, the only time it is seen, and until when the one before is good as well; None without one.

    Raises:
        Refusal: ``not_found``, ``key_ended``, or ``key_is_seat``.
    """
    row = _find(unit.conn, unit.program, key_id)
    if row.revoked_at is not None:
        raise KeyEnded(id=key_id)
    if row.person_no is not None:
        raise KeyIsSeat(id=key_id)
    secret = secrets.token_bytes(SECRET_BYTES)
    sealed = sealer.seal(secret, _about(unit.program_id, key_id))
    fresh = NewSecret(sealed, unit.now + KEEPS_FORMER_SECRET)
    made = store.set_secret(unit.conn, unit.program_id, key_id, fresh, unit.now)
    keys.note_change(unit.conn, row, _SET, unit.now, unit.actor.key_id)
    return secret_text(secret), made.former_until


def end_signing(unit: Unit, key_id: str) -> None:
    """Asks a key for no signatures any more; the same again changes nothing. Raises ``not_found``."""
    row = _find(unit.conn, unit.program, key_id)
    if row.is_signed:
        store.end_signing(unit.conn, unit.program_id, key_id, unit.now)
        keys.note_change(unit.conn, row, _SET, unit.now, unit.actor.key_id)


def check_signature(unit: Unit, sealer: Sealer, headers: Mapping[str, str], body: bytes) -> None:
    """Checks what a key that must sign has sent, on the bytes as they came.

    Raises:
        Refusal: ``signature_missing`` with every header that is missing, ``signature_expired`` or ``signature_wrong``.
    """
    missing = [name for name in SIGNED_HEADERS if not headers.get(name)]
    if missing:
        raise SignatureMissing(headers=", ".join(missing))
    row = store.read_signing(unit.conn, unit.program_id, unit.actor.key_id)
    if row is None or row.secret is None:  # it has ended since the key was read
        return
    sealed = [row.secret]
    if row.former_secret is not None and row.former_until is not None and unit.now < row.former_until:
        sealed.append(row.former_secret)
    opened = [sealer.open(secret, _about(unit.program_id, unit.actor.key_id)) for secret in sealed]
    sent = SignedHeaders(*(headers[name] for name in SIGNED_HEADERS))
    fault = signature_fault(opened, sent, body, unit.now)
    if fault is not None:
        minutes = int(TOLERANCE.total_seconds()) // 60
        raise SignatureExpired(minutes=minutes) if fault == SignatureExpired.code else SignatureWrong()


def _find(conn: Connection, program: Program, key_id: str) -> KeyRow:
    row = keys.key_of(conn, program.program_id, key_id, locks=True)
    if row is None:
        raise NotFound()
    return row


def _about(program_id: int, key_id: str) -> bytes:
    """The place that a sealed secret is bound to: moved to another key it does not open."""
    return f"signing {program_id} {key_id}".encode()
