"""Which keys were good a moment ago, so that bodies are read before a call asks the database. No secret is kept."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

_MOST_KEYS = 1_000
_REMEMBERED_S = 60.0


class KnownKeys:
    """The keys that this process found good of late, by a digest. They open no call: each asks the database itself.

    >>> known = KnownKeys()
    >>> known.remember("dk_1_x", 0.0)
    >>> known.knows("dk_1_x", 59.0), known.knows("dk_1_x", 61.0), known.knows("dk_1_y", 0.0)
    (True, False, False)
    """

    def __init__(self) -> None:
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._lock = Lock()

    def knows(self, key: str, now_s: float) -> bool:
        """Whether the key was good a short while ago, by the monotonic clock."""
        return self._until.get(_digest(key), now_s) > now_s

    def remember(self, key: str, now_s: float) -> None:
        """The key is good now; the one that was found first is forgotten for it."""
        with self._lock:
            self._until[_digest(key)] = now_s + _REMEMBERED_S
            self._until.move_to_end(_digest(key))
            if len(self._until) > _MOST_KEYS:
                self._until.popitem(last=False)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
