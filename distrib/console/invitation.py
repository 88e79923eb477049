"""The page behind an invite link: who invites, into which program, and how one joins. Public.

It promises nothing, asks for no fee and shows no figure. Whose invitation a code is, is the services' business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint, Response, make_response

from distrib.console.language import chosen_language, render_page
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


def _page(invitations: Sequence[Invitation]) -> Response:
    """Renders the invitation; one and the same page for every code that is none, or none any more."""
    language = chosen_language()
    html = render_page("console/invitation.html", language, invitations=invitations)
    response = make_response(html, 200 if invitations else 404)
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}" if invitations else "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.vary.update(("Accept-Language", "Cookie"))
    return response
