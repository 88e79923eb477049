"""The program a key belongs to."""

from __future__ import annotations

from distrib.api.calls.documentation import TAKES_SECOND_PERSON
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer, shown
from distrib.api.schemas.lists import PageQuerySchema
from distrib.api.schemas.program import (
    PROGRAM,
    PROGRAM_CHANGES,
    ProgramPatchSchema,
)
from distrib.services.context import Program
from distrib.services.programs.settings import (
    approve_settings,
    binding_of,
    cancel_settings,
    list_changes,
    pending_settings,
    set_program,
)
from distrib.services.programs.wanted_settings import WITHDRAWAL_TERMS, settings_of

program = Resource("program", "The program 分销计划")


@program.operation("GET", "/program", {200: PROGRAM})
def get_program(call: Call) -> Answer:
    """The program and its settings."""
    return Answer(_shown(call, call.program))


@program.operation(
    "PATCH",
    "/program",
    {200: PROGRAM},
    Takes(body=ProgramPatchSchema),
    refusals=("time_zone_unknown", "time_zone_fixed", "policy_unknown", "sign_off_required", "key_approval_loosened"),
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
    settings = settings_of(wanted)
    made = set_program(call.unit, settings, policies, signed_off_by)
    return Answer(_shown(call, made))


@program.operation(
    "POST",
    "/program/approve",
    {200: PROGRAM},
    refusals=("change_unknown", "policy_unknown", *TAKES_SECOND_PERSON),
)
def approve_program_change(call: Call) -> Answer:
    """Puts the settings that wait in force at once; by another person than proposed them."""
    return Answer(_shown(call, approve_settings(call.unit, call.backend.policies)))


@program.operation("POST", "/program/cancel", {200: PROGRAM}, refusals=("change_unknown", "change_in_force"))
def cancel_program_change(call: Call) -> Answer:
    """Ends the settings that wait; what is in force stays."""
    return Answer(_shown(call, cancel_settings(call.unit, call.backend.policies)))


@program.operation("GET", "/program/changes", {200: PROGRAM_CHANGES}, Takes(query=PageQuerySchema))
def list_program_changes(call: Call) -> Answer:
    """What was set differently, by whom, earliest first."""
    listing = call.listing("program changes")
    after = listing.key(call.query["cursor"])
    rows, follows = list_changes(call.conn, call.program, after or 0, call.query["limit"])
    return Answer(listing.page_by_key(shown(rows), follows))


def _shown(call: Call, tenant: Program) -> dict[str, object]:
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
        "key_approval",
        "key_wait_hours",
        "payee_hold_days",
    )
    terms = {
        "binding": binding_of(tenant),
        "withdrawals": tenant.withdrawals,
        "pending": pending_settings(call.conn, tenant),
    }
    return {name: getattr(tenant, name) for name in names} | {name: shown(term) for name, term in terms.items()}
