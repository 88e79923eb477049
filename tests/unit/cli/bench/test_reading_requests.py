"""``bench reads``: its list is made from the description of the service, and leaves nothing out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.platform_world.shape import PlatformWorld
from distrib.cli.bench.reading_requests import PAGING, WHOLE_FILES, requests_of

DESCRIPTION: dict[str, Any] = json.loads((Path(__file__).parents[4] / "docs" / "openapi.json").read_text("utf-8"))
WORLD = PlatformWorld(2_000, 2_000)
READ = {path: operations for path, operations in DESCRIPTION["paths"].items() if "get" in operations}


def parameters(operations: dict[str, Any], place: str) -> set[str]:
    """The names of a call's parameters of one place."""
    given = [*operations.get("parameters", ()), *operations["get"].get("parameters", ())]
    return {parameter["name"] for parameter in given if parameter["in"] == place}


@pytest.mark.parametrize("path", sorted(READ.keys() - WHOLE_FILES.keys()))
def test_every_call_that_reads_is_asked_with_each_of_its_filters(path: str) -> None:
    asked = list(requests_of({"paths": {path: READ[path]}}, WORLD))
    filters = parameters(READ[path], "query") - set(PAGING)
    assert {name for one in asked for name in one.query} == filters
    assert not any("{" in one.path for one in asked)
    assert all(one.is_list == ("cursor" in parameters(READ[path], "query")) for one in asked)


def test_any_two_filters_are_asked_together() -> None:
    asked = [set(one.query) for one in requests_of({"paths": {"/v1/orders": READ["/v1/orders"]}}, WORLD)]
    for pair in ({"shop_id", "status"}, {"status", "from"}, {"from", "to"}, {"shop_id", "to"}):
        assert pair in asked


def test_what_is_left_out_is_there_and_has_its_reason() -> None:
    assert READ.keys() >= WHOLE_FILES.keys()
    assert all(WHOLE_FILES.values())


def test_a_filter_whose_values_nobody_has_given_stops_the_bench_by_name() -> None:
    parameter = {"name": "colour", "in": "query", "schema": {"type": "string"}}
    described = {"paths": {"/v1/things": {"get": {"parameters": [parameter]}}}}
    with pytest.raises(BenchFailed) as caught:
        list(requests_of(described, WORLD))
    assert "colour" in str(caught.value)
    assert "/v1/things" in str(caught.value)


def test_a_page_is_asked_for_by_its_cursor_beside_its_filters() -> None:
    [one] = [
        one
        for one in requests_of({"paths": {"/v1/events": READ["/v1/events"]}}, WORLD)
        if one.query == {"status": "done"}
    ]
    assert one.url() == "/v1/events?status=done&limit=100"
    assert one.url("abc") == "/v1/events?status=done&limit=100&cursor=abc"
