"""Endpoints of webhooks: created, changed, ended; their deliveries read and sent again. Nothing is sent from here.

Secrets are sealed at rest and leave twice only: when an endpoint is made and when its secret is changed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.refusals import IdConflict, NotFound
from distrib.domain.texts import Text
from distrib.domain.webhooks import (
    EVENT_TYPES,
    KEEPS_FORMER_SECRET,
    PING,
    URL_PROBLEMS,
    secret_text,
    url_problem,
)
from distrib.services import held_changes
from distrib.services.context import Program, Unit
from distrib.services.encryption import Sealer
from distrib.services.held_changes import WEBHOOK, ChangeDraft, HeldChangeRow, PendingChange
from distrib.services.idempotency import digest_of
from distrib.services.programs.persons import check_second_person, has_ended
from distrib.services.webhooks.refusals import WebhookDisabled
from distrib.services.webhooks.views import (
    DeliveryInFull,
    DeliveryView,
    WebhookChanges,
    WebhookInFull,
    WebhookView,
    WebhookWithSecret,
    delivery_values,
    webhook_values,
)
from distrib.store.recorded import Part
from distrib.store.webhooks import endpoints as rows
from distrib.store.webhooks.endpoints import NewWebhook, WebhookRow
from distrib.store.webhooks.outbox import Message

ENABLED, DISABLED, ENDED = "enabled", "disabled", "ended"
BY_HAND = "by_hand"
SECRET_BYTES = 32
MOST_ATTEMPTS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class WebhookDraft:
    """An endpoint as it is asked for: its id (None: one is made), its address, and what it is told of."""

    id: str | None
    url: str
    events: Sequence[str]


def create_webhook(
    unit: Unit, draft: WebhookDraft, sealer: Sealer, *, allows_private: bool
) -> tuple[WebhookWithSecret, bool]:
    """Creates an endpoint with a secret.

    Returns:
        What it is, with its secret, and whether it is new: the same id with the same content answers as the first time.

    Raises:
        Refusal: ``invalid``, or ``id_conflict`` where the id has other content or has ended.
    """
    url, events = draft.url, draft.events
    _check(url, events, allows_private)
    own_id = draft.id or f"wh_{secrets.token_hex(8)}"
    digest, secret = digest_of({"url": url, "events": sorted(events)}), secrets.token_bytes(SECRET_BYTES)
    sealed = sealer.seal(secret, _about(unit.program_id, own_id))
    webhook = NewWebhook(own_id, digest, url, sorted(set(events)), sealed)
    made = rows.insert_webhook(unit.conn, unit.program_id, webhook, unit.actor.key_id, unit.now)
    if made is not None:
        return WebhookWithSecret(*webhook_values(made), None, secret_text(secret)), True
    known = rows.find_webhook(unit.conn, unit.program_id, own_id)
    if known is None or known.digest != digest or known.status == ENDED:
        raise IdConflict(id=own_id)
    kept = open_secret(sealer, unit.program_id, own_id, known.secret)
    return WebhookWithSecret(*webhook_values(known), _pending(unit.conn, unit.program, known), secret_text(kept)), False


def get_webhook(conn: Connection, program: Program, webhook_id: str) -> WebhookInFull:
    """Reads one endpoint; raises ``not_found``."""
    return _shown(conn, program, _find(conn, program, webhook_id))


def list_webhooks(
    conn: Connection, program: Program, after: str | None, limit: int
) -> tuple[list[WebhookView], str | None]:
    """Lists the endpoints by id, and after what the next page begins."""
    endpoints = rows.list_webhooks(conn, program.program_id, after or "", limit + 1)
    return [WebhookView(*webhook_values(row)) for row in endpoints[:limit]], endpoints[limit - 1].webhook_id if len(
        endpoints
    ) > limit else None


def change_webhook(
    unit: Unit, webhook_id: str, changes: WebhookChanges, *, allows_private: bool, sealer: Sealer
) -> WebhookInFull:
    """Changes an endpoint's ``url``, ``events`` or ``status``; what is None stays. What waits goes to the new address.

    Another address takes ``program.payee_hold_days`` or a second person's approval: until then the one before
    receives. The address in force, sent again, ends what waits.

    Raises:
        Refusal: ``not_found`` or ``invalid``.
    """
    row = _find(unit.conn, unit.program, webhook_id, locks=True)
    row = _with_due_url(unit, row, sealer)
    url, events = changes.url or row.url, sorted(set(changes.events or row.events))
    _check(url, events, allows_private)
    status = changes.status or row.status
    reason = None if status == ENABLED else row.disabled_reason if row.status == DISABLED else BY_HAND
    if changes.url is not None:
        _hold_url(unit, row, url, sealer)
    row = _with_due_url(unit, row, sealer)
    row = row._replace(events=events, status=status, disabled_reason=reason)
    changed = rows.change_webhook(unit.conn, unit.program_id, row, unit.now)
    return _shown(unit.conn, unit.program, changed)


def approve_url(unit: Unit, webhook_id: str, sealer: Sealer) -> WebhookInFull:
    """Puts the address that waits in force, by another person than proposed it; again it changes nothing.

    Raises:
        Refusal: ``not_found``, ``change_unknown`` or what ``check_second_person`` raises.
    """
    row = _with_due_url(unit, _find(unit.conn, unit.program, webhook_id, locks=True), sealer)
    change = held_changes.must_be_open(unit.conn, unit.program, WEBHOOK, row.webhook_no)
    if change is not None:
        check_second_person(unit, change.proposed_by)
        row = _put_in_force(unit, row, change, sealer, held_changes.APPROVED)
    return _shown(unit.conn, unit.program, row)


def cancel_url(unit: Unit, webhook_id: str, sealer: Sealer) -> WebhookInFull:
    """Ends the address that waits; again it changes nothing.

    Raises:
        Refusal: ``not_found``, ``change_unknown`` or ``change_in_force``.
    """
    row = _with_due_url(unit, _find(unit.conn, unit.program, webhook_id, locks=True), sealer)
    held_changes.cancel(unit, WEBHOOK, row.webhook_no)
    return _shown(unit.conn, unit.program, row)


def apply_due_url(unit: Unit, webhook_no: int, sealer: Sealer) -> None:
    """Puts the address that waits for an endpoint in force where it is due; an endpoint that has ended gets none."""
    row = rows.lock_webhook(unit.conn, unit.program_id, webhook_no)
    _with_due_url(unit, row, sealer)


def end_webhook(unit: Unit, webhook_id: str) -> None:
    """Ends an endpoint for ever; ending it again changes nothing. Raises ``not_found``."""
    row = rows.find_webhook(unit.conn, unit.program_id, webhook_id, locks=True)
    if row is None:
        raise NotFound()
    if row.status != ENDED:
        ended = row._replace(status=ENDED, disabled_reason=None)
        rows.change_webhook(unit.conn, unit.program_id, ended, unit.now)


def rotate_secret(unit: Unit, webhook_id: str, sealer: Sealer) -> WebhookWithSecret:
    """Gives an endpoint a new secret and returns it; for a day both sign. Raises ``not_found``."""
    row = _find(unit.conn, unit.program, webhook_id, locks=True)
    secret = secrets.token_bytes(SECRET_BYTES)
    sealed = sealer.seal(secret, _about(unit.program_id, webhook_id))
    changed = rows.rotate_secret(unit.conn, unit.program_id, row.webhook_no, sealed, unit.now + KEEPS_FORMER_SECRET)
    return WebhookWithSecret(*webhook_values(changed), _pending(unit.conn, unit.program, changed), secret_text(secret))


def list_deliveries(
    unit: Unit, webhook_id: str, status: str | None, before: int | None, limit: int
) -> tuple[list[DeliveryView], int | None]:
    """Lists an endpoint's deliveries, the newest first, and before what the next page begins; raises ``not_found``."""
    row = _find(unit.conn, unit.program, webhook_id)
    deliveries = rows.list_deliveries(unit.conn, unit.program_id, row.webhook_no, status, Part(before, limit + 1))
    follows = deliveries[limit - 1].delivery_no if len(deliveries) > limit else None
    return [DeliveryView(*delivery_values(unit.program, delivery)) for delivery in deliveries[:limit]], follows


