"""What becomes due by the day of its release, of the whole program. No SQL may enter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from distrib.services.context import Unit
from distrib.store.ledger import releases as store


@dataclass(frozen=True, slots=True)
class ReleasedOn:
    """What all shops get on a day."""

    day: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Releases:
    """What all shops get on the next days and after them, as of an instant."""

    as_of: datetime
    currency: str
    data: list[ReleasedOn]
    later_minor: int


def list_releases(unit: Unit, days: int) -> Releases:
    """Lists what all shops get on each of the next ``days`` days, today included, and after them, in minor units.

    What a case holds and what frozen and closed shops have stands apart: nobody knows when it becomes available. Of
    large programs it is as the workers kept it; ``as_of`` says when.
    """
    known = store.kept_releases(unit.conn, unit.program_id)
    if known is None:
        known = store.releases(unit.conn, unit.program_id, unit.program.time_zone, unit.now)
    today = unit.day
    by_day = dict(zip(known.days, known.amounts_minor, strict=True))
    listed = [today + timedelta(days=later) for later in range(days)]
    return Releases(
        known.as_of,
        unit.program.currency,
        [ReleasedOn(day, by_day.get(day, 0)) for day in listed],
        sum(amount for day, amount in by_day.items() if day > listed[-1]),
    )


def keep_releases(unit: Unit) -> None:
    """Keeps what is known now of a large program."""
    store.keep_releases(
        unit.conn, unit.program_id, store.releases(unit.conn, unit.program_id, unit.program.time_zone, unit.now)
    )
