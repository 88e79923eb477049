"""The page behind an invite link: who invites, into which program, and how one joins. Public.

It promises nothing, asks for no fee and shows no figure. Whose invitation a code is, is the services' business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint, Response, make_response, request

from distrib.console.language import chosen_language, render_page
from distrib.console.share_tags import share_tags
from distrib.services.sharing.cards import draw_card
from distrib.services.sharing.invitations import Invitation

Find = Callable[[str], Sequence[Invitation]]
VisitOf = Callable[[str, str | None], Callable[[], object]]
_SOURCES = ("s", "utm_source")
"""The parameters of a link that say where it was found."""
FRESH_SECONDS = 60
"""How long a copy of the page may be shown: whoever is erased or closed is gone from it a minute later."""


def invitation_blueprint(find: Find, public_url: Callable[[], str | None], visit_of: VisitOf) -> Blueprint:
    """``/r/CODE`` and the card that chats show of it.

    A visit is counted once the page is sent: the page never waits for it, and does not know whether it was.

    Args:
        find: answers the invitations behind a code.
        public_url: answers what links to this service begin with; None: as it was reached.
        visit_of: answers what counts a visit of a code from a source.
    """
    blueprint = Blueprint("invitation", __name__, template_folder="templates")

    @blueprint.get("/r/<code>")
    def show_invitation(code: str) -> Response:
        page = _page(find(code), public_url())
        if page.status_code == 200 and request.method == "GET" and "prefetch" not in _purpose():
            source = next((request.args[name] for name in _SOURCES if name in request.args), None)
            page.call_on_close(visit_of(code, source))
        return page

    @blueprint.get("/r/<code>/card.png")
    def show_card(code: str) -> Response:
        return _card(find(code))

    return blueprint


def _purpose() -> str:
    """What a browser says it asks for, where it is not to be shown yet."""
    return f"{request.headers.get('Sec-Purpose', '')} {request.headers.get('Purpose', '')}".lower()


def _page(invitations: Sequence[Invitation], public_url: str | None) -> Response:
    """Renders the invitation; one and the same page for every code that is none, or none any more."""
    language = chosen_language()
    tags = share_tags(invitations[0], public_url or request.root_url, language) if len(invitations) == 1 else None
    html = render_page("console/invitation.html", language, invitations=invitations, tags=tags)
    response = make_response(html, 200 if invitations else 404)
    response.headers["Content-Language"] = language
    return _public(response, is_known=bool(invitations))


def _card(invitations: Sequence[Invitation]) -> Response:
    """Draws the card; there is none where the code is none, or that of several programs."""
    if len(invitations) != 1:
        return _public(Response(status=404), is_known=False)
    [invitation] = invitations
    card = draw_card(invitation.program, invitation.inviter, chosen_language())
    return _public(Response(card, content_type="image/png"), is_known=True)


def _public(response: Response, *, is_known: bool) -> Response:
    """Says how long a copy may be kept, and that search engines leave it alone."""
    response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}" if is_known else "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.vary.update(("Accept-Language", "Cookie"))
    return response
