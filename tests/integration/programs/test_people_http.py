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


def test_a_link_for_a_lost_password_puts_the_seat_into_the_makers_hands_and_stands_in_no_row(api: Api) -> None:
    admin, second = api.caller(name="ann"), api.caller(name="bob")
    mei = admin.post("/v1/people", {"login": "mei", "role": "finance"})["id"]
    assert second.post(f"/v1/keys/{mei}/approve")["may_confirm"] is True
    link = second.post(f"/v1/people/{mei}/password-link", {"link_minutes": 30})
    token = link["url"].rpartition("/console/password/")[2]
    assert (link["login"], len(token)) == ("mei", 43)
    held = admin.get(f"/v1/keys/{mei}")
    assert (held["may_confirm"], held["confirms_from"] is not None) == (False, True)
    # Who made the link is as near to the seat as who let the person in: neither makes it confirm money again.
    assert {caller.refused("POST", f"/v1/keys/{mei}/approve") for caller in (admin, second)} == {(409, "same_person")}
    assert api.caller(name="cai").post(f"/v1/keys/{mei}/approve")["may_confirm"] is True
    [row] = admin.get("/v1/trail?operation=create_password_link")["data"]
    assert (row["subject"], row["after"]["login"]) == (mei, "mei")
    assert token not in json.dumps(row)


def test_a_link_is_refused_where_it_would_let_its_maker_in_further_than_the_maker_may(api: Api) -> None:
    admin, elsewhere = api.caller(name="ann"), api.caller(program=api.other_program())
    made = {
        role: admin.post("/v1/people", {"login": f"{role}-1", "role": role})["id"] for role in ("viewer", "finance")
    }
    far = elsewhere.post("/v1/people", {"login": "viewer-1", "role": "viewer"})["id"]
    assert admin.refused("POST", f"/v1/people/{made['viewer']}/password-link") == (409, "person_elsewhere")
    assert elsewhere.refused("POST", f"/v1/people/{far}/password-link") == (409, "person_elsewhere")
    assert elsewhere.refused("POST", f"/v1/people/{made['finance']}/password-link") == (404, "not_found")
    narrow = api.caller(name="cai", scopes=("read", "keys"))
    assert narrow.refused("POST", f"/v1/people/{made['finance']}/password-link") == (403, "forbidden")
    own = api.caller(name="dan", owner="finance-1")
    assert own.refused("POST", f"/v1/people/{made['finance']}/password-link") == (409, "own_key")
    assert admin.refused("POST", f"/v1/people/{admin.key_id}/password-link") == (404, "not_found")
    elsewhere.call("DELETE", f"/v1/keys/{far}")
    assert admin.post(f"/v1/people/{made['viewer']}/password-link")["login"] == "viewer-1"
    admin.call("DELETE", f"/v1/keys/{made['viewer']}")
    assert admin.refused("POST", f"/v1/people/{made['viewer']}/password-link") == (409, "key_ended")
