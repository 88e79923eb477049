"""Changes a program's settings: a dated trail records who, when, from what to what.

A setting holds for what is done from then on: shops registered, claims recorded, orders settled, payouts made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from distrib.domain.customers import PROTECTED, RULES
from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import MAX_TEXT, is_storable_text, is_text
from distrib.domain.money import MAX_MINOR
from distrib.domain.policies.policy import Policy, is_stricter
from distrib.domain.sharing import JOIN_URL_PROBLEMS, join_url_problem
from distrib.domain.texts import Text
from distrib.services import held_changes
from distrib.services.context import COMMAND_LINE, Actor, Program
from distrib.services.held_changes import PROGRAM, PROGRAM_NO, HeldChangeRow
from distrib.services.programs.persons import check_second_person, has_ended
from distrib.services.programs.tenants import ADMISSIONS, time_zones
from distrib.store.programs import tenants as store

WITHHOLDINGS = ("none", "per_payment", "cumulative", "us_1099")
WAIT, SECOND_ADMIN = "wait", "second_admin"
APPROVALS = (WAIT, SECOND_ADMIN)
"""How a key made over HTTP comes to confirm money: after the program's hours, or by a second admin alone."""
MOST_WAIT_HOURS = 720
WITHDRAWAL_TERMS = {
    "withdrawal_least_minor": "least_minor",
    "withdrawal_most_minor": "most_minor",
    "withdrawals_per_day": "per_day",
    "withdrawals_per_month": "per_month",
    "withdrawal_fee_minor": "fee_minor",
}
"""The settings that are the rules of withdrawals, by name, with the name of the rule."""
SETTINGS = (
    "time_zone",
    "policy",
    "admission",
    "identity_required",
    "withholding",
    "binding_rule",
    "protect_days",
    "expire_days",
    "title",
    "join_url",
    "payee_hold_days",
    *WITHDRAWAL_TERMS,
    "key_approval",
    "key_wait_hours",
)
MOST_DAYS = 3650
MOST_HOLD_DAYS = 90
HELD = ("policy", "withholding")
"""The settings that change who is paid how much: by one person they wait, as a shorter wait does."""
MAX_TIMES = 1_000
"""The most withdrawals of a shop in a day or month that a rule can name."""
_POINTERS = {
    **{name: f"/withdrawals/{term}" for name, term in WITHDRAWAL_TERMS.items()},
    "binding_rule": "/binding/rule",
    "protect_days": "/binding/protect_days",
    "expire_days": "/binding/expire_days",
}


@dataclass(frozen=True, slots=True)
class ProgramChange:
    """One change of a program's settings."""

    changed_at: datetime
    changed_by: str
    signed_off_by: str | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def set_program(
    conn: Connection,
    program: Program,
    wanted: Mapping[str, Any],
    policies: Mapping[str, Policy],
    signed_off_by: str | None,
    actor: Actor,
    now: datetime,
) -> Program:
    """Changes a program's settings and returns the program; a setting that holds already changes nothing.

    The policy, the withholding and a shorter wait of changes are changes of money: where the program has events or
    postings they wait ``payee_hold_days`` or a second person's approval, unless the command line sets them.

    Args:
        conn: the unit of work.
        program: whose settings.
        wanted: by name of ``SETTINGS``; naming ``binding_rule`` sets its two terms, too, None where they are not named,
            and naming ``withdrawal_least_minor`` the other rules of withdrawals.
        policies: the packs there are.
        signed_off_by: who answers for a looser pack (plan.md, Policy packs: loosening needs a named sign-off).
        actor: whose key asks.
        now: the clock.

    Raises:
        Refusal: ``invalid`` with all that does not fit, ``time_zone_unknown``, ``policy_unknown``, ``time_zone_fixed``
            ``sign_off_required`` or ``key_approval_loosened``.
    """
    if "binding_rule" in wanted:
        wanted = {"protect_days": None, "expire_days": None, **wanted}
    if "withdrawal_least_minor" in wanted:
        wanted = {**dict.fromkeys(WITHDRAWAL_TERMS), **wanted}
    _check(wanted, policies, signed_off_by)
    if "time_zone" in wanted:
        store.hold_calendar(conn, program.program_id, exclusive=True)
    row = store.lock(conn, program.program_id)
    if row is None:
        raise Refusal("program_unknown", code=program.code)
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if "time_zone" in changed and store.is_used(conn, program.program_id):
        raise Refusal("time_zone_fixed")
    is_looser = "policy" in changed and not is_stricter(policies[changed["policy"]], policies[row.policy])
    if is_looser and signed_off_by is None:
        raise Refusal("sign_off_required")
    updated = row._replace(**changed)
    if actor.key_id != COMMAND_LINE.key_id and _is_sooner(row, updated):
        raise Refusal("key_approval_loosened")
    changed = _held_back(conn, row, wanted, changed, signed_off_by, actor, now)
    return _write(conn, row, changed, signed_off_by, actor.key_id, now)


