"""The frame of a page in a program: who is in, and where, what the page shows or does, and how that is answered.

A page is a function of a visit: it runs in one transaction, perhaps more than once, and returns what is to be shown.
Nothing is rendered and nothing is sent before the transaction has ended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, wraps
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import structlog
from flask import Blueprint, Response, current_app, flash, g, request, session, url_for
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from distrib.console.files import answer_file
from distrib.console.language import NAMES, NO_FORM, answer_page, chosen_language, in_language, render_page
from distrib.console.menu import MENU, MenuEntry
from distrib.console.reader import PageReader
from distrib.console.site import AnsweredFile, PersonalDesk, current_site
from distrib.domain.errors import Refusal, title_of
from distrib.domain.refusals import Forbidden, NotFound
from distrib.domain.texts import Wording
from distrib.languages import LANGUAGES, render
from distrib.services.network.views import shop_names
from distrib.services.people import accounts, seats
from distrib.services.people.accounts import SignedPerson
from distrib.services.people.seats import Seat
from distrib.services.trail import Deed, note

_STATIC: Final = Path(__file__).parent / "static"
LOGIN_ENDPOINT: Final = "console.sign_in"
ENTERED: Final = "entered"
"""What the reader's cookie keeps of the seats that the trail knows the session by."""
SIGNED_IN: Final = "sign_in"
"""What the trail calls it that a person came into a program in a session, and by what that was begun."""


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """A page to show: its template with what fills it."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Done:
    """Something was done: where to go on, and what to say there."""

    address: str
    words: Wording | None = None


Outcome: TypeAlias = "HtmlPage | Done | AnsweredFile | Response"


@dataclass(frozen=True, slots=True)
class Visit:
    """A person at a page: the person's desk, the request's query and form, and the reader."""

    desk: PersonalDesk
    person: SignedPerson
    reader: PageReader
    query: MultiDict[str, str]
    form: MultiDict[str, str]
    shop_names: dict[str, str] = field(default_factory=dict)
    """How shops are called, by id, as far as the page has asked."""

    @property
    def program(self) -> str:
        """The code of the program."""
        return self.desk.program.code

    def call(self, name: str, /, body: Any = None, query: Mapping[str, str] | None = None, **path: str) -> Any:
        """Calls an operation: its path as keywords, its query and its body as they would be sent."""
        return self.desk.call(name, path, query or {}, body)

    def say(self, words: Wording) -> str:
        """Renders a text in the reader's language."""
        return render(words, self.reader.language)

    def name_shops(self, shop_ids: Iterable[str | None]) -> None:
        """Reads how shops are called, all at once, so that their names stand beside their ids."""
        wanted = {shop_id for shop_id in shop_ids if shop_id} - self.shop_names.keys()
        if wanted:
            self.shop_names.update(shop_names(self.desk.conn, self.desk.program, sorted(wanted)))

    def has_page(self, endpoint: str) -> bool:
        """Whether the console has that page."""
        return has_page(endpoint)

    def url(self, endpoint: str, **values: Any) -> str:
        """The address of a page of this program."""
        return page_address(endpoint, {"program": self.program, **values})


ShowsPage: TypeAlias = Callable[..., Outcome]


def page(
    blueprint: Blueprint, rule: str, *, needs: str, post: bool = False, entry: str | None = None
) -> Callable[[ShowsPage], ShowsPage]:
    """Registers a page of a program under ``/console/p/PROGRAM``; its endpoint is the function's name.

    Args:
        needs: the operation that the person's role must be allowed.
        post: whether it does something in place of showing something.
        entry: the menu's line that it belongs to; its own if not given.
    """

    def register(function: ShowsPage) -> ShowsPage:
        @wraps(function)
        def view(program: str, **path: str) -> Response:
            return _serve(function, program, path, needs, entry or function.__name__)

        methods = ["POST"] if post else ["GET"]
        blueprint.add_url_rule(f"/console/p/<program>{rule}", function.__name__, view, methods=methods)
        return function

    return register


def signed_in_person() -> SignedPerson | None:
    """Returns who is signed in; None where nobody is."""
    return current_user.signed_in.person if current_user.is_authenticated else None


def seats_of_reader(person: SignedPerson) -> list[Seat]:
    """Lists the person's seats, once a request."""
    if "seats" not in g:
        site = current_site()
        with site.begin() as conn:
            accounts.enter(conn, person)
            g.seats = seats.seats_of(conn, person, site.now())
    listed: list[Seat] = g.seats
    return listed


def _serve(function: ShowsPage, program: str, path: Mapping[str, str], needs: str, entry: str) -> Response:
    person = signed_in_person()
    if person is None:
        return to_sign_in()
    if person.must_change:
        return go_to(url_for("console.own_account"))
    seat = next((seat for seat in seats_of_reader(person) if seat.code == program), None)
    if seat is None:
        raise NotFound()
    language = chosen_language(request.form)
    g.seat, g.entry = seat, entry
    structlog.contextvars.bind_contextvars(person=person.login)

    def unit(desk: PersonalDesk) -> tuple[Outcome, PageReader, frozenset[str]]:
        reader = PageReader(language, desk.program.currency, desk.program.zone)
        allowed = frozenset(line.needs for line in MENU if desk.may(line.needs))
        g.reader, g.allowed, g.may = reader, allowed, desk.may
        if not desk.may(needs):
            raise Forbidden()
        outcome = function(Visit(desk, person, reader, request.args, request.form), **path)
        if is_first:
            _note_sign_in(desk)
        return outcome, reader, allowed

    entered = session.get(ENTERED, [])
    is_first = seat.key_id not in entered
    outcome, _, _ = current_site().at_desk(person, seat, unit)
    if is_first:
        session[ENTERED] = [*entered, seat.key_id]
    return _answered(outcome, language)


