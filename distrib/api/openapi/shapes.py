"""Shapes of the description in words: a type as one line of text with links, and an object as rows.

A type reads as JSON Schema names it, ``string (1–64)``, ``array[Order]``, ``integer | null``, so that it is the same
in every language. What the service does may not enter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

Schema = Mapping[str, Any]
REFERENCE: Final = "#/components/schemas/"
MOST_CHOICES: Final = 24
"""So many values of an enumeration are shown."""


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field of an object: its name, with those of the objects that it lies in, its type and what it means."""

    name: str
    is_required: bool
    type: Markup
    meaning: str


def fields_of(schema: Schema, within: str = "") -> list[FieldRow]:
    """Lists the fields of an object; those of an object that has no name of its own stand below it.

    >>> [row.name for row in fields_of({"properties": {"cap": {"type": "object", "properties": {"per": {}}}}})]
    ['cap', 'cap.per']
    """
    rows = []
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        whole = f"{within}{name}"
        rows.append(FieldRow(whole, name in required, type_of(part), part.get("description", "")))
        rows += fields_of(_inner(part), f"{whole}.")
    return rows


def _inner(part: Schema) -> Schema:
    """The nameless object that a field holds, by itself, in a list, or beside null."""
    if "properties" in part or "$ref" in part:
        return part
    if "items" in part:
        return _inner(part["items"])
    alternatives = part.get("anyOf", part.get("oneOf", ()))
    return next((part for part in alternatives if "properties" in part), {})


def type_of(schema: Schema) -> Markup:
    """Writes a type as a line: what it is, how long or large, and what else it may be.

    >>> str(type_of({"type": ["string", "null"], "minLength": 1, "maxLength": 64}))
    'string (1–64) | null'
    >>> str(type_of({"type": "array", "items": {"$ref": "#/components/schemas/Order"}, "maxItems": 9}))
    'array[<a href="#shape-Order">Order</a>] (…–9)'
    """
    return Markup(" | ").join(_types(schema))


def _types(schema: Schema) -> Iterator[Markup]:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REFERENCE)
        yield Markup('<a href="#shape-{0}">{0}</a>').format(name)
    elif "anyOf" in schema or "oneOf" in schema:
        for alternative in schema.get("anyOf", schema.get("oneOf", ())):
            yield from _types(alternative)
    elif "enum" in schema or "const" in schema:
        yield from _choices(schema)
    else:
        kinds = schema.get("type", "any")
        yield from (_kind(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _choices(schema: Schema) -> Iterator[Markup]:
    values = schema.get("enum", [schema.get("const")])
    for value in values[:MOST_CHOICES]:
        yield Markup("null") if value is None else Markup("<code>{}</code>").format(value)
    if len(values) > MOST_CHOICES:
        yield Markup("… ({})").format(len(values))


def _kind(kind: str, schema: Schema) -> Markup:
    if kind == "array":
        return Markup("array[{}]{}").format(type_of(schema.get("items", {})), _span(schema, "minItems", "maxItems"))
    if kind == "object":
        values = schema.get("additionalProperties")
        return Markup("object[{}]").format(type_of(values)) if isinstance(values, Mapping) else Markup("object")
    if kind == "string":
        form = schema.get("format") or ("pattern" if "pattern" in schema and "examples" not in schema else "")
        named = f" {form}" if form else ""
        return escape(f"string{named}") + _span(schema, "minLength", "maxLength")
    return escape(kind) + _span(schema, "minimum", "maximum") if kind in ("integer", "number") else escape(kind)


def _span(schema: Schema, low: str, high: str) -> Markup:
    if low not in schema and high not in schema:
        return Markup()
    least, most = (f"{schema[name]:,}" if name in schema else "…" for name in (low, high))
    return Markup(" ({})").format(f"{least}–{most}")


def names_within(schema: Any) -> Iterator[str]:
    """Yields the names of the shapes that a schema refers to itself."""
    if isinstance(schema, Mapping):
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith(REFERENCE):
            yield reference.removeprefix(REFERENCE)
        for part in schema.values():
            yield from names_within(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from names_within(part)


def closure(names: list[str], shapes: Mapping[str, Schema]) -> list[str]:
    """Lists the shapes of those names and all that these refer to, each once, in the order in which they are met."""
    met = dict.fromkeys(names)
    waiting = list(met)
    while waiting:
        further = dict.fromkeys(name for name in names_within(shapes[waiting.pop(0)]) if name not in met)
        met |= further
        waiting += further
    return list(met)
