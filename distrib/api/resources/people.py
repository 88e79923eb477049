"""People who sign in: let into the program, listed. A seat is approved and ended by the id of its key."""

from __future__ import annotations

from distrib.api.calls.operations import Call, Resource
from distrib.api.http.answers import Answer
from distrib.api.schemas.people import NewSeatSchema, PeoplePageSchema, PeopleQuerySchema, SeatDraftSchema
from distrib.services.people import seats as service
from distrib.services.programs.keys import ENDED

people = Resource("people", "People who sign in 人员")


@people.operation("GET", "/people", {200: PeoplePageSchema}, query=PeopleQuerySchema)
def list_people(call: Call) -> Answer:
    """The seats of the program by login: who is in, as what, let in by whom; ended ones too."""
    state = call.query["state"]
    listing = call.listing(f"people {state}")
    after = listing.place(call.query["cursor"])
    is_ended = None if state is None else state == ENDED
    rows, follows = service.list_people(call.conn, call.program, is_ended, after, call.query["limit"], call.now)
    return Answer(listing.page(rows, follows))


@people.operation(
    "POST", "/people", {201: NewSeatSchema}, body=SeatDraftSchema, refusals=("person_seated", "person_known")
)
def seat_person(call: Call) -> Answer:
    """Lets a person in by its login; one whom nobody knows yet gets a password, which stands in this answer alone.

    A seat that may confirm money waits before it can, as a key does. `DELETE /v1/keys/{id}` ends it.
    """
    body = call.body
    view, password = service.let_in(
        call.conn, call.program, body["login"], body["name"], body["role"], call.actor, call.now
    )
    return Answer(view | {"password": password}, 201, {"Location": f"/v1/keys/{view['id']}"})
