"""Who comes in to the console, and how that ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from distrib.console.people import MOST_TRIES
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.people import accounts, seats
from distrib.services.people.accounts import IDLE, PersonDraft
from distrib.services.programs.key_changes import revoke_key
from tests.integration.console.conftest import PASSWORD, Browser
from tests.world.api import Api
from tests.world.world import World

Person = Callable[..., Browser]
Stranger = Callable[[], Browser]


def test_who_is_not_signed_in_is_sent_to_the_form_and_back_to_the_page(
    world: World, person: Person, stranger: Stranger
) -> None:
    person("ann")
    browser = stranger()
    asked = f"/console/p/{world.program.code}/orders?status=settled"
    sent_to = browser.get(asked).headers["Location"]
    assert sent_to.startswith("/console/sign-in?next=")
    browser.get(sent_to)
    answer = browser.send("/console/sign-in", login="ann", password=PASSWORD, next=asked)
    assert answer.headers["Location"] == asked


@pytest.mark.parametrize("elsewhere", ["https://example.com/", "//example.com", "/\\example.com", "/v1/shops"])
def test_a_sign_in_leads_to_no_place_outside_of_the_console(person: Person, stranger: Stranger, elsewhere: str) -> None:
    person("ann")
    browser = stranger()
    browser.get("/console/sign-in")
    answer = browser.send("/console/sign-in", login="ann", password=PASSWORD, next=elsewhere)
    assert answer.headers["Location"] == "/console"


def test_a_wrong_password_and_an_unknown_login_are_told_apart_by_nothing(person: Person, stranger: Stranger) -> None:
    person("ann")
    browser = stranger()
    wrong, unknown = browser.sign_in("ann", "not the password"), browser.sign_in("eve")
    assert wrong.status_code == unknown.status_code == 401
    assert "The login or the password is not right." in wrong.text
    assert _without_tokens(wrong.text).replace('value="ann"', 'value="eve"') == _without_tokens(unknown.text)


def _without_tokens(page: str) -> str:
    return re.sub(r'name="csrf_token" value="[^"]+"', "", page)


def test_who_tries_passwords_is_made_to_wait_and_so_is_nobody_else(person: Person, stranger: Stranger) -> None:
    person("ann"), person("bob")
    browser = stranger()
    for _ in range(MOST_TRIES):
        assert browser.sign_in("ann", "not the password").status_code == 401
    answer = browser.sign_in("ann")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert browser.sign_in("bob").status_code == 303


def test_a_form_that_no_page_of_ours_sent_does_nothing(world: World, person: Person) -> None:
    ann = person("ann")
    ann.token = "made up"
    answer = ann.send("/console/sign-out")
    assert answer.status_code == 400
    assert "form_expired" in answer.text
    assert ann.get(f"/console/p/{world.program.code}").status_code == 200


def test_a_session_that_was_ended_elsewhere_or_not_used_is_over(world: World, person: Person) -> None:
    ann = person("ann")
    other = Browser(ann.client.application.test_client(), world.program.code)
    other.sign_in("ann")
    page = ann.get("/console/account").text
    (ending,) = [part.split('"')[0] for part in page.split('action="')[1:] if part.split('"')[0].endswith("/end")]
    ann.send(ending)
    assert other.get("/console").headers["Location"].startswith("/console/sign-in")
    assert ann.get("/console").headers["Location"].startswith(f"/console/p/{world.program.code}")
    world.stopped_at = world.now() + IDLE + timedelta(seconds=1)
    with world.begin() as conn:
        kept = conn.exec_driver_sql("SELECT count(*) FROM person_sessions WHERE ended_at IS NULL").scalar_one()
    assert kept == 1


def test_signing_out_ends_the_session_for_whoever_kept_its_cookie(world: World, person: Person) -> None:
    ann = person("ann")
    kept = ann.client.get_cookie("distrib_console", path="/console")
    assert kept is not None
    assert kept.http_only
    ann.page()
    ann.send("/console/sign-out")
    thief = Browser(ann.client.application.test_client(), world.program.code)
    thief.client.set_cookie("distrib_console", kept.value, path="/console")
    assert thief.get("/console").headers["Location"].startswith("/console/sign-in")


def test_a_password_that_somebody_else_chose_opens_nothing_but_its_change(world: World, stranger: Stranger) -> None:
    with world.begin() as conn:
        ann = accounts.make_person(conn, PersonDraft("ann", "Ann", PASSWORD, must_change=True), world.now())
        seats.give_seat(Unit(conn, world.program, COMMAND_LINE, world.now()), ann, "finance")
    browser = stranger()
    browser.sign_in("ann")
    assert browser.get(f"/console/p/{world.program.code}/orders").headers["Location"] == "/console/account"
    browser.get("/console/account")
    short = browser.send("/console/account/password", former=PASSWORD, password="short")
    assert short.status_code == 422
    browser.send("/console/account/password", former=PASSWORD, password="another long password")
    assert browser.page("/orders")
    assert stranger().sign_in("ann", "another long password").status_code == 303


def test_a_person_sees_its_own_programs_alone_and_a_seat_that_ended_no_more(world: World, person: Person) -> None:
    ann = person("ann", "finance")
    assert ann.get("/console/p/other-program").status_code == 404
    assert ann.page()
    with world.begin() as conn:
        (seat,) = seats.list_seated(conn, world.program)
        revoke_key(Unit(conn, world.program, COMMAND_LINE, world.now()), seat.key_id)
    assert ann.get(f"/console/p/{world.program.code}").status_code == 404
    assert "You are in no program yet" in ann.get("/console").text


def test_a_seat_is_presented_by_nobody_and_gets_no_secret(world: World, person: Person, api: Api) -> None:
    person("ann")
    with world.begin() as conn:
        (seat,) = seats.list_seated(conn, world.program)
    assert api.caller().get(f"/v1/keys/{seat.key_id}")["is_seat"]
    refused = api.caller().refused("POST", f"/v1/keys/{seat.key_id}/rotate", {})
    assert refused == (409, "key_is_seat")
    assert api.caller().refused("PATCH", f"/v1/keys/{seat.key_id}", {"owner": "eve"}) == (409, "key_is_seat")
