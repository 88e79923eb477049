"""People who sign in, as they are let in and shown; a password stands in the answer that draws it and nowhere else."""

from __future__ import annotations

from distrib.api.http.auth import ADMIN
from distrib.api.schemas.fields import Choice, Flag, Instant, PlainText, Shape, Whole
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.api.schemas.visible import Visible, paged
from distrib.services.people.password_links import LINK_MINUTES, MOST_LINK_MINUTES
from distrib.services.programs.keys import ACTIVE, ENDED, EXPIRED
from distrib.services.programs.scopes import SEAT_ROLES

_ONCE = "of a new person: drawn, to be changed at the first sign-in, and not shown again; null: signs in already"


class PeopleQuerySchema(PageQuerySchema):
    """Which people: those who are in, or those who were."""

    state = Choice((ACTIVE, ENDED), load_default=None)


class SeatDraftSchema(Shape):
    """Somebody who is to be let in."""

    login = PlainText(
        high=64, required=True, metadata={"description": "small letters, digits and . _ @ + -; as it signs in"}
    )
    role = Choice(SEAT_ROLES, required=True)
    name = PlainText(load_default=None, allow_none=True, metadata={"description": "of a new person; null: the login"})


class SeatSchema(Shape):
    """A person's seat in the program; ``id`` is that of its key, by which it is approved and ended."""

    id = PlainText(required=True)
    login = PlainText(required=True)
    name = PlainText(required=True)
    role = Choice(SEAT_ROLES, required=True)
    state = Choice((ACTIVE, EXPIRED, ENDED), required=True)
    may_confirm = Flag(required=True, metadata={"description": "whether the person may confirm money now"})
    confirms_from = Instant(required=True, allow_none=True)
    created_at = Instant(required=True)
    made_by = PlainText(required=True, allow_none=True, metadata={"description": "a key, or cli"})
    approved_by = PlainText(required=True, allow_none=True)
    approved_at = Instant(required=True, allow_none=True)
    revoked_at = Instant(required=True, allow_none=True)
    ended_by = PlainText(required=True, allow_none=True)


class NewSeatSchema(SeatSchema):
    """A person who was let in, with the first password where there was none."""

    password = PlainText(required=True, allow_none=True, metadata={"description": _ONCE})


class PasswordLinkDraftSchema(Shape):
    """How long the link is good."""

    link_minutes = Whole(low=1, high=MOST_LINK_MINUTES, load_default=LINK_MINUTES)


class PasswordLinkSchema(Shape):
    """A link by which a person sets a new password, once."""

    login = PlainText(required=True)
    url = PlainText(high=2_000, required=True, metadata={"description": "stands in this answer and nowhere else"})
    expires_at = Instant(required=True, metadata={"description": "after it the link is good for nothing"})


PeoplePageSchema = page_of(SeatSchema, "PeoplePage")

# Who sees what: who signs in is for admins.
_SEAT = (
    "id",
    "login",
    "name",
    "role",
    "state",
    "may_confirm",
    "confirms_from",
    "created_at",
    "made_by",
    "approved_by",
    "approved_at",
    "revoked_at",
    "ended_by",
)
PEOPLE = Visible(PeoplePageSchema, {ADMIN: paged(_SEAT)})
NEW_SEAT = Visible(NewSeatSchema, {ADMIN: (*_SEAT, "password")})
PASSWORD_LINK = Visible(PasswordLinkSchema, {ADMIN: ("login", "url", "expires_at")})
