"""The description of the service (OpenAPI 3.1), made from the operations: it cannot say what is not served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from flask import Flask
from flask_smorest import Api
from werkzeug.routing import BaseConverter

from distrib.api.calls.documentation import HEADERS, common_responses
from distrib.api.http.auth import MAY_CALL, scope_of
from distrib.api.openapi.event_components import event_components
from distrib.api.openapi.examples import add_examples
from distrib.api.openapi.parameters import describe_parameter
from distrib.api.openapi.plan_components import plan_components
from distrib.api.openapi.webhook_components import describe_webhooks
from distrib.api.resources import RESOURCES
from distrib.domain.identifiers import ID_PATTERN

_DESCRIPTION = """Commission engine for social-commerce platforms (社交电商分佣系统).

Money is an integer of minor units beside a currency. Times are RFC 3339 with an offset, answered in UTC.
Everything may be sent twice."""
_INFO = {
    "summary": "Commission engine for social commerce",
    "description": _DESCRIPTION,
    "contact": {"name": "whoever runs this service"},
    "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
}
_SERVERS = [{"url": "/", "description": "The service that this description comes from."}]
_KEY = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "dk_…",
    "description": "A key of the program, as `Authorization: Bearer KEY`.",
}
_UNUSED = ("Error", "PaginationMetadata")
"""Components that flask-smorest brings and no call of ours answers with."""


class IdentifierConverter(BaseConverter):
    """A part of a path that is an id of the caller's; what cannot be one is nowhere (404), whatever the method.

    The rule is the expression itself: a value refused only after a route matched would answer 405 where another method
    has a route of that form.
    """

    regex = ID_PATTERN
    part_isolating = True


class AccountConverter(BaseConverter):
    """A part of a path that names an account: one of the program's own, or ``payable:`` and a shop's id."""

    regex = f"[a-z_]+|payable:{ID_PATTERN}"
    part_isolating = True


class PeriodConverter(BaseConverter):
    """A part of a path that is a calendar month; what is none is refused by a code of its own."""


class VersionConverter(BaseConverter):
    """A part of a path that counts the versions of a plan."""

    regex = "[1-9][0-9]{0,8}"


def _identifier_schema(_converter: BaseConverter) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": 64, "description": "the caller's own id"}


def _account_schema(_converter: BaseConverter) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": 80, "examples": ["expense", "payable:shop-7"]}


def _period_schema(_converter: BaseConverter) -> dict[str, Any]:
    return {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$", "examples": ["2026-03"]}


def _version_schema(_converter: BaseConverter) -> dict[str, Any]:
    return {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}


_CONVERTERS = {
    "id": (IdentifierConverter, _identifier_schema),
    "account": (AccountConverter, _account_schema),
    "period": (PeriodConverter, _period_schema),
    "version": (VersionConverter, _version_schema),
}


def register_operations(app: Flask) -> None:
    """Registers every resource in ``app``."""
    app.url_map.converters |= {name: converter for name, (converter, _) in _CONVERTERS.items()}
    for resource in RESOURCES:
        app.register_blueprint(resource.blueprint)


@cache
def description_of(version: str) -> dict[str, Any]:
    """Describes every operation, once a process: it takes a third of a second, and nobody waits for it at a start."""
    app = Flask("distrib", static_folder=None)
    app.config.update(API_TITLE="distrib", API_VERSION=version, OPENAPI_VERSION="3.1.0")
    # Copies: apispec writes title and version into what it is given, where they win over those of the next description.
    api = Api(app, spec_kwargs={"info": {**_INFO}, "servers": [*_SERVERS]})
    for name, (converter, schema) in _CONVERTERS.items():
        app.url_map.converters[name] = converter
        api.register_converter(converter, schema)
    api.spec.components.security_scheme("key", _KEY)
    api.DEFAULT_ERROR_RESPONSE_NAME = None
    for resource in RESOURCES:
        api.register_blueprint(resource.blueprint)
    webhooks = describe_webhooks(api.spec)
    description: dict[str, Any] = api.spec.to_dict()
    components = description["components"]
    components["headers"], components["responses"] = HEADERS, common_responses()
    for name in _UNUSED:
        del components["schemas"][name]
    components["schemas"] |= plan_components()
    components["schemas"] |= event_components(components["schemas"])
    for path in description["paths"].values():
        _describe_path(path)
    return description | {"webhooks": webhooks}


def _describe_path(path: dict[str, Any]) -> None:
    """Says of each operation who may call it, and of each parameter what it is."""
    for parameter in path.get("parameters", ()):
        describe_parameter("", parameter)
    for operation in (operation for method, operation in path.items() if method != "parameters"):
        name = operation["operationId"]
        for parameter in operation.get("parameters", ()):
            describe_parameter(name, parameter)
        said = operation.get("description") or operation["summary"]
        operation["description"] = f"{said}\n\n{_who_may(name)}{_who_sees(operation.get('x-visible', {}))}"
        if scope_of(name):
            operation["x-scope"] = scope_of(name)
        add_examples(operation)


def _who_may(operation: str) -> str:
    """Which keys may call an operation, in words."""
    roles = _coded(sorted(MAY_CALL[operation]))
    scope = scope_of(operation)
    return f"Keys of the role {roles}" + (f"; where a key has scopes, with `{scope}`." if scope else ".")


def _who_sees(lists: Mapping[str, Sequence[str]]) -> str:
    """Which of them sees which fields, in words: all of those that any sees, all but a few, or only some.

    >>> _who_sees({"admin": ["id", "name", "note"], "finance": ["id", "name"], "partner": ["id"]})
    ' Fields seen by `admin`: all; by `finance`: all but `note`; by `partner`: only `id`.'
    """
    every = dict.fromkeys(name for names in lists.values() for name in names)
    by_sight: dict[str, list[str]] = {}
    for way, names in lists.items():
        unseen = [name for name in every if name not in names]
        sight = (
            f"only {_coded(names)}" if len(unseen) >= len(names) else f"all but {_coded(unseen)}" if unseen else "all"
        )
        by_sight.setdefault(sight, []).append(way)
    said = "; ".join(f"by {_coded(ways)}: {sight}" for sight, ways in by_sight.items())
    return f" Fields seen {said}." if said else ""


def _coded(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
