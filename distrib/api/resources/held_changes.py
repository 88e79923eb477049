"""Changes of where money goes that wait for their day or for a second person; each is approved where its subject is."""

from __future__ import annotations

from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer
from distrib.api.schemas.held_changes import HELD_CHANGES, HeldChangeQuerySchema
from distrib.services import held_changes as service

held_changes = Resource("held changes", "Changes of where money goes 待生效变更")


@held_changes.operation("GET", "/changes", {200: HELD_CHANGES}, Takes(query=HeldChangeQuerySchema))
def list_held_changes(call: Call) -> Answer:
    """Payees, addresses of webhooks and settings that one person changed, the newest first; or the open ones."""
    status = call.query["status"]
    listing = call.listing(f"changes {status}")
    before_no = listing.key(call.query["cursor"])
    is_open, limit = status is not None, call.query["limit"]
    views, follows = service.list_changes(call.conn, call.program, before_no, limit, is_open=is_open)
    return Answer(listing.page_by_key(views, follows))
