"""Puts the owner's pages together."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint

from distrib.console.owner.links import link_pages
from distrib.console.owner.own import own_pages
from distrib.console.owner.standing import standing_pages
from distrib.console.owner.wallet import wallet_pages
from distrib.console.owner.withdrawals import withdrawal_pages


def owner_blueprint(public_url: Callable[[], str | None]) -> Blueprint:
    """``/s/TOKEN``, by which an owner comes in, and the pages under ``/my``.

    Args:
        public_url: answers what links to this service begin with; None: as it was reached.
    """
    blueprint = Blueprint("owner", __name__, template_folder="../templates")
    for add_pages in (link_pages, wallet_pages, withdrawal_pages, standing_pages):
        add_pages(blueprint)
    own_pages(blueprint, public_url)
    return blueprint
