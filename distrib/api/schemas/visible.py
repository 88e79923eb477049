"""Which fields of an answer which role sees: a list of names for each, beside the schema that has them.

An answer is made by picking the names of a list, so that a field which a service shows and no list names is answered
to nobody. A list names what is in an object, too, as ``pending.due_at``: of an object of ours nothing is seen by naming
it alone, so that a new field of a schema is nobody's until a list has it. A list that names what the schema has not, or
an object of ours as a whole, fails where it is written. Who may call is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields as parts_of
from dataclasses import is_dataclass
from functools import cached_property
from operator import is_
from typing import Any, Final, TypeAlias

from marshmallow import INCLUDE, Schema, fields

from distrib.api.http.auth import PARTNER

PARTNER_BELOW: Final = "partner-below"
"""A partner that looks at a shop below its own."""
ROLE_OF: Final[Mapping[str, str]] = {PARTNER_BELOW: PARTNER}
"""Whose way of seeing it is, where a role has more than one; every other way is called as its role."""
Wanted: TypeAlias = dict[str, "Wanted"]
"""A list by object: by each name what of it is named."""


class Names(dict[str, "Names | None"]):
    """What is seen of an object: by each name what is seen within it, None where the value is no object of ours."""

    @cached_property
    def objects(self) -> tuple[tuple[str, Names], ...]:
        """The names whose values are objects of ours, with what is seen of these."""
        return tuple((name, inner) for name, inner in self.items() if inner is not None)


class Visible:
    """A schema of answers, and which of its fields each role sees.

    Args:
        schema: the shape of the answer as a whole.
        lists: by role, or by way of seeing (``PARTNER_BELOW``), the names seen, as ``Schema(only=...)`` takes them.

    Raises:
        ValueError: a list names what the schema has not, or an object of ours as a whole.

    >>> from distrib.api.schemas.problem import ProblemEntrySchema
    >>> visible = Visible(ProblemEntrySchema, {"partner": ("detail",)})
    >>> pick({"pointer": "/id", "detail": "too long", "stack": "…"}, visible.names["partner"])
    {'detail': 'too long'}
    """

    def __init__(self, schema: type[Schema], lists: Mapping[str, tuple[str, ...]]) -> None:
        self.schema = schema
        whole = schema()
        names = {listed: _names_of(whole, _by_object(listed), {}) for listed in set(lists.values())}
        called = {listed: tuple(_as_answered(whole, name) for name in listed) for listed in names}
        self.names = {way: names[listed] for way, listed in lists.items()}
        self.lists = {way: called[listed] for way, listed in lists.items()}


def is_open(schema: Schema | type[Schema]) -> bool:
    """Whether a shape is a document whose keys somebody else decides on: it is shown as a whole, or not at all."""
    return bool(schema.opts.unknown == INCLUDE)


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

    Where all of it is seen the view itself is what is seen: most lists are such, and are not copied.

    Raises:
        TypeError: a view is no object where the names say so.
    """
    if view is None or names is None:
        return view
    if isinstance(view, dict):
        return _pick_fields(view, names)
    if isinstance(view, list | tuple):
        seen = [pick(entry, names) for entry in view]
        return view if all(map(is_, seen, view)) else seen
    if is_dataclass(view):
        return _pick_fields({part.name: getattr(view, part.name) for part in parts_of(view)}, names)
    raise TypeError(f"a {type(view).__name__} has no fields to be seen")


def _pick_fields(view: dict[str, Any], names: Names) -> dict[str, Any]:
    picked = view
    if not view.keys() <= names.keys():
        picked = {name: value for name, value in view.items() if name in names}
    for name, inner in names.objects:
        value = view.get(name)
        seen = pick(value, inner)
        if seen is not value:
            picked = {**picked, name: seen}
    return picked


def _by_object(listed: Iterable[str]) -> Wanted:
    wanted: Wanted = {}
    for name in listed:
        object_named = wanted
        for part in name.split("."):
            object_named = object_named.setdefault(part, {})
    return wanted


def _names_of(schema: Schema, wanted: Wanted, around: Mapping[type[Schema], Names]) -> Names:
    """What is seen of a schema by a list; ``Schema(only=...)`` takes the same names, and much longer.

    Args:
        around: the names of the schemas that this one is in: of one that holds itself, what it shows within is what it
            shows.
    """
    names = Names()
    around = {**around, type(schema): names}
    for name, within_it in wanted.items():
        if name not in schema.fields:
            raise ValueError(f"{type(schema).__name__} has no {name}")
        field = schema.fields[name]
        inner = _nested(field)
        if inner is None and within_it:
            raise ValueError(f"{name} of {type(schema).__name__} is no object of ours: {', '.join(within_it)}")
        names[field.data_key or name] = None if inner is None else _names_within(name, inner.schema, within_it, around)
    return names


def _names_within(name: str, schema: Schema, wanted: Wanted, around: Mapping[type[Schema], Names]) -> Names | None:
    """The names of an object in an object; None of a document that is shown as a whole."""
    if wanted:
        return _names_of(schema, wanted, around)
    if is_open(schema):
        return None
    if type(schema) not in around:
        raise ValueError(f"{name} is a {type(schema).__name__}: a list says what of it is seen, as {name}.…")
    return around[type(schema)]


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
    return called if inner is None else f"{called}.{_as_answered(inner.schema, rest)}"
