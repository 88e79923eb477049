"""The secret that keyed hashes of keys, links and sessions are made with, and the other one that may have made them.

A pepper is changed in steps (docs/operations.md): meanwhile hosts hash with one and take what the other made. What
identifies people is hashed with a pepper of its own, which never changes, and is none of this.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence


class Pepper(bytes):
    """The pepper that hashes, as bytes; ``other`` is the one besides it that counts, None where there is none.

    >>> pepper = Pepper(b"of today", b"of yesterday")
    >>> pepper == b"of today", [bytes(each) for each in pepper.all]
    (True, [b'of today', b'of yesterday'])
    >>> pepper.made(Pepper(b"of yesterday").hash(b"a key"), b"a key"), pepper.made(bytes(32), b"a key")
    (True, False)
    """

    other: bytes | None

    def __new__(cls, current: bytes, other: bytes | None = None) -> Pepper:
        """Keep both."""
        pepper = super().__new__(cls, current)
        pepper.other = other
        return pepper

    @property
    def all(self) -> Sequence[bytes]:
        """The pepper that hashes, then the other one."""
        return [self] if self.other is None else [self, self.other]

    def hash(self, content: bytes) -> bytes:
        """Computes what is kept of a secret: 32 bytes."""
        return hmac.digest(self, content, hashlib.sha256)

    def hashes(self, content: bytes) -> list[bytes]:
        """Computes all that may be kept of a secret, the one of today first."""
        return [hmac.digest(each, content, hashlib.sha256) for each in self.all]

    def made(self, kept: bytes, content: bytes) -> bool:
        """Whether what is kept was made of a secret, by whichever pepper; takes as long whether it was or not."""
        same = [hmac.compare_digest(kept, hashed) for hashed in self.hashes(content)]
        return any(same)
