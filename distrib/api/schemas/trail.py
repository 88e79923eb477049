"""The trail, as it is asked for and answered."""

from __future__ import annotations

from marshmallow import fields

from distrib.api.http.auth import ADMIN, COMPLIANCE
from distrib.api.schemas.fields import Choice, Identifier, Instant, Period, PlainText, Shape, Whole
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.api.schemas.visible import Visible, paged
from distrib.domain.trail import KINDS
from distrib.services.trail import CSV, FORMATS


class TrailQuerySchema(PageQuerySchema):
    """Which rows: by whom, of which operation, about what, from (included) to (not included)."""

    actor = PlainText(load_default=None, metadata={"description": "the id of a key, or cli"})
    operation = PlainText(load_default=None, metadata={"description": "as its operationId, or the words of a command"})
    subject = PlainText(load_default=None, metadata={"description": "the id that the call was about"})
    shop_id = Identifier(load_default=None)
    kind = Choice(KINDS, load_default=None)
    from_at = Instant(data_key="from", load_default=None)
    to_at = Instant(data_key="to", load_default=None)


class TrailExportQuerySchema(Shape):
    """Which month, and in which form."""

    period = Period(required=True)
    format = Choice(FORMATS, load_default=CSV)


class TrailRowSchema(Shape):
    """One call or command: who, when, what."""

    no = Whole(required=True, metadata={"description": "counts the rows of the program, without a gap"})
    recorded_at = Instant(required=True)
    actor = PlainText(required=True, metadata={"description": "the id of the key, or cli"})
    owner = PlainText(required=True, metadata={"description": "the person or machine behind it"})
    role = PlainText(required=True)
    os_user = PlainText(required=True, allow_none=True, metadata={"description": "who typed a command"})
    request_id = PlainText(required=True, metadata={"description": "as in Request-Id"})
    kind = Choice(KINDS, required=True)
    operation = PlainText(required=True)
    subject = PlainText(required=True, allow_none=True)
    shop_id = PlainText(required=True, allow_none=True)
    sent = fields.Dict(required=True, allow_none=True, metadata={"description": "personal values as keyed digests"})
    before = fields.Dict(required=True, allow_none=True, metadata={"description": "of the state before, what changed"})
    after = fields.Dict(required=True, allow_none=True, metadata={"description": "the same after it"})
    digest = PlainText(required=True, metadata={"description": "SHA-256 over the row and the digest before it"})


TrailPageSchema = page_of(TrailRowSchema, "TrailPage")

# Who sees what: the trail is for admins and for compliance.
_ROW = (
    "no",
    "recorded_at",
    "actor",
    "owner",
    "role",
    "os_user",
    "request_id",
    "kind",
    "operation",
    "subject",
    "shop_id",
    "sent",
    "before",
    "after",
    "digest",
)
TRAIL = Visible(TrailPageSchema, dict.fromkeys((ADMIN, COMPLIANCE), paged(_ROW)))
