"""People and keys at the console: let in, approved by a second person, ended."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.integration.console.conftest import Browser
from tests.world.api import Api
from tests.world.world import World

Person = Callable[..., Browser]


def test_a_person_is_let_in_signs_in_chooses_a_password_and_is_ended(
    world: World, person: Person, stranger: Callable[[], Browser]
) -> None:
    ann = person("ann")
    ann.page("/people/new")
    shown = ann.send(f"/console/p/{world.program.code}/people/new", login="Mei", role="operations", name="Han Mei").text
    match = re.search(r"<code>([0-9a-f-]{30,})</code>", shown)
    assert match is not None
    assert match[1] not in ann.page("/people")
    mei = stranger()
    assert mei.sign_in("mei", match[1]).status_code == 303
    mei.get("/console/account")
    mei.send("/console/account/password", former=match[1], password="another long password")
    assert mei.page("/orders")
    assert mei.get(f"/console/p/{world.program.code}/people").status_code == 403

    [seat] = world.rows("SELECT key_id FROM api_keys WHERE program_id = :program AND owner = 'mei'")
    ann.page(f"/keys/{seat.key_id}")
    assert ann.do(f"/keys/{seat.key_id}/end", typed="ann").status_code == 422
    assert ann.do(f"/keys/{seat.key_id}/end", typed="mei").status_code == 204
    assert mei.get(f"/console/p/{world.program.code}/orders").status_code == 404
    rows = world.rows("SELECT operation FROM trail WHERE program_id = :program ORDER BY trail_no")
    assert [row.operation for row in rows] == ["sign_in", "seat_person", "sign_in", "revoke_key"]


def test_a_seat_that_confirms_money_is_approved_by_another_than_let_it_in(world: World, person: Person) -> None:
    ann, bob = person("ann"), person("bob")
    ann.page("/people/new")
    ann.send(f"/console/p/{world.program.code}/people/new", login="mei", role="finance")
    [seat] = world.rows("SELECT key_id FROM api_keys WHERE program_id = :program AND owner = 'mei'")
    assert "You proposed it; somebody else confirms." in ann.page(f"/keys/{seat.key_id}")
    refused = ann.do(f"/keys/{seat.key_id}/approve")
    assert (refused.status_code, "same_person" in refused.text) == (409, True)
    assert "Let it confirm money" in bob.page(f"/keys/{seat.key_id}")
    assert bob.do(f"/keys/{seat.key_id}/approve").status_code == 204
    assert "yes, now" in ann.page(f"/keys/{seat.key_id}")


def test_a_key_is_shown_once_with_its_secret_and_listed_without(world: World, person: Person) -> None:
    ann = person("ann")
    ann.page("/keys/new")
    shown = ann.send(f"/console/p/{world.program.code}/keys/new", name="shop system", role="orders").text
    match = re.search(r"<code>(dk_[0-9a-f]{16}_[A-Za-z0-9_-]{43})</code>", shown)
    assert match is not None
    listed = ann.page("/keys")
    assert "shop system" in listed
    assert match[1] not in listed


def link_from(page: str) -> str:
    """The path of the link that a page shows once."""
    match = re.search(r"<code>[^<]*(/console/password/[A-Za-z0-9_-]{43})</code>", page)
    assert match is not None
    return match[1]


def test_a_lost_password_is_set_anew_by_a_link_once_and_all_sessions_end(
    world: World, person: Person, stranger: Callable[[], Browser]
) -> None:
    ann, mei = person("ann"), person("mei", "operations")
    [seat] = world.rows("SELECT key_id FROM api_keys WHERE program_id = :program AND owner = 'mei'")
    assert "Lost the password?" in ann.page(f"/keys/{seat.key_id}")
    asking = f"/console/p/{world.program.code}/people/{seat.key_id}/password-link"
    replaced, path = link_from(ann.send(asking).text), link_from(ann.send(asking).text)
    new = stranger()
    assert new.get(replaced).status_code == 410
    assert "who signs in as mei" in new.get(path).text
    assert mei.page("/orders")
    short = new.send(path, password="short")
    assert (short.status_code, "12 to 255" in short.text) == (422, True)
    done = new.send(path, password="another long password")
    assert (done.status_code, done.headers["Location"]) == (303, "/console/sign-in")
    assert mei.get(f"/console/p/{world.program.code}/orders").headers["Location"].startswith("/console/sign-in")
    assert new.sign_in("mei").status_code == 401
    assert new.sign_in("mei", "another long password").status_code == 303
    for again in (new.get(path), new.send(path, password="yet another password")):
        assert (again.status_code, "ask an admin of your program for another one" in again.text) == (410, True)
    operations = [row.operation for row in world.rows("SELECT operation FROM trail WHERE program_id = :program")]
    assert operations.count("create_password_link") == 2
    assert operations.count("use_password_link") == 1


def test_a_link_is_good_for_nothing_once_it_is_late_or_its_maker_is_gone_or_its_person_is_let_in_elsewhere(
    api: Api, person: Person, stranger: Callable[[], Browser]
) -> None:
    world, ann, other = api.world, person("ann"), api.other_program()
    person("mei", "operations")
    seats = {row.owner: row.key_id for row in world.rows("SELECT owner, key_id FROM api_keys WHERE person_no > 0")}
    ann.page("/people")
    asking = f"/console/p/{world.program.code}/people/{seats['mei']}/password-link"
    late, browser = link_from(ann.send(asking).text), stranger()
    assert browser.get(late).status_code == 200
    with world.begin() as conn:
        conn.exec_driver_sql("UPDATE password_links SET over_at = made_at")
    assert browser.get(late).status_code == 410
    path, elsewhere = link_from(ann.send(asking).text), api.caller(program=other)
    far = elsewhere.post("/v1/people", {"login": "mei", "role": "viewer"})["id"]
    shown = browser.get(path)
    assert (shown.status_code, "has a seat in another program" in shown.text) == (409, True)
    elsewhere.call("DELETE", f"/v1/keys/{far}")
    assert browser.get(path).status_code == 200
    api.caller().call("DELETE", f"/v1/keys/{seats['ann']}")
    assert browser.get(path).status_code == 410
