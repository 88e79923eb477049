"""Another address of a webhook waits its days or a second person; until then the one before receives."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.world.api import Api, Caller
from tests.world.commands import name_servers, run
from workers.held_changes import apply_due_changes

FIRST, SECOND = "https://hooks.example.com/first", "https://hooks.example.com/second"


@pytest.fixture
def admin(api: Api) -> Caller:
    """An admin with an endpoint."""
    caller = api.caller()
    caller.post("/v1/webhooks", {"id": "hook", "url": FIRST, "events": ["rank.changed"]})
    return caller


def change(caller: Caller, url: str) -> dict[str, object]:
    """Asks for another address; answers the endpoint."""
    answer = caller.call("PATCH", "/v1/webhooks/hook", {"url": url})
    assert answer.status_code == 200, answer.text
    shown: dict[str, object] = json.loads(answer.text)
    return shown


def test_the_old_address_receives_until_a_second_person_approves(api: Api, admin: Caller) -> None:
    shown = change(admin, SECOND)
    assert shown["url"] == FIRST
    assert shown["pending"] == admin.get("/v1/webhooks/hook")["pending"]
    assert admin.refused("POST", "/v1/webhooks/hook/approve") == (409, "same_key")
    for _ in range(2):
        assert api.caller("finance").post("/v1/webhooks/hook/approve")["url"] == SECOND
    [ended] = admin.get("/v1/changes")["data"]
    assert (ended["kind"], ended["webhook_id"], ended["fields"]) == ("webhook", "hook", ["url"])


def test_events_and_status_hold_at_once(admin: Caller) -> None:
    answer = json.loads(admin.call("PATCH", "/v1/webhooks/hook", {"url": SECOND, "status": "disabled"}).text)
    assert (answer["url"], answer["status"]) == (FIRST, "disabled")


def test_the_address_in_force_ends_what_waits_and_so_does_a_cancel(api: Api, admin: Caller) -> None:
    change(admin, SECOND)
    assert change(admin, FIRST)["pending"] is None
    change(admin, SECOND)
    assert api.caller("finance").post("/v1/webhooks/hook/cancel")["pending"] is None
    assert api.caller("finance").refused("POST", "/v1/webhooks/hook/approve") == (404, "change_unknown")


def test_when_it_is_due_the_new_address_receives_unless_the_endpoint_has_ended(
    api: Api, admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.post("/v1/webhooks", {"id": "other", "url": FIRST, "events": ["rank.changed"]})
    change(admin, SECOND)
    admin.call("PATCH", "/v1/webhooks/other", {"url": SECOND})
    admin.call("DELETE", "/v1/webhooks/other")
    container = api.world.container
    later = container.now() + timedelta(days=3, seconds=1)
    monkeypatch.setattr(container, "now", lambda: later)
    apply_due_changes(container)
    assert admin.get("/v1/webhooks/hook")["url"] == SECOND
    assert {row["webhook_id"]: row["status"] for row in admin.get("/v1/changes")["data"]} == {
        "hook": "due",
        "other": "refused",
    }


def test_changes_are_listed_approved_and_cancelled_on_the_command_line(
    api: Api, admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_servers(api.world.container.settings, monkeypatch)
    change(admin, SECOND)
    [waiting] = json.loads(run("change", "list", "--json").output)
    second = api.caller("finance").key
    run("change", "approve", waiting["id"], "--key", second)
    assert admin.get("/v1/webhooks/hook")["url"] == SECOND
    assert admin.get("/v1/trail?operation=change+approve")["data"][0]["subject"] == waiting["id"]
    change(admin, FIRST)
    [waiting] = json.loads(run("change", "list", "--json").output)
    assert "webhook" in run("change", "list").output
    run("change", "cancel", waiting["id"], "--key", second)
    assert json.loads(run("change", "list", "--json").output) == []
    assert len(json.loads(run("change", "list", "--all", "--json").output)) == 2
