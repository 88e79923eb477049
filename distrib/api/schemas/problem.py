"""The shape of every error (RFC 9457)."""

from __future__ import annotations

from marshmallow import fields

from distrib.api.schemas.fields import Inner, Listed, Shape


class ProblemEntrySchema(Shape):
    """One thing that is wrong: where, and what."""

    pointer = fields.String(required=True, metadata={"description": "JSON pointer, ?parameter, or path in a plan"})
    detail = fields.String(required=True)


class ProblemSchema(Shape):
    """An error, as application/problem+json."""

    type = fields.String(required=True, metadata={"format": "uri-reference"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True, metadata={"description": "stable word; see /docs/errors"})
    instance = fields.String(metadata={"description": "the request, as a URN where its id is ours"})
    request_id = fields.String(metadata={"description": "the request, as in Request-Id"})
    errors = Listed(Inner(ProblemEntrySchema))


ENTRY_FIELDS = ("pointer", "detail")
"""Of each thing that is wrong with an entry of a call with many, whoever called."""
