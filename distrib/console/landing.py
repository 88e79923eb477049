"""The first page: what this is, and where to go on. Bilingual by the caller's own wish."""

from __future__ import annotations

from flask import Blueprint, render_template, request


def console_blueprint() -> Blueprint:
    """``/`` and the files that its pages need."""
    blueprint = Blueprint(
        "console", __name__, static_folder="static", static_url_path="/console/static", template_folder="templates"
    )
    blueprint.add_url_rule("/", view_func=show_landing)
    return blueprint


def show_landing() -> str:
    """What the service is for, in Chinese where the caller prefers it."""
    language = "zh" if request.accept_languages.best_match(["en", "zh"], default="en") == "zh" else "en"
    return render_template("console/landing.html", language=language)
