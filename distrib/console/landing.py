"""The first page: what this is, and where to go on. Bilingual by the caller's own wish."""

from __future__ import annotations

from flask import Response, render_template

from distrib.console.language import answer_page, language


def show_landing() -> Response:
    """What the service is for, in Chinese where the caller prefers it."""
    spoken = language()
    return answer_page(render_template("console/landing.html", language=spoken), spoken)
