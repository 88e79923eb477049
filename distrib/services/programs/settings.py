"""Changes a program's settings: a dated trail records who, when, from what to what.

A setting holds for what is done from then on: shops registered, claims recorded, orders settled, payouts made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.json_values import JsonObject
from distrib.domain.plans.refusals import SignOffRequired
from distrib.domain.policies.policy import Policy, is_stricter
from distrib.services import held_changes
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.held_changes import PROGRAM, PROGRAM_NO, ChangeDraft, HeldChangeRow, PendingChange
from distrib.services.programs.persons import check_second_person, has_ended
from distrib.services.programs.refusals import KeyApprovalLoosened, ProgramUnknown, TimeZoneFixed
from distrib.services.programs.wanted_settings import (
    SECOND_ADMIN,
    WAIT,
    ProgramSettings,
    check_settings,
    settings_of,
    with_terms,
)
from distrib.store.programs import tenants as store
from distrib.store.programs.tenants import SettingsChange
from distrib.store.recorded import Recorded

HELD = ("policy", "withholding")
"""The settings that change who is paid how much: by one person they wait, as a shorter wait does."""


@dataclass(frozen=True, slots=True)
class ProgramChange:
    """One change of a program's settings."""

    changed_at: datetime
    changed_by: str
    signed_off_by: str | None
    before: JsonObject
    after: JsonObject


@dataclass(frozen=True, slots=True)
class PendingSettings(PendingChange):
    """Settings that wait, with what they are to be."""

    settings: ProgramSettings


@dataclass(frozen=True, slots=True)
class BindingTerms:
    """The rule by which customers are bound, with its terms in days."""

    rule: str
    protect_days: int | None
    expire_days: int | None


@dataclass(frozen=True, slots=True)
class _Held:
    """What a change that waits is to be, as it is kept."""

    settings: ProgramSettings
    signed_off_by: str | None = None


def set_program(
    unit: Unit, wanted: ProgramSettings, policies: Mapping[str, Policy], signed_off_by: str | None
) -> Program:
    """Changes a program's settings and returns the program; a setting that holds already changes nothing.

    The policy, the withholding and a shorter wait of changes are changes of money: where the program has events or
    postings they wait ``payee_hold_days`` or a second person's approval, unless the command line sets them.

    Args:
        wanted: naming ``binding_rule`` sets its two terms, too, None where they are not named, and naming
            ``withdrawal_least_minor`` the other rules of withdrawals.
        policies: the packs there are.
        signed_off_by: who answers for a looser pack (plan.md, Policy packs: loosening needs a named sign-off).

    Raises:
        Refusal: ``invalid`` with all that does not fit, ``time_zone_unknown``, ``policy_unknown``, ``time_zone_fixed``
            ``sign_off_required`` or ``key_approval_loosened``.
    """
    wanted = with_terms(wanted)
    check_settings(wanted, policies, signed_off_by)
    if "time_zone" in wanted:
        store.hold_calendar(unit.conn, unit.program_id, exclusive=True)
    row = store.lock(unit.conn, unit.program_id)
    if row is None:
        raise ProgramUnknown(code=unit.program.code)
    changed = _differing(row, wanted)
    if "time_zone" in changed and store.is_used(unit.conn, unit.program_id):
        raise TimeZoneFixed()
    is_looser = "policy" in changed and not is_stricter(policies[changed["policy"]], policies[row.policy])
    if is_looser and signed_off_by is None:
        raise SignOffRequired()
    updated = row._replace(**changed)
    if unit.actor.key_id != COMMAND_LINE.key_id and _is_sooner(row, updated):
        raise KeyApprovalLoosened()
    changed = _held_back(unit, row, wanted, changed, signed_off_by)
    return _write(unit, row, changed, signed_off_by, unit.actor.key_id)


def approve_settings(unit: Unit, policies: Mapping[str, Policy]) -> Program:
    """Puts the settings that wait in force, by another person than proposed them; again it changes nothing.

    Raises:
        Refusal: ``change_unknown``, ``policy_unknown`` or what ``check_second_person`` raises.
    """
    apply_due_settings(unit, policies)
    row = _locked(unit.conn, unit.program)
    change = held_changes.must_be_open(unit.conn, unit.program, PROGRAM, PROGRAM_NO)
    if change is None:
        return Program(**row._asdict())
    check_second_person(unit, change.proposed_by)
    return _put_in_force(unit, row, policies, change, held_changes.APPROVED)


def cancel_settings(unit: Unit, policies: Mapping[str, Policy]) -> Program:
    """Ends the settings that wait; again it changes nothing.

    Raises:
        Refusal: ``change_unknown`` or ``change_in_force``.
    """
    apply_due_settings(unit, policies)
    row = _locked(unit.conn, unit.program)
    held_changes.cancel(unit, PROGRAM, PROGRAM_NO)
    return Program(**row._asdict())


def apply_due_settings(unit: Unit, policies: Mapping[str, Policy]) -> None:
    """Puts the settings that wait in force where they are due.

    What a key proposed that has ended since never is, nor a policy pack that is there no more.
    """
    row = _locked(unit.conn, unit.program)
    change = held_changes.open_change(unit.conn, unit.program, PROGRAM, PROGRAM_NO)
    if change is None or change.due_at > unit.now:
        return
    if has_ended(unit, change.proposed_by):
        held_changes.end(unit, change, held_changes.PROPOSER_REVOKED, held_changes.CLOCK)
        return
    try:
        _put_in_force(unit, row, policies, change, held_changes.DUE)
    except Refusal:
        held_changes.end(unit, change, held_changes.REFUSED, held_changes.CLOCK)


