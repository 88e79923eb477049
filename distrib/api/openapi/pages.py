"""Pages that say how the service is used, all from this machine: no page loads anything from elsewhere, or a script.

They are drawn from the description itself (``reading``), so that what is read is what is served.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from flask import Blueprint, Response, render_template, request
from flask_babel import force_locale
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from distrib.api.http.answers import json_response, to_json
from distrib.api.http.codes import CODES
from distrib.api.openapi.reading import nouns_of
from distrib.domain.texts import Text
from distrib.languages import LANGUAGES, render
from distrib.languages.web import current_language

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
CONTEXT: Final = "docs"
"""The context that the catalogues hold the texts of the description in."""
_CHOICE: Final = "lang"
_CODE: Final = re.compile("`+([^`]+)`+")
_NAMES: Final = {"en": "English", "zh": "中文"}


def docs_blueprint(describe: Callable[[], dict[str, Any]]) -> Blueprint:
    """The description as JSON, the same to read, and what each error code means.

    Args:
        describe: answers the description, when it is asked for.
    """
    blueprint = Blueprint(
        "docs", __name__, static_folder="static", static_url_path="/docs/static", template_folder="templates"
    )
    written = cache(lambda: to_json(describe()))
    nouns = cache(lambda: nouns_of(describe()))

    @blueprint.get("/v1/openapi.json")
    def openapi_json() -> Response:
        return json_response(written(), 200, {})

    @blueprint.get("/docs")
    def read_docs() -> str:
        info = describe()["info"]
        return _page("docs/nouns.html", nouns=nouns().values(), version=info["version"])

    @blueprint.get("/docs/calls/<place>")
    def read_noun(place: str) -> str:
        noun = nouns().get(place)
        if noun is None:
            raise NotFound
        return _page("docs/noun.html", noun=noun, base=request.host_url.rstrip("/"))

    @blueprint.get("/docs/errors")
    def read_errors() -> str:
        rows = [
            (code, entry.status, *(render(Text(entry.message), language) for language in LANGUAGES))
            for code, entry in sorted(CODES.items())
        ]
        return _page("docs/errors.html", rows=rows)

    return blueprint


def _page(template: str, **values: Any) -> str:
    """Renders a page in the language that the address names, else in the reader's."""
    chosen = request.args.get(_CHOICE)
    language = chosen if chosen in LANGUAGES else current_language()
    other = next(code for code in LANGUAGES if code != language)
    chosen_alike = {_CHOICE: language} if chosen == language else {}
    with force_locale(language):
        return render_template(
            template,
            language=language,
            here=f"{request.path}?{_CHOICE}={other}",
            other=other,
            other_name=_NAMES[other],
            chosen=chosen_alike,
            said=lambda text: _coded(render(Text(text, CONTEXT), language)),
            meaning=lambda code: render(Text(CODES[code].message), language),
            **values,
        )


def _coded(text: str) -> Markup:
    """A text of the description with what stands between backticks as code.

    >>> str(_coded("`GET` & ``more``"))
    '<code>GET</code> &amp; <code>more</code>'
    """
    parts = _CODE.split(text)
    pieces = (Markup("<code>{}</code>") if number % 2 else Markup("{}") for number in range(len(parts)))
    return Markup("").join(piece.format(part) for piece, part in zip(pieces, parts, strict=True))
