"""Which language a page is in: what the reader chose here, or chose before, or what the browser prefers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from flask import Response, render_template, request, url_for
from flask_babel import force_locale

from distrib.domain.texts import Text
from distrib.languages import LANGUAGES, render
from distrib.languages.web import preferred_language

COOKIE = "distrib_lang"
CHOICE = "lang"
"""The name of a choice in a query or a form."""
PAGE_LANGUAGE = "spoken"
"""The field of a form that holds the language of the page it was sent from."""
NAMES = {"en": "English", "zh": "中文"}
"""What each language calls itself."""
YEAR_SECONDS = 365 * 24 * 3600

Texts: TypeAlias = Mapping[str, Text]
Say: TypeAlias = Callable[..., str]
Form: TypeAlias = Mapping[str, str]

NO_FORM: Form = {}


def chosen_language(form: Form = NO_FORM) -> str:
    """Resolves the language of a page: ``zh`` or ``en``."""
    wished = (_chosen(form), form.get(PAGE_LANGUAGE), request.cookies.get(COOKIE))
    known = (language for language in wished if language in LANGUAGES)
    return next(known, None) or preferred_language()


def _chosen(form: Form) -> str | None:
    """Reads the language that this very request asks for by name."""
    language = request.args.get(CHOICE) or form.get(CHOICE)
    return language if language in LANGUAGES else None


def speak(texts: Texts, language: str) -> Say:
    """Builds a function that renders the text of a key in that language, its braces filled.

    >>> speak({"line": Text("line {number}")}, "zh")("line", number=3)
    '第 3 行'
    """

    def say(key: str, /, **params: object) -> str:
        return render(texts[key].with_params(**params), language)

    return say


def in_language(language: str) -> str:
    """The address of this page in that language, all else in it kept."""
    if request.endpoint is None or request.method != "GET":
        return f"?{CHOICE}={language}"
    values: dict[str, Any] = {**request.args.to_dict(flat=False), **(request.view_args or {}), CHOICE: language}
    return url_for(request.endpoint, **values)


def render_page(template: str, language: str, **values: object) -> str:
    """Renders the template with its messages in that language."""
    with force_locale(language):
        return render_template(template, language=language, **values)


def answer_page(html: str, language: str, form: Form = NO_FORM, status: int = 200) -> Response:
    """Builds the response of a page; a choice is kept in a cookie, which holds nothing else."""
    response = Response(html, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = "no-store"
    response.vary.update(("Accept-Language", "Cookie"))
    if _chosen(form) is not None:
        response.set_cookie(COOKIE, language, max_age=YEAR_SECONDS, path="/", httponly=True, samesite="Lax")
    return response
