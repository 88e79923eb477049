"""The description as people read it: the calls of each noun, with what they take, what they answer, and an example.

Made from the OpenAPI document alone, so that a page cannot say what the document does not.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from distrib.api.http.codes import CODES
from distrib.api.openapi.shapes import FieldRow, Schema, closure, fields_of, names_within, type_of

METHODS: Final = ("get", "post", "put", "patch", "delete")
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """An answer of a call: its status, what it is, and its type by media type."""

    status: str
    meaning: str
    types: Sequence[tuple[str, Markup]]


@dataclass(frozen=True, slots=True)
class ShownCall:
    """A call as a page shows it.

    Args:
        description: what is said besides the summary, as paragraphs.
        scope: what a key with scopes has to have; empty where no scope is asked for.
        parameters: name, where it stands, whether it must be there, type, meaning.
        body: by media type.
        refusals: status and code of what it may refuse with, in that order.
        visible: by role the fields that it sees of the answer, where not all see the same.
        example: its body, laid out; None where it has none, or one that is no JSON.
    """

    name: str
    method: str
    path: str
    summary: str
    description: Sequence[str]
    roles: Sequence[str]
    scope: str
    parameters: Sequence[tuple[str, str, bool, Markup, str]]
    body: Sequence[tuple[str, Markup]]
    answers: Sequence[ShownAnswer]
    refusals: Sequence[tuple[int, str]]
    visible: Mapping[str, Sequence[str]]
    example: str | None

    def command(self, base: str) -> str:
        """The call as a command of curl."""
        path = self.path.replace("{", "").replace("}", "")
        lines = [f"curl -X {self.method} {base}{path}", '-H "Authorization: Bearer $KEY"']
        if self.example is not None:
            lines += ['-H "Content-Type: application/json"', f"-d {shlex.quote(self.example)}"]
        return " \\\n  ".join(lines)


@dataclass(frozen=True, slots=True)
class ShownShape:
    """A shape that has a name: what it means, its fields, and its type where it has none."""

    name: str
    meaning: str
    fields: Sequence[FieldRow]
    type: Markup


@dataclass(frozen=True, slots=True)
class ShownNoun:
    """A noun with its calls; the shapes are those that its calls speak of, with all that these hold."""

    name: str
    place: str
    description: str
    calls: Sequence[ShownCall]
    shapes: Sequence[ShownShape]


def nouns_of(document: Mapping[str, Any]) -> dict[str, ShownNoun]:
    """Reads the nouns of the description in their order, by their place in an address."""
    by_tag: dict[str, list[tuple[ShownCall, Mapping[str, Any]]]] = {tag["name"]: [] for tag in document["tags"]}
    shapes = document["components"]["schemas"]
    for method, path, operation in _operations(document):
        by_tag[operation["tags"][0]].append((_call(method, path, operation), operation))
    nouns = (_noun(tag, by_tag[tag["name"]], shapes) for tag in document["tags"])
    return {noun.place: noun for noun in nouns}


def texts_of(nouns: Iterable[ShownNoun]) -> Iterator[str]:
    """Yields what the pages say of the description in words, in its order; what stands twice comes twice."""
    for noun in nouns:
        yield from (noun.name, noun.description)
        for call in noun.calls:
            yield from (call.summary, *call.description)
            yield from (meaning for *_, meaning in call.parameters)
            yield from (answer.meaning for answer in call.answers)
        for shape in noun.shapes:
            yield from (shape.meaning, *(field.meaning for field in shape.fields))


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every call with what it shares with others put in its place: parameters of its path, refusals of many calls."""
    named = document["components"]["responses"]
    for path, methods in document["paths"].items():
        shared = methods.get("parameters", [])
        for method in METHODS:
            if method in methods:
                operation = methods[method]
                yield (
                    method,
                    path,
                    operation
                    | {
                        "parameters": [*shared, *operation.get("parameters", [])],
                        "responses": {
                            status: named[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
                            for status, answer in operation["responses"].items()
                        },
                    },
                )


def _noun(
    tag: Mapping[str, str], calls: Sequence[tuple[ShownCall, Mapping[str, Any]]], shapes: Mapping[str, Any]
) -> ShownNoun:
    own_shapes = dict.fromkeys(name for _, operation in calls for name in _own_shapes(operation))
    shown = [_shape(name, shapes[name]) for name in closure(list(own_shapes), shapes)]
    name = tag["name"].replace("_", " ")
    return ShownNoun(name, name.replace(" ", "-"), tag["description"], [call for call, _ in calls], shown)


def _shape(name: str, schema: Schema) -> ShownShape:
    return ShownShape(name, schema.get("description", ""), fields_of(schema), type_of(schema))


def _own_shapes(operation: Mapping[str, Any]) -> Iterator[str]:
    """The shapes that a call takes and answers; not those of refusals, which all calls share."""
    yield from names_within(operation.get("requestBody", {}))
    for status, answer in operation["responses"].items():
        if status < "4":
            yield from names_within(answer)


def _call(method: str, path: str, operation: Mapping[str, Any]) -> ShownCall:
    body = operation.get("requestBody", {}).get("content", {})
    return ShownCall(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=_paragraphs(operation),
        roles=operation["x-roles"],
        scope=operation.get("x-scope", ""),
        parameters=[_parameter(parameter) for parameter in operation["parameters"]],
        body=_types(body),
        answers=[
            ShownAnswer(status, answer["description"], _types(answer.get("content", {})))
            for status, answer in operation["responses"].items()
            if status < "4"
        ],
        refusals=_refusals(operation),
        visible=operation.get("x-visible", {}),
        example=_example(body),
    )


def _paragraphs(operation: Mapping[str, Any]) -> list[str]:
    """What is said of a call besides its summary and, the last paragraph, who may call it: a page says that itself."""
    said, _, _ = operation["description"].rpartition("\n\n")
    paragraphs = said.removeprefix(operation["summary"]).split("\n\n")
    return [" ".join(paragraph.split()) for paragraph in paragraphs if paragraph.strip()]


def _parameter(parameter: Mapping[str, Any]) -> tuple[str, str, bool, Markup, str]:
    schema = parameter.get("schema", {})
    meaning = parameter.get("description") or schema.get("description", "")
    return parameter["name"], parameter["in"], parameter.get("required", False), type_of(schema), meaning


def _types(content: Mapping[str, Any]) -> list[tuple[str, Markup]]:
    return [(media_type, type_of(shape["schema"])) for media_type, shape in content.items()]


def _refusals(operation: Mapping[str, Any]) -> list[tuple[int, str]]:
    """The codes that the answers of a status of refusal name, each between backticks."""
    named = {
        word
        for status, answer in operation["responses"].items()
        if status >= "4"
        for word in answer["description"].split("`")
        if word in CODES
    }
    return sorted((CODES[code].status, code) for code in named)


def _example(body: Mapping[str, Any]) -> str | None:
    """The example of a body, laid out; of several the first."""
    taken = body.get(_JSON, {})
    shown = (
        [taken["example"]]
        if "example" in taken
        else [example["value"] for example in taken.get("examples", {}).values()]
    )
    return json.dumps(shown[0], ensure_ascii=False, indent=2) if shown else None
