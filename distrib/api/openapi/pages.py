"""Pages that say how the service is used, all from this machine: no page loads anything from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Blueprint, Response, render_template

from distrib.api.http.answers import json_response, to_json
from distrib.domain.errors import CODES
from distrib.domain.texts import Text
from distrib.languages import LANGUAGES, render
from distrib.languages.web import current_language

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def docs_blueprint(describe: Callable[[], dict[str, Any]]) -> Blueprint:
    """The description as JSON, the same to read and try, and what each error code means.

    Args:
        describe: answers the description, when it is asked for.
    """
    blueprint = Blueprint(
        "docs", __name__, static_folder="static", static_url_path="/docs/static", template_folder="templates"
    )
    written = cache(lambda: to_json(describe()))

    @blueprint.get("/v1/openapi.json")
    def openapi_json() -> Response:
        return json_response(written(), 200, {})

    @blueprint.get("/docs")
    def read_docs() -> str:
        return render_template("docs/swagger.html")

    @blueprint.get("/docs/errors")
    def read_errors() -> str:
        rows = [
            (code, entry.status, *(render(Text(entry.message), language) for language in LANGUAGES))
            for code, entry in sorted(CODES.items())
        ]
        return render_template("docs/errors.html", rows=rows, language=current_language())

    return blueprint
