"""Shops that wait are let in or closed by the thousand, each with what a single decision leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.world.api import Api, Caller
from tests.world.world import EARLY

BATCH = "/v1/shops/status/batch"
PENDING = ("ann", "ben", "cat")


@pytest.fixture
def admin(api: Api) -> Caller:
    """Three shops that wait to be let in."""
    caller = api.caller()
    caller.patch("/v1/program", {"admission": "review"})
    for shop in PENDING:
        caller.post("/v1/shops", {"id": shop})
    return caller


def decide(caller: Caller, *decisions: dict[str, Any]) -> list[tuple[Any, ...]]:
    results = caller.post(BATCH, {"decisions": [{"reason": "seen"} | decision for decision in decisions]})["results"]
    return [(row["shop_id"], row["status"], row.get("code")) for row in results]


def test_each_is_decided_by_itself_in_the_order_sent_and_again_changes_nothing(admin: Caller, api: Api) -> None:
    decisions: list[dict[str, Any]] = [
        {"shop_id": "ann", "status": "active"},
        {"shop_id": "nobody", "status": "active"},
        {"shop_id": "ben", "status": "closed"},
        {"shop_id": "cat", "status": "active", "effective_at": EARLY.isoformat()},
        {"shop_id": "ann", "status": "closed"},
        {"shop_id": "cat", "status": "frozen"},
    ]
    assert decide(admin, *decisions) == [
        ("ann", "changed", None),
        ("nobody", "refused", "shop_unknown"),
        ("ben", "changed", None),
        ("cat", "refused", "before_joining"),
        ("ann", "changed", None),
        ("cat", "refused", "invalid"),
    ]
    shown = {shop: admin.get(f"/v1/shops/{shop}")["status"] for shop in PENDING}
    assert shown == {"ann": "closed", "ben": "closed", "cat": "pending"}
    assert [row["id"] for row in admin.get("/v1/shops?status=pending")["data"]] == ["cat"]
    before = history(api)
    again = [decisions[2], decisions[4]]
    assert decide(admin, *again) == [("ben", "unchanged", None), ("ann", "unchanged", None)]
    assert history(api) == before


def history(api: Api) -> list[tuple[str, str, str]]:
    rows = api.world.rows(
        "SELECT s.shop_id, h.status, h.reason FROM shop_statuses h JOIN shops s USING (program_id, shop_no)"
        " WHERE h.program_id = :program ORDER BY h.seq"
    )
    return [tuple(row) for row in rows]


def test_the_history_and_the_trail_hold_what_a_single_decision_leaves(admin: Caller, api: Api) -> None:
    admin.post("/v1/shops/ann/status", {"status": "active", "reason": "seen"})
    assert decide(admin, {"shop_id": "ben", "status": "active"}) == [("ben", "changed", None)]
    assert history(api)[-2:] == [("ann", "active", "seen"), ("ben", "active", "seen")]
    whole, batch = (admin.get(f"/v1/trail?shop_id={shop}")["data"][0] for shop in ("ann", "ben"))
    told = ("actor", "owner", "role", "kind", "before", "after")
    assert {name: batch[name] for name in told} == {name: whole[name] for name in told}
    assert (batch["operation"], batch["before"], batch["after"]) == (
        "set_statuses",
        {"status": "pending"},
        {"status": "active"},
    )
    of_call = admin.get("/v1/trail")["data"][0]
    assert (of_call["operation"], of_call["subject"], of_call["request_id"]) == (
        "set_statuses",
        None,
        batch["request_id"],
    )


def test_a_decision_may_lie_ahead_and_the_shop_is_what_it_was_until_then(admin: Caller, api: Api) -> None:
    tomorrow = api.world.now() + timedelta(days=1)
    ahead = {"shop_id": "ann", "status": "active", "effective_at": tomorrow.isoformat()}
    assert decide(admin, ahead, ahead) == [("ann", "changed", None), ("ann", "unchanged", None)]
    assert admin.get("/v1/shops/ann")["status"] == "pending"
    [row] = admin.get("/v1/shops?q=ann")["data"]
    assert (row["status"], row["status_since"][:10]) == ("active", tomorrow.date().isoformat())
    assert api.world.shop("ann", tomorrow).status == "active"


def test_only_admins_decide_a_thousand_at_the_most(admin: Caller, api: Api) -> None:
    decision = {"shop_id": "ann", "status": "active", "reason": "r"}
    for caller in (api.caller("finance"), api.caller("orders"), api.caller("partner", "ann")):
        assert caller.refused("POST", BATCH, {"decisions": [decision]}) == (403, "forbidden")
    assert admin.refused("POST", BATCH, {"decisions": []}) == (422, "invalid")
    assert admin.refused("POST", BATCH, {"decisions": [decision] * 1_001}) == (422, "invalid")
    assert admin.refused("POST", BATCH, {"decisions": [decision], "reason": "r"}) == (422, "invalid")


def test_a_shops_statuses_and_sponsors_are_listed_with_their_reasons_a_page_at_a_time(admin: Caller, api: Api) -> None:
    admin.post("/v1/shops/ann/status", {"status": "active", "reason": "seen"})
    admin.post("/v1/shops/ben/status", {"status": "active", "reason": "seen"})
    admin.post("/v1/shops/ben/move", {"sponsor_id": "ann", "reason": "asked for"})
    listed, cursor = [], ""
    while True:
        page = admin.get(f"/v1/shops/ben/changes?limit=2{cursor}")
        listed += [(row["kind"], row["value"], row["reason"]) for row in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(listed[:2], key=str) == [("sponsor", None, "joined"), ("status", "pending", "joined")]
    assert listed[2:] == [("status", "active", "seen"), ("sponsor", "ann", "asked for")]
    assert admin.refused("GET", "/v1/shops/nobody/changes") == (404, "shop_unknown")
