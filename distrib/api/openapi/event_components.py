"""Events as one component a type, told apart by ``type``; made of the contract's schema, which validates them."""

from __future__ import annotations

from typing import Any, Final

from distrib.api.schemas.events import BESIDE, PARTS

Schema = dict[str, Any]

_COMMON: Final = ("id", "type", "occurred_at")
_WORDS: Final = {
    "order.paid": "A customer paid an order; its commissions are expected, and never payable.",
    "order.settled": "An order is through; its commissions are earned. Needs no `order.paid` before.",
    "order.refunded": "Money was given back; without lines and amount all that is left.",
    "refund.reversed": "A refund is undone, under the snapshot that it was made under.",
    "order.payment_failed": "A payment did not come through; what was expected is dropped. Not final.",
    "order.cancelled": "An order is cancelled, for ever; after it settled all that is left is taken back.",
    "group.succeeded": "A group purchase came about; its orders settle.",
    "group.failed": "A group purchase did not come about, for ever; its orders earn nothing.",
}


def event_components(components: dict[str, Schema]) -> dict[str, Schema]:
    """The components of events, by name.

    Args:
        components: what marshmallow's schemas were described as, with ``Event`` as every key that any event may have.

    Returns:
        ``Event`` (one of eight by ``type``), the eight, ``EventBatch`` and ``EventPost`` (an event, or a batch).
    """
    keys = components["Event"]["properties"]
    types = {kind: _component(kind) for kind in PARTS}
    batch = components["EventPost"]["properties"]["events"]
    return {
        **{name: _of_type(kind, keys) for kind, name in types.items()},
        "Event": {
            "description": "A fact from the order system; `type` says which it is, and so what it holds.",
            "oneOf": [_reference(name) for name in types.values()],
            "discriminator": {
                "propertyName": "type",
                "mapping": {kind: _reference(name)["$ref"] for kind, name in types.items()},
            },
        },
        "EventBatch": {
            "type": "object",
            "description": "Up to 1,000 events; one bad event does not touch the rest.",
            "properties": {"events": batch},
            "required": ["events"],
            "additionalProperties": False,
        },
        "EventPost": {
            "description": "One event, or up to 1,000.",
            "oneOf": [*(_reference(name) for name in types.values()), _reference("EventBatch")],
        },
    }


def _of_type(kind: str, keys: dict[str, Schema]) -> Schema:
    """An event of one type: its part has to be there, and not null; beside it, what else the type may name."""
    part = PARTS[kind]
    beside = {name: keys[name] for name in sorted(BESIDE.get(kind, ()))}
    properties = {
        **{name: keys[name] for name in _COMMON},
        "type": {"type": "string", "const": kind},
        part: _without_null(keys[part]),
        **beside,
    }
    return {
        "type": "object",
        "description": _WORDS[kind],
        "properties": properties,
        "required": [*_COMMON, part],
        "additionalProperties": False,
    }


def _without_null(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), list):
        return schema | {"type": next(kind for kind in schema["type"] if kind != "null")}
    return schema


def _component(kind: str) -> str:
    """The name of the component of a type.

    >>> _component("order.payment_failed")
    'OrderPaymentFailedEvent'
    """
    return "".join(word.capitalize() for word in kind.replace(".", "_").split("_")) + "Event"


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
