"""The client in ``clients/python`` goes from a plan to a statement on a served API, and receives its messages."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from distrib_sdk import Client, Receiver, Refused, Rejected, Unreachable
from distrib_sdk.client import path_of
from distrib_sdk.webhooks import once

from distrib.domain.webhooks import message_body, secret_bytes, secret_text, signature
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.live import free_port, served_api
from tests.world.receivers import receiver
from tests.world.world import World

SECRET, NEXT = secret_text(b"the secret of an endpoint"), secret_text(b"the one that comes after it")
BODY = message_body("rank.changed", datetime(2026, 3, 9, 2, tzinfo=UTC), '{"shop_id":"店"}')
SENT_AT = 1_772_330_400


def headers(body: bytes = BODY, sent_at: int = SENT_AT, *secrets: str) -> dict[str, str]:
    """What the service sends beside a body."""
    signed = signature([secret_bytes(secret) for secret in secrets or (SECRET,)], "msg_1_1", sent_at, body)
    return {"Webhook-Id": "msg_1_1", "Webhook-Timestamp": str(sent_at), "Webhook-Signature": signed}


def test_the_client_goes_from_a_plan_to_a_statement(world: World) -> None:
    with served_api(world.container) as live:
        client = Client(f"http://127.0.0.1:{live.port}", live.client(world.program).key)
        made = client.post("/v1/plans", SELLER_TEN_PERCENT, idempotency_key="plan-1")
        assert client.post("/v1/plans", SELLER_TEN_PERCENT, idempotency_key="plan-1") == made
        client.post("/v1/plans/plain/1/publish", {"effective_from": "2020-01-01T00:00:00Z", "signed_off_by": "Lin"})
        shops = [{"id": f"店 {n}", "joined_at": "2020-01-01T00:00:00Z"} for n in range(3)]
        client.post("/v1/shops/batch", {"shops": shops})
        assert sorted(shop["id"] for shop in client.pages("/v1/shops", limit=2)) == ["店 0", "店 1", "店 2"]

        events = [settled(f"e-{n}", f"o-{n}", "店 1", line(10)) for n in range(1_001)]
        assert {result["status"] for result in client.post_events(events)} == {"accepted"}
        assert {result["status"] for result in client.post_events(events)} == {"duplicate"}
        world.drain()
        assert client.get(path_of("v1", "shops", "店 1", "balance"))["available_minor"] == 1_001
        assert client.get("/v1/statements", period="2026-03")["totals"]["earned_minor"] == 1_001
        assert client.download("/v1/statements/2026-03/export", format="csv").startswith(b"program,period,shop_id")
        with pytest.raises(Refused, match="shop_unknown") as refused:
            client.get("/v1/shops/nobody")
        assert (refused.value.status, refused.value.code) == (404, "shop_unknown")
        assert client.key not in repr(client)


def test_a_call_is_repeated_under_its_key_while_the_service_is_busy_and_no_longer() -> None:
    pauses: list[float] = []
    with receiver() as service:
        client = Client(f"http://127.0.0.1:{service.port}", "k", attempts=3, pause=pauses.append)
        service.answers += [503, 429]
        assert client.post("/v1/plans", {}) is None
        assert len({request.headers["idempotency-key"] for request in service.received}) == 1
        assert len(service.received) == 3
        assert 0.5 <= pauses[0] <= pauses[1] <= 1.5

        service.answers += [503, 503, 503, 422]
        for status in ("503", "422"):
            with pytest.raises(Refused, match=status):
                client.post("/v1/shops", {})
        assert len(service.received) == 7

        service.answers += [503, 502]  # the second may have made the key
        with pytest.raises(Refused, match="502"):
            client.post("/v1/keys", {})
        assert len(service.received) == 9
    with pytest.raises(Unreachable):
        Client(f"http://127.0.0.1:{free_port()}", "k", attempts=2, pause=pauses.append).get("/v1/shops")
    seen = len(pauses)
    with pytest.raises(Unreachable):
        Client(f"http://127.0.0.1:{free_port()}", "k", pause=pauses.append).post("/v1/keys", {})
    assert len(pauses) == seen
    with pytest.raises(ValueError, match="not an address"):
        Client("commissions.example.com", "k")


def test_a_message_is_received_as_it_was_sent_and_acted_on_once() -> None:
    service = Receiver(SECRET, now=lambda: SENT_AT + 299)
    message = service.receive(headers(), BODY)
    assert message == {**json.loads(BODY), "id": "msg_1_1"}
    kept: set[str] = set()
    acted: list[Any] = []

    def keep(message_id: str) -> bool:
        is_new = message_id not in kept
        kept.add(message_id)
        return is_new

    assert [once(message, keep, acted.append) for _ in range(2)] == [True, False]
    assert acted == [message]


def test_after_a_rotation_either_secret_is_good() -> None:
    for known in (SECRET, NEXT):
        assert Receiver(known, now=lambda: SENT_AT).receive(headers(BODY, SENT_AT, NEXT, SECRET), BODY)
    assert Receiver(NEXT, SECRET, now=lambda: SENT_AT).receive(headers(), BODY)


@pytest.mark.parametrize(
    ("changes", "body", "late_seconds"),
    [
        ({}, BODY + b" ", 0),
        ({}, BODY, 301),
        ({}, BODY, -301),
        ({"Webhook-Id": "msg_1_2"}, BODY, 0),
        ({"Webhook-Signature": "v1,AAAA"}, BODY, 0),
        ({"Webhook-Signature": "密"}, BODY, 0),
        ({"Webhook-Timestamp": "now"}, BODY, 0),
        ({"Webhook-Timestamp": "9" * 400}, BODY, 0),
    ],
)
def test_what_is_changed_late_or_signed_by_another_is_rejected(
    changes: dict[str, str], body: bytes, late_seconds: int
) -> None:
    with pytest.raises(Rejected):
        Receiver(SECRET, now=lambda: SENT_AT + late_seconds).receive(headers() | changes, body)


def test_a_message_without_its_headers_or_by_another_secret_is_rejected() -> None:
    now = int(time.time())
    with pytest.raises(Rejected, match="webhook-id"):
        Receiver(SECRET).receive({}, BODY)
    with pytest.raises(Rejected, match="no secret"):
        Receiver(SECRET).receive(headers(BODY, now, NEXT), BODY)
    with pytest.raises(Rejected, match="not JSON"):
        Receiver(SECRET).receive(headers(b"x", now), b"x")
    with pytest.raises(ValueError, match="needs the secret"):
        Receiver()
    with pytest.raises(ValueError, match="base64"):
        Receiver("whsec_no secret")
