"""Seeded draws that depend on nothing but the seed and what is drawn for.

Each draw is a keyed hash of its purpose and its subject, so that it is the same on every
machine, in every Python, and whatever else was drawn before it. No state may enter.
"""

from __future__ import annotations

from hashlib import blake2b


class Dice:
    """Draws whole numbers, evenly.

    >>> Dice(1997).below(100, "refund", "o-1") == Dice(1997).below(100, "refund", "o-1")
    True
    """

    def __init__(self, seed: int) -> None:
        self._key = str(seed).encode()

    def below(self, bound: int, *about: str) -> int:
        """A number from 0 up to, and without, ``bound``; the same for the same words."""
        digest = blake2b("\x1f".join(about).encode(), digest_size=8, key=self._key).digest()
        return int.from_bytes(digest, "big") * bound >> 64

    def between(self, low: int, high: int, *about: str) -> int:
        """A number from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1, *about)

    def early(self, bound: int, *about: str) -> int:
        """A number below ``bound`` that is more often small than large: the product of two even draws."""
        return self.below(bound, *about, "a") * (self.below(bound, *about, "b") + 1) // bound
