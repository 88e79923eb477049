"""Signing in at a provider of OpenID Connect: who is bound comes in, and nobody else does by whatever it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask
from sqlalchemy import Connection
from werkzeug.test import TestResponse

from distrib.console.provider import Provider
from distrib.console.site import EXTENSION
from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.people import accounts, seats
from distrib.services.people.accounts import PersonDraft
from distrib.services.people.subjects import bind_subject, unbind_subject
from tests.integration.console.conftest import PASSWORD, Browser
from tests.world.oidc import CLIENT, SECRET, STRANGE_KEY, ProviderInTest, provider_in_test
from tests.world.world import World

BACK = "/console/sign-in/oidc/back"
Person = Callable[..., Browser]
Stranger = Callable[[], Browser]


@pytest.fixture
def provider(flask_app: Flask) -> Iterator[ProviderInTest]:
    """A provider that the service is set to."""
    with provider_in_test(f"http://localhost{BACK}") as given:
        _set_to(flask_app, given.issuer)
        yield given


def _set_to(app: Flask, issuer: str, secret: str = SECRET) -> None:
    known = Provider(issuer, CLIENT, secret, "openid profile", "Tea House ID")
    app.extensions[EXTENSION] = replace(app.extensions[EXTENSION], provider=known)


def way_back(browser: Browser, path: str = "/console/sign-in/oidc") -> str:
    """Goes to the provider, signs in there, and answers where the provider sends the browser."""
    there = browser.get(path).headers["Location"]
    sent_back = requests.get(there, allow_redirects=False, timeout=5)
    assert sent_back.status_code == 302, sent_back.text
    address = urlsplit(sent_back.headers["Location"])
    assert (address.netloc, address.path) == ("localhost", BACK)
    return f"{address.path}?{address.query}"


def sign_in(browser: Browser) -> TestResponse:
    """Signs in at the provider and comes back."""
    return browser.get(way_back(browser))


def bound(world: World, provider: ProviderInTest, login: str = "mei") -> None:
    """A person whose password somebody else chose, who is bound to who is at the provider."""
    with world.begin() as conn:
        made = accounts.make_person(conn, PersonDraft(login, login.title(), PASSWORD, must_change=True), world.now())
        seats.give_seat(Unit(conn, world.program, COMMAND_LINE, world.now()), made, "finance")
        bind_subject(conn, login, provider.issuer, provider.subject, world.now())


def test_who_is_bound_comes_in_by_the_button_and_the_trail_and_the_sessions_say_how(
    world: World, provider: ProviderInTest, stranger: Stranger
) -> None:
    bound(world, provider)
    browser, asked = stranger(), f"/console/p/{world.program.code}/orders?status=settled"
    page = browser.get(f"/console/sign-in?next={asked}").text
    assert "Sign in with Tea House ID" in page
    button = f"/console/sign-in/oidc?next={asked}"
    there = parse_qs(urlsplit(browser.get(button).headers["Location"]).query)
    assert there["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= there.keys()
    assert browser.get(way_back(browser, button)).headers["Location"] == asked
    assert browser.get(asked).status_code == 200
    assert browser.page("/orders")
    assert "OpenID Connect" in browser.get("/console/account").text
    rows = world.rows("SELECT operation, subject, after FROM trail WHERE program_id = :program")
    assert [tuple(row) for row in rows] == [("sign_in", "mei", '{"signed_in_by": "oidc"}')]
    assert stranger().sign_in("mei").status_code == 303


def test_without_a_provider_there_is_no_button_and_no_way(person: Person, stranger: Stranger, world: World) -> None:
    person("ann").page()
    browser = stranger()
    assert "Sign in with" not in browser.get("/console/sign-in").text
    assert [browser.get(path).status_code for path in ("/console/sign-in/oidc", f"{BACK}?code=c&state=s")] == [404, 404]
    [row] = world.rows("SELECT operation, after FROM trail WHERE program_id = :program")
    assert tuple(row) == ("sign_in", '{"signed_in_by": "password"}')


def test_who_is_bound_to_nobody_is_told_and_stays_out(
    world: World, provider: ProviderInTest, stranger: Stranger
) -> None:
    bound(world, provider)
    browser, provider.subject = stranger(), "somebody-else"
    refused = sign_in(browser)
    assert (refused.status_code, "Nobody here is somebody-else of Tea House ID" in refused.text) == (403, True)
    assert browser.get("/console").headers["Location"].startswith("/console/sign-in")
    with world.begin() as conn:
        accounts.end_person(conn, "mei", world.now())
    provider.subject = "subject-1"
    assert sign_in(browser).status_code == 403


def test_a_token_that_is_not_for_this_sign_in_lets_nobody_in(
    world: World, provider: ProviderInTest, stranger: Stranger
) -> None:
    bound(world, provider)
    wrong: dict[str, Any] = {"nonce": "x", "aud": ["x"], "iss": "http://x", "exp": 1, "azp": "x", "sub": ""}
    browser, answers = stranger(), {}
    for claim, value in wrong.items():
        provider.claims = {claim: value}
        answers[claim] = sign_in(browser).status_code
    assert answers == dict.fromkeys(wrong, 401) | {"sub": 403}
    provider.claims = {}
    assert sign_in(browser).status_code == 303


def test_a_sign_in_comes_back_once_to_the_browser_that_began_it_with_a_token_of_the_providers_own_key(
    flask_app: Flask, world: World, provider: ProviderInTest, stranger: Stranger
) -> None:
    bound(world, provider)
    browser, other = stranger(), stranger()
    back = way_back(browser)
    assert other.get(back).status_code == 401
    assert browser.get(back).headers["Location"] == "/console"
    assert browser.get(back).status_code == 401
    assert browser.get(f"{BACK}?error=access_denied&state=s").status_code == 401
    provider.is_public = True
    assert sign_in(other).status_code == 401
    _set_to(flask_app, provider.issuer, secret="")
    assert sign_in(other).status_code == 303
    provider.key = STRANGE_KEY
    assert sign_in(stranger()).status_code == 401


def test_a_provider_that_is_away_or_another_is_said_so_and_passwords_stay_good(
    flask_app: Flask, provider: ProviderInTest, person: Person, stranger: Stranger
) -> None:
    person("ann")
    browser = stranger()
    for issuer in ("http://127.0.0.1:1", f"{provider.issuer}/"):
        _set_to(flask_app, issuer)
        answer = browser.get("/console/sign-in/oidc")
        assert (answer.status_code, "Tea House ID does not answer" in answer.text) == (503, True)
    assert browser.sign_in("ann").status_code == 303


def test_a_subject_is_of_one_person_and_unbinding_ends_the_persons_sessions(
    world: World, provider: ProviderInTest, person: Person, stranger: Stranger
) -> None:
    bound(world, provider)
    person("ann")
    browser = stranger()
    sign_in(browser)
    assert browser.page("/orders")
    with world.begin() as conn:
        bind_subject(conn, "mei", provider.issuer, provider.subject, world.now())
        taken = [("ann", provider.subject), ("mei", "another")]
        impossible = [("ann", subject) for subject in ("", "x" * 256, "名")]
        assert [refusal_of_binding(world, conn, provider, *pair) for pair in taken] == ["subject_bound"] * 2
        assert [refusal_of_binding(world, conn, provider, *pair) for pair in impossible] == ["invalid"] * 3
        unbind_subject(conn, "mei", provider.issuer, world.now())
        with pytest.raises(Refusal):
            unbind_subject(conn, "mei", provider.issuer, world.now())
    assert browser.get("/console").headers["Location"].startswith("/console/sign-in")
    assert sign_in(browser).status_code == 403


def refusal_of_binding(world: World, conn: Connection, provider: ProviderInTest, login: str, subject: str) -> str:
    """By what code a binding is refused."""
    with pytest.raises(Refusal) as refused:
        bind_subject(conn, login, provider.issuer, subject, world.now())
    return refused.value.code
