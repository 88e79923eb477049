"""Receives what the service sends (Standard Webhooks 1.0.0): the signature, the time, and what came before.

A message comes at least once, maybe twice, in any order: whoever acts on it keeps its id in the transaction of the act.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

TOLERANCE_SECONDS = 5 * 60
"""How far the time of signing may lie from now, either way: five minutes, as the specification's libraries have it."""
_PREFIX = "whsec_"


class Rejected(Exception):
    """A message that was not sent by the service, or not now; answer 400 and do nothing."""


class Receiver:
    """Checks messages of one endpoint.

    Args:
        secrets: of the endpoint, as they were shown (``whsec_…``): two while one takes over from the other.
        tolerance_seconds: how old a signature may be.
        now: seconds since 1970; for tests.
    """

    def __init__(
        self,
        *secrets: str,
        tolerance_seconds: int = TOLERANCE_SECONDS,
        now: Callable[[], float] = time.time,
    ) -> None:
        if not secrets:
            raise ValueError("a receiver needs the secret of its endpoint")
        self._secrets = [_bytes_of(secret) for secret in secrets]
        self._tolerance_seconds, self._now = tolerance_seconds, now

    def receive(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """The message, with its ``id`` beside ``type``, ``timestamp`` and ``data``.

        Args:
            headers: of the request, in any case.
            body: its very bytes, not parsed and written again.

        Raises:
            Rejected: a header is missing, the time is off, or no secret has signed it.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            message_id, sent_at, signatures = (lower[f"webhook-{part}"] for part in ("id", "timestamp", "signature"))
        except KeyError as missing:
            raise Rejected(f"the header {missing} is missing") from None
        self._check_time(sent_at)
        if not self._is_signed(message_id, sent_at, signatures, body):
            raise Rejected("no secret of the endpoint has signed this")
        try:
            message = json.loads(body)
        except ValueError:
            raise Rejected("the body is not JSON") from None
        return {**message, "id": message_id}

    def _check_time(self, sent_at: str) -> None:
        is_number = sent_at.isascii() and sent_at.isdecimal() and len(sent_at) < 13
        if not is_number or abs(self._now() - int(sent_at)) > self._tolerance_seconds:
            raise Rejected("it was not signed within the last minutes")

    def _is_signed(self, message_id: str, sent_at: str, signatures: str, body: bytes) -> bool:
        """Compares every signature with every secret in constant time."""
        signed = f"{message_id}.{sent_at}.".encode() + body
        good = [b"v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")) for secret in self._secrets]
        offered = [part.encode() for part in signatures.split()]
        matches = [hmac.compare_digest(right, given) for right in good for given in offered]
        return any(matches)  # after all were compared, so that the time it takes says nothing


def once(message: Mapping[str, Any], keep: Callable[[str], bool], act: Callable[[Mapping[str, Any]], None]) -> bool:
    """Acts on a message unless its id was kept before; whether it did.

    Args:
        keep: keeps an id, and says whether it is new: ``INSERT … ON CONFLICT DO NOTHING`` in the act's transaction.
        act: does what the message asks for.
    """
    if not keep(str(message["id"])):
        return False
    act(message)
    return True


def _bytes_of(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a secret begins with whsec_ and goes on in base64") from error
