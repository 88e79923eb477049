"""Which language a page speaks: what the reader chose here, or chose before, or what the browser prefers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from flask import Response, request

LANGUAGES = ("en", "zh")
COOKIE = "distrib_lang"
CHOICE = "lang"
"""The name of a choice in a query or a form."""
SPOKEN = "spoken"
"""What the page spoke from which a form was sent."""
YEAR_SECONDS = 365 * 24 * 3600

Texts: TypeAlias = Mapping[str, tuple[str, str]]
Say: TypeAlias = Callable[..., str]
Form: TypeAlias = Mapping[str, str]

NO_FORM: Form = {}


def language(form: Form = NO_FORM) -> str:
    """``zh`` or ``en``."""
    wished = (_chosen(form), form.get(SPOKEN), request.cookies.get(COOKIE))
    known = next((one for one in wished if one in LANGUAGES), None)
    return known or request.accept_languages.best_match(LANGUAGES, default="en")


def _chosen(form: Form) -> str | None:
    """The language that this very request asks for by name."""
    found = request.args.get(CHOICE) or form.get(CHOICE)
    return found if found in LANGUAGES else None


def speak(texts: Texts, spoken: str) -> Say:
    """What says the text of a key in that language, its braces filled.

    >>> speak({"line": ("line {number}", "第 {number} 行")}, "zh")("line", number=3)
    '第 3 行'
    """
    place = LANGUAGES.index(spoken)

    def say(key: str, /, **params: object) -> str:
        return texts[key][place].format_map(params)

    return say


def answer_page(html: str, spoken: str, form: Form = NO_FORM, status: int = 200) -> Response:
    """A page in that language; a choice is kept in a cookie, which holds nothing else."""
    response = Response(html, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Language"] = spoken
    response.headers["Cache-Control"] = "no-store"
    response.vary.update(("Accept-Language", "Cookie"))
    if _chosen(form) is not None:
        response.set_cookie(COOKIE, spoken, max_age=YEAR_SECONDS, path="/", httponly=True, samesite="Lax")
    return response
