"""The page behind an invite link: who invites, into which program, and how one joins. Public.

It promises nothing, asks for no fee and shows no figure. Whose invitation a code is, is the services' business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint, Response, make_response, request

from distrib.console.language import chosen_language, render_page
from distrib.services.sharing.invitations import Invitation

Find = Callable[[str], Sequence[Invitation]]
VisitOf = Callable[[str, str | None], Callable[[], object]]
_SOURCES = ("s", "utm_source")
"""The parameters of a link that say where it was found."""
FRESH_SECONDS = 60
"""How long a copy of the page may be shown: whoever is erased or closed is gone from it a minute later."""


def invitation_blueprint(find: Find, visit_of: VisitOf) -> Blueprint:
    """``/r/CODE``; ``find`` answers the invitations behind a code, ``visit_of`` what counts a visit of it.

    A visit is counted once the page is sent: the page never waits for it, and does not know whether it was.
    """
    blueprint = Blueprint("invitation", __name__, template_folder="templates")

    @blueprint.get("/r/<code>")
    def show_invitation(code: str) -> Response:
        page = _page(find(code))
        if page.status_code == 200 and request.method == "GET" and "prefetch" not in _purpose():
            source = next((request.args[name] for name in _SOURCES if name in request.args), None)
            page.call_on_close(visit_of(code, source))
        return page

    return blueprint


def _purpose() -> str:
    """What a browser says it asks for, where it is not to be shown yet."""
    return f"{request.headers.get('Sec-Purpose', '')} {request.headers.get('Purpose', '')}".lower()


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
