"""The frame of an owner's page: whose session it is, what the page shows or does, and how that is answered.

A page is a function of the visit, which runs in one transaction; nothing is rendered before that has ended. All reading
is done without a script.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import wraps
from string import ascii_uppercase
from typing import Any, Final, TypeAlias

from babel.dates import format_date
from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from distrib.console.files import answer_file
from distrib.console.frame import asset
from distrib.console.language import NAMES, answer_page, chosen_language, in_language, render_page
from distrib.console.reader import PageReader
from distrib.console.site import AnsweredFile, PersonalDesk, current_site
from distrib.domain.errors import Refusal, title_of
from distrib.domain.refusals import FormExpired
from distrib.domain.texts import Wording
from distrib.languages import LANGUAGES, render
from distrib.services.sharing.refusals import SessionOver

COOKIE: Final = "distrib_shop"
PATH: Final = "/my"
FORM_FIELD: Final = "form_token"
MOST_FORM_BYTES: Final = 16 * 1024
KEPT_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Leaf:
    """A page of the owner to show: its template with what fills it, and the tab it belongs to."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    tab: str = ""


@dataclass(frozen=True, slots=True)
class Onward:
    """Something was done: where to go on."""

    address: str


Shown: TypeAlias = "Leaf | Onward | AnsweredFile"


@dataclass(frozen=True, slots=True)
class OwnerVisit:
    """An owner at a page: the desk of the shop, the request's query and form, and the reader.

    Args:
        problem: why the form that was sent did nothing.
    """

    desk: PersonalDesk
    reader: PageReader
    query: MultiDict[str, str]
    form: MultiDict[str, str]
    problem: Refusal | None = None

    @property
    def shop_id(self) -> str:
        """The shop whose session it is."""
        if self.desk.actor.shop_id is None:
            raise TypeError("a session is a shop's")
        return self.desk.actor.shop_id

    def call(self, name: str, /, body: Any = None, query: Mapping[str, str] | None = None, **path: str) -> Any:
        """Calls an operation: its path as keywords, its query and its body as they would be sent."""
        return self.desk.call(name, path, query or {}, body)

    def own(self, name: str, **query: str) -> Any:
        """Calls an operation on the owner's own shop."""
        return self.desk.call(name, {"shop_id": self.shop_id}, query)

    def say(self, words: Wording) -> str:
        """Renders a text in the reader's language."""
        return render(words, self.reader.language)

    def day(self, instant: datetime | date | None) -> str:
        """A day as people say it: without the year where it is this one."""
        if instant is None:
            return ""
        day = self.desk.program.day_of(instant) if isinstance(instant, datetime) else instant
        if day.year != self.desk.program.day_of(self.desk.now).year:
            return self.reader.day(day)
        return str(format_date(day, "M月d日" if self.reader.language == "zh" else "d MMM", self.reader.locale))

    @property
    def symbol(self) -> str:
        """The sign of the program's currency, the only one here: without the letters that tell it from others."""
        return self.reader.symbol.lstrip(ascii_uppercase) or self.reader.symbol

    def money(self, amount_minor: int) -> str:
        """An amount with the sign of its currency."""
        sign, text = (
            ("−", self.reader.money(-amount_minor)) if amount_minor < 0 else ("", self.reader.money(amount_minor))
        )
        return f"{sign}{self.symbol}{text}"


LeafFunction: TypeAlias = Callable[..., Shown]


def leaf(blueprint: Blueprint, rule: str) -> Callable[[LeafFunction], LeafFunction]:
    """Registers a page of the owner under ``/my``; its endpoint is the function's name."""

    def register(function: LeafFunction) -> LeafFunction:
        @wraps(function)
        def view(**path: str) -> Response:
            return _serve(function, path)

        blueprint.add_url_rule(PATH + rule, function.__name__, view)
        return function

    return register


