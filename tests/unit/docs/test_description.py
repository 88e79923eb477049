"""The committed description of the service is one that other people's tools take without an error.

What linters of OpenAPI (spectral, redocly) ask for by default is written out here, since neither comes as a wheel.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from distrib.api.openapi.document import description_of
from distrib.api.openapi.plan_components import plan_components
from distrib.api.schemas.events import PARTS
from distrib.domain.webhooks import EVENT_TYPES, PING
from distrib.services.plans.words import schema_for_editors
from distrib.services.yaml_documents import read_yaml

ROOT = Path(__file__).parents[3]
DESCRIPTION: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
COMPONENTS = DESCRIPTION["components"]
SAMPLES = sorted((ROOT / "config" / "plans").glob("*.yaml"))
OCCURRED = {"id": "e", "occurred_at": "2026-03-09T10:00:00+08:00"}
LINE = {"id": "1", "sku": "A-1", "quantity": 2, "paid_minor": 19_900}
ORDER = {"id": "o-1", "currency": "CNY", "paid_at": "2026-03-01T10:00:00+08:00", "lines": [LINE]}
ANSWERED_AS_ANOTHER = {  # what approves, ends or shows one of what another call shows alike, and a file of a channel
    "approve_key",
    "approve_payee",
    "approve_program_change",
    "approve_webhook_change",
    "cancel_payee",
    "cancel_program_change",
    "cancel_webhook_change",
    "export_payout",
    "get_seal",
}
OF_PARTS: dict[str, Any] = {
    "order": ORDER,
    "refund": {"id": "r-1", "order_id": "o-1"},
    "order_id": "o-1",
    "refund_id": "r-1",
    "group_id": "g-1",
}


def operations(part: str = "paths") -> Iterator[dict[str, Any]]:
    """Every operation of the paths, or of the webhooks."""
    for path in DESCRIPTION[part].values():
        yield from (operation for method, operation in path.items() if method != "parameters")


def schemas(part: Any = DESCRIPTION) -> Iterator[dict[str, Any]]:
    """Every object within a part of the description."""
    if isinstance(part, dict):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from schemas(inner)


@cache
def validator(component: str) -> jsonschema_rs.Draft202012Validator:
    """Holds values against one component."""
    return jsonschema_rs.Draft202012Validator({"$ref": f"#/components/schemas/{component}", "components": COMPONENTS})


def test_the_description_is_one_by_the_specification() -> None:
    assert [str(error) for error in OpenAPIV31SpecValidator(DESCRIPTION).iter_errors()] == []


def test_the_description_says_whose_it_is_and_where_it_is_served() -> None:
    info = DESCRIPTION["info"]
    assert info["description"]
    assert info["contact"]
    assert info["license"]["identifier"] == "Apache-2.0"
    assert [server["url"] for server in DESCRIPTION["servers"]] == ["/"]
    assert all(tag["description"] for tag in DESCRIPTION["tags"])


def test_every_operation_is_described_by_a_name_of_its_own_and_says_how_it_refuses() -> None:
    told = [*operations(), *operations("webhooks")]
    names = [operation["operationId"] for operation in told]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in DESCRIPTION["tags"]}
    for operation in told:
        assert operation["summary"]
        assert operation["description"]
        assert set(operation["tags"]) <= tags
        statuses = operation["responses"].keys()
        assert any(status.startswith("4") for status in statuses), operation["operationId"]
        assert any(status.startswith("2") for status in statuses), operation["operationId"]


def test_every_parameter_is_described_and_none_is_null() -> None:
    shared = [parameter for path in DESCRIPTION["paths"].values() for parameter in path.get("parameters", ())]
    own = [parameter for operation in operations() for parameter in operation.get("parameters", ())]
    for parameter in (*shared, *own):
        assert parameter["description"]
        assert isinstance(parameter["schema"]["type"], str), parameter
        assert parameter["schema"].get("default", "") is not None


def test_every_component_has_a_plain_name_and_is_used() -> None:
    used = {part["$ref"] for part in schemas() if isinstance(part.get("$ref"), str)}
    used |= {name for part in schemas() for name in part.get("mapping", {}).values() if isinstance(name, str)}
    for kind in ("schemas", "responses", "headers"):
        for name in COMPONENTS[kind]:
            assert name.isascii()
            assert name.replace("-", "").isalnum(), name
            assert f"#/components/{kind}/{name}" in used, name


def test_an_enum_that_may_be_null_holds_null_and_a_default_fits_its_schema() -> None:
    for part in schemas():
        kinds = part.get("type")
        if isinstance(part.get("enum"), list) and isinstance(kinds, list):
            assert ("null" in kinds) == (None in part["enum"]), part
        if isinstance(kinds, str | list) and "default" in part and "properties" not in part:
            assert jsonschema_rs.is_valid({key: part[key] for key in part.keys() & {"type", "enum"}}, part["default"])


@pytest.mark.parametrize("kind", PARTS)
def test_an_event_is_told_by_its_type_and_has_the_part_of_it_alone(kind: str) -> None:
    named = COMPONENTS["schemas"]["Event"]["discriminator"]["mapping"][kind].rpartition("/")[2]
    own = PARTS[kind]
    event = {**OCCURRED, "type": kind, own: OF_PARTS[own]}
    assert validator(named).is_valid(event)
    assert validator("Event").is_valid(event)
    assert validator("EventPost").is_valid(event)
    assert validator("EventPost").is_valid({"events": [event]})
    assert not validator("Event").is_valid({key: value for key, value in event.items() if key != own})
    assert not validator("Event").is_valid({**event, own: None})
    for other in OF_PARTS.keys() - {own, "order_id"}:
        assert not validator("Event").is_valid({**event, other: OF_PARTS[other]})


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_plan_is_kept_whole_by_types_made_of_properties_alone(path: Path) -> None:
    document = json.loads(json.dumps(read_yaml(path.read_text("utf-8"))))
    assert validator("PlanDocument").is_valid(document)
    assert kept_by_properties({"$ref": "#/components/schemas/PlanDocument"}, document) == document


def kept_by_properties(schema: Any, value: Any) -> Any:
    """What a type keeps of a value that has its schema's properties as fields, and passes over all else."""
    if "$ref" in schema:
        return kept_by_properties(COMPONENTS["schemas"][schema["$ref"].rpartition("/")[2]], value)
    fitting = [part for part in schema.get("anyOf", ()) if is_alike(part, value)]
    if fitting:
        return kept_by_properties(fitting[0], value)
    if isinstance(value, list):
        return [kept_by_properties(schema["items"], item) for item in value]
    if not isinstance(value, dict):
        return value
    keys, others = schema.get("properties", {}), schema.get("additionalProperties")
    known = {name: kept_by_properties(keys[name], inner) for name, inner in value.items() if name in keys}
    if isinstance(others, dict):
        known |= {name: kept_by_properties(others, inner) for name, inner in value.items() if name not in keys}
    return known