def get_delivery(conn: Connection, program: Program, webhook_id: str, delivery_id: str) -> DeliveryInFull:
    """Reads one delivery with its attempts, the newest first; raises ``not_found``."""
    row, delivery_no = _find(conn, program, webhook_id), _delivery_no(delivery_id)
    delivery = rows.find_delivery(conn, program.program_id, row.webhook_no, delivery_no)
    if delivery is None:
        raise NotFound()
    attempts = rows.list_attempts(conn, program.program_id, row.webhook_no, delivery_no, MOST_ATTEMPTS_SHOWN)
    return DeliveryInFull(*delivery_values(program, delivery), attempts)


def resend(unit: Unit, webhook_id: str, delivery_id: str) -> DeliveryInFull:
    """Sends a delivery again at once, whatever became of it, under the same message id; its schedule begins anew.

    Raises:
        Refusal: ``not_found``, or ``webhook_disabled`` where nothing is sent to the endpoint.
    """
    row, delivery_no = _find(unit.conn, unit.program, webhook_id), _delivery_no(delivery_id)
    if row.status != ENABLED:
        raise WebhookDisabled(id=webhook_id)
    if not rows.resend(unit.conn, unit.program_id, row.webhook_no, delivery_no, unit.now):
        raise NotFound()
    return get_delivery(unit.conn, unit.program, webhook_id, delivery_id)


