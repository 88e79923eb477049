"""Policy and withholding of a program with money wait their days or a second person."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.programs.settings import set_program
from tests.world.api import Api, Caller
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from workers.held_changes import apply_due_changes


def patch(caller: Caller, **wanted: Any) -> dict[str, Any]:
    """Sets the program; answers it."""
    answer = caller.call("PATCH", "/v1/program", wanted)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = json.loads(answer.text)
    return shown


@pytest.fixture
def used(api: Api) -> Api:
    """A program in which something was earned."""
    api.world.publish(SELLER_TEN_PERCENT)
    api.world.join(("mei", None))
    api.world.earn(settled("evt", "order", "mei", line(10_000)))
    return api


def test_before_there_is_money_settings_hold_at_once(api: Api) -> None:
    shown = patch(api.caller(), withholding="cumulative", policy="cn")
    assert (shown["withholding"], shown["policy"], shown["pending"]) == ("cumulative", "cn", None)


def test_policy_and_withholding_wait_and_all_else_holds_at_once(used: Api) -> None:
    admin = used.caller()
    shown = patch(admin, withholding="cumulative", policy="cn", title="Tea")
    assert (shown["withholding"], shown["policy"], shown["title"]) == ("none", "open", "Tea")
    assert shown["pending"]["settings"] == {"policy": "cn", "withholding": "cumulative"}
    assert admin.get("/v1/program")["pending"] == shown["pending"]
    assert patch(admin, withholding="cumulative")["pending"] == shown["pending"]
    assert patch(admin, withholding="none")["pending"]["settings"] == {"policy": "cn"}
    assert patch(admin, policy="open")["pending"] is None


def test_a_second_person_approves_and_the_history_says_who(used: Api) -> None:
    admin, second = used.caller(), used.caller("finance")
    patch(admin, withholding="cumulative")
    assert admin.refused("POST", "/v1/program/approve") == (409, "same_key")
    for _ in range(2):
        assert second.post("/v1/program/approve")["withholding"] == "cumulative"
    assert second.key is not None
    changes = admin.get("/v1/program/changes")["data"]
    assert [(change["changed_by"], change["after"]) for change in changes] == [
        (second.key.split("_")[1], {"withholding": "cumulative"})
    ]
    assert admin.refused("POST", "/v1/program/cancel") == (409, "change_in_force")


def test_a_cancelled_change_never_holds(used: Api) -> None:
    admin, second = used.caller(), used.caller("finance")
    assert second.refused("POST", "/v1/program/cancel") == (404, "change_unknown")
    patch(admin, withholding="cumulative")
    assert second.post("/v1/program/cancel")["pending"] is None
    assert second.refused("POST", "/v1/program/approve") == (404, "change_unknown")
    assert admin.get("/v1/program")["withholding"] == "none"


def test_the_workers_put_it_in_force_when_it_is_due(used: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    admin, container = used.caller(), used.world.container
    patch(admin, withholding="cumulative")
    apply_due_changes(container)
    assert admin.get("/v1/program")["withholding"] == "none"
    later = container.now() + timedelta(days=3, seconds=1)
    monkeypatch.setattr(container, "now", lambda: later)
    apply_due_changes(container)
    shown = admin.get("/v1/program")
    assert (shown["withholding"], shown["pending"]) == ("cumulative", None)


def test_a_looser_pack_needs_its_sign_off_when_it_is_asked_for(used: Api) -> None:
    admin = used.caller()
    patch(admin, policy="cn")
    used.caller("finance").post("/v1/program/approve")
    assert admin.refused("PATCH", "/v1/program", {"policy": "open"}) == (422, "sign_off_required")
    patch(admin, policy="open", signed_off_by="Li Lei")
    used.caller("finance").post("/v1/program/approve")
    assert admin.get("/v1/program/changes")["data"][-1]["signed_off_by"] == "Li Lei"


def test_what_the_command_line_sets_holds_at_once_and_ends_what_waits_about_it(used: Api) -> None:
    admin, world = used.caller(), used.world
    patch(admin, withholding="cumulative")
    with world.container.begin() as conn:
        set_program(
            Unit(conn, world.program, COMMAND_LINE, world.now()), {"withholding": "per_payment"}, world.policies, None
        )
    shown = admin.get("/v1/program")
    assert (shown["withholding"], shown["pending"]) == ("per_payment", None)
