"""The description of the service (OpenAPI 3.1), made from the operations: it cannot say what is not served."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Flask
from flask_smorest import Api
from werkzeug.routing import BaseConverter

from distrib.api.calls.documentation import HEADERS
from distrib.api.openapi.examples import with_examples
from distrib.api.resources import RESOURCES
from distrib.domain.identifiers import ID_PATTERN
from distrib.services.plans.words import schema_for_editors

PLAN_DOCUMENT = "PlanDocument"
"""The component that describes a plan: the very schema that editors and ``plan check`` go by."""

_DESCRIPTION = """Commission engine for social-commerce platforms (社交电商分佣系统).

Money is an integer of minor units beside a currency. Times are RFC 3339 with an offset, answered in UTC.
Everything may be sent twice."""


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
    api = Api(app, spec_kwargs={"info": {"description": _DESCRIPTION, "license": {"name": "Apache-2.0"}}})
    for name, (converter, schema) in _CONVERTERS.items():
        app.url_map.converters[name] = converter
        api.register_converter(converter, schema)
    api.spec.components.security_scheme("key", {"type": "http", "scheme": "bearer", "bearerFormat": "dk_…"})
    api.DEFAULT_ERROR_RESPONSE_NAME = None
    for resource in RESOURCES:
        api.register_blueprint(resource.blueprint)
    description: dict[str, Any] = api.spec.to_dict()
    with_examples(description["paths"])
    description["components"]["headers"] = HEADERS
    description["components"]["schemas"] |= _plan_language()
    return description


def _plan_language() -> dict[str, Any]:
    """The schema of plans in the words of a description: its definitions stand beside it as components."""
    schema = {key: value for key, value in schema_for_editors().items() if key not in ("$schema", "$defs")}
    parts = {f"{PLAN_DOCUMENT}.{name}": part for name, part in schema_for_editors()["$defs"].items()}
    named: dict[str, Any] = _renamed({PLAN_DOCUMENT: schema, **parts})
    return named


def _renamed(part: Any) -> Any:
    """The same with every reference to a definition turned to its component."""
    if isinstance(part, dict):
        return {key: _referred(value) if key == "$ref" else _renamed(value) for key, value in part.items()}
    return [_renamed(item) for item in part] if isinstance(part, list) else part


def _referred(reference: str) -> str:
    return reference.replace("#/$defs/", f"#/components/schemas/{PLAN_DOCUMENT}.")
