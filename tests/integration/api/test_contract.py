"""The description of the service is true to it: committed as it is served, and tried by machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from requests import PreparedRequest
from schemathesis import Case, GenerationMode, checks
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from distrib.api.http.auth import MAY_CALL
from tests.world.api import Api
from tests.world.documents import SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import chain

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]

KNOWN = {
    "shop_id": "own",
    "event_id": "evt",
    "order_id": "order",
    "code": "plain",
    "version": "1",
    "period": "2026-03",
    "payout_id": "batch",
}
EXAMPLES = 8
BATCHES = ("post_events", "register_shops")  # what is wrong with one entry is told in its result
CHECKS = (
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
)
COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"
NOUNS = sorted(tag["name"] for tag in json.loads(COMMITTED.read_text("utf-8"))["tags"])


def test_the_committed_description_is_the_one_that_is_served(api: Api) -> None:
    served = api.nobody().get("/v1/openapi.json")
    assert json.loads(COMMITTED.read_text("utf-8")) == served, (
        "docs/openapi.json is old; renew it: python -m tests.tools.write_openapi"
    )
    assert served["openapi"] == "3.1.0"


def test_every_operation_is_described_with_its_roles_and_its_errors(api: Api) -> None:
    described = api.nobody().get("/v1/openapi.json")
    described_calls = {}
    for path in described["paths"].values():
        for method in path.keys() - {"parameters"}:
            described_calls[path[method]["operationId"]] = path[method]
    assert described_calls.keys() == MAY_CALL.keys()
    for name, operation in described_calls.items():
        assert set(operation["tags"]) <= set(NOUNS)
        assert operation["x-roles"] == sorted(MAY_CALL[name])
        assert operation["summary"]
        for status in ("401", "403", "422", "500", "503"):
            refusal = operation["responses"][status]
            if "$ref" in refusal:
                refusal = described["components"]["responses"][refusal["$ref"].rpartition("/")[2]]
            assert "application/problem+json" in refusal["content"], (name, status)


@pytest.mark.parametrize("noun", NOUNS)
def test_no_call_that_machines_think_of_is_answered_outside_the_description(api: Api, noun: str) -> None:
    world = api.world
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("above", "own", "below"))
    world.earn(settled("evt", "order", "own", line(100), customer_id="c"), refunded("evt-2", "order", {"1": 30}))
    admin = api.caller()
    admin.put("/v1/shops/own/payee", {"name": "n", "id_type": "t", "id_number": "1", "kind": "person"})
    admin.post("/v1/payouts", {"id": "batch", "up_to": "2026-04-01T00:00:00Z"})
    api.caller("finance").post("/v1/payouts/batch/approve")
    for operation in operations(api, noun):
        try_operation(api, operation, GenerationMode.POSITIVE, None)
        try_operation(api, operation, GenerationMode.NEGATIVE, None)
        if operation.path_parameters:
            known = {parameter.name: KNOWN.get(parameter.name, "nobody") for parameter in operation.path_parameters}
            try_operation(api, operation, GenerationMode.POSITIVE, known)


@pytest.mark.parametrize(
    ("query", "is_wrong"),
    [
        ({"period": "3834-01", "unknown": []}, False),  # found by a seed: what was wrong is lost where it is sent
        ({"period": "3834-01", "unknown": "x"}, True),
        ({"period": "3834-13"}, True),
        ({"limit": 5}, True),
        ({"period": "3834-01", "limit": 5}, False),
        ({"period": "3834-01", "limit": 501}, True),
    ],
)
def test_a_request_is_wrong_as_it_is_sent_not_as_it_was_thought_of(
    api: Api, query: dict[str, Any], is_wrong: bool
) -> None:
    [operation] = [operation for operation in operations(api, "statements") if operation.path == "/v1/statements"]
    answer = operation.Case(query=query).call(headers=bearer(api))
    assert is_wrong_as_sent(operation, answer.request) is is_wrong
    assert answer.status_code == (422 if is_wrong else 200)


def operations(api: Api, noun: str) -> Iterator[Operation]:
    """The operations of one noun of the description."""
    for result in schemathesis.openapi.from_wsgi("/v1/openapi.json", api.app).include(tag=noun).get_all_operations():
        assert isinstance(result, Ok)
        yield result.ok()


def bearer(api: Api) -> dict[str, str]:
    """The headers of an admin."""
    return {"Authorization": f"Bearer {api.caller().key}"}


def try_operation(api: Api, operation: Operation, mode: GenerationMode, path: dict[str, Any] | None) -> None:
    """Calls one operation with made-up input, and holds each answer against the description."""
    headers = bearer(api)
    is_whole = operation.definition.raw["operationId"] not in BATCHES

    @given(operation.as_strategy(generation_mode=mode, path_parameters=path))
    @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    def attempt(case: Case[Any]) -> None:
        answer = case.call(headers=headers)
        case.validate_response(answer, checks=list(CHECKS))
        if is_whole and is_wrong_as_sent(operation, answer.request):
            assert 400 <= answer.status_code < 500, (answer.request.url, answer.request.body, answer.status_code)

    attempt()


def is_wrong_as_sent(operation: Operation, request: PreparedRequest) -> bool:
    """Whether the query or the JSON body of a request, as it goes over the wire, is not what the description asks for.

    Schemathesis counts what it thought of: a parameter without a value, or one that we replace, is then not sent.
    """
    return is_wrong_query(operation, str(request.url)) or is_wrong_body(operation, request)


def is_wrong_query(operation: Operation, url: str) -> bool:
    """Whether a query lacks a parameter, has one that is not known, or a value that is wrong as text and as number."""
    sent = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    described = {parameter.name: parameter for parameter in operation.query}
    names = {name for name, _ in sent}
    if names - described.keys() or {name for name, parameter in described.items() if parameter.is_required} - names:
        return True
    return any(not any(map(described[name].is_valid, readings(value))) for name, value in sent)


def readings(value: str) -> list[Any]:
    """What the text of a parameter may stand for."""
    return [value, *([int(value)] if value.removeprefix("-").isdecimal() else [])]


def is_wrong_body(operation: Operation, request: PreparedRequest) -> bool:
    """Whether a JSON body is none, or not of the description's form; other media types are not judged."""
    [described] = [body for body in operation.body if body.media_type == "application/json"] or [None]
    if described is None or request.headers.get("Content-Type") != "application/json":
        return False
    body = request.body or b""
    assert isinstance(body, bytes | str)
    try:
        return not described.is_valid(json.loads(body))
    except ValueError:
        return True
