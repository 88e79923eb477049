"""Signing in and out, one's own password and sessions, and where a person goes from there.

Flask-Login keeps who is in: the id that it keeps is the token of a session that the database knows, so that a session
that was ended there is over at the next request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any, Final

from flask import Blueprint, Flask, Response, flash, g, request, session, url_for
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import RequestEntityTooLarge

from distrib.console.frame import (
    ENTERED,
    LOGIN_ENDPOINT,
    answer_refusal,
    frame_values,
    go_to,
    safe_next,
    seats_of_reader,
    signed_in_person,
    to_sign_in,
)
from distrib.console.language import CHOICE, answer_page, chosen_language, render_page
from distrib.console.site import current_site
from distrib.domain.errors import Refusal
from distrib.domain.json_values import Json
from distrib.domain.refusals import BadRequest, FormExpired, Internal, TooLarge
from distrib.domain.texts import Text
from distrib.languages import render
from distrib.rates import Rate, Standing
from distrib.services.people import accounts
from distrib.services.people.accounts import SignedIn, SignIn
from distrib.services.people.refusals import SignInFailed, TooManySignIns
from distrib.transactions import in_transaction

SESSION_PATH: Final = "/console"
MOST_TRIES: Final = 10
"""Wrong passwords for one login in a quarter of an hour."""
MOST_TRIES_OF_ADDRESS: Final = 100
_WINDOW_S: Final = 900
_BY_LOGIN: Final = Rate("sign_in", MOST_TRIES, _WINDOW_S)
_BY_ADDRESS: Final = Rate("sign_in_address", MOST_TRIES_OF_ADDRESS, _WINDOW_S)
MOST_FORM_BYTES: Final = 64 * 1024
MOST_COLUMNS: Final = 60
_NAME: Final = re.compile(r"[a-z_]{1,40}")


class SignedInReader(UserMixin):  # type: ignore[misc]
    """Who is in, as Flask-Login knows it: by the token of the session."""

    def __init__(self, token: str, signed_in: SignedIn) -> None:
        self.token, self.signed_in = token, signed_in

    def get_id(self) -> str:
        """The token."""
        return self.token


class CookieBySecurity(SecureCookieSessionInterface):
    """The session's cookie, sent over TLS alone where the reader came over TLS; other paths know nothing of it."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Keeps the session of the console's pages, and says of these alone that they differ by it."""
        if request.path.startswith(SESSION_PATH):
            super().save_session(app, session, response)

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether this reader came over TLS."""
        return request.is_secure


def cookie_key(pepper: bytes) -> bytes:
    """Derives what cookies are signed with."""
    return hmac.digest(pepper, b"console cookie", hashlib.sha256)


