"""The page behind an invite link: who invites, into which program, and how one joins. Public, in Chinese or English.

It promises nothing, asks for no fee and shows no figure. Whose invitation a code is, is the services' business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint, Response, make_response, render_template, request

from distrib.services.invitations import Invitation

Find = Callable[[str], Sequence[Invitation]]
LANGUAGES = ("en", "zh")
FRESH_SECONDS = 60
"""How long a copy of the page may be shown: whoever is erased or closed is gone from it a minute later."""


def invitation_blueprint(find: Find) -> Blueprint:
    """``/r/CODE``; ``find`` answers the invitations behind a code."""
    blueprint = Blueprint("invitation", __name__, template_folder="templates")

    @blueprint.get("/r/<code>")
    def show_invitation(code: str) -> Response:
        return _page(find(code))

    return blueprint


def _page(found: Sequence[Invitation]) -> Response:
    """The invitation, or one and the same page for every code that is none, no longer one or not one now."""
    language = _language()
    html = render_template("console/invitation.html", found=found, language=language)
    response = make_response(html, 200 if found else 404)
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}" if found else "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.vary.add("Accept-Language")
    return response


def _language() -> str:
    """``?lang=`` where it is one of ours, else what the browser prefers."""
    asked = request.args.get("lang")
    if asked in LANGUAGES:
        return asked
    return "zh" if request.accept_languages.best_match(LANGUAGES, default="en") == "zh" else "en"
