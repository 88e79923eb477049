"""What the service posts to endpoints: a webhook a type in the description, each with the shape of its message."""

from __future__ import annotations

from typing import Any, Final

from apispec import APISpec

from distrib.api.schemas.webhook_messages import MESSAGES
from distrib.domain.webhooks import PING, SIGNED_HEADERS

Schema = dict[str, Any]

_HEADER_WORDS: Final = {
    "webhook-id": "The message, the same at every attempt: keep those that you have processed.",
    "webhook-timestamp": "Seconds since 1970 at which this attempt was signed; refuse what is minutes away from now.",
    "webhook-signature": "HMAC-SHA256 over `webhook-id.webhook-timestamp.body`, a signature for each secret in force.",
}
_PATTERNS: Final = {
    "webhook-id": "^msg_[0-9]+_[0-9]+$",
    "webhook-timestamp": "^[0-9]+$",
    "webhook-signature": "^v1,[A-Za-z0-9+/=]+( v1,[A-Za-z0-9+/=]+)*$",
}


def describe_webhooks(spec: APISpec) -> dict[str, Schema]:
    """The ``webhooks`` of the description, by type; puts the shapes of what they hold among its components."""
    parameters = [_header(name) for name in SIGNED_HEADERS]
    described = {}
    for kind, schema in MESSAGES.items():
        name = schema.__name__.removesuffix("Schema")
        if name not in spec.components.schemas:
            spec.components.schema(name, schema=schema)
        said = (schema.__doc__ or "").splitlines()[0]
        described[kind] = {"post": _operation(kind, said, name, parameters)}
    return described


def _operation(kind: str, said: str, name: str, parameters: list[Schema]) -> Schema:
    message = {
        "type": "object",
        "properties": {
            "type": {"type": "string", "const": kind},
            "timestamp": {"type": "string", "format": "date-time", "description": "when it happened"},
            "data": {"$ref": f"#/components/schemas/{name}"},
        },
        "required": ["type", "timestamp", "data"],
    }
    whom = "when an endpoint is tried" if kind == PING else f"to endpoints that want `{kind}`"
    return {
        "operationId": "on_" + kind.replace(".", "_"),
        "tags": ["webhooks"],
        "summary": said,
        "description": f"{said}\n\nSent {whom}, at least once and in any order (Standard Webhooks 1.0.0).",
        "parameters": parameters,
        "requestBody": {"required": True, "content": {"application/json": {"schema": message}}},
        "responses": {
            "2XX": {"description": "It is delivered."},
            "410": {"description": "Nothing more is wanted: the endpoint is disabled at once."},
            "4XX": {"description": "It is sent again later, up to ten times in three days."},
            "5XX": {"description": "It is sent again later, up to ten times in three days."},
        },
        "security": [],
    }


def _header(name: str) -> Schema:
    return {
        "in": "header",
        "name": name,
        "required": True,
        "description": _HEADER_WORDS[name],
        "schema": {"type": "string", "pattern": _PATTERNS[name]},
    }