def deed(blueprint: Blueprint, rule: str, shown_by: LeafFunction) -> Callable[[LeafFunction], LeafFunction]:
    """Registers what a form of the owner does; refused, the page ``shown_by`` says why, with what was typed."""

    def register(function: LeafFunction) -> LeafFunction:
        @wraps(function)
        def view(**path: str) -> Response:
            request.max_content_length = MOST_FORM_BYTES
            check_form_token()
            try:
                return _serve(function, path)
            except Refusal as refusal:
                if refusal.code == SessionOver.code:
                    raise
                return _serve(shown_by, path, refusal)

        blueprint.add_url_rule(PATH + rule, function.__name__, view, methods=["POST"])
        return function

    return register


def session_token() -> str:
    """The token of the session in the request's cookie; empty without one."""
    return request.cookies.get(COOKIE, "")


def check_form_token() -> None:
    """Raises ``form_expired`` for a form that no page of this session sent."""
    if not hmac.compare_digest(request.form.get(FORM_FIELD, "").encode(), form_token().encode()):
        raise FormExpired()


def cookie_path() -> str:
    """The path that the session's cookie is for: that of the owner's pages, wherever the service hangs."""
    return request.script_root + PATH


def form_token() -> str:
    """What a form of this session sends, so that no other site's form is taken for one of ours."""
    text = f"shop form\0{session_token()}".encode()
    return hmac.new(current_site().pepper, text, hashlib.sha256).hexdigest()


def _serve(function: LeafFunction, path: Mapping[str, str], problem: Refusal | None = None) -> Response:
    language = chosen_language(request.form)

    def do(desk: PersonalDesk) -> tuple[Shown, OwnerVisit, Mapping[str, Any]]:
        reader = PageReader(language, desk.program.currency, desk.program.zone)
        visit = OwnerVisit(desk, reader, request.args, request.form, problem)
        shown = function(visit, **path)
        return shown, visit, visit.own("get_shop") if isinstance(shown, Leaf) else {}

    shown, visit, shop = current_site().at_shop_desk(session_token(), do)
    if isinstance(shown, Onward):
        return Response(status=303, headers={"Location": shown.address, "Cache-Control": "no-store"})
    if isinstance(shown, Leaf):
        program = visit.desk.program
        values = {"shop": shop, "platform": program.title or program.code, "tab": shown.tab, **shown.values}
        values |= {"visit": visit, "form_token": form_token, **visit.reader.filters(), "day": visit.day}
        values["problem"] = None if problem is None else problem_words(problem, language)
        return answer(shown.template, language, 200 if problem is None else problem.status, **values)
    response = answer_file(shown)
    response.headers["Cache-Control"] = f"private, max-age={KEPT_SECONDS}"
    return response


def answer(template: str, language: str, status: int = 200, **values: Any) -> Response:
    """Renders a page of the owner with what all of them show."""
    other = next(code for code in LANGUAGES if code != language)
    frame = {"asset": asset, "other": other, "other_name": NAMES[other], "here": in_language(other)}
    html = render_page(f"console/owner/{template}", language, **frame, **values)
    response = answer_page(html, language, request.form, status)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def problem_words(refusal: Refusal, language: str) -> list[str]:
    """What was refused, a line each."""
    return [render(entry.detail, language) for entry in refusal.problems] or [render(refusal.text, language)]


def answer_owner_refusal(refusal: Refusal) -> Response:
    """Answers a refusal as a page that says what to do."""
    language = chosen_language(request.form)
    if refusal.code == SessionOver.code:
        return answer("over.html", language, refusal.status)
    values = {"title": render(title_of(refusal.code), language), "problem": problem_words(refusal, language)}
    response = answer("problem.html", language, refusal.status, **values)
    if refusal.status in (429, 503):
        response.headers["Retry-After"] = str(refusal.params.get("seconds", 1))
    return response


def is_owners(path: str) -> bool:
    """Whether a path is one of the owner's, whose problems people read.

    >>> is_owners("/my"), is_owners("/my/team"), is_owners("/s/sl_1"), is_owners("/mystery")
    (True, True, True, False)
    """
    return path == PATH or path.startswith((f"{PATH}/", "/s/"))
