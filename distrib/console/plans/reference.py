"""The keys of a plan as a reader looks them up, from the one schema: no key, bound or default is written again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from distrib.console.language import Say, speak
from distrib.domain.plans.schema import plan_schema
from distrib.domain.texts import Text
from distrib.languages import LANGUAGES, render

MOST_WORDS = 12
"""A longer list of words (the currencies) is shown by its number and its first words."""

TEXTS = {
    "plan": Text("the plan"),
    "rule": Text("rules"),
    "of": Text("of", "reference"),
    "rank": Text("ranks"),
    "condition": Text("conditions: promote, keep"),
    "where": Text("where"),
    "customer": Text("customer"),
    "slab": Text("slabs"),
    "requires": Text("requires"),
    "cap": Text("cap"),
    "pool": Text("pools"),
    "declarations": Text("declarations"),
    "whole": Text("whole number {least} to {most}"),
    "ratio": Text('share such as "{example}"'),
    "text": Text("text, at most {most} characters"),
    "rank_name": Text("name of a rank"),
    "like": Text("text like {pattern}"),
    "truth": Text("true or false"),
    "list": Text("list of {what}"),
    "map": Text("by language: {what}"),
    "by_rank": Text("by rank: {what}"),
    "object": Text("keys {keys}"),
    "words": Text("{first}, … ({count} in all)"),
    "see": Text("see {what}"),
    "or": Text("; or "),
}
_SECTIONS = ("rule", "rank", "condition", "where", "customer", "slab", "requires", "cap", "pool")


class Key(NamedTuple):
    """One key: what may stand there, what it says when it does not, and what it means."""

    name: str
    values: str
    default: str | None
    meaning: str
    is_required: bool


class Section(NamedTuple):
    """The keys that stand together in one mapping."""

    name: str
    title: str
    keys: tuple[Key, ...]


@lru_cache(maxsize=len(LANGUAGES))
def plan_reference(language: str) -> tuple[Section, ...]:
    """Lists every key of the schema, section by section, in that language."""
    schema, say = plan_schema(), speak(TEXTS, language)
    defined = schema["$defs"]
    parts: dict[str, list[Mapping[str, Any]]] = {name: _objects(defined[name]) for name in _SECTIONS}
    parts["of"] = _objects(defined["rule"]["properties"]["of"])
    parts["declarations"] = [schema["properties"]["declarations"]]
    parts["plan"] = [schema]
    in_order = (name for name in TEXTS if name in parts)
    return tuple(Section(name, say(name), tuple(_all_keys(parts[name], language, say))) for name in in_order)


@lru_cache(maxsize=len(LANGUAGES))
def schema_of_reader(language: str) -> str:
    """Returns the schema as JSON for an editor: its texts in that language, ``x-values`` beside what a key may be."""
    return json.dumps(_in_language(plan_schema(), language, speak(TEXTS, language)), ensure_ascii=False)


def _in_language(part: Any, language: str, say: Say) -> Any:
    """Renders a part of the schema; under ``properties`` each key's values are put into words too."""
    if isinstance(part, Text):
        return render(part, language)
    if isinstance(part, list):
        return [_in_language(inner, language, say) for inner in part]
    if not isinstance(part, Mapping):
        return part
    rendered = {name: _in_language(inner, language, say) for name, inner in part.items()}
    if "description" in part and _says_values(part):
        rendered["x-values"] = _values(part, say)
    return rendered


def _says_values(part: Mapping[str, Any]) -> bool:
    return any(word in part for word in ("$ref", "enum", "const", "anyOf", "type"))


def _all_keys(parts: Sequence[Mapping[str, Any]], language: str, say: Say) -> Iterator[Key]:
    """Lists the keys of several mappings; of those that exclude each other each is chosen by its one key."""
    for part in parts:
        yield from _keys(part, len(parts) > 1 and len(part["properties"]) == 1, language, say)


def _objects(part: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Lists the mappings that a definition may be; a condition may be one of three."""
    return [part] if "properties" in part else [branch for branch in part["anyOf"] if "properties" in branch]


def _keys(part: Mapping[str, Any], is_choice: bool, language: str, say: Say) -> Iterator[Key]:
    required = () if is_choice else part.get("required", ())
    for name, schema in part["properties"].items():
        default = json.dumps(schema["default"], ensure_ascii=False).strip('"') if "default" in schema else None
        meaning = render(schema.get("description", ""), language)
        yield Key(name, _values(schema, say), default, meaning, name in required)


def _values(schema: Mapping[str, Any], say: Say) -> str:
    """Says what may stand there, in a few words; null is as good as absent and left out."""
    if "$ref" in schema:
        return _named(schema["$ref"].removeprefix("#/$defs/"), say)
    if "enum" in schema:
        return _words([word for word in schema["enum"] if word is not None], say)
    if "const" in schema:
        return json.dumps(schema["const"])
    if "anyOf" in schema:
        values = [_values(branch, say) for branch in schema["anyOf"] if branch.get("type") != "null"]
        return say("or").join(dict.fromkeys(values))
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return _of_type(next(name for name in types if name != "null"), schema, say)


def _named(name: str, say: Say) -> str:
    if name in _SECTIONS or name == "not":
        return say("see", what=say("where" if name == "not" else name))
    definition = plan_schema()["$defs"][name]
    return say("ratio", example=definition["examples"][0]) if name == "ratio" else _values(definition, say)


def _item(schema: Mapping[str, Any], say: Say) -> str:
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    return say(name) if name in _SECTIONS else _values(schema, say)


def _words(words: Sequence[object], say: Say) -> str:
    listed = [str(word) for word in words]
    if len(listed) <= MOST_WORDS:
        return ", ".join(listed)
    return say("words", first=", ".join(listed[:3]), count=len(listed))


def _of_type(kind: str, schema: Mapping[str, Any], say: Say) -> str:
    if kind == "integer":
        return say("whole", least=schema["minimum"], most=_number(schema["maximum"]))
    if kind == "boolean":
        return say("truth")
    if kind == "array":
        return say("list", what=_item(schema["items"], say))
    if kind == "string":
        return _text(schema, say)
    if schema.get("additionalProperties"):
        is_by_rank = schema["propertyNames"]["pattern"] == _rank_pattern()
        return say("by_rank" if is_by_rank else "map", what=_values(schema["additionalProperties"], say))
    return say("object", keys=", ".join(schema["properties"]))


def _text(schema: Mapping[str, Any], say: Say) -> str:
    if "maxLength" in schema:
        return say("text", most=schema["maxLength"])
    pattern = schema["pattern"]
    if pattern == _rank_pattern():
        return say("rank_name")
    return say("like", pattern=pattern.removeprefix("^(?:").removesuffix(")$"))


def _rank_pattern() -> str:
    pattern: str = plan_schema()["$defs"]["rank"]["properties"]["code"]["pattern"]
    return pattern


def _number(number: int) -> str:
    """Shows a number; a power of ten too long to be counted by eye as one.

    >>> _number(9999), _number(10**12)
    ('9,999', '10^12')
    """
    power = len(str(number)) - 1
    return f"10^{power}" if power > 6 and number == 10**power else f"{number:,}"