def _note_sign_in(desk: PersonalDesk) -> None:
    """Leaves a row in the trail of the program, the first time that a session comes in."""
    signed_in = current_user.signed_in
    after = {"signed_in_by": signed_in.signed_in_by}
    deed = Deed(SIGNED_IN, g.request_id, subject=signed_in.person.login, after=after)
    note(desk.unit, deed, current_site().identity_pepper)


def _answered(outcome: Outcome, language: str) -> Response:
    if isinstance(outcome, Response):
        return outcome
    if isinstance(outcome, HtmlPage):
        html = render_page(outcome.template, language, **frame_values(language), **outcome.values)
        return answer_page(html, language, request.form, outcome.status)
    if isinstance(outcome, Done):
        if outcome.words is not None:
            flash(render(outcome.words, language), "done")
        return go_to(outcome.address)
    response = answer_file(outcome)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def go_to(address: str) -> Response:
    """Sends the reader on, whether the form was sent by the browser or by a script of the page."""
    if is_part_asked():
        return Response(status=204, headers={"HX-Redirect": address})
    return Response(status=303, headers={"Location": address})


def is_part_asked() -> bool:
    """Whether a script of a page asks, which shows the answer as a part of that page."""
    return "HX-Request" in request.headers


def to_sign_in() -> Response:
    """Sends the reader to sign in, and back to this page after it."""
    asked = request.full_path.rstrip("?") if request.method == "GET" else ""
    return go_to(url_for(LOGIN_ENDPOINT, next=asked or None))


def safe_next(address: str) -> str | None:
    r"""A place to go on to that lies on this service; None for any other.

    >>> safe_next("/console/tea/orders?status=settled"), safe_next("//evil.example"), safe_next("/\\evil.example")
    ('/console/tea/orders?status=settled', None, None)
    """
    parts = urlsplit(address)
    fits = address.startswith("/console") and not parts.scheme and not parts.netloc and "\\" not in address
    return address if fits and address.isprintable() else None


def frame_values(language: str) -> dict[str, Any]:
    """What every page shows: the menu, the program, the person, the other language, and the filters of the reader."""
    person, seat, reader = signed_in_person(), g.get("seat"), g.get("reader")
    allowed = g.get("allowed", frozenset())
    other = next(code for code in LANGUAGES if code != language)
    return {
        "person": person,
        "seat": seat,
        "has_page": has_page,
        "icon": icon,
        "asset": asset,
        "when": _when(language),
        "seats": () if person is None else seats_of_reader(person),
        "menu": [(line, render(line.name, language)) for line in MENU if line.needs in allowed],
        "entry": g.get("entry"),
        "may": g.get("may", lambda _name: False),
        "reader": reader,
        "csrf_token": generate_csrf,
        "other": other,
        "other_name": NAMES[other],
        "here": in_language(other),
        **(reader.filters() if reader is not None else {}),
    }


def asset(name: str) -> str:
    """The address of a file of ours; it changes with the file, so that a reader keeps the file for long."""
    return url_for("console.static", filename=name, v=_digest_of(name))


@cache
def _digest_of(name: str) -> str:
    return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]


def _when(language: str) -> Callable[[Any], str]:
    """Times outside of any program, in UTC."""
    return PageReader(language, "CNY", ZoneInfo("UTC")).time


def problem_view(refusal: Refusal, language: str, request_id: str | None = None) -> dict[str, Any]:
    """What a page says of a refusal: its code and title, what happened, all that is wrong, and the request."""
    return {
        "code": refusal.code,
        "status": refusal.status,
        "title": render(title_of(refusal.code), language),
        "detail": render(refusal.text, language),
        "problems": [(entry.pointer, render(entry.detail, language)) for entry in refusal.problems],
        "request_id": request_id,
    }


def answer_refusal(refusal: Refusal) -> Response:
    """Answers a refusal as a page, or as the part of a form that says what is wrong with it."""
    if refusal.code == "unauthorized":
        return to_sign_in()
    sent = NO_FORM if refusal.code == "too_large" else request.form  # what is too long is not read a second time
    language = chosen_language(sent)
    problem = problem_view(refusal, language, g.get("request_id"))
    template = "console/problem_part.html" if is_part_asked() else "console/problem.html"
    html = render_page(template, language, **frame_values(language), problem=problem)
    response = answer_page(html, language, sent, refusal.status)
    if refusal.status in (429, 503):
        response.headers["Retry-After"] = str(refusal.params.get("seconds", 1))
    return response


def page_address(endpoint: str, values: Mapping[str, Any]) -> str:
    """The address of a page, with the ids of its path and what follows the question mark."""
    return url_for(f"console.{endpoint}", **values)


def has_page(endpoint: str) -> bool:
    """Whether the console has the page of that endpoint."""
    return f"console.{endpoint}" in current_app.view_functions


def icon(name: str) -> Markup:
    """An icon of the sprite; it stands beside words and says nothing by itself."""
    address = asset("vendor/icons/icons.svg")
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#tabler-{}"></use></svg>').format(address, name)


__all__ = [
    "Done",
    "HtmlPage",
    "MenuEntry",
    "Visit",
    "answer_refusal",
    "frame_values",
    "go_to",
    "icon",
    "page",
    "to_sign_in",
]