def approve_settings(
    conn: Connection, program: Program, policies: Mapping[str, Policy], actor: Actor, now: datetime
) -> Program:
    """Puts the settings that wait in force, by another person than proposed them; again it changes nothing.

    Raises:
        Refusal: ``change_unknown``, ``policy_unknown`` or what ``check_second_person`` raises.
    """
    apply_due_settings(conn, program, policies, now)
    row = _locked(conn, program)
    change = held_changes.must_be_open(conn, program, PROGRAM, PROGRAM_NO)
    if change is None:
        return Program(**row._asdict())
    check_second_person(conn, program, change.proposed_by, actor, now)
    return _put_in_force(conn, row, policies, change, held_changes.APPROVED, actor.key_id, actor.key_id, now)


def cancel_settings(
    conn: Connection, program: Program, policies: Mapping[str, Policy], actor: Actor, now: datetime
) -> Program:
    """Ends the settings that wait; again it changes nothing.

    Raises:
        Refusal: ``change_unknown`` or ``change_in_force``.
    """
    apply_due_settings(conn, program, policies, now)
    row = _locked(conn, program)
    held_changes.cancel(conn, program, PROGRAM, PROGRAM_NO, actor, now)
    return Program(**row._asdict())


def apply_due_settings(conn: Connection, program: Program, policies: Mapping[str, Policy], now: datetime) -> None:
    """Puts the settings that wait in force where they are due.

    What a key proposed that has ended since never is, nor a policy pack that is there no more.
    """
    row = _locked(conn, program)
    change = held_changes.open_change(conn, program, PROGRAM, PROGRAM_NO)
    if change is None or change.due_at > now:
        return
    if has_ended(conn, program, change.proposed_by, now):
        held_changes.end(conn, program, change, held_changes.PROPOSER_REVOKED, held_changes.CLOCK, now)
        return
    try:
        _put_in_force(conn, row, policies, change, held_changes.DUE, held_changes.CLOCK, change.proposed_by, now)
    except Refusal:
        held_changes.end(conn, program, change, held_changes.REFUSED, held_changes.CLOCK, now)


def pending_settings(conn: Connection, program: Program) -> dict[str, Any] | None:
    """The settings that wait, by name with what they are to be; None where none do."""
    change = held_changes.open_change(conn, program, PROGRAM, PROGRAM_NO)
    if change is None:
        return None
    pending, content = held_changes.pending_view(change), held_changes.content_of(program, change, None)
    return None if pending is None else {**asdict(pending), "settings": content["settings"]}


def list_changes(conn: Connection, program: Program, after: int, limit: int) -> tuple[list[ProgramChange], int | None]:
    """Lists the changes of a program's settings as they happened, and the number to go on after (None at the end)."""
    rows = store.list_changes(conn, program.program_id, after, limit + 1)
    page = [
        ProgramChange(row.changed_at, row.changed_by, row.signed_off_by, json.loads(row.before), json.loads(row.after))
        for row in rows[:limit]
    ]
    return page, rows[limit - 1].seq if len(rows) > limit else None


def withdrawals_of(program: Program) -> dict[str, Any] | None:
    """The program's rules of withdrawals as they are shown; None where it takes none."""
    rules = program.withdrawals
    return None if rules is None else asdict(rules)


def binding_of(program: Program) -> dict[str, Any]:
    """The program's rule of binding as it is shown."""
    terms = {"protect_days": program.protect_days, "expire_days": program.expire_days}
    return {"rule": program.binding_rule, **terms}


