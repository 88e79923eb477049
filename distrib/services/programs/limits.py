"""What whoever runs the service allows a program and its keys: calls a minute, and how much may wait to be settled.

Limits are the operator's: no key of a program sets them. What is not set here is as the service's settings say. Nothing
is counted or refused here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from distrib.domain.refusals import NotFound
from distrib.services.context import Unit
from distrib.store.programs import keys
from distrib.store.programs import limits as store


@dataclass(frozen=True, slots=True)
class ProgramLimits:
    """The limits of one program; None: as the settings say.

    Args:
        calls_per_minute: of each of its keys that has none of its own.
        waiting_orders: orders that may wait to be settled before posts of events are refused.
        waiting_bytes: the same by what the events of those orders weigh.
        by_key: calls a minute of keys that have a limit of their own.
    """

    calls_per_minute: int | None = None
    waiting_orders: int | None = None
    waiting_bytes: int | None = None
    by_key: Mapping[str, int] = field(default_factory=dict)

    def calls_of(self, key_id: str, otherwise: int) -> int:
        """Calls a minute that a key may make.

        >>> ProgramLimits(100, by_key={"k": 7}).calls_of("k", 50), ProgramLimits().calls_of("k", 50)
        (7, 50)
        """
        return self.by_key.get(key_id) or self.calls_per_minute or otherwise


def read_limits(conn: Connection, program_id: int) -> ProgramLimits:
    """Reads what is set for a program and its keys."""
    rows = {row.key_id: row for row in store.read_limits(conn, program_id)}
    own = rows.pop("", None)
    by_key = {key_id: row.calls_per_minute for key_id, row in rows.items() if row.calls_per_minute is not None}
    if own is None:
        return ProgramLimits(by_key=by_key)
    return ProgramLimits(own.calls_per_minute, own.waiting_orders, own.waiting_bytes, by_key)


def limit_program(unit: Unit, wanted: Mapping[str, int | None]) -> ProgramLimits:
    """Sets limits of a program and returns all of them; what is not named stays, None is as the settings say."""
    before = read_limits(unit.conn, unit.program_id)
    kept: dict[str, int | None] = {
        name: getattr(before, name) for name in ("calls_per_minute", "waiting_orders", "waiting_bytes")
    }
    store.set_limits(unit.conn, unit.program_id, "", {**kept, **wanted}, unit.now)
    return read_limits(unit.conn, unit.program_id)


def limit_key(unit: Unit, key_id: str, calls_per_minute: int | None) -> None:
    """Sets the calls a minute of one key, None as for the program's others; raises ``not_found``."""
    if keys.key_of(unit.conn, unit.program_id, key_id) is None:
        raise NotFound()
    wanted = {"calls_per_minute": calls_per_minute, "waiting_orders": None, "waiting_bytes": None}
    store.set_limits(unit.conn, unit.program_id, key_id, wanted, unit.now)


def count_waiting(conn: Connection, program_id: int, most: int) -> tuple[int, int]:
    """Counts the orders of a program that wait to be settled, up to ``most``, and about how many bytes they weigh."""
    return store.count_waiting(conn, program_id, most)
