"""A key that must sign its posts of events is taken at its signature, on the bytes as they came."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from distrib.domain.webhooks import KEEPS_FORMER_SECRET, secret_bytes, signature
from tests.world.api import Api, Caller
from tests.world.commands import name_servers, run
from tests.world.documents import line, settled
from tests.world.world import NOW


def body_of(number: int) -> bytes:
    return json.dumps(settled(f"evt-{number}", f"o-{number}", None, line(100)), indent=1).encode()


def signed(secret: str, body: bytes, timestamp: int, message: str = "msg-1") -> dict[str, str]:
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature([secret_bytes(secret)], message, timestamp, body),
    }


def key_id_of(caller: Caller) -> str:
    return str(caller.key).split("_")[1]


def sends(caller: Caller, body: bytes, headers: dict[str, str]) -> int:
    return caller.call("POST", "/v1/events", body, headers=headers).status_code


@pytest.fixture
def now(api: Api) -> int:
    """The clock of the API stands here."""
    object.__setattr__(api.app.extensions["distrib"], "now", api.world.now)
    api.world.stopped_at = NOW
    return int(NOW.timestamp())


def test_posts_of_a_key_that_must_sign_are_taken_with_a_good_signature_alone(api: Api, now: int) -> None:
    admin, orders = api.caller(), api.caller("orders")
    assert sends(orders, body_of(0), {}) == 202
    made = admin.post(f"/v1/keys/{key_id_of(orders)}/signing")
    assert made["secret"].startswith("whsec_")
    assert made["former_until"] is None
    good = signed(made["secret"], body_of(1), now)
    missing = orders.problem("POST", "/v1/events", body_of(1))
    assert (missing["status"], missing["code"]) == (401, "signature_missing")
    assert "webhook-id, webhook-timestamp, webhook-signature" in missing["detail"]
    wrong: list[tuple[dict[str, str], str]] = [
        (good | {"webhook-timestamp": ""}, "signature_missing"),
        (good | {"webhook-id": "msg-2"}, "signature_wrong"),
        (good | {"webhook-timestamp": str(now - 1)}, "signature_wrong"),
        (good | {"webhook-timestamp": f"+{now}"}, "signature_expired"),
        (good | {"webhook-timestamp": "soon"}, "signature_expired"),
        (good | {"webhook-signature": "v1,"}, "signature_wrong"),
        (good | {"webhook-signature": good["webhook-signature"].replace("v1,", "v2,")}, "signature_wrong"),
        (good | {"webhook-signature": "\xe4"}, "signature_wrong"),
        (signed(made["secret"], body_of(2), now), "signature_wrong"),
        (signed("whsec_" + "A" * 43 + "=", body_of(1), now), "signature_wrong"),
        (signed(made["secret"], body_of(1), now - 301), "signature_expired"),
        (signed(made["secret"], body_of(1), now + 301), "signature_expired"),
    ]
    for headers, code in wrong:
        assert orders.refused("POST", "/v1/events", body_of(1), headers=headers) == (401, code), headers
    assert orders.refused("GET", "/v1/events/evt-1") == (404, "event_unknown")
    assert sends(orders, body_of(1), good) == 202
    assert sends(orders, body_of(1), good) == 202, "sent again it is the same events"
    assert sends(orders, body_of(2), signed(made["secret"], body_of(2), now - 300)) == 202
    both = signed(made["secret"], body_of(3), now)
    both["webhook-signature"] = f"v1a,xyz v1,abc {both['webhook-signature']}"
    assert sends(orders, body_of(3), both) == 202, "one good signature of several is enough"
    assert orders.get("/v1/events/evt-3")["id"] == "evt-3", "what is read is not signed"
    assert sends(api.caller("orders"), body_of(4), {}) == 202, "other keys need not sign"


def test_a_signature_is_looked_at_before_the_body_is_read(api: Api, now: int) -> None:
    orders = api.caller("orders")
    secret = api.caller().post(f"/v1/keys/{key_id_of(orders)}/signing")["secret"]
    assert orders.refused("POST", "/v1/events", b"{", headers=signed(secret, b"[", now)) == (401, "signature_wrong")
    assert orders.refused("POST", "/v1/events", b"{", headers=signed(secret, b"{", now)) == (400, "not_json")


def test_a_new_secret_leaves_the_one_before_good_for_a_day_and_the_end_asks_for_none(api: Api, now: int) -> None:
    admin, orders = api.caller(), api.caller("orders")
    path = f"/v1/keys/{key_id_of(orders)}/signing"
    first = admin.post(path)["secret"]
    rotated = admin.post(path)
    second = rotated["secret"]
    assert first != second
    assert rotated["former_until"] == (NOW + KEEPS_FORMER_SECRET).isoformat().replace("+00:00", "Z")
    for number, secret in enumerate((first, second)):
        assert sends(orders, body_of(number), signed(secret, body_of(number), now)) == 202
    later = NOW + KEEPS_FORMER_SECRET + timedelta(seconds=1)
    api.world.stopped_at, at = later, int(later.timestamp())
    assert orders.refused("POST", "/v1/events", body_of(2), headers=signed(first, body_of(2), at)) == (
        401,
        "signature_wrong",
    )
    assert sends(orders, body_of(2), signed(second, body_of(2), at)) == 202
    assert listed(admin)[key_id_of(orders)]["signed"] is True
    assert admin.call("DELETE", path).status_code == 204
    assert admin.call("DELETE", path).status_code == 204
    assert listed(admin)[key_id_of(orders)]["signed"] is False
    assert sends(orders, body_of(3), {}) == 202
    anew = admin.post(path)
    assert anew["former_until"] is None, "what had ended is good for nothing any more"
    assert sends(orders, body_of(4), signed(second, body_of(4), at)) == 401


def test_only_an_admin_of_the_program_makes_a_key_sign(api: Api) -> None:
    orders, ended = api.caller("orders"), api.caller("orders")
    path = f"/v1/keys/{key_id_of(orders)}/signing"
    assert orders.refused("DELETE", path) == (403, "forbidden")
    other = api.caller(program=api.other_program())
    for method in ("POST", "DELETE"):
        assert other.refused(method, path) == (404, "not_found")
    assert api.caller().call("DELETE", f"/v1/keys/{key_id_of(ended)}").status_code == 204
    assert api.caller().refused("POST", f"/v1/keys/{key_id_of(ended)}/signing") == (409, "key_ended")


def test_the_command_line_prints_the_secret_once_and_ends_the_signing(
    api: Api, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_servers(api.world.container.settings, monkeypatch)
    orders = api.caller("orders")
    result = run("key", "sign", key_id_of(orders))
    secret = result.stdout.splitlines()[-1]
    assert sends(orders, body_of(1), signed(secret, body_of(1), now)) == 202
    assert "good until" in run("key", "sign", key_id_of(orders)).stderr
    assert run("key", "sign", key_id_of(orders), "--end").exit_code == 0
    assert sends(orders, body_of(2), {}) == 202


def test_a_secret_is_kept_sealed_and_opens_for_its_own_key_alone(api: Api, now: int) -> None:
    first, second = api.caller("orders"), api.caller("orders")
    secret = ""
    for caller in (first, second):
        secret = api.caller().post(f"/v1/keys/{key_id_of(caller)}/signing")["secret"]
    kept = api.world.rows("SELECT secret FROM key_signing WHERE program_id = :program")
    assert len(kept) == 2
    assert all(secret_bytes(secret) not in row.secret for row in kept)


def listed(admin: Caller) -> dict[str, Any]:
    return {key["id"]: key for key in admin.get("/v1/keys")["data"]}
