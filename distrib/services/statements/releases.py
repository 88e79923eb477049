"""What becomes due by the day of its release, of the whole program. No SQL may enter."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from distrib.services.context import Program
from distrib.store.ledger import releases as store


def list_releases(conn: Connection, program: Program, days: int, now: datetime) -> dict[str, Any]:
    """Lists what all shops get on each of the next ``days`` days, today included, and after them, in minor units.

    What a case holds and what frozen and closed shops have stands apart: nobody knows when it becomes available. Of
    large programs it is as the workers kept it; ``as_of`` says when.
    """
    known = store.kept_releases(conn, program.program_id)
    if known is None:
        known = store.releases(conn, program.program_id, program.time_zone, now)
    today = program.day_of(now)
    by_day = dict(zip(known.days, known.amounts_minor, strict=True))
    listed = [today + timedelta(days=later) for later in range(days)]
    return {
        "as_of": known.as_of,
        "currency": program.currency,
        "data": [{"day": day, "amount_minor": by_day.get(day, 0)} for day in listed],
        "later_minor": sum(amount for day, amount in by_day.items() if day > listed[-1]),
    }


def keep_releases(conn: Connection, program: Program, now: datetime) -> None:
    """Keeps what is known now of a large program."""
    store.keep_releases(conn, program.program_id, store.releases(conn, program.program_id, program.time_zone, now))
