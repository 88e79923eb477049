"""Every example of the description is one: sent as it stands it is done; what is answered and told has its shape."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from distrib.api.openapi.examples import requests
from distrib.domain.webhooks import EVENT_TYPES, PING
from tests.world.api import Api
from tests.world.examples import JSON, Walk, messages_of, never_walked

DESCRIPTION: dict[str, Any] = json.loads((Path(__file__).parents[3] / "docs" / "openapi.json").read_text("utf-8"))
BY_OPERATION = {
    operation["operationId"]: operation
    for path in DESCRIPTION["paths"].values()
    for method, operation in path.items()
    if method != "parameters"
}
FILES = {  # whose answers are files or pictures; nothing is sealed before the day is over
    "export_statements",
    "export_payout",
    "export_trail",
    "get_poster",
    "get_qr_code",
    "get_seal",
    "get_seal_content",
    "get_task_file",
}
OF_HELD_CHANGES = {
    "approve_key",
    "approve_payee",
    "cancel_payee",
    "approve_program_change",
    "cancel_program_change",
    "approve_webhook_change",
    "cancel_webhook_change",
}


def test_every_request_example_is_done_and_every_answer_and_message_has_its_shape(api: Api) -> None:
    answered = Walk(api).go()
    assert requests().keys() <= {answer.operation for answer in answered}
    assert never_walked(answered) <= FILES | OF_HELD_CHANGES
    for answer in answered:
        if answer.media_type == JSON:
            schema = BY_OPERATION[answer.operation]["responses"][str(answer.status)]["content"][JSON]["schema"]
            assert not wrong_with(json.dumps(schema), answer.body), answer.operation
    told = messages_of(api)
    assert {kind for kind, _ in told} == {*EVENT_TYPES, PING} - {"finding.opened"}
    for kind, data in told:
        body = DESCRIPTION["webhooks"][kind]["post"]["requestBody"]["content"][JSON]["schema"]
        assert not wrong_with(json.dumps(body["properties"]["data"]), data), kind


@cache
def validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    """Holds values against a schema of the description."""
    return jsonschema_rs.Draft202012Validator({**json.loads(schema), "components": DESCRIPTION["components"]})


def wrong_with(schema: str, value: Any) -> list[str]:
    """All that a schema of the description finds wrong with a value."""
    return [f"{error.instance_path}: {error.message}" for error in validator(schema).iter_errors(value)]
