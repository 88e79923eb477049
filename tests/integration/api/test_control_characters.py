"""No name and no id holds what moves a cursor or turns the direction of text; terminals are shown it written out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine

from tests.world.api import Api
from tests.world.commands import name_servers, run
from tests.world.documents import line, settled

CONTROLS = (
    "\x00",
    "\x07",
    "\x1b[2J",
    "\n",
    "\x7f",
    "\x85",
    "\x9b31m",
    "\u061c",
    "\u200f",
    "\u2028",
    "\u202e",
    "\u2066",
)
FIT = ("Mei 🏳️\u200d🌈", "نمی\u200cخواهم", "क्\u200dष", "店\u3000二", "a\u00a0b")


def events_with(text: str) -> list[dict[str, Any]]:
    """An event for each place that takes an id or a name."""
    return [
        settled(f"e{text}e", "o", "s", line(1)),
        settled("e", f"o{text}o", "s", line(1)),
        settled("e", "o", f"s{text}s", line(1)),
        settled("e", "o", "s", line(1), customer_id=f"c{text}c"),
        settled("e", "o", "s", line(1, f"l{text}l", sku="k")),
        settled("e", "o", "s", line(1, sku=f"k{text}k")),
        settled("e", "o", "s", line(1, category=f"g{text}g")),
    ]


@pytest.mark.parametrize("text", CONTROLS)
def test_control_characters_are_refused_in_names_and_ids_wherever_they_enter(api: Api, text: str) -> None:
    admin = api.caller()
    for event in events_with(text):
        for body in (json.dumps(event), json.dumps(event, ensure_ascii=False)):
            assert admin.refused("POST", "/v1/events", body.encode()) == (422, "invalid"), body
        line_of = json.dumps(event, ensure_ascii=False).encode()
        results = admin.post("/v1/events", line_of, headers={"Content-Type": "application/x-ndjson"})["results"]
        assert [result["status"] for result in results] == ["refused"]
    problem = admin.problem(
        "POST",
        "/v1/shops",
        {"id": f"s{text}s", "name": f"n{text}n", "identity": f"i{text}i", "attributes": {f"k{text}k": "v"}},
    )
    pointers = {error["pointer"] for error in problem["errors"]}
    assert {"/id", "/name", "/identity"} <= pointers
    assert admin.refused("POST", "/v1/keys", {"role": "finance", "name": f"n{text}n"}) == (422, "invalid")
    assert admin.refused("PATCH", "/v1/program", {"title": f"t{text}t"}) == (422, "invalid")
    claim = {"shop_id": "s", "source": f"p{text}p", "bound_at": "2026-03-01T00:00:00Z"}
    assert admin.refused("PUT", "/v1/customers/c/binding", claim) == (422, "invalid")


@pytest.mark.parametrize("text", FIT)
def test_joiners_and_spaces_of_other_scripts_are_kept_as_they_are(api: Api, text: str) -> None:
    admin = api.caller()
    admin.post("/v1/shops", {"id": f"s{text}s", "name": text})
    assert admin.get(f"/v1/shops/s{text}s")["name"] == text
    posted = [event | {"id": f"e{text}{number}"} for number, event in enumerate(events_with(text))]
    results = admin.post("/v1/events", {"events": posted})["results"]
    assert [(result["id"], result["status"]) for result in results] == [(event["id"], "accepted") for event in posted]


def test_a_reason_may_have_lines_and_nothing_else_of_the_kind(api: Api) -> None:
    admin = api.caller()
    admin.post("/v1/shops", {"id": "s"})
    status = {"status": "frozen", "reason": "first\n\tsecond"}
    assert admin.post("/v1/shops/s/status", status)["status"] == "frozen"
    assert admin.refused("POST", "/v1/shops/s/status", status | {"reason": "a\x1b[2Jb"}) == (422, "invalid")


def test_what_was_kept_before_is_written_out_on_terminals(
    api: Api, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_servers(api.world.container.settings, monkeypatch)
    api.caller()
    with create_engine(database_url, poolclass=NullPool).begin() as conn:  # no login of the service may
        conn.exec_driver_sql("UPDATE api_keys SET name = E'kept\\x1b[2J\\u202e\\u009b'")
    for words in (["key", "list"], ["key", "list", "--json"]):
        shown = run(*words).stdout
        assert "kept" in shown
        assert not {"\x1b", "\u202e", "\u009b"} & set(shown), words
    assert json.loads(run("key", "list", "--json").stdout)[0]["name"] == "kept\x1b[2J\u202e\u009b"
