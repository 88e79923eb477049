"""Signing in at a provider of OpenID Connect: away to it, and back from it into a session like any other."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, request, session, url_for

from distrib.console.frame import go_to, safe_next
from distrib.console.people import MOST_TRIES_OF_ADDRESS, begin_visit
from distrib.console.site import SignsInElsewhere, current_site
from distrib.domain.errors import Refusal
from distrib.domain.refusals import NotFound
from distrib.rates import Rate
from distrib.services.people import accounts
from distrib.services.people.accounts import SignIn
from distrib.services.people.refusals import SubjectUnknown, TooManySignIns
from distrib.services.people.subjects import person_of_subject
from distrib.transactions import in_transaction

_NEXT: Final = "next"
_BY_ADDRESS: Final = Rate("provider_sign_in_address", MOST_TRIES_OF_ADDRESS, 900)
"""Sign-ins from an address that came to nothing: each asks the provider something."""


def provider_pages(blueprint: Blueprint) -> None:
    """Adds the way to the provider and back; nobody finds them where none is configured."""
    blueprint.add_url_rule("/console/sign-in/oidc", "to_provider", _go)
    blueprint.add_url_rule("/console/sign-in/oidc/back", "from_provider", _come_back)


def _provider() -> SignsInElsewhere:
    provider = current_site().provider
    if provider is None:
        raise NotFound()
    return provider


def _go() -> Response:
    provider = _provider()
    _check_rate()
    session[_NEXT] = safe_next(request.args.get(_NEXT, ""))
    return go_to(provider.way_there(_back()))


def _back() -> str:
    """Where the provider sends people back to, as people outside reach this service."""
    base = current_site().public_url
    path = url_for("console.from_provider")
    return f"{base}{path}" if base else url_for("console.from_provider", _external=True)


def _come_back() -> Response:
    provider, site = _provider(), current_site()
    address = _check_rate()
    try:
        subject = provider.who_came_back()
        token = in_transaction(site.begin, lambda conn: _begin(conn, provider, subject))
    except Refusal:
        site.rates.take(_BY_ADDRESS, address)
        raise
    wished = session.pop(_NEXT, None)
    begin_visit(token)
    return go_to(wished or url_for("console.home"))


def _begin(conn: Any, provider: SignsInElsewhere, subject: str) -> str:
    site = current_site()
    person = person_of_subject(conn, provider.issuer, subject)
    if person is None:
        raise SubjectUnknown(subject=subject, provider=provider.name)
    device = request.headers.get("User-Agent", "")
    return accounts.begin_session(conn, person, SignIn(device, accounts.AT_PROVIDER), site.pepper, site.now())


def _check_rate() -> str:
    """The address of the caller, which has not failed too often; else ``too_many_sign_ins``."""
    site = current_site()
    address = site.address_of(request) or ""
    standing = site.rates.look(_BY_ADDRESS, address)
    if standing.is_over:
        raise TooManySignIns(seconds=standing.ends_in_s)
    return address