def send_test(unit: Unit, webhook_id: str) -> DeliveryInFull:
    """Sends an endpoint a message that says nothing but when it was asked for, and returns its delivery.

    Raises:
        Refusal: ``not_found``, or ``webhook_disabled`` where nothing is sent to the endpoint.
    """
    row = _find(unit.conn, unit.program, webhook_id)
    if row.status != ENABLED:
        raise WebhookDisabled(id=webhook_id)
    payload = json.dumps({"webhook_id": webhook_id, "asked_at": unit.now.isoformat()})
    delivery_no = rows.insert_delivery(unit.conn, unit.program_id, row.webhook_no, Message(PING, unit.now, payload))
    return get_delivery(unit.conn, unit.program, webhook_id, f"dlv_{delivery_no}")


def open_secret(sealer: Sealer, program_id: int, webhook_id: str, sealed: bytes) -> bytes:
    """Decrypts the secret of an endpoint, to sign with."""
    return sealer.open(sealed, _about(program_id, webhook_id))


def _about(program_id: int, webhook_id: str) -> bytes:
    """The place that a sealed secret is bound to: moved to another endpoint it does not open."""
    return f"webhook {program_id} {webhook_id}".encode()


def _find(conn: Connection, program: Program, webhook_id: str, *, locks: bool = False) -> WebhookRow:
    row = rows.find_webhook(conn, program.program_id, webhook_id, locks=locks)
    if row is None or row.status == ENDED:
        raise NotFound()
    return row


def _check(url: str, events: Sequence[str], allows_private: bool) -> None:
    problems = []
    wrong = url_problem(url, allows_private=allows_private)
    if wrong is not None:
        problems.append(Problem("/url", URL_PROBLEMS[wrong]))
    if not events or not set(events) <= set(EVENT_TYPES):
        problems.append(Problem("/events", Text("must be some of {choices}", choices=", ".join(EVENT_TYPES))))
    if problems:
        raise Refusal("invalid", problems)


def _delivery_no(delivery_id: str) -> int:
    """Parses the number in a delivery's id; raises ``not_found``."""
    digits = delivery_id.removeprefix("dlv_")
    if not delivery_id.startswith("dlv_") or not digits.isascii() or not digits.isdecimal() or len(digits) > 18:
        raise NotFound()
    return int(digits)


def _hold_url(unit: Unit, row: WebhookRow, url: str, sealer: Sealer) -> None:
    """Records an address that waits, unless that one does already; the one in force ends what waits."""
    change = held_changes.open_change(unit.conn, unit.program, WEBHOOK, row.webhook_no)
    waiting = None if change is None else str(held_changes.content_of(unit.program, change, sealer)["url"])
    if url == row.url:
        if change is not None:
            held_changes.end(unit, change, held_changes.CANCELLED, unit.actor.key_id)
    elif url != waiting:
        held_changes.hold(unit, ChangeDraft(WEBHOOK, row.webhook_no, {"url": url}, ["url"]), sealer)


def _with_due_url(unit: Unit, row: WebhookRow, sealer: Sealer) -> WebhookRow:
    """Puts an address that is due in force and returns the endpoint; what an ended key proposed never is."""
    change = held_changes.open_change(unit.conn, unit.program, WEBHOOK, row.webhook_no)
    if change is None or change.due_at > unit.now:
        return row
    outcome = held_changes.REFUSED if row.status == ENDED else held_changes.DUE
    if has_ended(unit, change.proposed_by):
        outcome = held_changes.PROPOSER_REVOKED
    if outcome != held_changes.DUE:
        held_changes.end(unit, change, outcome, held_changes.CLOCK)
        return row
    return _put_in_force(unit, row, change, sealer, outcome)


def _put_in_force(unit: Unit, row: WebhookRow, change: HeldChangeRow, sealer: Sealer, outcome: str) -> WebhookRow:
    by = held_changes.CLOCK if outcome == held_changes.DUE else unit.actor.key_id
    url = str(held_changes.content_of(unit.program, change, sealer)["url"])
    held_changes.end(unit, change, outcome, by)
    return rows.change_webhook(unit.conn, unit.program_id, row._replace(url=url), unit.now)


def _shown(conn: Connection, program: Program, row: WebhookRow) -> WebhookInFull:
    """An endpoint with the address that waits for it."""
    return WebhookInFull(*webhook_values(row), _pending(conn, program, row))


def _pending(conn: Connection, program: Program, row: WebhookRow) -> PendingChange | None:
    return held_changes.pending_view(held_changes.open_change(conn, program, WEBHOOK, row.webhook_no))