def _check(wanted: Mapping[str, Any], policies: Mapping[str, Policy], signed_off_by: str | None) -> None:
    problems, unknown = _misfits(wanted), list(_unknown(wanted, policies))
    if signed_off_by is not None and not signed_off_by.strip():
        problems.append(_problem("signed_off_by", Text("a person's name")))
    if len(unknown) == 1 and not problems:
        raise unknown[0]
    problems += [problem for refusal in unknown for problem in refusal.problems]
    if problems:
        raise Refusal("invalid", problems)


def _unknown(wanted: Mapping[str, Any], policies: Mapping[str, Policy]) -> Iterator[Refusal]:
    """Yields a refusal, with its problem, for each name that no zone or pack has."""
    for name, there_are in (("time_zone", time_zones()), ("policy", policies)):
        if name in wanted and wanted[name] not in there_are:
            refusal = Refusal(f"{name}_unknown", **{name: wanted[name]})
            yield Refusal(refusal.code, [_problem(name, refusal.text)], **refusal.params)


def _misfits(wanted: Mapping[str, Any]) -> list[Problem]:
    problems = [_problem(name, Text("is not a setting")) for name in wanted if name not in SETTINGS]
    choices = {"admission": ADMISSIONS, "withholding": WITHHOLDINGS, "binding_rule": RULES, "key_approval": APPROVALS}
    for name, words in choices.items():
        if name in wanted and wanted[name] not in words:
            problems.append(_problem(name, Text("must be one of {choices}", "setting", choices=", ".join(words))))
    days = wanted.get("payee_hold_days", 0)
    if not 0 <= days <= MOST_HOLD_DAYS:
        problems.append(_problem("payee_hold_days", Text("must be {low} to {high}", low=0, high=MOST_HOLD_DAYS)))
    hours = wanted.get("key_wait_hours", 0)
    if not 0 <= hours <= MOST_WAIT_HOURS:
        problems.append(_problem("key_wait_hours", Text("must be {low} to {high}", low=0, high=MOST_WAIT_HOURS)))
    for name, low in (("protect_days", 0), ("expire_days", 1)):
        days = wanted.get(name)
        if days is not None and not low <= days <= MOST_DAYS:
            problems.append(_problem(name, Text("must be {low} to {high}", low=low, high=MOST_DAYS)))
    return problems + _misfit_terms(wanted) + list(_misfit_withdrawals(wanted)) + list(_misfit_sharing(wanted))


def _locked(conn: Connection, program: Program) -> store.ProgramRow:
    row = store.lock(conn, program.program_id)
    if row is None:
        raise Refusal("program_unknown", code=program.code)
    return row


def _held_back(
    conn: Connection,
    row: store.ProgramRow,
    wanted: Mapping[str, Any],
    changed: Mapping[str, Any],
    signed_off_by: str | None,
    actor: Actor,
    now: datetime,
) -> dict[str, Any]:
    """Records what has to wait, beside what waits already, and returns what holds at once.

    What is wanted as it is in force waits no more. Who adds to what waits begins its days anew; what the command line
    sets ends all that waits where it is about the same.
    """
    program = Program(**row._asdict())
    held = {name: value for name, value in changed.items() if name in HELD}
    if changed.get("payee_hold_days", row.payee_hold_days) < row.payee_hold_days:
        held["payee_hold_days"] = changed["payee_hold_days"]
    is_typed = actor.key_id == COMMAND_LINE.key_id
    if held and (is_typed or not store.is_used(conn, row.program_id)):
        held = {}
    change = held_changes.open_change(conn, program, PROGRAM, PROGRAM_NO)
    known: dict[str, Any] = {} if change is None else held_changes.content_of(program, change, None)
    waiting = known.get("settings", {})
    now_waiting = {name: value for name, value in waiting.items() if name not in wanted} | held
    if is_typed and now_waiting != waiting:
        now_waiting = {}
    if change is not None and not now_waiting:
        held_changes.end(conn, program, change, held_changes.CANCELLED, actor.key_id, now)
    elif now_waiting != waiting:
        content = {"settings": now_waiting, "signed_off_by": signed_off_by or known.get("signed_off_by")}
        held_changes.hold(conn, program, PROGRAM, PROGRAM_NO, content, sorted(now_waiting), None, actor, now)
    return {name: value for name, value in changed.items() if name not in held}


