"""A share of the service for each program: one whose calls hang holds its share of threads and connections, not more.

Of one program's calls a process works on so many at a time, and keeps as many again waiting for their turn; the next is
refused at once. So calls of other programs find threads and connections, whatever the first one's wait for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from distrib.domain.errors import Refusal

PATIENCE_S: Final = 2.0
"""How long a call waits for its turn."""


@dataclass(slots=True)
class _Calls:
    """The calls of one program in this process."""

    present: int = 0
    under_way: int = 0


@dataclass(slots=True)
class Shares:
    """Gives each program its turns.

    Args:
        at_once: calls of one program under way in this process; 0: no bound.
        patience_s: how long one more waits.
    """

    at_once: int = 8
    patience_s: float = PATIENCE_S
    _calls: dict[int, _Calls] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def turn(self, program_id: int) -> Iterator[None]:
        """Holds one of the program's turns while the block runs, once one is free.

        Raises:
            Refusal: ``program_busy``, at once where as many wait already, else after a while.
        """
        if not self.at_once:
            yield
            return
        calls = self._come(program_id)
        try:
            yield
        finally:
            with self._changed:
                calls.under_way -= 1
                self._go(program_id, calls)

    def _come(self, program_id: int) -> _Calls:
        with self._changed:
            calls = self._calls.setdefault(program_id, _Calls())
            if calls.present >= 2 * self.at_once:
                raise Refusal("program_busy")
            calls.present += 1
            if not self._changed.wait_for(lambda: calls.under_way < self.at_once, self.patience_s):
                self._go(program_id, calls)
                raise Refusal("program_busy")
            calls.under_way += 1
            return calls

    def _go(self, program_id: int, calls: _Calls) -> None:
        calls.present -= 1
        if not calls.present:
            self._calls.pop(program_id, None)
        self._changed.notify_all()
