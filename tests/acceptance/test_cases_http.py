"""The published examples in tests/cases, through HTTP with real workers; pools by the command that pays them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from distrib.cli import cli
from tests.world.live import Client, Live

CASES = [
    json.loads(path.read_text("utf-8")) for path in sorted((Path(__file__).parent.parent / "cases").glob("*.json"))
]
PAID_AT = "2026-03-01T10:00:00+08:00"
REFUNDED_AT = "2026-04-01T10:00:00+08:00"
EARLY = "2025-01-01T00:00:00+08:00"


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_a_published_example_comes_out_to_the_unit(live: Live, case: dict[str, Any]) -> None:
    client = live.client(live.open_program(case["name"]))
    _set_up(client, case)
    client.post("/v1/events", {"events": [*map(_settled, case["orders"]), *map(_refunded, case["refunds"])]})
    client.wait_for_events()
    assert client.get("/v1/events?status=failed")["data"] == []
    for month in sorted({order.get("paid_at", PAID_AT)[:7] for order in case["orders"]}):
        _pay_pools(live, case, month)
    assert _earned(client) == Counter(case["expect"])
    for order_id, shares in case.get("expect_orders", {}).items():
        assert _earned(client, f"&order_id={order_id}") == Counter(shares)


def _set_up(client: Client, case: dict[str, Any]) -> None:
    client.post("/v1/plans", case["plan"])
    client.post(f"/v1/plans/{case['plan']['code']}/1/publish", {"effective_from": EARLY})
    shops = [
        {"id": shop, "joined_at": EARLY} | ({"sponsor_id": sponsor} if sponsor else {})
        for shop, sponsor in case["shops"]
    ]
    results = client.post("/v1/shops/batch", {"shops": shops})["results"]
    assert {result["status"] for result in results} == {"created"}
    for shop, rank in case["ranks"].items():
        client.put(f"/v1/shops/{shop}/rank", {"rank": rank, "effective_at": EARLY, "reason": "the example"})
    for shop, status in case.get("statuses", {}).items():
        client.post(f"/v1/shops/{shop}/status", {"status": status, "effective_at": EARLY, "reason": "the example"})
    for move in case.get("moves", []):
        body = {"sponsor_id": move["sponsor_id"], "effective_at": move["effective_at"], "reason": "the example"}
        client.post(f"/v1/shops/{move['shop']}/move", body)


def _pay_pools(live: Live, case: dict[str, Any], month: str) -> None:
    """Pays what the plan's pools come to, twice: the second time changes nothing."""
    command = ["pools", "pay", "--month", month, "--program", case["name"], "--json"]
    for _ in range(2 if case["plan"].get("pools") else 0):
        ran = CliRunner(env=live.container.environment()).invoke(cli, command, catch_exceptions=False)
        assert ran.exit_code == 0, ran.output


def _settled(order: dict[str, Any]) -> dict[str, Any]:
    paid_at = order.get("paid_at", PAID_AT)
    full = {"currency": "CNY", **order, "paid_at": paid_at}
    return {"id": f"settled-{order['id']}", "type": "order.settled", "occurred_at": paid_at, "order": full}


def _refunded(refund: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"event-{refund['id']}", "type": "order.refunded", "occurred_at": REFUNDED_AT, "refund": refund}


def _earned(client: Client, more: str = "") -> Counter[str]:
    earned: Counter[str] = Counter()
    for row in client.get(f"/v1/commissions?limit=500{more}")["data"]:
        earned[row["shop_id"]] += row["amount_minor"]
    return earned
