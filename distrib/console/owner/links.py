"""The link by which an owner comes in: a page with one button, so that who looks ahead uses nothing up; the way out."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from distrib.console.language import chosen_language
from distrib.console.owner.frame import COOKIE, PATH, answer, check_form_token, cookie_path, session_token
from distrib.console.site import current_site
from distrib.services.sharing.shop_sessions import end_session, link_of, open_link
from distrib.transactions import in_transaction


def link_pages(blueprint: Blueprint) -> None:
    """Adds the page behind a link, what its button does, and the end of a session."""
    blueprint.add_url_rule("/s/<token>", "show_link", _show_link)
    blueprint.add_url_rule("/s/<token>", "open_shop", _open_shop, methods=["POST"])
    blueprint.add_url_rule(f"{PATH}/leave", "leave", _leave, methods=["POST"])


def _show_link(token: str) -> Response:
    site = current_site()
    program, name = in_transaction(site.begin, lambda conn: link_of(conn, token, site.pepper, site.now()))
    return answer("link.html", chosen_language(), platform=program.title or program.code, name=name)


def _open_shop(token: str) -> Response:
    site = current_site()
    now = site.now()
    session, over_at = in_transaction(site.begin, lambda conn: open_link(conn, token, site.pepper, now))
    response = Response(status=303, headers={"Location": url_for("owner.wallet"), "Cache-Control": "no-store"})
    response.set_cookie(
        COOKIE,
        session,
        max_age=int((over_at - now).total_seconds()),
        path=cookie_path(),
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def _leave() -> Response:
    site = current_site()
    check_form_token()
    in_transaction(site.begin, lambda conn: end_session(conn, session_token(), site.pepper, site.now()))
    response = answer("over.html", chosen_language(request.form), has_left=True)
    response.delete_cookie(COOKIE, path=cookie_path())
    return response
