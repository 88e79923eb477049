"""How much of a program waits to be settled, as far as this process knows: an estimate that costs next to nothing.

What waits is counted rarely, and what this process accepted since is added: what was settled meanwhile is not yet taken
off, so the estimate is never too low by what came through here. Counting takes at most a fiftieth of the time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from distrib.api.http.refusals import BacklogFull
from distrib.services.programs.limits import ProgramLimits, count_waiting

COUNTED_EVERY_S: Final = 1.0
_RESTS: Final = 50
"""How many times as long as a count took no other is made."""


@dataclass(slots=True)
class _Waiting:
    """What waited when it was last counted, with what was accepted since."""

    orders: int
    size_bytes: int
    next_at: float


@dataclass(slots=True)
class Backlog:
    """Refuses posts of a program of which too much waits.

    Args:
        most_orders: orders in the queue.
        most_bytes: what their events weigh.
        clock: seconds that only grow.
    """

    most_orders: int = 2_000_000
    most_bytes: int = 8 * 2**30
    clock: Callable[[], float] = time.monotonic
    _waiting: dict[int, _Waiting] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, conn: Connection, program_id: int, limits: ProgramLimits) -> None:
        """Refuses a post where too much of the program waits.

        Raises:
            Refusal: ``backlog_full``, with the seconds after which to ask again.
        """
        most_orders = limits.waiting_orders or self.most_orders
        most_bytes = limits.waiting_bytes or self.most_bytes
        with self._lock:
            waiting = self._waiting.get(program_id)
            is_due = waiting is None or self.clock() >= waiting.next_at
            if waiting is not None and is_due:
                waiting.next_at = self.clock() + COUNTED_EVERY_S  # one counts, the others go on
        if waiting is None or is_due:
            waiting = self._count(conn, program_id, most_orders)
        if waiting.orders >= most_orders or waiting.size_bytes >= most_bytes:
            raise BacklogFull(seconds=max(1, round(waiting.next_at - self.clock())))

    def note(self, program_id: int, events: int, size_bytes: int) -> None:
        """Adds what was accepted."""
        with self._lock:
            waiting = self._waiting.get(program_id)
            if waiting is not None:
                waiting.orders += events
                waiting.size_bytes += size_bytes

    def _count(self, conn: Connection, program_id: int, most: int) -> _Waiting:
        began = self.clock()
        orders, size_bytes = count_waiting(conn, program_id, most)
        ended = self.clock()
        counted = _Waiting(orders, size_bytes, ended + max(COUNTED_EVERY_S, _RESTS * (ended - began)))
        with self._lock:
            self._waiting[program_id] = counted
        return counted
