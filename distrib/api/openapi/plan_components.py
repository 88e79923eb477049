"""The plan language as components: objects that generators of clients keep whole, by the very schema of editors.

A generator makes a type of properties; of what stands beside them (one of these, if this then that) it drops the
properties, or the type. Here every object is its keys with their types and bounds alone. Which keys go together is told
by the schema of editors (``distrib plan schema``), and by the service, which names every problem of a document.
"""

from __future__ import annotations

import re
from typing import Any, Final

from distrib.services.plans.words import schema_for_editors

Schema = dict[str, Any]

PLAN_DOCUMENT: Final = "PlanDocument"
"""The component that describes a plan."""
_ANY_LETTER: Final = r"\p{L}"
_CONDITIONAL: Final = ("allOf", "if", "then", "else", "not", "propertyNames", "$schema", "$defs")


def plan_components() -> dict[str, Schema]:
    """The document and each of its parts, by the names of their components: ``PlanRule``, ``PlanRank`` and so on."""
    schema = schema_for_editors()
    parts = {_component(name): _object(part) for name, part in schema["$defs"].items()}
    document = _object({key: value for key, value in schema.items() if key != "title"})  # some name types by titles
    return {PLAN_DOCUMENT: document, **parts}


def _component(name: str) -> str:
    return f"Plan{name.capitalize()}"


def _object(schema: Schema) -> Schema:
    """One definition: an object that is one of several becomes one with all their keys, of which none must be there."""
    branches = schema.get("anyOf", ())
    if all("properties" in branch and "type" in branch for branch in branches) and branches:
        keys = {key: value for branch in branches for key, value in branch["properties"].items()}
        schema = {"type": "object", "properties": keys, "additionalProperties": False}
    elif "properties" in schema:
        schema = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
    plain: Schema = _plain(schema)
    return plain


def _plain(part: Any) -> Any:
    """The same without what goes with what; a reference leads to its component, and an enum has its type."""
    if isinstance(part, list):
        return [_plain(item) for item in part]
    if not isinstance(part, dict):
        return part
    if isinstance(part.get("$ref"), str):
        return part | {"$ref": f"#/components/schemas/{_component(part['$ref'].rpartition('/')[2])}"}
    plain: Schema = {
        key: {name: _plain(value) for name, value in inner.items()} if key == "properties" else _plain(inner)
        for key, inner in part.items()
        if key not in _CONDITIONAL
    }
    if "enum" in plain:
        plain = {"type": ["string", "null"] if None in plain["enum"] else "string"} | plain
    if plain.get("const") is True:
        plain = {"type": "boolean", "enum": [True]}
    pattern = plain.get("pattern", "")
    if isinstance(pattern, str) and _ANY_LETTER in pattern:
        del plain["pattern"]
        plain |= _length(pattern)
    return plain


def _length(pattern: str) -> Schema:
    """How long a text is that may have letters of any script: not every dialect of patterns can say which they are.

    >>> _length("^[a-z]{1,40}$")
    {'minLength': 1, 'maxLength': 40}
    """
    low, high = re.findall(r"\{([0-9]+),([0-9]+)\}", pattern)[0]
    return {"minLength": int(low), "maxLength": int(high)}
