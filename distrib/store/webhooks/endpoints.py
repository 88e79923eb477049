"""Endpoints of webhooks, their deliveries and every attempt. Bodies, signatures and addresses must not enter.

Deliveries are made by the database with the message they deliver (0006_proofs.sql, ``fan_out``), those that only try an
endpoint with theirs here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.recorded import Part
from distrib.store.sql import column, execute, execute_as, only, row_as, value
from distrib.store.webhooks.outbox import Message


class WebhookRow(NamedTuple):
    """One endpoint as stored."""

    webhook_no: int
    webhook_id: str
    digest: bytes
    url: str
    events: list[str]
    status: str
    disabled_reason: str | None
    status_since: datetime
    secret: bytes
    former_secret: bytes | None
    former_until: datetime | None
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery that is to be attempted, with all it takes."""

    program_id: int
    webhook_no: int
    delivery_no: int
    message_no: int
    type: str
    occurred_at: datetime
    payload: str
    webhook_id: str
    url: str
    secret: bytes
    former_secret: bytes | None
    former_until: datetime | None


class NewWebhook(NamedTuple):
    """An endpoint to be made."""

    webhook_id: str
    digest: bytes
    url: str
    events: list[str]
    secret: bytes


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery with its last attempt, if there was one."""

    delivery_no: int
    message_no: int
    type: str
    occurred_at: datetime
    status: str
    attempts: int
    next_attempt_at: datetime | None
    response_status: int | None
    error: str | None
    attempted_at: datetime | None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt of a delivery by its number; ``error`` is None where it is delivered."""

    attempt: int
    attempted_at: datetime
    milliseconds: int
    response_status: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of one attempt; ``error`` is None where it is delivered."""

    attempted_at: datetime
    milliseconds: int
    response_status: int | None
    error: str | None


class DeliveryStanding(NamedTuple):
    """A delivery's status, and when it is tried again; None: it is not."""

    status: str
    next_attempt_at: datetime | None = None


class CourierRoom(NamedTuple):
    """How many deliveries there is room for: in all, of ``each`` endpoint, and which endpoints are ``full``."""

    limit: int
    each: int
    full: Collection[int]


