"""Passwords: what is kept of one, whether one fits, and what one must be. Whose it is may not enter.

Argon2id with the first parameters that RFC 9106 (4) recommends for who has little memory: 64 MiB, three passes.
"""

from __future__ import annotations

import secrets
import threading
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from distrib.domain.errors import Problem
from distrib.domain.identifiers import is_text
from distrib.domain.texts import Text

SHORTEST: Final = 12
LONGEST: Final = 255
_AT_ONCE: Final = threading.BoundedSemaphore(4)
"""Hashes worked out at a time in a process: each takes 64 MiB."""
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)


def hash_of_password(password: str) -> str:
    """Computes what is kept of a password."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def is_password(kept: str | None, password: str) -> bool:
    """Whether a password is the one of which that is kept; takes as long where nothing is."""
    with _AT_ONCE:
        try:
            _HASHER.verify(kept or _of_nobody(), password)
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def password_problems(password: str, login: str) -> list[Problem]:
    """Lists what is wrong with a password that somebody chose: length alone makes one good (NIST SP 800-63B-4, 3.1.1).

    >>> [str(problem.detail) for problem in password_problems("short", "ann")]
    ['must have 12 to 255 characters']
    >>> password_problems("twelve words or so", "ann")
    []
    """
    if not SHORTEST <= len(password) <= LONGEST:
        return [Problem("/password", Text("must have {low} to {high} characters", low=SHORTEST, high=LONGEST))]
    if not is_text(password):
        return [Problem("/password", Text("holds a control character", "service"))]
    if len(set(password)) < 5 or password.casefold() == login:
        return [Problem("/password", Text("is too easy to guess"))]
    return []


def new_password() -> str:
    """Draws a password that is handed on once: 100 random bits."""
    return "-".join(secrets.token_hex(5) for _ in range(3))


@cache
def _of_nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe(16))
