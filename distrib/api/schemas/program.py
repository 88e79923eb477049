"""Programs and keys as they are shown."""

from __future__ import annotations

from marshmallow import fields

from distrib.api.auth import ROLES
from distrib.api.schemas.fields import Choice, Currency, Flag, Identifier, Instant, Shape, Text
from distrib.api.schemas.lists import page_of


class ProgramSchema(Shape):
    """A program and its settings."""

    code = Identifier(required=True)
    currency = Currency(required=True)
    time_zone = fields.String(required=True)
    policy = fields.String(required=True)
    admission = Choice(("open", "invite", "review"), required=True)
    identity_required = Flag(required=True)


class KeyDraftSchema(Shape):
    """A key that is to be made."""

    role = Choice(ROLES, required=True)
    name = Text(required=True)
    shop_id = Identifier(allow_none=True, load_default=None, metadata={"description": "with role partner only"})


class KeySchema(Shape):
    """A key without its secret."""

    id = Text(required=True)
    name = Text(required=True)
    role = Choice(ROLES, required=True)
    shop_id = Identifier(required=True, allow_none=True)
    created_at = Instant(required=True)
    revoked_at = Instant(required=True, allow_none=True)


class NewKeySchema(Shape):
    """A key, seen once."""

    id = Text(required=True)
    key = Text(required=True, metadata={"description": "kept as a keyed hash only: it cannot be shown again"})
    name = Text(required=True)
    role = Choice(ROLES, required=True)
    shop_id = Identifier(required=True, allow_none=True)


KeysPageSchema = page_of(KeySchema, "KeysPage")
