"""The program a key belongs to, and its keys."""

from __future__ import annotations

from typing import Any

from distrib.api.answers import Answer
from distrib.api.operations import Call, Resource
from distrib.api.schemas.lists import PageQuerySchema
from distrib.api.schemas.program import KeyDraftSchema, KeysPageSchema, NewKeySchema, ProgramSchema
from distrib.services import keys

program = Resource("program", "The program 分销计划 and its keys 密钥")


@program.operation("GET", "/program", {200: ProgramSchema})
def get_program(call: Call) -> Answer:
    """The program and its settings."""
    shown = ("code", "currency", "time_zone", "policy", "admission", "identity_required")
    return Answer({name: getattr(call.program, name) for name in shown})


@program.operation("GET", "/keys", {200: KeysPageSchema}, query=PageQuerySchema)
def list_keys(call: Call) -> Answer:
    """The keys without their secrets."""
    listing = call.listing("keys")
    after = listing.place(call.query["cursor"])
    rows, follows = keys.list_keys(call.conn, call.program, after, call.query["limit"])
    return Answer(listing.page([_view(row) for row in rows], follows))


@program.operation("POST", "/keys", {201: NewKeySchema}, body=KeyDraftSchema, refusals=("shop_unknown",))
def create_key(call: Call) -> Answer:
    """Makes a key; the answer is the only place where its secret is ever seen."""
    role, name, shop_id = call.body["role"], call.body["name"], call.body["shop_id"]
    key = keys.create_key(call.conn, call.program, role, name, shop_id, call.backend.pepper, call.now)
    view = {"id": key.split("_")[1], "key": key, "name": name, "role": role, "shop_id": shop_id}
    return Answer(view, 201)


@program.operation("DELETE", "/keys/<id:key_id>", {204: None})
def revoke_key(call: Call, key_id: str) -> Answer:
    """Ends a key at once and for ever."""
    keys.revoke_key(call.conn, call.program, key_id, call.now)
    return Answer(None, 204)


def _view(row: Any) -> dict[str, object]:
    shown = {"id": row.key_id, "name": row.name, "role": row.role, "shop_id": row.shop_id}
    return shown | {"created_at": row.created_at, "revoked_at": row.revoked_at}
