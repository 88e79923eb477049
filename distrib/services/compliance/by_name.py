"""Views by the names of their fields: as rows of a table, and as JSON. Nothing here knows what they hold."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def by_name(view: DataclassInstance) -> dict[str, object]:
    """A view's values by the names of its fields, in their order."""
    return {field.name: getattr(view, field.name) for field in fields(view)}


def as_json(value: object) -> dict[str, object] | str:
    """What JSON has no word for: a view by name, an instant as ISO 8601 has it, anything else as its text."""
    if is_dataclass(value) and not isinstance(value, type):
        return by_name(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)