_COLUMNS = ", ".join(WebhookRow._fields)
_INSERT = (
    "INSERT INTO webhooks (program_id, webhook_id, digest, url, events, status, status_since, secret, created_at,"
    " created_by) VALUES (%(program)s, %(webhook_id)s, %(digest)s, %(url)s, %(events)s, 'enabled', %(now)s,"
    " %(secret)s, %(now)s, %(actor)s)"
    f" ON CONFLICT (program_id, webhook_id) DO NOTHING RETURNING {_COLUMNS}"
)
_FIND = f"SELECT {_COLUMNS} FROM webhooks WHERE program_id = %(program)s AND webhook_id = %(webhook_id)s"
_LOCK_NUMBER = (
    f"SELECT {_COLUMNS} FROM webhooks WHERE program_id = %(program)s AND webhook_no = %(webhook_no)s FOR UPDATE"
)
_IDS = (
    "SELECT webhook_no, webhook_id FROM webhooks WHERE program_id = %(program)s"
    " AND webhook_no = ANY(CAST(%(numbers)s AS bigint[]))"
)
_LIST = (
    f"SELECT {_COLUMNS} FROM webhooks WHERE program_id = %(program)s AND webhook_id > %(after)s AND status <> 'ended'"
    " ORDER BY webhook_id LIMIT %(limit)s"
)
_WANTED = "SELECT DISTINCT unnest(events) FROM webhooks WHERE program_id = %(program)s AND status = 'enabled'"
_CHANGE = (
    "UPDATE webhooks SET url = %(url)s, events = %(events)s, status = %(status)s, disabled_reason = %(reason)s,"
    " status_since = CASE WHEN status = %(status)s THEN status_since ELSE %(now)s END"
    f" WHERE program_id = %(program)s AND webhook_no = %(webhook_no)s RETURNING {_COLUMNS}"
)
_ROTATE = (
    "UPDATE webhooks SET former_secret = secret, former_until = %(until)s, secret = %(secret)s"
    f" WHERE program_id = %(program)s AND webhook_no = %(webhook_no)s RETURNING {_COLUMNS}"
)
_DELIVERIES = """
SELECT d.delivery_no, d.message_no, m.type, m.occurred_at, d.status, d.attempts, d.next_attempt_at,
       a.response_status, a.error, a.attempted_at
FROM webhook_deliveries d
JOIN outbox m ON m.program_id = d.program_id AND m.message_no = d.message_no
LEFT JOIN webhook_attempts a ON a.program_id = d.program_id AND a.webhook_no = d.webhook_no
     AND a.delivery_no = d.delivery_no AND a.attempt = d.attempts
WHERE d.program_id = %(program)s AND d.webhook_no = %(webhook_no)s
"""
_ATTEMPTS = (
    "SELECT attempt, attempted_at, milliseconds, response_status, error FROM webhook_attempts"
    " WHERE program_id = %(program)s AND webhook_no = %(webhook_no)s AND delivery_no = %(delivery_no)s"
    " ORDER BY attempt DESC LIMIT %(limit)s"
)
_RESEND = (
    "UPDATE webhook_deliveries SET status = 'pending', tries = 0, next_attempt_at = %(now)s"
    " WHERE program_id = %(program)s AND webhook_no = %(webhook_no)s"
    " AND delivery_no = %(delivery_no)s RETURNING delivery_no"
)
_INSERT_DELIVERY = (
    "WITH message AS (INSERT INTO outbox (program_id, type, occurred_at, payload)"
    " VALUES (%(program)s, %(type)s, %(now)s, %(payload)s) RETURNING message_no)"
    " INSERT INTO webhook_deliveries (program_id, webhook_no, message_no, next_attempt_at)"
    " SELECT %(program)s, %(webhook_no)s, message_no, %(now)s FROM message RETURNING delivery_no"
)
# What is being sent counts as lost when its time is up, and is sent again: at least once.
_CLAIM = """
WITH due AS (
    SELECT d.program_id, d.webhook_no, d.delivery_no
    FROM webhooks w CROSS JOIN LATERAL (
        SELECT program_id, webhook_no, delivery_no FROM webhook_deliveries d
        WHERE d.program_id = w.program_id AND d.webhook_no = w.webhook_no AND d.status = 'pending'
          AND d.next_attempt_at <= %(now)s
        ORDER BY d.next_attempt_at, d.delivery_no LIMIT %(each)s FOR UPDATE SKIP LOCKED) d
    WHERE w.status = 'enabled' AND NOT (w.webhook_no = ANY(CAST(%(full)s AS bigint[])))
    LIMIT %(limit)s
), claimed AS (
    UPDATE webhook_deliveries d SET next_attempt_at = %(lost_at)s FROM due
    WHERE d.program_id = due.program_id AND d.webhook_no = due.webhook_no AND d.delivery_no = due.delivery_no
    RETURNING d.program_id, d.webhook_no, d.delivery_no, d.message_no
)
SELECT c.program_id, c.webhook_no, c.delivery_no, c.message_no, m.type, m.occurred_at, m.payload, w.webhook_id, w.url,
       w.secret, w.former_secret, w.former_until
FROM claimed c
JOIN outbox m ON m.program_id = c.program_id AND m.message_no = c.message_no
JOIN webhooks w ON w.program_id = c.program_id AND w.webhook_no = c.webhook_no
ORDER BY c.delivery_no
"""
_LOCK = (
    "SELECT attempts, tries, status FROM webhook_deliveries"
    " WHERE program_id = %(program)s AND webhook_no = %(webhook_no)s AND delivery_no = %(delivery_no)s FOR UPDATE"
)
_NOTE = (
    "INSERT INTO webhook_attempts (program_id, webhook_no, delivery_no, attempt, attempted_at, milliseconds,"
    " response_status, error) VALUES (%(program)s, %(webhook_no)s, %(delivery_no)s, %(attempt)s,"
    " %(attempted_at)s, %(milliseconds)s,"
    " %(response_status)s, %(error)s)"
)
_SETTLE = (
    "UPDATE webhook_deliveries SET attempts = attempts + 1, tries = tries + 1, status = %(status)s,"
    " next_attempt_at = %(next_attempt_at)s"
    " WHERE program_id = %(program)s AND webhook_no = %(webhook_no)s AND delivery_no = %(delivery_no)s"
)
_DISABLE = (
    "UPDATE webhooks SET status = 'disabled', disabled_reason = %(reason)s, status_since = %(now)s"
    " WHERE program_id = %(program)s AND webhook_no = %(webhook_no)s AND status = 'enabled'"
)
_FIGURES = "SELECT pending, disabled FROM delivery_figures()"