def is_alike(schema: Any, value: Any) -> bool:
    """Whether a value is of the type of one of several schemas, as far as a type goes."""
    while "$ref" in schema:
        schema = COMPONENTS["schemas"][schema["$ref"].rpartition("/")[2]]
    return jsonschema_rs.is_valid({"type": schema["type"]}, value)


def test_a_second_description_has_its_own_version() -> None:
    versions = [description_of(version)["info"]["version"] for version in ("1.0.1", "1.0.2")]
    assert versions == ["1.0.1", "1.0.2"]


def test_the_parts_of_plans_have_the_keys_of_the_plan_language_and_nothing_beside_them() -> None:
    parts = plan_components()
    definitions = schema_for_editors()["$defs"]
    for name, definition in definitions.items():
        told = parts[f"Plan{name.capitalize()}"]
        branches = [definition, *definition.get("anyOf", ())]
        keys = {key for branch in branches for key in branch.get("properties", ())}
        assert told.get("properties", {}).keys() == keys
        assert told.keys().isdisjoint({"anyOf", "oneOf", "allOf", "if", "not"})


def test_every_body_and_every_json_answer_has_an_example_that_fits() -> None:
    lacking = []
    for operation in operations():
        name = operation["operationId"]
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            lacking += [] if examples_in(content) else [f"{name}: body"]
            assert all(fits(content["schema"], example) for example in examples_in(content)), name
        answers = {status: answer.get("content", {}) for status, answer in operation["responses"].items()}
        told = [content["application/json"] for content in answers.values() if "application/json" in content]
        lacking += [] if not told or any(map(examples_in, told)) else [f"{name}: answer"]
        for content in told:
            assert all(fits(content["schema"], example) for example in examples_in(content)), name
    assert {entry.partition(":")[0] for entry in lacking} <= ANSWERED_AS_ANOTHER


def examples_in(content: dict[str, Any]) -> list[Any]:
    """The examples of a body or an answer."""
    several = [example["value"] for example in content.get("examples", {}).values()]
    return several or ([content["example"]] if "example" in content else [])


def fits(schema: dict[str, Any], value: Any) -> bool:
    """Whether a value is what a schema of the description says."""
    return jsonschema_rs.Draft202012Validator({**schema, "components": COMPONENTS}).is_valid(value)


def test_every_message_of_webhooks_is_described_with_what_it_holds() -> None:
    assert list(DESCRIPTION["webhooks"]) == [*EVENT_TYPES, PING]
    for kind, path in DESCRIPTION["webhooks"].items():
        message = path["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert message["properties"]["type"]["const"] == kind
        assert COMPONENTS["schemas"][message["properties"]["data"]["$ref"].rpartition("/")[2]]["required"]
