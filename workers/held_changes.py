"""Puts changes in force whose days are over. What a change does is the services' business."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import Connection

from distrib.bootstrap import Container
from distrib.services.context import SERVICE, Unit
from distrib.services.encryption import SealBroken
from distrib.services.held_changes import PAYEE, WEBHOOK, DueChange, due_changes
from distrib.services.payouts.payee_versions import apply_due_payee
from distrib.services.programs.settings import apply_due_settings
from distrib.services.programs.tenants import get_program
from distrib.services.webhooks.endpoints import apply_due_url

MOST_AT_ONCE = 500
_log = structlog.get_logger(__name__)


def apply_due_changes(container: Container) -> None:
    """Applies what is due over all programs, each change in a transaction of its own; one that fails stops no other."""
    with container.begin() as conn:
        due = due_changes(conn, container.now(), MOST_AT_ONCE)
    for change in due:
        try:
            with container.begin() as conn:
                apply_change(container, conn, change, container.now())
        except SealBroken:
            _log.error("held_change_sealed", program=change.program_id, kind=change.kind, subject=change.subject_no)


def apply_change(container: Container, conn: Connection, change: DueChange, now: datetime) -> None:
    """Puts one change in force where it is due."""
    program, number = get_program(conn, change.program_id), change.subject_no
    if change.kind == PAYEE:
        apply_due_payee(Unit(conn, program, SERVICE, now), number, container.sealer, container.identity_pepper)
    elif change.kind == WEBHOOK:
        apply_due_url(Unit(conn, program, SERVICE, now), number, container.sealer)
    else:
        apply_due_settings(Unit(conn, program, SERVICE, now), container.policies)