def insert_webhook(
    conn: Connection, program_id: int, webhook: NewWebhook, actor: str, now: datetime
) -> WebhookRow | None:
    """Writes an endpoint; None where its id is taken."""
    bound = {**webhook._asdict(), "program": program_id, "actor": actor, "now": now}
    return row_as(conn, WebhookRow, _INSERT, bound)


_FIND_LOCKED = f"{_FIND} FOR UPDATE"


def find_webhook(conn: Connection, program_id: int, webhook_id: str, *, locks: bool = False) -> WebhookRow | None:
    """Reads the endpoint of that id, ended ones too; ``locks`` holds its row until the transaction ends."""
    return row_as(conn, WebhookRow, _FIND_LOCKED if locks else _FIND, {"program": program_id, "webhook_id": webhook_id})


def lock_webhook(conn: Connection, program_id: int, webhook_no: int) -> WebhookRow:
    """Reads the endpoint of that number and holds its row until the transaction ends."""
    [row] = execute_as(conn, WebhookRow, _LOCK_NUMBER, {"program": program_id, "webhook_no": webhook_no}).fetchall()
    return row


def ids_of(conn: Connection, program_id: int, numbers: Sequence[int]) -> dict[int, str]:
    """Reads the ids of endpoints by number."""
    return dict(execute(conn, _IDS, {"program": program_id, "numbers": list(numbers)}).fetchall())


def list_webhooks(conn: Connection, program_id: int, after: str, limit: int) -> list[WebhookRow]:
    """Lists endpoints by id, from the one after ``after`` on."""
    return execute_as(conn, WebhookRow, _LIST, {"program": program_id, "after": after, "limit": limit}).fetchall()


def wanted_types(conn: Connection, program_id: int) -> set[str]:
    """Reads the types of message that any live endpoint wants."""
    return set(column(conn, str, _WANTED, {"program": program_id}))


def change_webhook(conn: Connection, program_id: int, row: WebhookRow, now: datetime) -> WebhookRow:
    """Writes an endpoint's ``url``, ``events``, ``status`` and ``disabled_reason`` as they are in ``row``."""
    values = {"program": program_id, "webhook_no": row.webhook_no, "url": row.url, "events": row.events}
    bound = {**values, "status": row.status, "reason": row.disabled_reason, "now": now}
    [changed] = execute_as(conn, WebhookRow, _CHANGE, bound).fetchall()
    return changed


def rotate_secret(conn: Connection, program_id: int, webhook_no: int, secret: bytes, until: datetime) -> WebhookRow:
    """Writes an endpoint's new secret; the former one signs as well until then."""
    values = {"program": program_id, "webhook_no": webhook_no, "secret": secret, "until": until}
    [rotated] = execute_as(conn, WebhookRow, _ROTATE, values).fetchall()
    return rotated


