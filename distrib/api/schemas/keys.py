"""Keys as they are made, changed and shown; a secret stands in the answer that makes it and nowhere else."""

from __future__ import annotations

from distrib.api.http.auth import ADMIN, ORDERS, PARTNER, ROLES, STAFF
from distrib.api.schemas.fields import Choice, Flag, Identifier, Instant, Listed, PlainText, Shape, Whole
from distrib.api.schemas.lists import page_of
from distrib.api.schemas.visible import Visible, paged
from distrib.services.programs.key_changes import KEEPS_OLD_HOURS, MOST_HOURS, NEW, OLD
from distrib.services.programs.keys import ACTIVE, ENDED, EXPIRED
from distrib.services.programs.scopes import SCOPES, SEAT_ROLES

_SCOPES = SCOPES["admin"]
_ANY_ROLE = tuple(dict.fromkeys((*ROLES, *SEAT_ROLES)))
_KEPT_AS_HASH = "kept as a keyed hash only: it cannot be shown again"


class KeyTermsSchema(Shape):
    """Whose a key is, how far it reaches and until when; what is not named stays."""

    owner = Identifier(metadata={"description": "the person or machine it stands for"})
    scopes = Listed(
        Choice(_SCOPES),
        low=1,
        high=len(_SCOPES),
        allow_none=True,
        metadata={"description": "some of the role's; null: all"},
    )
    expires_at = Instant(allow_none=True, metadata={"description": "null: no end"})


class KeyDraftSchema(Shape):
    """A key that is to be made."""

    role = Choice(ROLES, required=True)
    name = PlainText(required=True)
    shop_id = Identifier(allow_none=True, load_default=None, metadata={"description": "with role partner only"})
    owner = Identifier(
        allow_none=True,
        load_default=None,
        metadata={"description": "the person or machine it stands for; null: its name is taken for that"},
    )
    scopes = Listed(
        Choice(_SCOPES),
        low=1,
        high=len(_SCOPES),
        allow_none=True,
        load_default=None,
        metadata={"description": "some of the role's; null: all"},
    )
    expires_at = Instant(allow_none=True, load_default=None, metadata={"description": "null: no end"})


class KeySchema(Shape):
    """A key without its secret."""

    id = PlainText(required=True)
    name = PlainText(required=True)
    role = Choice(_ANY_ROLE, required=True)
    shop_id = Identifier(required=True, allow_none=True)
    owner = PlainText(required=True, metadata={"description": "its name until an owner is set"})
    owner_is_set = Flag(required=True)
    scopes = Listed(Choice(_SCOPES), required=True, allow_none=True)
    state = Choice((ACTIVE, EXPIRED, ENDED), required=True)
    may_confirm = Flag(required=True, metadata={"description": "whether it may confirm money now"})
    confirms_from = Instant(
        required=True,
        allow_none=True,
        metadata={
            "description": "when a key that waits may confirm; null: with an approval only, or it waits for nothing"
        },
    )
    created_at = Instant(required=True)
    made_by = PlainText(
        required=True, allow_none=True, metadata={"description": "a key, or cli; null: before that was kept"}
    )
    approved_by = PlainText(required=True, allow_none=True)
    approved_at = Instant(required=True, allow_none=True)
    expires_at = Instant(required=True, allow_none=True)
    old_secret_ends_at = Instant(
        required=True, allow_none=True, metadata={"description": "while it has two secrets: when the former ends"}
    )
    last_used_at = Instant(required=True, allow_none=True, metadata={"description": "to the minute"})
    revoked_at = Instant(required=True, allow_none=True)
    ended_by = PlainText(required=True, allow_none=True, metadata={"description": "a key, or cli"})
    signed = Flag(required=True, metadata={"description": "whether what it posts of events must be signed"})
    is_seat = Flag(required=True, metadata={"description": "what a person may who signs in: nobody presents it"})


class NewKeySchema(KeySchema):
    """A key with its secret, seen once."""

    key = PlainText(required=True, metadata={"description": _KEPT_AS_HASH})


class SigningSecretSchema(Shape):
    """The secret of a key that must sign, seen once."""

    id = PlainText(required=True)
    secret = PlainText(required=True, metadata={"description": "whsec_ and base64, as Standard Webhooks has it"})
    former_until = Instant(
        required=True, allow_none=True, metadata={"description": "until when the one before is good as well"}
    )


class RotationSchema(Shape):
    """How long the former secret of a key that gets a new one still works."""

    keep_hours = Whole(high=MOST_HOURS, load_default=KEEPS_OLD_HOURS)


class RotationEndSchema(Shape):
    """Which of a key's two secrets stays; the other ends at once."""

    keep = Choice((NEW, OLD), load_default=NEW, metadata={"description": "old where the new one never arrived"})


KeysPageSchema = page_of(KeySchema, "KeysPage")

# Who sees what: every role sees of its own key all that an admin sees of any, as the list says; so does the trail.
_KEY = (
    "id",
    "name",
    "role",
    "shop_id",
    "owner",
    "owner_is_set",
    "scopes",
    "state",
    "may_confirm",
    "confirms_from",
    "created_at",
    "made_by",
    "approved_by",
    "approved_at",
    "expires_at",
    "old_secret_ends_at",
    "last_used_at",
    "revoked_at",
    "ended_by",
    "signed",
    "is_seat",
)
KEY = Visible(KeySchema, dict.fromkeys((PARTNER, ORDERS, *STAFF), _KEY))
NEW_KEY = Visible(NewKeySchema, dict.fromkeys((PARTNER, ORDERS, *STAFF), (*_KEY, "key")))
KEYS = Visible(KeysPageSchema, {ADMIN: paged(_KEY)})
SIGNING_SECRET = Visible(SigningSecretSchema, {ADMIN: ("id", "secret", "former_until")})
