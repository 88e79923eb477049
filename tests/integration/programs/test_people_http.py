"""People who sign in, let in over the API: who may, what is answered once, what the trail tells of."""

from __future__ import annotations

import json

import pytest

from tests.world.api import Api


def test_a_new_person_gets_a_password_in_the_one_answer_and_never_in_the_trail(api: Api) -> None:
    admin = api.caller()
    answer = admin.call("POST", "/v1/people", {"login": "mei", "role": "finance", "name": "Han Mei"})
    made = answer.get_json()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/v1/keys/{made['id']}")
    assert (made["login"], made["name"], made["role"], made["state"]) == ("mei", "Han Mei", "finance", "active")
    assert made["may_confirm"] is False
    assert len(made["password"]) >= 30
    [row] = admin.get("/v1/trail")["data"]
    assert (row["operation"], row["subject"], row["sent"]["login"]) == ("seat_person", made["id"], "mei")
    assert "password" not in row["after"]
    assert made["password"] not in json.dumps(row)
    assert "password" not in admin.get("/v1/people")["data"][0]


def test_who_is_known_already_keeps_name_and_password_and_sits_once(api: Api) -> None:
    admin = api.caller()
    first = admin.post("/v1/people", {"login": "mei", "role": "viewer", "name": "Han Mei"})
    assert admin.refused("POST", "/v1/people", {"login": "mei", "role": "admin"}) == (409, "person_seated")
    admin.call("DELETE", f"/v1/keys/{first['id']}")
    again = admin.post("/v1/people", {"login": "mei", "role": "operations", "name": "Somebody Else"})
    assert (again["name"], again["password"]) == ("Han Mei", None)
    assert [person["role"] for person in admin.get("/v1/people?state=active")["data"]] == ["operations"]
    assert [person["role"] for person in admin.get("/v1/people?state=ended")["data"]] == ["viewer"]


def test_people_are_listed_by_login_page_after_page(api: Api) -> None:
    admin = api.caller()
    for login in ("ming", "li", "wang"):
        admin.post("/v1/people", {"login": login, "role": "viewer"})
    first = admin.get("/v1/people?limit=2")
    second = admin.get(f"/v1/people?limit=2&cursor={first['next_cursor']}")
    assert [person["login"] for person in first["data"] + second["data"]] == ["li", "ming", "wang"]
    assert second["next_cursor"] is None
    assert admin.refused("GET", f"/v1/people?state=active&cursor={first['next_cursor']}") == (422, "invalid")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"login": "mei", "role": "orders"}, ["/role"]),
        ({"login": "Mei Han", "role": "viewer", "name": " "}, ["/login", "/name"]),
        ({}, ["/login", "/role"]),
    ],
)
def test_what_is_wrong_with_a_person_is_named_all_at_once(api: Api, body: dict[str, str], pointers: list[str]) -> None:
    problem = api.caller().problem("POST", "/v1/people", body)
    assert sorted(entry["pointer"] for entry in problem["errors"]) == pointers
    assert api.caller().get("/v1/people")["data"] == []
