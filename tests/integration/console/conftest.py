"""A world with people who sign in, and browsers that know nothing but forms and cookies."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.people import accounts, seats
from distrib.services.people.accounts import PersonDraft
from tests.world.api import Api
from tests.world.world import World

PASSWORD = "a long password here"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Browser:
    """Somebody at the console: follows no redirect, keeps cookies, sends forms with the page's own token."""

    client: FlaskClient
    program: str
    language: str = "en"
    token: str = ""

    def get(self, path: str) -> TestResponse:
        """A page; the token of its forms is kept."""
        answer = self.client.get(path, headers={"Accept-Language": self.language}, buffered=True)
        match = _TOKEN.search(answer.text) if answer.mimetype == "text/html" else None
        self.token = match[1] if match else self.token
        return answer

    def page(self, path: str = "") -> str:
        """The text of a page of the program that must be shown."""
        answer = self.get(f"/console/p/{self.program}{path}")
        assert answer.status_code == 200, (answer.status, answer.text)
        return answer.text

    def send(self, path: str, /, *, headers: dict[str, str] | None = None, **form: str) -> TestResponse:
        """Sends a form as a page of the console does."""
        sent = {"csrf_token": self.token, **form}
        return self.client.post(path, data=sent, headers={"Accept-Language": self.language, **(headers or {})})

    def do(self, path: str, /, **form: str) -> TestResponse:
        """Sends a form of the program as a script of the page does."""
        return self.send(f"/console/p/{self.program}{path}", headers={"HX-Request": "true"}, **form)

    def sign_in(self, login: str, password: str = PASSWORD) -> TestResponse:
        """Signs in."""
        self.get("/console/sign-in")
        return self.send("/console/sign-in", login=login, password=password)


@pytest.fixture
def flask_app(api: Api) -> Flask:
    """The service's app."""
    return api.app


@pytest.fixture
def stranger(flask_app: Flask, world: World) -> Callable[[], Browser]:
    """Opens a browser in which nobody is signed in."""
    return lambda: Browser(flask_app.test_client(), world.program.code)


@pytest.fixture
def person(world: World, stranger: Callable[[], Browser]) -> Callable[..., Browser]:
    """Makes a person with a seat as what is asked, and opens a browser in which it is signed in."""

    def make(login: str, role: str = "admin") -> Browser:
        with world.begin() as conn:
            made = accounts.make_person(
                conn, PersonDraft(login, login.title(), PASSWORD, must_change=False), world.now()
            )
            seats.give_seat(Unit(conn, world.program, COMMAND_LINE, world.now()), made, role)
        browser = stranger()
        assert browser.sign_in(login).status_code == 303
        return browser

    return make
