"""Opens and finds programs (分销计划), the tenants. Nothing inside a program may enter."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import available_timezones

from sqlalchemy import Connection

from distrib.domain.currencies import is_currency
from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import ID_RULE, is_identifier
from distrib.domain.policies.refusals import PolicyUnknown
from distrib.domain.texts import Text
from distrib.services.context import Program
from distrib.services.programs.refusals import CurrencyUnknown, ProgramExists, ProgramUnknown, TimeZoneUnknown
from distrib.store.programs import tenants as store

ADMISSIONS = ("open", "invite", "review")
MAX_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class ProgramDraft:
    """A program as it is opened.

    Args:
        code: the caller's id of the program.
        currency: ISO 4217, in capitals.
        time_zone: an IANA name; decides its days and months.
        policy: name of the policy pack that judges it.
        admission: how a shop comes in: open, invite or review.
        identity_required: whether a shop must name an identity to come in.
    """

    code: str
    currency: str
    time_zone: str
    policy: str
    admission: str = "open"
    identity_required: bool = False


def create_program(conn: Connection, draft: ProgramDraft, now: datetime, policies: Collection[str]) -> Program:
    """Opens a program; the same again answers as the first time.

    Args:
        now: when it is opened.
        policies: the packs there are (a mapping by name will do).

    Raises:
        Refusal: ``invalid``, ``currency_unknown``, ``time_zone_unknown``, ``policy_unknown``, or
            ``program_exists`` where the code is taken with other settings.
    """
    _check(draft, policies)
    wanted = store.ProgramRow(
        0, draft.code, draft.currency, draft.time_zone, draft.policy, draft.admission, draft.identity_required
    )
    row = store.insert_program(conn, wanted, now) or store.by_code(conn, draft.code)
    if row is None or _as_opened(conn, row)._replace(program_id=0) != wanted:
        raise ProgramExists(code=draft.code)
    return Program(**row._asdict())


def find_program(conn: Connection, code: str) -> Program:
    """Finds a program by code; raises ``program_unknown``."""
    row = store.by_code(conn, code) if is_identifier(code) else None
    if row is None:
        raise ProgramUnknown(code=code)
    return Program(**row._asdict())


def get_program(conn: Connection, program_id: int) -> Program:
    """Finds a program by number; raises ``program_unknown``."""
    row = store.by_id(conn, program_id)
    if row is None:
        raise ProgramUnknown(code=program_id)
    return Program(**row._asdict())


def only_program(conn: Connection) -> Program | None:
    """Finds the program, where there is exactly one; else None."""
    rows = store.first_by_code(conn, 2)
    return Program(**rows[0]._asdict()) if len(rows) == 1 else None


def list_programs(conn: Connection) -> list[Program]:
    """Lists the programs by code."""
    return [Program(**row._asdict()) for row in store.first_by_code(conn, MAX_LISTED)]


def calendar_of(conn: Connection, program: Program) -> Program:
    """Reads the program as it is now, and keeps its time zone from changing until the transaction ends."""
    store.hold_calendar(conn, program.program_id, exclusive=False)
    return get_program(conn, program.program_id)


def _as_opened(conn: Connection, row: store.ProgramRow) -> store.ProgramRow:
    """The program's row as it was opened, whatever has been set since."""
    for change in reversed(store.list_changes(conn, row.program_id, 0, MAX_LISTED)):
        row = row._replace(**json.loads(change.before))
    return row


def _check(draft: ProgramDraft, policies: Collection[str]) -> None:
    if not is_identifier(draft.code):
        raise Refusal("invalid", [Problem("code", ID_RULE)])
    if not is_currency(draft.currency):
        raise CurrencyUnknown(currency=draft.currency)
    if draft.time_zone not in time_zones():
        raise TimeZoneUnknown(time_zone=draft.time_zone)
    if draft.policy not in policies:
        raise PolicyUnknown(policy=draft.policy)
    if draft.admission not in ADMISSIONS:
        raise Refusal(
            "invalid",
            [Problem("admission", Text("must be one of {choices}", "setting", choices=", ".join(ADMISSIONS)))],
        )


@cache
def time_zones() -> frozenset[str]:
    """The names of every time zone, but for those that mean whatever the machine is set to."""
    return frozenset(available_timezones() - {"localtime", "Factory"})
