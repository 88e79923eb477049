"""The page behind an invite link: who invites, into which program, and how one joins. Public, in Chinese or English.

It promises nothing, asks for no fee and shows no figure. Whose invitation a code is, is the services' business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint, Response, make_response, render_template

from distrib.console.language import language
from distrib.services.sharing.invitations import Invitation

Find = Callable[[str], Sequence[Invitation]]
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
    spoken = language()
    html = render_template("console/invitation.html", found=found, language=spoken)
    response = make_response(html, 200 if found else 404)
    response.headers["Content-Language"] = spoken
    response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}" if found else "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.vary.update(("Accept-Language", "Cookie"))
    return response
