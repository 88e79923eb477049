"""Looks after something again and again, in a thread of its own: one that hangs holds up nobody. No rule may enter."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

_ENDS_WITHIN_S = 1.0

_log = structlog.get_logger(__name__)


class Lookout:
    """Does the same again and again, with a pause between.

    Args:
        name: what is looked after, for the log and the thread.
        every_s: how long the pause is, in seconds.
        look: what is done.
    """

    def __init__(self, name: str, every_s: float, look: Callable[[], None]) -> None:
        self._name = name
        self._every_s = every_s
        self._look = look
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def keep(self) -> None:
        """Begins with a first look, or anew after a pause where an error has ended it."""
        died = self._thread is not None and not self._thread.is_alive()
        if died:
            _log.error("lookout_died", lookout=self._name)
        if self._thread is None or died:
            self._thread = threading.Thread(target=self._go_on, args=(died,), name=f"lookout-{self._name}", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Begins no further look; one under way is waited for a moment."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_ENDS_WITHIN_S)

    def _go_on(self, waits_first: bool) -> None:
        if waits_first:
            self._stop.wait(self._every_s)
        while not self._stop.is_set():
            self._look()
            self._stop.wait(self._every_s)
