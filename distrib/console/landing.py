"""The first page: what this is, and where to go on."""

from __future__ import annotations

from flask import Response

from distrib.console.language import answer_page, chosen_language, render_page


def show_landing() -> Response:
    """Renders what the service is for, in the reader's language."""
    language = chosen_language()
    return answer_page(render_page("console/landing.html", language), language)
