"""A kept plan document as text again: YAML, its keys in the order of the schema. What it means may not enter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import yaml

from distrib.domain.plans.schema import plan_schema

_WIDTH: Final = 100


def plan_text(document: Mapping[str, Any]) -> str:
    """Writes a plan document as YAML; the version kept of the text has no comments and no order of its own.

    >>> print(plan_text({"rules": [{"rate": "0.10", "pay": "seller", "id": "s"}], "code": "tea"}), end="")
    code: tea
    rules:
    - id: s
      pay: seller
      rate: '0.10'
    """
    return yaml.safe_dump(_ordered(document), sort_keys=False, allow_unicode=True, width=_WIDTH)


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        places = _places()
        names = sorted(value, key=lambda name: places.get(name, len(places)))
        return {name: _ordered(value[name]) for name in names}
    return [_ordered(entry) for entry in value] if isinstance(value, list | tuple) else value


@cache
def _places() -> Mapping[str, int]:
    """The place of each key in the schema: those of the plan, then those of a rule, then all others as they come."""
    schema = plan_schema()
    names = dict.fromkeys([*_names(schema["properties"]), *_names(schema["$defs"]["rule"]), *_names(schema)])
    return {name: place for place, name in enumerate(dict.fromkeys([*schema["properties"], *names]))}


def _names(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        properties = part.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
        for inner in part.values():
            yield from _names(inner)
    elif isinstance(part, list | tuple):
        for inner in part:
            yield from _names(inner)