def _put_in_force(
    conn: Connection,
    row: store.ProgramRow,
    policies: Mapping[str, Policy],
    change: HeldChangeRow,
    outcome: str,
    ended_by: str,
    changed_by: str,
    now: datetime,
) -> Program:
    """Writes the settings that waited; raises ``policy_unknown`` for a pack that is there no more."""
    program = Program(**row._asdict())
    content: dict[str, Any] = held_changes.content_of(program, change, None)
    wanted = content["settings"]
    _check(wanted, policies, None)
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    made = _write(conn, row, changed, content["signed_off_by"], changed_by, now)
    held_changes.end(conn, program, change, outcome, ended_by, now)
    return made


def _write(
    conn: Connection,
    row: store.ProgramRow,
    changed: Mapping[str, Any],
    signed_off_by: str | None,
    by: str,
    now: datetime,
) -> Program:
    """Writes settings that are others, with their change; none where nothing is."""
    updated = row._replace(**changed)
    if changed:
        store.update_program(conn, updated)
        before = json.dumps({name: getattr(row, name) for name in changed}, ensure_ascii=False)
        after = json.dumps(changed, ensure_ascii=False)
        store.insert_change(conn, row.program_id, before, after, signed_off_by, now, by)
    return Program(**updated._asdict())


def _is_sooner(row: store.ProgramRow, updated: store.ProgramRow) -> bool:
    """Whether keys made over HTTP would come to confirm money sooner, or with fewer people.

    An admin who could set that could alone make the keys that confirm what it proposes.
    """
    if row.key_approval == SECOND_ADMIN:
        return updated.key_approval != SECOND_ADMIN
    return updated.key_approval == WAIT and updated.key_wait_hours < row.key_wait_hours


def _misfit_terms(wanted: Mapping[str, Any]) -> list[Problem]:
    """Checks the terms of the binding rule: protection belongs to ``protected``, and terms are set with their rule."""
    if "binding_rule" not in wanted:
        alone = [name for name in ("protect_days", "expire_days") if name in wanted]
        return [_problem(name, Text("goes with a binding rule")) for name in alone]
    is_protected, has_days = wanted["binding_rule"] == PROTECTED, wanted["protect_days"] is not None
    if is_protected and not has_days:
        return [_problem("protect_days", Text("the rule protected needs it"))]
    if has_days and not is_protected:
        return [_problem("protect_days", Text("goes with the rule protected only"))]
    return []


def _misfit_withdrawals(wanted: Mapping[str, Any]) -> Iterator[Problem]:
    """Checks the rules of withdrawals: set as a whole, each in its bounds, and a fee leaves something to be paid."""
    given = {name: wanted[name] for name in WITHDRAWAL_TERMS if wanted.get(name) is not None}
    least, most = wanted.get("withdrawal_least_minor"), given.get("withdrawal_most_minor")
    if least is None:
        for name in given:
            yield _problem(name, Text("goes with a least amount of withdrawals"))
        return
    for name, amount in given.items():
        low, high = (0 if name == "withdrawal_fee_minor" else 1), (MAX_MINOR if name.endswith("minor") else MAX_TIMES)
        if not low <= amount <= high:
            yield _problem(name, Text("must be {low} to {high}", low=low, high=high))
    if most is not None and most < least:
        yield _problem("withdrawal_most_minor", Text("must not be below the least amount"))
    if given.get("withdrawal_fee_minor", 0) >= least:
        yield _problem("withdrawal_fee_minor", Text("must be below the least amount"))


def _misfit_sharing(wanted: Mapping[str, Any]) -> Iterator[Problem]:
    """Checks what invitations show and where they lead; None takes either back."""
    title, join_url = wanted.get("title"), wanted.get("join_url")
    if title is not None and not (is_storable_text(title) and title.strip()):
        yield _problem("title", Text("must have 1 to {most} characters", most=MAX_TEXT))
    elif title is not None and not is_text(title):
        yield _problem("title", Text("holds a control character", "service"))
    wrong = None if join_url is None else join_url_problem(join_url)
    if wrong is not None:
        yield _problem("join_url", JOIN_URL_PROBLEMS[wrong])


def _problem(name: str, words: Text) -> Problem:
    return Problem(_POINTERS.get(name, f"/{name}"), words)
