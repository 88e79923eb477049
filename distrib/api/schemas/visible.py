"""Which fields of an answer which role sees: a list of names for each, beside the schema that has them.

An answer is made by picking the names of a list, so that a field which a service shows and no list names is answered
to nobody. A list names what is in an object, too, as ``pending.due_at``; an object that is named as a whole shows what
its schema has. A list that names what the schema has not fails where it is written. Who may call is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields as parts_of
from dataclasses import is_dataclass
from typing import Any, Final, TypeAlias

from marshmallow import Schema, fields

from distrib.api.http.auth import PARTNER

PARTNER_BELOW: Final = "partner-below"
"""A partner that looks at a shop below its own."""
ROLE_OF: Final[Mapping[str, str]] = {PARTNER_BELOW: PARTNER}
"""Whose way of seeing it is, where a role has more than one; every other way is called as its role."""

Names: TypeAlias = Mapping[str, "Names | None"]
"""What is seen of an object: by each name what is seen within it, None where the value is no object of ours."""


class Visible:
    """A schema of answers, and which of its fields each role sees.

    Args:
        schema: the shape of the answer as a whole.
        lists: by role, or by way of seeing (``PARTNER_BELOW``), the names seen, as ``Schema(only=...)`` takes them.

    Raises:
        ValueError, KeyError: a list names what the schema has not.

    >>> from distrib.api.schemas.problem import ProblemEntrySchema
    >>> visible = Visible(ProblemEntrySchema, {"partner": ("detail",)})
    >>> pick({"pointer": "/id", "detail": "too long", "stack": "…"}, visible.names["partner"])
    {'detail': 'too long'}
    """

    def __init__(self, schema: type[Schema], lists: Mapping[str, tuple[str, ...]]) -> None:
        self.schema = schema
        whole = schema()
        names = {listed: _names_of(schema(only=listed), {}) for listed in set(lists.values())}
        called = {listed: tuple(_as_answered(whole, name) for name in listed) for listed in names}
        self.names = {way: names[listed] for way, listed in lists.items()}
        self.lists = {way: called[listed] for way, listed in lists.items()}


def every(schema: type[Schema]) -> tuple[str, ...]:
    """Every name that a schema has: of one that is shown to a single kind of caller, the schema is the list."""
    return tuple(schema().fields)


def within(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names of what is seen within an object, or within each of a list.

    >>> within("plan", ("code", "version"))
    ('plan.code', 'plan.version')
    """
    return tuple(f"{name}.{inner}" for inner in names)


def paged(names: Iterable[str]) -> tuple[str, ...]:
    """The names of what is seen of a page of such entries."""
    return (*within("data", names), "next_cursor")


def pick(view: Any, names: Names | None) -> Any:
    """What is seen of a view, of all views in a list; in the order of the view, and without what the view lacks.

    Raises:
        TypeError: a view is no object where the names say so.
    """
    if view is None or names is None:
        return view
    if isinstance(view, list | tuple):
        return [pick(entry, names) for entry in view]
    if isinstance(view, Mapping):
        return {name: pick(value, names[name]) for name, value in view.items() if name in names}
    if is_dataclass(view):
        known = (part.name for part in parts_of(view) if part.name in names)
        return {name: pick(getattr(view, name), names[name]) for name in known}
    raise TypeError(f"a {type(view).__name__} has no fields to be seen")


def _names_of(schema: Schema, met: dict[type[Schema], Names]) -> Names:
    """The names of a schema as it was cut; of one that holds itself, what it shows within is what it shows."""
    names: dict[str, Names | None] = {}
    if schema.only is None:
        met[type(schema)] = names
    for name, field in schema.fields.items():
        inner = _nested(field)
        if inner is None:
            names[field.data_key or name] = None
        elif inner.only is None and type(inner.schema) in met:
            names[field.data_key or name] = met[type(inner.schema)]
        else:
            names[field.data_key or name] = _names_of(inner.schema, met)
    return names


def _nested(field: fields.Field[Any]) -> fields.Nested | None:
    """What holds the object of a field, by itself or in a list; None where its values are no objects of ours."""
    if isinstance(field, fields.List):
        return _nested(field.inner)
    return field if isinstance(field, fields.Nested) else None


def _as_answered(schema: Schema, name: str) -> str:
    """A name of a list as the answer has it: some fields are called otherwise in the schema."""
    first, _, rest = name.partition(".")
    field = schema.fields[first]
    called = field.data_key or first
    if not rest:
        return called
    inner = _nested(field)
    if inner is None:
        raise ValueError(f"{first} of {type(schema).__name__} is no object of ours, so that nothing is {name}")
    return f"{called}.{_as_answered(inner.schema, rest)}"
