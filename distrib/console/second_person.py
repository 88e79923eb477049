"""What takes two people: who proposed it, whether that was the reader, and who may confirm it; typed confirmations."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from distrib.console.frame import Visit
from distrib.domain.currencies import decimals_of
from distrib.domain.errors import Problem, Refusal
from distrib.domain.texts import Text
from distrib.services.context import COMMAND_LINE
from distrib.services.people.seats import list_seated
from distrib.services.programs import persons

CONFIRMING_ROLES: Final = ("admin", "finance")
MOST_NAMED: Final = 5


def names_of(visit: Visit, key_ids: Iterable[str | None]) -> dict[str, str]:
    """How those who acted are called, by the key's id; one that is no key of the program stands as it is."""
    wanted = {key_id for key_id in key_ids if key_id is not None}
    names = {key_id: key_id for key_id in wanted}
    names |= persons.names_of(visit.desk.conn, visit.desk.program, wanted)
    if COMMAND_LINE.key_id in wanted:
        names[COMMAND_LINE.key_id] = visit.say(Text("the command line", "person"))
    return names


def seat_names(visit: Visit) -> dict[str, str]:
    """How the people of the program are called, by the id of their seat: of all rows of a list in one read."""
    seated = {row.key_id: row.name for row in list_seated(visit.desk.conn, visit.desk.program)}
    return {**seated, COMMAND_LINE.key_id: visit.say(Text("the command line", "person"))}


def is_own(visit: Visit, proposed_by: str | None) -> bool:
    """Whether the reader, or somebody with a key of the reader's, proposed it."""
    if proposed_by is None:
        return False
    actor = visit.desk.actor.key_id
    return proposed_by == actor or persons.is_same_person(visit.desk.conn, visit.desk.program, proposed_by, actor)


def confirmers(visit: Visit, proposed_by: str | None) -> list[str]:
    """Names some of the people who may confirm: not who proposed it, nor the reader where nobody did yet."""
    conn, program = visit.desk.conn, visit.desk.program
    seats = {
        row.key_id: row.name
        for row in list_seated(conn, program)
        if row.revoked_at is None and row.role in CONFIRMING_ROLES
    }
    without = proposed_by or visit.desk.actor.key_id
    theirs = persons.theirs_among(conn, program, without, {key_id: [key_id] for key_id in seats})
    return [name for key_id, name in seats.items() if key_id not in theirs][:MOST_NAMED]


def confirming(visit: Visit, proposed_by: str | None, operation: str) -> dict[str, Any]:
    """What a page says of the second person: ``is_own``, whether the reader ``may`` confirm, and the ``others``."""
    own = is_own(visit, proposed_by)
    return {
        "is_own": own,
        "may": not own and visit.desk.may(operation),
        "others": confirmers(visit, proposed_by),
    }


def check_typed(visit: Visit, expected: str) -> None:
    """Checks that the form's ``typed`` is what the page asked to type; raises ``invalid``."""
    if visit.form.get("typed", "").strip() != expected:
        raise Refusal("invalid", [Problem("", Text("Type {expected} to go on", expected=expected))])


def check_typed_amount(visit: Visit, amount_minor: int) -> None:
    """Checks that the form's ``typed`` is an amount, with or without marks of thousands; raises ``invalid``."""
    typed = typed_minor(visit.form.get("typed", ""), visit.reader.currency)
    if typed != amount_minor:
        words = Text("Type {expected} to go on", expected=visit.reader.money(amount_minor))
        raise Refusal("invalid", [Problem("", words)])


def typed_minor(text: str, currency: str) -> int | None:
    """An amount in major units as a person types it, in minor units; None where it is none.

    >>> typed_minor("1,234.50", "CNY"), typed_minor("-3", "CNY"), typed_minor("1.234", "CNY")
    (123450, -300, None)
    """
    plain = text.strip().replace(",", "").replace("，", "").replace("−", "-")
    try:
        scaled = Decimal(plain).scaleb(decimals_of(currency))
    except InvalidOperation:
        return None
    return int(scaled) if scaled.is_finite() and scaled == scaled.to_integral_value() and abs(scaled) < 10**15 else None
