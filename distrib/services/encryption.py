"""Encryption of what has to be read back: payees, secrets of webhooks. Keyed hashes are not its business.

AES-256-GCM. What is sealed says which key sealed it, so that keys can be changed: the first of the list seals, every
one opens. ``about`` binds a sealed value to its place, so that a row copied to another place does not open there.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_FORM = b"\x01"
_ID_BYTES, _NONCE_BYTES = 4, 12
_DERIVED_FOR = b"distrib data key 1"


class SealBroken(ValueError):
    """Raised for a sealed value that none of the keys opens, or that was changed or moved."""


class Sealer:
    """Encrypts with the first key, decrypts with whichever encrypted.

    Args:
        keys: 32 bytes each, the newest first.

    >>> new, old = Sealer([b"n" * 32, b"o" * 32]), Sealer([b"o" * 32])
    >>> new.open(old.seal(b"text", b"place"), b"place")
    b'text'
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"keys of {KEY_BYTES} bytes are needed")
        self._first = _id_of(keys[0])
        self._ciphers = {_id_of(key): AESGCM(key) for key in reversed(keys)}

    def seal(self, plain: bytes, about: bytes = b"") -> bytes:
        """Encrypts a value so that only a holder of the key can read it, and only at the place ``about`` names."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        head = _FORM + self._first
        return head + nonce + self._ciphers[self._first].encrypt(nonce, plain, head + about)

    def open(self, sealed: bytes, about: bytes = b"") -> bytes:
        """Decrypts a value that ``seal`` encrypted for the same place.

        Raises:
            SealBroken: no key opens it, or it is not what was sealed for that place.
        """
        head, rest = sealed[: 1 + _ID_BYTES], sealed[1 + _ID_BYTES :]
        cipher = self._ciphers.get(head[1:])
        if head[:1] != _FORM or cipher is None or len(rest) <= _NONCE_BYTES:
            raise SealBroken("no key opens this")
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], head + about)
        except InvalidTag:
            raise SealBroken("it was changed, or sealed for another place") from None


def data_keys(given: str, peppers: Sequence[str]) -> list[bytes]:
    """Parses the setting ``DISTRIB_DATA_KEY`` into keys, and adds those that follow from the peppers.

    The last are there so that a service can begin without a second secret, and can be given one later: what was sealed
    before still opens.
    """
    return [*parse_keys(given), *map(_derived_key, peppers)]


def key_text(pepper: str) -> str:
    """Writes the key that follows from a pepper as the setting ``DISTRIB_DATA_KEY`` has it.

    >>> parse_keys(key_text("a pepper")) == data_keys("", ["a pepper"])
    True
    """
    return base64.urlsafe_b64encode(_derived_key(pepper)).decode()


def _derived_key(pepper: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=_DERIVED_FOR).derive(pepper.encode())


def parse_keys(given: str) -> list[bytes]:
    """Parses keys written as urlsafe base64 of 32 bytes, parted by commas.

    Raises:
        ValueError: one of them is something else.
    """
    return [_parse_key(part.strip()) for part in given.split(",") if part.strip()]


def _parse_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"not {KEY_BYTES} bytes in urlsafe base64")
    return key


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(b"id of a data key" + key).digest()[:_ID_BYTES]
