"""Keyset paging: an opaque cursor says after what a page begins. What is listed is not its business."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any

from distrib.api.http.answers import shown
from distrib.api.http.words import say
from distrib.domain.errors import Problem, Refusal

DEFAULT_LIMIT = 50
MOST_LIMIT = 500
_SEAL_BYTES = 9


@dataclass(frozen=True, slots=True)
class Listing:
    """A list with its filters, as its cursors know it: a cursor of another list is refused.

    The seal keeps a place from being made up, so that what stands in a cursor can be trusted.
    """

    name: str
    secret: bytes

    def page(self, rows: Sequence[Any], follows: Sequence[int | str] | None) -> dict[str, Any]:
        """A page as the API answers it; ``follows`` is after what the next one begins, None on the last."""
        return {"data": [shown(row) if is_dataclass(row) else row for row in rows], "next_cursor": self.cursor(follows)}

    def page_by_key(self, rows: Sequence[Any], follows: int | str | None) -> dict[str, Any]:
        """A page of a list whose place is one key, as ``page`` gives it."""
        return self.page(rows, None if follows is None else (follows,))

    def cursor(self, follows: Sequence[int | str] | None) -> str | None:
        """A place in this list as an opaque text."""
        if follows is None:
            return None
        place = json.dumps(list(follows), separators=(",", ":"), ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(self._seal(place) + place).decode().rstrip("=")

    def cursor_by_key(self, follows: int | str | None) -> str | None:
        """The key to go on after as an opaque text; None at the end."""
        return self.cursor(None if follows is None else (follows,))

    def key(self, cursor: str | None) -> Any:
        """The key a cursor names, in a list whose place is one key; None without a cursor. Raises as ``place``."""
        place = self.place(cursor)
        if place is None:
            return None
        (key,) = place
        return key

    def place(self, cursor: str | None) -> Any:
        """The place a cursor names, as it was given; None without a cursor.

        Raises:
            Refusal: ``invalid`` where the cursor is not one of this list with these filters.
        """
        if cursor is None:
            return None
        try:
            sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            sealed = b""
        seal, place = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
        if not place or seal != self._seal(place):
            raise Refusal("invalid", [Problem("?cursor", say("cursor"))])
        return tuple(json.loads(place))

    def _seal(self, place: bytes) -> bytes:
        key = hashlib.blake2b(self.secret).digest()
        content = self.name.encode("utf-8", "backslashreplace") + b"\0" + place
        return hashlib.blake2b(content, key=key, digest_size=_SEAL_BYTES).digest()
