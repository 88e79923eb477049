"""The life of orders from outside: a group buy and a cancel, over HTTP, with real workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from distrib.bootstrap import Container
from distrib.settings import Settings
from tests.world.documents import SELLER_TEN_PERCENT, cancelled, decided, line, paid, refunded, settled
from tests.world.live import Client, Live, live_service

GROUP = {"channel": "group_buy", "group_id": "g-1"}


@pytest.fixture
def live(settings: Settings, database_url: str, redis_url: str) -> Iterator[Live]:
    """The service with one worker."""
    container = Container(settings, database_url, redis_url)
    with live_service(container) as running:
        yield running
    container.close()


@pytest.fixture
def client(live: Live) -> Client:
    """A program with two shops and a plan of ten per cent."""
    admin = live.client(live.open_program("life"))
    plan = admin.post("/v1/plans", SELLER_TEN_PERCENT)
    published = {"effective_from": "2020-01-01T00:00:00Z"}
    admin.post(f"/v1/plans/{plan['code']}/{plan['version']}/publish", published)
    for shop in ("s", "t"):
        admin.post("/v1/shops", {"id": shop, "joined_at": "2020-01-01T00:00:00Z"})
    return admin


def tell(client: Client, *events: dict[str, Any]) -> None:
    """Posts events and waits until each is worked on."""
    assert client.post("/v1/events", {"events": list(events)})["refused"] == 0
    client.wait_for_events()


def status(client: Client, order_id: str) -> str:
    """Where an order stands."""
    return str(client.get(f"/v1/orders/{order_id}")["status"])


def expected(client: Client, shop_id: str) -> tuple[int, int]:
    """What a shop may expect by its balance and by its commissions."""
    rows = client.get(f"/v1/shops/{shop_id}/commissions?state=expected")["data"]
    return client.get(f"/v1/shops/{shop_id}/balance")["expected_minor"], sum(row["amount_minor"] for row in rows)


def test_a_group_buy_from_payment_to_commission(client: Client) -> None:
    tell(client, *[paid(f"p-{shop}", f"o-{shop}", shop, line(10_000), **GROUP) for shop in ("s", "t")])
    assert [expected(client, shop) for shop in ("s", "t")] == [(1_000, 1_000)] * 2
    assert client.get("/v1/commissions")["data"] == []
    tell(client, settled("e-s", "o-s", "s", line(10_000), **GROUP))
    [waiting] = client.get("/v1/events?status=waiting")["data"]
    assert (waiting["id"], waiting["error"]["code"], status(client, "o-s")) == ("e-s", "waits_for_group", "waiting")
    tell(client, decided("g", "g-1", True))
    assert (status(client, "o-s"), status(client, "o-t")) == ("settled", "paid")
    assert [row["id"] for row in client.get("/v1/orders?status=paid")["data"]] == ["o-t"]
    [earned] = client.get("/v1/commissions")["data"]
    assert (earned["shop_id"], earned["amount_minor"], earned["occurred_at"]) == ("s", 1_000, "2026-03-03T02:00:00Z")
    assert [expected(client, shop) for shop in ("s", "t")] == [(0, 0), (1_000, 1_000)]
    statement = client.get("/v1/statements?period=2026-03")
    assert [row["shop_id"] for row in statement["data"]] == ["s"]
    tell(client, decided("g2", "g-1", False))
    assert client.get("/v1/events/g2")["error"]["code"] == "group_conflict"


def test_cancels_before_and_after_the_settlement(client: Client) -> None:
    tell(client, paid("p1", "o1", "s", line(10_000)), refunded("r1", "o1", {"1": 4_000}))
    assert expected(client, "s") == (600, 600)
    assert client.get("/v1/orders/o1/explanation")["agrees"]
    tell(client, cancelled("c1", "o1"))
    assert (status(client, "o1"), expected(client, "s")) == ("cancelled", (0, 0))
    tell(client, settled("e1", "o1", "s", line(10_000)))
    assert client.get("/v1/events/e1")["remark"] == "order_cancelled"
    assert client.get("/v1/commissions")["data"] == []
    tell(client, settled("e2", "o2", "s", line(10_000)), refunded("r2", "o2", {"1": 4_000}))
    tell(client, cancelled("c2", "o2"))
    rows = client.get("/v1/commissions?order_id=o2")["data"]
    assert [row["amount_minor"] for row in rows] == [1_000, -400, -600]
    balance = client.get("/v1/shops/s/balance")
    assert (balance["held_minor"], balance["available_minor"], status(client, "o2")) == (0, 0, "cancelled")
    tell(client, cancelled("c3", "o2"))
    assert client.get("/v1/events/c3")["status"] == "done"
