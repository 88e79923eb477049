"""``distrib key`` and the warning of ``distrib audit``, as an operator types them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from distrib.domain.errors import Refusal
from distrib.settings import Settings
from tests.world.api import Api, Caller
from tests.world.commands import name_servers, run


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    name_servers(settings, monkeypatch)


def printed(*arguments: str) -> Any:
    """The JSON of a command that must succeed."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_key_is_made_with_its_owner_its_scopes_and_its_end(api: Api) -> None:
    ends = "2090-01-01T08:00:00+08:00"
    draft = ("--role", "finance", "--owner", "ann@example.com", "--scope", "read", "--scope", "confirm")
    made = printed("key", "create", *draft, "--expires-at", ends)
    assert (made["owner"], made["scopes"], made["expires_at"]) == (
        "ann@example.com",
        ["read", "confirm"],
        "2090-01-01T00:00:00Z",
    )
    [listed] = printed("key", "list")
    assert (listed["owner"], listed["made_by"], listed["may_confirm"]) == ("ann@example.com", "cli", True)
    assert "ann@example.com" in run("key", "list").stdout
    assert run("key", "create", "--role", "orders", "--expires-at", "soon").exit_code == 2
    refusal = run("key", "create", "--role", "orders", "--scope", "confirm", "--owner", "a/b").exception
    assert isinstance(refusal, Refusal)
    assert [problem.pointer for problem in refusal.problems] == ["/owner", "/scopes"]


def test_a_key_is_set_by_what_is_named_and_nothing_else(api: Api) -> None:
    key_id = api.caller("finance").key_id
    assert printed("key", "owner", key_id, "ann")["owner_is_set"] is True
    assert printed("key", "set", key_id, "--scope", "read")["scopes"] == ["read"]
    ending = printed("key", "set", key_id, "--expires-at", "2090-01-01T00:00:00Z")
    assert (ending["scopes"], ending["expires_at"], ending["owner"]) == (["read"], "2090-01-01T00:00:00Z", "ann")
    whole = printed("key", "set", key_id, "--all-scopes", "--never-expires")
    assert (whole["scopes"], whole["expires_at"], whole["may_confirm"]) == (None, None, True)
    assert "owner = ann" in run("key", "owner", key_id, "ann").stdout
    for options in ((), ("--scope", "read", "--all-scopes")):
        assert run("key", "set", key_id, *options).exit_code == 2
    assert isinstance(run("key", "owner", "nobody", "ann").exception, Refusal)


def test_a_key_is_rotated_and_the_rotation_finished(api: Api) -> None:
    before = api.caller("orders")
    after = Caller(before.client, run("key", "rotate", before.key_id).stdout.splitlines()[-1])
    for caller in (before, after):
        caller.get("/v1/orders")
    assert printed("key", "finish-rotation", before.key_id)["old_secret_ends_at"] is None
    assert before.refused("GET", "/v1/orders") == (401, "unauthorized")
    after.get("/v1/orders")
    assert printed("key", "rotate", before.key_id, "--keep-hours", "0")["key"] != after.key


def test_the_command_line_approves_what_was_made_over_http_and_is_no_maker(api: Api) -> None:
    ann = api.caller(owner="ann")
    made = api.made_by(ann, owner="ben")
    assert printed("key", "list")[0].keys() >= {"confirms_from", "approved_by"}
    approved = printed("key", "approve", made.key_id)
    assert (approved["may_confirm"], approved["approved_by"]) == (True, "cli")
    rotated = printed("key", "rotate", made.key_id)
    assert rotated["may_confirm"] is True


def test_a_command_needs_a_key_that_reaches_so_far(api: Api) -> None:
    reader = str(api.caller("finance", scopes=("read",)).key)
    for command in (
        ("payout", "approve", "p"),
        ("statement", "close", "2026-03", "--propose"),
        ("adjustment", "approve", "x"),
        ("withdrawal", "approve", "w"),
        ("payout", "export", "p"),
    ):
        refusal = run(*command, "--key", reader).exception
        assert isinstance(refusal, Refusal), command
        assert refusal.code == "scope_missing", command


def test_two_keys_in_one_call_are_refused_for_each_person_acts_in_a_call_of_their_own(api: Api) -> None:
    first, second = str(api.caller("finance").key), str(api.caller("finance").key)
    refused = run("statement", "close", "2026-03", "--key", first, "--key", second)
    assert refused.exit_code == 2
    assert "one key a call" in refused.stderr
    assert "一次调用一个密钥" in refused.stderr


def test_the_audit_warns_of_keys_that_name_no_owner_and_still_holds(api: Api) -> None:
    admin, orders = api.caller(name="office"), api.caller("orders")
    api.caller("finance", owner="ann")
    ended = api.caller("finance")
    run("key", "revoke", ended.key_id)
    audited = printed("audit")
    [warning] = audited["warnings"]
    assert (audited["ok"], warning["name"], warning["figure"], warning["wrong"]) == (True, "keys_without_owner", 2, 1)
    assert warning["rows"] == [{"key_id": admin.key_id, "name": "office", "role": "admin"}]
    assert orders.key_id not in json.dumps(audited)
    result = run("audit", "--lang", "zh")
    assert (result.exit_code, "警告" in result.stdout, admin.key_id in result.stdout) == (0, True, True)
    assert admin.get("/v1/audit")["warnings"] == audited["warnings"]
    run("key", "owner", admin.key_id, "ben")
    assert printed("audit")["warnings"] == []


def test_a_program_says_how_keys_of_the_api_come_to_confirm(api: Api) -> None:
    assert printed("program", "set", "--key-approval", "second_admin")["key_approval"] == "second_admin"
    made = api.made_by(api.caller(owner="ann"), owner="ben")
    assert api.caller().get(f"/v1/keys/{made.key_id}")["confirms_from"] is None
    loosened = printed("program", "set", "--key-approval", "wait", "--key-wait-hours", "1")
    assert (loosened["key_approval"], loosened["key_wait_hours"]) == ("wait", 1)
