"""Keys and whose they are: made, changed, rotated, approved and ended."""

from __future__ import annotations

from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer, shown
from distrib.api.schemas.keys import (
    KEY,
    KEYS,
    NEW_KEY,
    SIGNING_SECRET,
    KeyDraftSchema,
    KeyTermsSchema,
    RotationEndSchema,
    RotationSchema,
)
from distrib.api.schemas.lists import PageQuerySchema
from distrib.services.programs import key_changes, signing
from distrib.services.programs import keys as service
from distrib.services.programs.keys import KeyDraft, KeyTerms

keys = Resource("keys", "Keys 密钥 and the persons behind them")


@keys.operation("GET", "/keys", {200: KEYS}, Takes(query=PageQuerySchema))
def list_keys(call: Call) -> Answer:
    """The keys without their secrets."""
    listing = call.listing("keys")
    after = listing.key(call.query["cursor"])
    listed, follows = service.list_keys(call.conn, call.program, after, call.query["limit"])
    return Answer(listing.page_by_key([service.key_view(key, call.now) for key in listed], follows))


@keys.operation("POST", "/keys", {201: NEW_KEY}, Takes(body=KeyDraftSchema), refusals=("shop_unknown",))
def create_key(call: Call) -> Answer:
    """Makes a key; the answer is the only place where its secret is ever seen.

    One that may confirm money waits before it can, as the program's `key_approval` says.
    """
    body = call.body
    scopes = None if body["scopes"] is None else tuple(dict.fromkeys(body["scopes"]))
    key = service.create_key(
        call.unit,
        KeyDraft(
            body["role"], body["name"], body["shop_id"], terms=KeyTerms(body["owner"], scopes, body["expires_at"])
        ),
        call.backend.pepper,
    )
    _, key_id, _ = key.split("_", 2)
    view = key_changes.get_key(call.unit, key_id)
    return Answer(shown(view) | {"key": key}, 201, {"Location": f"/v1/keys/{key_id}"})


@keys.operation("GET", "/keys/<id:key_id>", {200: KEY})
def get_key(call: Call, key_id: str) -> Answer:
    """One key without its secrets."""
    return Answer(shown(key_changes.get_key(call.unit, key_id)))


@keys.operation(
    "PATCH",
    "/keys/<id:key_id>",
    {200: KEY},
    Takes(body=KeyTermsSchema),
    refusals=("own_key", "key_ended", "key_is_seat"),
)
def change_key(call: Call, key_id: str) -> Answer:
    """Changes whose a key is, how far it reaches and until when; never the key that asks.

    Whoever does that is of one person with the key from then on, as whoever made it is.
    """
    return Answer(shown(key_changes.set_key(call.unit, key_id, call.body)))


@keys.operation(
    "POST",
    "/keys/<id:key_id>/approve",
    {200: KEY},
    refusals=("key_ended", "same_key", "same_person", "key_not_approved"),
)
def approve_key(call: Call, key_id: str) -> Answer:
    """Lets a key that was made over the API confirm money at once; by an admin who is another person."""
    return Answer(shown(key_changes.approve_key(call.unit, key_id)))


@keys.operation(
    "POST",
    "/keys/<id:key_id>/rotate",
    {200: NEW_KEY},
    Takes(body=RotationSchema, needs_body=False),
    refusals=("key_ended", "key_is_seat", "rotation_open"),
)
def rotate_key(call: Call, key_id: str) -> Answer:
    """Gives a key a new secret, seen this once; the former works for some hours more.

    A key may do this for itself, an admin for every key; that one waits then as a new key does.
    """
    hours = call.body["keep_hours"]
    key, view = key_changes.rotate_key(call.unit, key_id, hours, call.backend.pepper)
    return Answer(shown(view) | {"key": key})


@keys.operation(
    "POST",
    "/keys/<id:key_id>/rotate/finish",
    {200: KEY},
    Takes(body=RotationEndSchema, needs_body=False),
    refusals=("key_ended", "key_is_seat"),
)
def finish_rotation(call: Call, key_id: str) -> Answer:
    """Ends the former of a key's two secrets at once, or the new one; with one secret it changes nothing."""
    kept = call.body["keep"]
    return Answer(shown(key_changes.finish_rotation(call.unit, key_id, kept)))


@keys.operation("DELETE", "/keys/<id:key_id>", {204: None}, refusals=("last_admin",))
def revoke_key(call: Call, key_id: str) -> Answer:
    """Ends a key at once and for ever; what it proposed and nobody confirmed has to be proposed again.

    The last key or seat that can make keys is not ended so (`last_admin`): nobody of the program could make another.
    """
    key_changes.revoke_key(call.unit, key_id)
    return Answer(None, 204)


@keys.operation("POST", "/keys/<id:key_id>/signing", {201: SIGNING_SECRET}, refusals=("key_ended", "key_is_seat"))
def require_signing(call: Call, key_id: str) -> Answer:
    """Gives a key a secret by which its posts of events must be signed; the one before is good for 24 hours more."""
    sealer = call.backend.sealer
    secret, former_until = signing.require_signing(call.unit, key_id, sealer)
    return Answer({"id": key_id, "secret": secret, "former_until": former_until}, 201)


@keys.operation("DELETE", "/keys/<id:key_id>/signing", {204: None})
def end_signing(call: Call, key_id: str) -> Answer:
    """Asks a key for no signatures any more."""
    signing.end_signing(call.unit, key_id)
    return Answer(None, 204)
