"""The Python client that a generator makes of the description goes from a plan to a statement on a served API."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType

from distrib.settings import REPOSITORY
from tests.world.live import served_api
from tests.world.world import World

LEFT_OUT = ("poster.png", "qr.svg", "application/x-ndjson")
"""What openapi-python-client has no types for: pictures, and JSON line by line."""
PLAN = {
    "code": "generated",
    "currency": "CNY",
    "hold_days": 7,
    "tiers": 1,
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.12"},
        {"id": "upline-1", "pay": "upline", "tier": 1, "rate": "0.03"},
    ],
}
SETTLED = {
    "id": "evt-1",
    "type": "order.settled",
    "occurred_at": "2026-03-09T10:00:00+08:00",
    "order": {
        "id": "o-1",
        "shop_id": "mei",
        "currency": "CNY",
        "paid_at": "2026-03-01T10:00:00+08:00",
        "lines": [{"id": "1", "sku": "oolong", "quantity": 2, "paid_minor": 19_900}],
    },
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of the package that openapi-python-client makes of the description, ready to be imported."""
    place, name = tmp_path_factory.mktemp("generated"), "distrib_client"
    config = Config.from_sources(
        ConfigFile(post_hooks=[]),
        MetaType.NONE,
        document_source=REPOSITORY / "docs" / "openapi.json",
        file_encoding="utf-8",
        overwrite=True,
        output_path=place / name,
    )
    errors = [f"{error.header} {error.detail}" for error in generate(config=config)]
    assert [error for error in errors if not any(known in error for known in LEFT_OUT)] == []
    sys.path.insert(0, str(place))
    yield name
    sys.path.remove(str(place))
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]


def part(package: str, *path: str) -> Any:
    """A module of the generated package."""
    return importlib.import_module(".".join([package, *path]))


def test_a_generated_client_goes_from_a_plan_to_a_statement(package: str, world: World) -> None:
    models = part(package, "models")
    with ExitStack() as stack:
        live = stack.enter_context(served_api(world.container))
        key = live.client(world.program).key
        client = part(package).AuthenticatedClient(f"http://127.0.0.1:{live.port}", token=key)
        stack.enter_context(client)

        def call(noun: str, name: str, *args: Any, **named: Any) -> Any:
            answer = part(package, "api", noun, name).sync_detailed(*args, client=client, **named)
            assert answer.status_code < 300, answer.content
            return answer.parsed

        plan = models.PlanDocument.from_dict(PLAN)
        assert plan.to_dict() == PLAN
        made = call("plans", "create_plan", body=plan)
        effective = {"effective_from": "2026-01-01T00:00:00+08:00", "signed_off_by": "Li Lei, counsel"}
        call("plans", "publish_plan", made.code, made.version, body=models.Publication.from_dict(effective))
        for shop in ({"id": "lin"}, {"id": "mei", "sponsor_id": "lin"}):
            joined = {**shop, "joined_at": "2026-01-05T09:00:00+08:00"}
            call("shops", "register_shop", body=models.ShopDraft.from_dict(joined))
        accepted = call("events", "post_events", body=models.OrderSettledEvent.from_dict(SETTLED))
        assert accepted.accepted == 1
        world.drain()
        assert call("events", "get_event", "evt-1").status == "done"
        statement = call("statements", "get_statements", period="2026-03")
        assert [(row.shop_id, row.earned_minor) for row in statement.data] == [("lin", 597), ("mei", 2_388)]