def pending_settings(conn: Connection, program: Program) -> PendingSettings | None:
    """The settings that wait, by name with what they are to be; None where none do."""
    change = held_changes.open_change(conn, program, PROGRAM, PROGRAM_NO)
    if change is None:
        return None
    settings = _held(program, change).settings
    return PendingSettings(
        held_changes.id_of(change), change.fields, change.proposed_at, change.proposed_by, change.due_at, settings
    )


def list_changes(conn: Connection, program: Program, after: int, limit: int) -> tuple[list[ProgramChange], int | None]:
    """Lists the changes of a program's settings as they happened, and the number to go on after (None at the end)."""
    rows = store.list_changes(conn, program.program_id, after, limit + 1)
    page = [
        ProgramChange(row.changed_at, row.changed_by, row.signed_off_by, json.loads(row.before), json.loads(row.after))
        for row in rows[:limit]
    ]
    return page, rows[limit - 1].seq if len(rows) > limit else None


def binding_of(program: Program) -> BindingTerms:
    """The program's rule of binding as it is shown."""
    return BindingTerms(program.binding_rule, program.protect_days, program.expire_days)


def _locked(conn: Connection, program: Program) -> store.ProgramRow:
    row = store.lock(conn, program.program_id)
    if row is None:
        raise ProgramUnknown(code=program.code)
    return row


def _held_back(
    unit: Unit, row: store.ProgramRow, wanted: ProgramSettings, changed: ProgramSettings, signed_off_by: str | None
) -> ProgramSettings:
    """Records what has to wait, beside what waits already, and returns what holds at once.

    What is wanted as it is in force waits no more. Who adds to what waits begins its days anew; what the command line
    sets ends all that waits where it is about the same.
    """
    unit = unit.of(Program(**row._asdict()))
    held = settings_of({name: value for name, value in changed.items() if name in HELD})
    if changed.get("payee_hold_days", row.payee_hold_days) < row.payee_hold_days:
        held["payee_hold_days"] = changed["payee_hold_days"]
    is_typed = unit.actor.key_id == COMMAND_LINE.key_id
    if held and (is_typed or not store.is_used(unit.conn, row.program_id)):
        held = {}
    change = held_changes.open_change(unit.conn, unit.program, PROGRAM, PROGRAM_NO)
    known = _Held({}) if change is None else _held(unit.program, change)
    waiting = known.settings
    now_waiting = settings_of({name: value for name, value in waiting.items() if name not in wanted} | {**held})
    if is_typed and now_waiting != waiting:
        now_waiting = {}
    if change is not None and not now_waiting:
        held_changes.end(unit, change, held_changes.CANCELLED, unit.actor.key_id)
    elif now_waiting != waiting:
        content = {"settings": now_waiting, "signed_off_by": signed_off_by or known.signed_off_by}
        held_changes.hold(unit, ChangeDraft(PROGRAM, PROGRAM_NO, content, sorted(now_waiting)), None)
    return settings_of({name: value for name, value in changed.items() if name not in held})


def _held(program: Program, change: HeldChangeRow) -> _Held:
    return msgspec.convert(held_changes.content_of(program, change, None), _Held)


def _differing(row: store.ProgramRow, wanted: ProgramSettings) -> ProgramSettings:
    """Which of the settings are others than those in force."""
    return settings_of({name: value for name, value in wanted.items() if getattr(row, name) != value})


def _put_in_force(
    unit: Unit, row: store.ProgramRow, policies: Mapping[str, Policy], change: HeldChangeRow, outcome: str
) -> Program:
    """Writes the settings that waited; raises ``policy_unknown`` for a pack that is there no more."""
    program, actor = Program(**row._asdict()), unit.actor.key_id
    is_due = outcome == held_changes.DUE
    changed_by, ended_by = (change.proposed_by, held_changes.CLOCK) if is_due else (actor, actor)
    held = _held(program, change)
    check_settings(held.settings, policies, None)
    made = _write(unit, row, _differing(row, held.settings), held.signed_off_by, changed_by)
    held_changes.end(unit.of(program), change, outcome, ended_by)
    return made


def _write(unit: Unit, row: store.ProgramRow, changed: ProgramSettings, signed_off_by: str | None, by: str) -> Program:
    """Writes settings that are others, with their change; none where nothing is."""
    updated = row._replace(**changed)
    if changed:
        store.update_program(unit.conn, updated)
        before = json.dumps({name: getattr(row, name) for name in changed}, ensure_ascii=False)
        after = json.dumps(changed, ensure_ascii=False)
        change = SettingsChange(before, after, signed_off_by)
        store.insert_change(unit.conn, row.program_id, change, Recorded(unit.now, by))
    return Program(**updated._asdict())


def _is_sooner(row: store.ProgramRow, updated: store.ProgramRow) -> bool:
    """Whether keys made over HTTP would come to confirm money sooner, or with fewer people.

    An admin who could set that could alone make the keys that confirm what it proposes.
    """
    if row.key_approval == SECOND_ADMIN:
        return updated.key_approval != SECOND_ADMIN
    return updated.key_approval == WAIT and updated.key_wait_hours < row.key_wait_hours
