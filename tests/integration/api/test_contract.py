"""The description of the service is true to it: committed as it is served, and tried by machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode, checks
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from distrib.api.http.auth import MAY_CALL
from tests.world.api import Api
from tests.world.documents import SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import chain

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


def test_the_committed_description_is_the_one_that_is_served(api: Api) -> None:
    served = api.nobody().get("/v1/openapi.json")
    assert json.loads(COMMITTED.read_text("utf-8")) == served, (
        "docs/openapi.json is old; renew it: python -m tests.tools.write_openapi"
    )
    assert served["openapi"] == "3.1.0"


def test_every_operation_is_described_with_its_roles_and_its_errors(api: Api) -> None:
    described = api.nobody().get("/v1/openapi.json")
    operations = {}
    for path in described["paths"].values():
        for method in path.keys() - {"parameters"}:
            operations[path[method]["operationId"]] = path[method]
    assert operations.keys() == MAY_CALL.keys()
    for name, operation in operations.items():
        assert operation["x-roles"] == sorted(MAY_CALL[name])
        assert operation["summary"]
        for status in ("401", "403", "422", "500", "503"):
            assert "application/problem+json" in operation["responses"][status]["content"], (name, status)


def test_no_call_that_machines_think_of_is_answered_outside_the_description(api: Api) -> None:
    world = api.world
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("above", "own", "below"))
    world.earn(settled("evt", "order", "own", line(100), customer_id="c"), refunded("evt-2", "order", {"1": 30}))
    admin = api.caller()
    admin.put("/v1/shops/own/payee", {"name": "n", "id_type": "t", "id_number": "1", "kind": "person"})
    admin.post("/v1/payouts", {"id": "batch", "up_to": "2026-04-01T00:00:00Z"})
    api.caller("finance").post("/v1/payouts/batch/approve")
    schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", api.app)
    tried = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation: APIOperation[Any, Any, Any, Any] = result.ok()
        try_operation(api, operation, GenerationMode.POSITIVE, None)
        try_operation(api, operation, GenerationMode.NEGATIVE, None)
        if operation.path_parameters:
            known = {parameter.name: KNOWN.get(parameter.name, "nobody") for parameter in operation.path_parameters}
            try_operation(api, operation, GenerationMode.POSITIVE, known)
        tried += 1
    assert tried == len(MAY_CALL)


def try_operation(
    api: Api, operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, path: dict[str, Any] | None
) -> None:
    """Calls one operation with made-up input, and holds each answer against the description."""
    headers = {"Authorization": f"Bearer {api.caller().key}"}
    is_whole = operation.definition.raw["operationId"] not in BATCHES
    held = (*CHECKS, checks.negative_data_rejection) if mode is GenerationMode.NEGATIVE and is_whole else CHECKS

    @given(operation.as_strategy(generation_mode=mode, path_parameters=path))
    @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    def attempt(case: Case[Any]) -> None:
        case.call_and_validate(headers=headers, checks=list(held))

    attempt()
