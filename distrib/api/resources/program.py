"""The program a key belongs to, and its keys."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from distrib.api.calls.operations import Call, Resource
from distrib.api.http.answers import Answer
from distrib.api.schemas.lists import PageQuerySchema
from distrib.api.schemas.program import (
    KeyDraftSchema,
    KeysPageSchema,
    NewKeySchema,
    ProgramChangesPageSchema,
    ProgramPatchSchema,
    ProgramSchema,
    SigningSecretSchema,
)
from distrib.services.context import Program
from distrib.services.programs import keys, signing
from distrib.services.programs.settings import WITHDRAWAL_TERMS, binding_of, list_changes, set_program, withdrawals_of

program = Resource("program", "The program 分销计划 and its keys 密钥")


@program.operation("GET", "/program", {200: ProgramSchema})
def get_program(call: Call) -> Answer:
    """The program and its settings."""
    return Answer(_shown(call.program))


@program.operation(
    "PATCH",
    "/program",
    {200: ProgramSchema},
    body=ProgramPatchSchema,
    refusals=("time_zone_unknown", "time_zone_fixed", "policy_unknown", "sign_off_required"),
)
def change_program(call: Call) -> Answer:
    """Sets the program differently, from now on; each change is kept with who made it."""
    wanted = dict(call.body)
    signed_off_by, binding = wanted.pop("signed_off_by", None), wanted.pop("binding", None)
    if binding is not None:
        wanted |= {"binding_rule": binding["rule"]}
        wanted |= {name: binding.get(name) for name in ("protect_days", "expire_days")}
    if "withdrawals" in wanted:
        rules = wanted.pop("withdrawals") or {}
        wanted |= {name: rules.get(term) for name, term in WITHDRAWAL_TERMS.items()}
    policies = call.backend.policies
    return Answer(_shown(set_program(call.conn, call.program, wanted, policies, signed_off_by, call.actor, call.now)))


@program.operation("GET", "/program/changes", {200: ProgramChangesPageSchema}, query=PageQuerySchema)
def list_program_changes(call: Call) -> Answer:
    """What was set differently, by whom, earliest first."""
    listing = call.listing("program changes")
    after = listing.key(call.query["cursor"])
    rows, follows = list_changes(call.conn, call.program, after or 0, call.query["limit"])
    return Answer(listing.page_by_key([asdict(row) for row in rows], follows))


@program.operation("GET", "/keys", {200: KeysPageSchema}, query=PageQuerySchema)
def list_keys(call: Call) -> Answer:
    """The keys without their secrets."""
    listing = call.listing("keys")
    after = listing.key(call.query["cursor"])
    rows, follows = keys.list_keys(call.conn, call.program, after, call.query["limit"])
    return Answer(listing.page_by_key([_view(row) for row in rows], follows))


@program.operation("POST", "/keys", {201: NewKeySchema}, body=KeyDraftSchema, refusals=("shop_unknown",))
def create_key(call: Call) -> Answer:
    """Makes a key; the answer is the only place where its secret is ever seen."""
    role, name, shop_id = call.body["role"], call.body["name"], call.body["shop_id"]
    key = keys.create_key(call.conn, call.program, role, name, shop_id, call.backend.pepper, call.now)
    _, key_id, _ = key.split("_", 2)
    view = {"id": key_id, "key": key, "name": name, "role": role, "shop_id": shop_id}
    return Answer(view, 201)


@program.operation("DELETE", "/keys/<id:key_id>", {204: None})
def revoke_key(call: Call, key_id: str) -> Answer:
    """Ends a key at once and for ever."""
    keys.revoke_key(call.conn, call.program, key_id, call.now)
    return Answer(None, 204)


@program.operation("POST", "/keys/<id:key_id>/signing", {201: SigningSecretSchema})
def require_signing(call: Call, key_id: str) -> Answer:
    """Gives a key a secret by which its posts of events must be signed; the one before is good for 24 hours more."""
    secret, former_until = signing.require_signing(call.conn, call.program, key_id, call.backend.sealer, call.now)
    return Answer({"id": key_id, "secret": secret, "former_until": former_until}, 201)


@program.operation("DELETE", "/keys/<id:key_id>/signing", {204: None})
def end_signing(call: Call, key_id: str) -> Answer:
    """Asks a key for no signatures any more."""
    signing.end_signing(call.conn, call.program, key_id, call.now)
    return Answer(None, 204)


def _shown(tenant: Program) -> dict[str, object]:
    names = (
        "code",
        "currency",
        "time_zone",
        "policy",
        "admission",
        "identity_required",
        "withholding",
        "title",
        "join_url",
    )
    terms = {"binding": binding_of(tenant), "withdrawals": withdrawals_of(tenant)}
    return {name: getattr(tenant, name) for name in names} | terms


def _view(row: Any) -> dict[str, object]:
    shown = {"id": row.key_id, "name": row.name, "role": row.role, "shop_id": row.shop_id}
    return shown | {"created_at": row.created_at, "revoked_at": row.revoked_at, "signed": row.is_signed}
