"""The page behind a link for a lost password: shows whose it is, sets the new one. Looking at it uses nothing up."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, flash, g, request, url_for

from distrib.console.frame import LOGIN_ENDPOINT, frame_values, go_to
from distrib.console.language import answer_page, chosen_language, render_page
from distrib.console.site import current_site
from distrib.domain.errors import Refusal
from distrib.domain.texts import Text
from distrib.languages import render
from distrib.services.context import Unit
from distrib.services.people.accounts import SignedPerson
from distrib.services.people.password_links import OpenedLink, open_link, use_link
from distrib.services.trail import Deed, note
from distrib.transactions import in_transaction

USED: Final = "use_password_link"
"""What the trail calls it that a person set a password by a link; the password is in no row."""


def new_password_pages(blueprint: Blueprint) -> None:
    """Adds the page of links for a lost password."""
    blueprint.add_url_rule("/console/password/<token>", "new_password", _show)
    blueprint.add_url_rule("/console/password/<token>", "set_new_password", _set, methods=["POST"])


def _show(token: str) -> Response:
    site = current_site()
    opened = in_transaction(site.begin, lambda conn: open_link(conn, token, site.pepper, site.now()))
    return _page(opened.person, 200)


def _set(token: str) -> Response:
    site, password = current_site(), request.form.get("password", "")

    def unit(conn: Any) -> OpenedLink:
        now = site.now()
        used = use_link(conn, token, password, site.pepper, now)
        deed = Deed(USED, g.request_id, subject=used.row.key_id, sent={"made_by": used.row.made_by})
        note(Unit(conn, used.program, used.actor, now), deed, site.identity_pepper)
        return used

    try:
        in_transaction(site.begin, unit)
    except Refusal as refusal:
        if refusal.code != "invalid":
            raise
        opened = in_transaction(site.begin, lambda conn: open_link(conn, token, site.pepper, site.now()))
        return _page(opened.person, refusal.status, refusal)
    flash(render(Text("The password is set; sign in with it."), chosen_language(request.form)), "done")
    return go_to(url_for(LOGIN_ENDPOINT))


def _page(owner: SignedPerson, status: int, refusal: Refusal | None = None) -> Response:
    language = chosen_language(request.form)
    details = () if refusal is None else [render(problem.detail, language) for problem in refusal.problems]
    values = frame_values(language) | {"owner": owner, "wrong": "; ".join(details)}
    return answer_page(render_page("console/new_password.html", language, **values), language, request.form, status)
