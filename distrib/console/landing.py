"""The first page: what this is, and where to go on; and the picture that browsers ask for without being told."""

from __future__ import annotations

from flask import Response, url_for

from distrib.console.frame import has_page
from distrib.console.language import answer_page, chosen_language, render_page


def show_landing() -> Response:
    """Renders what the service is for, in the reader's language."""
    language = chosen_language()
    console = url_for("console.home") if has_page("home") else ""
    return answer_page(render_page("console/landing.html", language, console=console), language)


def show_favicon() -> Response:
    """Leads to the picture of every page, for what asks for it by the name that pages had before they could say one."""
    return Response(status=308, headers={"Location": url_for("console.static", filename="favicon.svg")})
