"""Changes of where money goes that wait, as they are shown."""

from __future__ import annotations

from typing import Any

from distrib.api.http.auth import STAFF
from distrib.api.schemas.fields import Choice, Identifier, Inner, Instant, Listed, PlainText, Shape
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.api.schemas.visible import Visible, paged
from distrib.services.held_changes import OPEN, OUTCOMES, PAYEE, PROGRAM, WEBHOOK

_KINDS = (PAYEE, WEBHOOK, PROGRAM)


class PendingChangeSchema(Shape):
    """A change that waits: in force when it is due, or once a second person approves it."""

    id = PlainText(required=True)
    changed_fields = Listed(
        PlainText(), data_key="fields", required=True, metadata={"description": "what is to be another"}
    )
    proposed_at = Instant(required=True)
    proposed_by = PlainText(required=True)
    due_at = Instant(required=True)


def pending(**options: Any) -> Inner:
    """What waits for a subject; null where nothing does."""
    return Inner(PendingChangeSchema, allow_none=True, **options)


class HeldChangeQuerySchema(PageQuerySchema):
    """Which changes: the open ones, or all."""

    status = Choice((OPEN,), load_default=None)


class HeldChangeSchema(PendingChangeSchema):
    """A change with how it ended."""

    kind = Choice(_KINDS, required=True)
    shop_id = Identifier(required=True, allow_none=True)
    webhook_id = Identifier(required=True, allow_none=True)
    status = Choice((OPEN, *OUTCOMES), required=True)
    ended_at = Instant(required=True, allow_none=True)
    ended_by = PlainText(required=True, allow_none=True)


HeldChangesPageSchema = page_of(HeldChangeSchema, "HeldChangesPage")

# Who sees what: what waits is for all of staff: who may decide it is not asked here.
PENDING_FIELDS = ("id", "changed_fields", "proposed_at", "proposed_by", "due_at")
"""Of what waits beside what it is to change."""
_CHANGE = (*PENDING_FIELDS, "kind", "shop_id", "webhook_id", "status", "ended_at", "ended_by")
HELD_CHANGES = Visible(HeldChangesPageSchema, dict.fromkeys(STAFF, paged(_CHANGE)))
