"""People who sign in: let into the program, listed. A seat is approved and ended by the id of its key."""

from __future__ import annotations

from distrib.api.calls.links import base_of_links
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer, shown
from distrib.api.schemas.people import (
    NEW_SEAT,
    PASSWORD_LINK,
    PEOPLE,
    PasswordLinkDraftSchema,
    PeopleQuerySchema,
    SeatDraftSchema,
)
from distrib.services.people import password_links
from distrib.services.people import seats as service
from distrib.services.programs.keys import ENDED

people = Resource("people", "People who sign in 人员")


@people.operation("GET", "/people", {200: PEOPLE}, Takes(query=PeopleQuerySchema))
def list_people(call: Call) -> Answer:
    """The seats of the program by login: who is in, as what, let in by whom; ended ones too."""
    state = call.query["state"]
    listing = call.listing(f"people {state}")
    after = listing.place(call.query["cursor"])
    is_ended = None if state is None else state == ENDED
    rows, follows = service.list_people(call.unit, is_ended, after, call.query["limit"])
    return Answer(listing.page(rows, follows))


@people.operation(
    "POST", "/people", {201: NEW_SEAT}, Takes(body=SeatDraftSchema), refusals=("person_seated", "person_known")
)
def seat_person(call: Call) -> Answer:
    """Lets a person in by its login; one whom nobody knows yet gets a password, which stands in this answer alone.

    A seat that may confirm money waits before it can, as a key does. `DELETE /v1/keys/{id}` ends it.
    """
    body = call.body
    view, password = service.let_in(call.unit, body["login"], body["name"], body["role"])
    return Answer(shown(view) | {"password": password}, 201, {"Location": f"/v1/keys/{view.id}"})


@people.operation(
    "POST",
    "/people/<id:key_id>/password-link",
    {201: PASSWORD_LINK},
    Takes(body=PasswordLinkDraftSchema, needs_body=False),
    refusals=("key_ended", "own_key", "person_unknown", "person_elsewhere"),
)
def create_password_link(call: Call, key_id: str) -> Answer:
    """A link by which the person of that seat sets a new password, once; a link made before is over.

    Whoever has the link can sign in as the person. So the seat waits before it may confirm money, as a new one does,
    and never confirms what the maker of the link proposed; and a person with a seat in another program gets no link
    (`person_elsewhere`). Using it ends all sessions of the person.
    """
    base = base_of_links(call).rstrip("/")
    link = password_links.create_link(call.unit, key_id, call.backend.pepper, **call.body)
    view = {"login": link.login, "url": f"{base}/console/password/{link.token}", "expires_at": link.over_at}
    return Answer(view, 201)
