"""What somebody types is in the trail, whatever changes; what runs the service, and what only reads, is not."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from distrib.settings import Settings
from distrib.typed_commands import PERSONAL_READS
from tests.world.api import Api
from tests.world.commands import name_servers, run
from tests.world.documents import SELLER_TEN_PERCENT
from tests.world.world import World


@pytest.fixture(autouse=True)
def servers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers of the test, in the environment that commands read."""
    name_servers(settings, monkeypatch)


def rows() -> list[dict[str, Any]]:
    """The rows of the trail as the command prints them, the newest first."""
    listed: list[dict[str, Any]] = json.loads(run("trail", "list", "--json").output)
    return listed


def test_a_command_is_in_the_trail_with_who_typed_it(world: World, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(SELLER_TEN_PERCENT))
    run("plan", "publish", plan, "--effective-from", "2020-01-01", "--signed-off-by", "Li Lei")
    run("key", "create", "--role", "finance", "--name", "books")
    run("program", "set", "--title", "Tea")
    run("webhook", "create", "https://hooks.example.com/token-8", "--id", "hook")
    run("webhook", "end", "hook")
    listed = rows()
    assert [row["operation"] for row in reversed(listed)] == [
        "plan publish",
        "key create",
        "program set",
        "webhook create",
        "webhook end",
    ]
    assert {(row["actor"], row["os_user"]) for row in listed} == {("cli", pwd.getpwuid(os.getuid()).pw_name)}
    assert len({row["request_id"] for row in listed}) == len(listed)
    assert listed[0]["subject"] == "hook"
    assert listed[3]["sent"]["role"] == "finance"
    text = json.dumps(listed)
    assert "token-8" not in text
    assert "Li Lei" not in text


def test_a_command_with_a_key_acts_in_its_name_and_the_audit_finds_its_deeds(api: Api) -> None:
    api.world.join(("mei", None))
    first, second = api.caller("finance").key, api.caller("admin").key
    named = ("--shop", "mei", "--amount-minor", "500", "--reason", "thanks")
    run("adjustment", "propose", "adj", *named, "--key", first)
    run("adjustment", "approve", "adj", "--key", second)
    approved, proposed = rows()
    assert first is not None
    assert second is not None
    assert (proposed["operation"], proposed["actor"]) == ("adjustment propose", first.split("_")[1])
    assert (approved["operation"], approved["actor"]) == ("adjustment approve", second.split("_")[1])
    assert (approved["subject"], proposed["shop_id"]) == ("adj", "mei")
    assert json.dumps(rows()).count(first) == 0


def test_what_only_reads_leaves_no_row_and_what_reads_of_people_one(api: Api) -> None:
    api.world.join(("mei", None))
    for words in (("shops", "export", "mei"), ("payout", "list"), ("key", "list"), ("compliance", "penalty", "list")):
        run(*words)
    assert [(row["operation"], row["kind"], row["subject"]) for row in reversed(rows())] == [
        ("shops export", "read", "mei"),
        ("compliance penalty list", "read", None),
    ]


def test_the_reads_of_people_are_commands_that_exist(world: World) -> None:
    for words in PERSONAL_READS:
        assert run(*words.split(), "--help").exit_code == 0, words


def test_a_refused_command_leaves_no_row(world: World) -> None:
    run("webhook", "end", "nowhere")
    assert rows() == []


def test_the_month_of_the_trail_is_a_file(world: World, tmp_path: Path) -> None:
    run("program", "set", "--title", "Tea")
    month = world.now().astimezone(world.program.zone).strftime("%Y-%m")
    output = tmp_path / "trail.ndjson"
    run("trail", "export", month, "--format", "ndjson", "--output", output)
    [row] = [json.loads(entry) for entry in output.read_text("utf-8").splitlines()]
    assert (row["no"], row["operation"]) == (1, "program set")
    assert run("trail", "export", month).output.count("\n") == 2
    shown = run("trail", "list").output
    assert "program set" in shown
    assert "操作留痕" in shown


def test_a_person_is_bound_to_a_provider_and_unbound_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run("person", "create", "mei", "--role", "finance")
    unnamed = run("person", "bind", "mei", "subject-1")
    assert (unnamed.exit_code, "DISTRIB_OIDC_ISSUER" in unnamed.output) == (2, True)
    monkeypatch.setenv("DISTRIB_OIDC_ISSUER", "https://id.example.com")
    monkeypatch.setenv("DISTRIB_OIDC_CLIENT_ID", "distrib")
    for _ in range(2):
        assert "mei signs in as subject-1 of https://id.example.com" in run("person", "bind", "mei", "subject-1").output
    taken = run("person", "bind", "mei", "subject-2")
    assert (taken.exit_code, "is bound already" in str(taken.exception)) == (1, True)
    assert run("person", "unbind", "mei", "--issuer", "https://id.example.com").exit_code == 0
    assert [row["operation"] for row in reversed(rows())] == ["person create", "person bind", "person unbind"]