def serve_people(app: Flask) -> CSRFProtect:
    """Gives the app signed-in readers, and forms that only a page of its own can send."""
    app.session_interface = CookieBySecurity()
    app.config.update(
        SESSION_COOKIE_NAME="distrib_console",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH=SESSION_PATH,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    logins = LoginManager(app)
    logins.session_protection = None
    logins.user_loader(_load)
    return CSRFProtect(app)


def _load(token: str) -> SignedInReader | None:
    site = current_site()
    signed_in = in_transaction(site.begin, lambda conn: accounts.session_of(conn, token, site.pepper, site.now()))
    return None if signed_in is None else SignedInReader(token, signed_in)


def people_pages(blueprint: Blueprint) -> None:
    """Adds the pages of one's own account."""
    blueprint.add_url_rule("/console/sign-in", "sign_in", _show_sign_in)
    blueprint.add_url_rule("/console/sign-in", "try_sign_in", _sign_in, methods=["POST"])
    blueprint.add_url_rule("/console/sign-out", "sign_out", _sign_out, methods=["POST"])
    blueprint.add_url_rule("/console", "home", _home)
    blueprint.add_url_rule("/console/account", "own_account", _own_account)
    blueprint.add_url_rule("/console/account/password", "change_password", _change_password, methods=["POST"])
    blueprint.add_url_rule("/console/preferences", "prefer", _prefer, methods=["POST"])
    blueprint.add_url_rule("/console/account/sessions/<session_id>/end", "end_session", _end_session, methods=["POST"])


def _show_sign_in() -> Response:
    person = signed_in_person()
    if person is not None:
        return _to_first_place()
    return _sign_in_page(200)


def _sign_in_page(status: int, login: str = "", words: str = "") -> Response:
    language = chosen_language(request.form)
    provider = current_site().provider
    values = frame_values(language) | {"login": login, "wrong": words, "next": request.values.get("next", "")}
    values["provider"] = None if provider is None else provider.name
    return answer_page(render_page("console/sign_in.html", language, **values), language, request.form, status)


def _sign_in() -> Response:
    """Lets a person in; every try counts against its login and its address until the password is right."""
    site = current_site()
    login, password = request.form.get("login", "").strip().lower(), request.form.get("password", "")
    address = site.address_of(request) or ""
    for rate, caller in ((_BY_LOGIN, login[:64]), (_BY_ADDRESS, address)):
        standing = site.rates.look(rate, caller)
        if standing.is_over:
            return _refused_try(standing, login)

    def unit(conn: Any) -> str:
        person = accounts.check_password(conn, login, password)
        return accounts.begin_session(
            conn, person, SignIn(request.headers.get("User-Agent", "")), site.pepper, site.now()
        )

    try:
        token = in_transaction(site.begin, unit)
    except Refusal as refusal:
        site.rates.take(_BY_LOGIN, login[:64])
        site.rates.take(_BY_ADDRESS, address)
        return _sign_in_page(refusal.status, login, render(refusal.text, chosen_language(request.form)))
    begin_visit(token)
    return _to_first_place()


def begin_visit(token: str) -> None:
    """Lets the reader in by the token of a session that was begun."""
    user = _load(token)
    if user is None:
        raise Internal()
    session.pop(ENTERED, None)
    login_user(user)


def _refused_try(standing: Standing, login: str) -> Response:
    refusal = TooManySignIns(seconds=standing.ends_in_s)
    response = _sign_in_page(refusal.status, login, render(refusal.text, chosen_language(request.form)))
    response.headers["Retry-After"] = str(standing.ends_in_s)
    return response


def _to_first_place() -> Response:
    wished = safe_next(request.values.get("next", ""))
    return go_to(wished or url_for("console.home"))


def _home() -> Response:
    """Sends a person to its program; who is in several chooses, who is in none is told."""
    person = signed_in_person()
    if person is None:
        return to_sign_in()
    if person.must_change:
        return go_to(url_for("console.own_account"))
    seats = seats_of_reader(person)
    if len(seats) == 1:
        return go_to(url_for("console.overview", program=seats[0].code))
    language = chosen_language()
    return answer_page(render_page("console/programs.html", language, **frame_values(language)), language)


def _sign_out() -> Response:
    site = current_site()
    if current_user.is_authenticated:
        signed_in = current_user.signed_in
        in_transaction(site.begin, lambda conn: _end(conn, signed_in, signed_in.session_id))
        logout_user()
    return go_to(url_for(LOGIN_ENDPOINT))


def _end(conn: Any, signed_in: SignedIn, session_id: str) -> None:
    accounts.enter(conn, signed_in.person)
    accounts.end_session(conn, signed_in, session_id, current_site().now())


def _own_account() -> Response:
    if not current_user.is_authenticated:
        return to_sign_in()
    site, signed_in = current_site(), current_user.signed_in

    def unit(conn: Any) -> list[accounts.SessionView]:
        accounts.enter(conn, signed_in.person)
        return accounts.sessions_of(conn, signed_in, site.now())

    language = chosen_language()
    values = frame_values(language) | {"sessions": in_transaction(site.begin, unit)}
    return answer_page(render_page("console/account.html", language, **values), language)


def _change_password() -> Response:
    if not current_user.is_authenticated:
        return to_sign_in()
    site, signed_in = current_site(), current_user.signed_in
    former, password = request.form.get("former", ""), request.form.get("password", "")

    def unit(conn: Any) -> None:
        accounts.enter(conn, signed_in.person)
        accounts.change_password(conn, signed_in, former, password, site.now())

    if site.rates.look(_BY_LOGIN, signed_in.person.login).is_over:
        raise TooManySignIns(seconds=_WINDOW_S)
    try:
        in_transaction(site.begin, unit)
    except Refusal as refusal:
        if refusal.code == SignInFailed.code:
            site.rates.take(_BY_LOGIN, signed_in.person.login)
        raise
    flash(render(Text("The password is changed; all other sessions have ended."), chosen_language()), "done")
    return go_to(url_for("console.home"))


def _end_session(session_id: str) -> Response:
    if not current_user.is_authenticated:
        return to_sign_in()
    signed_in = current_user.signed_in
    in_transaction(current_site().begin, lambda conn: _end(conn, signed_in, session_id))
    return go_to(url_for("console.own_account"))


def _prefer() -> Response:
    """Keeps which columns of a list a person wants to see, and whether its rows are roomy."""
    if not current_user.is_authenticated:
        return to_sign_in()
    name, columns = request.form.get("list", ""), request.form.getlist("column")[:MOST_COLUMNS]
    if not all(_NAME.fullmatch(word) for word in (name, *columns)):
        raise BadRequest()
    value: Json = {"columns": list[Json](columns), "roomy": "roomy" in request.form}
    person = current_user.signed_in.person

    def unit(conn: Any) -> None:
        accounts.enter(conn, person)
        accounts.set_preference(conn, person, name, value)

    in_transaction(current_site().begin, unit)
    return Response(status=204)


def check_form(csrf: CSRFProtect) -> Response | None:
    """Refuses a form that no page of ours sent; chooses the language of who is signed in where the page does not."""
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        most_bytes = max(MOST_FORM_BYTES, g.get("most_form_bytes", 0))
        request.max_content_length = most_bytes
        try:
            csrf.protect()
        except CSRFError:
            return answer_refusal(FormExpired())
        except RequestEntityTooLarge:
            return answer_refusal(TooLarge(limit=f"{most_bytes // 1024} KiB"))
    if CHOICE in request.args:
        _keep_language(request.args[CHOICE])
    return None


def _keep_language(language: str) -> None:
    person = signed_in_person()
    if person is not None and language in ("en", "zh") and person.language != language:
        signed_in = current_user.signed_in

        def unit(conn: Any) -> None:
            accounts.enter(conn, signed_in.person)
            accounts.set_language(conn, signed_in, language)

        in_transaction(current_site().begin, unit)
