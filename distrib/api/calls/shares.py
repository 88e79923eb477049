"""A share of the service for each program: one whose calls hang holds its share of threads and connections, not more.

Of one program's calls a process works on so many at a time, and keeps some times as many waiting for their turn; one
more is refused at once. So calls of other programs find threads and connections, whatever the first one's wait for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from distrib.api.http.refusals import ProgramBusy

PATIENCE_S: Final = 5.0
"""How long a call waits for its turn."""
WAITING_EACH: Final = 7
"""How many wait for each that is under way: with the bound of 8, a program has half of a process's 128 threads."""


@dataclass(slots=True)
class _Calls:
    """The calls of one program in this process: how many are there, and how many of them under way."""

    has_turn: threading.Condition
    present: int = 0
    under_way: int = 0


@dataclass(slots=True)
class Shares:
    """Gives each program its turns.

    Args:
        at_once: calls of one program under way in this process; 0: no bound.
        patience_s: how long one more waits.
        waiting_each: how many wait for each that is under way.
    """

    at_once: int = 8
    patience_s: float = PATIENCE_S
    waiting_each: int = WAITING_EACH
    _calls: dict[int, _Calls] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def turn(self, program_id: int) -> Iterator[None]:
        """Holds one of the program's turns while the block runs, once one is free.

        Raises:
            Refusal: ``program_busy``, at once where too many wait already, else after a while.
        """
        if not self.at_once:
            yield
            return
        calls = self._come(program_id)
        try:
            yield
        finally:
            with self._lock:
                calls.under_way -= 1
                self._go(program_id, calls)

    def _come(self, program_id: int) -> _Calls:
        with self._lock:
            calls = self._calls.get(program_id)
            if calls is None:
                calls = self._calls[program_id] = _Calls(threading.Condition(self._lock))
            if calls.present >= self.at_once * (1 + self.waiting_each):
                raise ProgramBusy()
            calls.present += 1
            if not calls.has_turn.wait_for(lambda: calls.under_way < self.at_once, self.patience_s):
                self._go(program_id, calls)
                raise ProgramBusy()
            calls.under_way += 1
            return calls

    def _go(self, program_id: int, calls: _Calls) -> None:
        calls.present -= 1
        if not calls.present:
            self._calls.pop(program_id, None)
        calls.has_turn.notify()