def list_deliveries(
    conn: Connection, program_id: int, webhook_no: int, status: str | None, part: Part[int | None]
) -> list[DeliveryRow]:
    """Lists the deliveries of an endpoint with their last attempt, the newest first; the place None is before all."""
    filters = " AND d.status = %(status)s" if status is not None else ""
    filters += " AND d.delivery_no < %(before)s" if part.place is not None else ""
    statement = f"{_DELIVERIES}{filters} ORDER BY d.delivery_no DESC LIMIT %(limit)s"
    values = {"program": program_id, "webhook_no": webhook_no, "status": status}
    values |= {"before": part.place, "limit": part.limit}
    return execute_as(conn, DeliveryRow, statement, values).fetchall()


_DELIVERY = f"{_DELIVERIES} AND d.delivery_no = %(delivery_no)s"


def find_delivery(conn: Connection, program_id: int, webhook_no: int, delivery_no: int) -> DeliveryRow | None:
    """Reads one delivery with its last attempt; None without one."""
    values = {"program": program_id, "webhook_no": webhook_no, "delivery_no": delivery_no}
    return row_as(conn, DeliveryRow, _DELIVERY, values)


def list_attempts(conn: Connection, program_id: int, webhook_no: int, delivery_no: int, limit: int) -> list[AttemptRow]:
    """Lists the attempts of one delivery, the newest first."""
    values = {"program": program_id, "webhook_no": webhook_no, "delivery_no": delivery_no, "limit": limit}
    return execute_as(conn, AttemptRow, _ATTEMPTS, values).fetchall()


def resend(conn: Connection, program_id: int, webhook_no: int, delivery_no: int, now: datetime) -> bool:
    """Begins a delivery's schedule anew, whatever its status; False where there is no such delivery."""
    values = {"program": program_id, "webhook_no": webhook_no, "delivery_no": delivery_no, "now": now}
    return execute(conn, _RESEND, values).fetchone() is not None


def insert_delivery(conn: Connection, program_id: int, webhook_no: int, message: Message) -> int:
    """Writes a message of a type that no endpoint asks for, and its delivery to one; returns the delivery's number."""
    values = {"type": message.type, "now": message.occurred_at, "payload": message.payload}
    statement_values = {"program": program_id, "webhook_no": webhook_no} | values
    return value(conn, int, _INSERT_DELIVERY, statement_values)


def claim_due(conn: Connection, now: datetime, lost_at: datetime, room: CourierRoom) -> list[DueDelivery]:
    """Claims deliveries that are due, over all programs.

    Args:
        lost_at: from when on they count as lost where nothing is heard of them.
    """
    values = {"now": now, "lost_at": lost_at, "limit": room.limit, "each": room.each, "full": sorted(room.full)}
    return execute_as(conn, DueDelivery, _CLAIM, values).fetchall()


def lock_delivery(conn: Connection, due: DueDelivery) -> tuple[int, int, str]:
    """Reads attempts, tries and status of a delivery and locks it until the transaction ends."""
    attempts, tries, status = only(conn, _LOCK, _key(due))
    return attempts, tries, status


def note_attempt(conn: Connection, due: DueDelivery, number: int, attempt: Attempt, standing: DeliveryStanding) -> None:
    """Writes what came of an attempt, and where the delivery stands by it."""
    outcome = {"attempt": number, "attempted_at": attempt.attempted_at, "milliseconds": attempt.milliseconds}
    outcome |= {"response_status": attempt.response_status, "error": attempt.error}
    execute(conn, _NOTE, _key(due) | outcome)
    execute(conn, _SETTLE, _key(due) | standing._asdict())


def disable(conn: Connection, due: DueDelivery, reason: str, now: datetime) -> bool:
    """Disables the endpoint of a delivery; False where it was no longer enabled."""
    values = {"program": due.program_id, "webhook_no": due.webhook_no, "reason": reason, "now": now}
    return bool(execute(conn, _DISABLE, values).rowcount)


def delivery_figures(conn: Connection) -> Sequence[int]:
    """Counts, over all programs, the deliveries that wait and the endpoints disabled for what they did."""
    return tuple(only(conn, _FIGURES))


def _key(due: DueDelivery) -> dict[str, object]:
    return {"program": due.program_id, "webhook_no": due.webhook_no, "delivery_no": due.delivery_no}
