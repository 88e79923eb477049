"""Keyset paging: an opaque cursor says after what a page begins. What is listed is not its business."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from distrib.api.words import say
from distrib.domain.errors import Problem, Refusal

DEFAULT_LIMIT = 50
MOST_LIMIT = 500
_MOST_CHARACTERS = 1_000

Place = tuple[int | str, ...]


def page(rows: Sequence[Any], follows: Place | None, listing: str) -> dict[str, Any]:
    """A page as the API answers it.

    Args:
        follows: after what the next page begins; None where this was the last.
        listing: the list and its filters; a cursor of another one is refused.
    """
    return {"data": rows, "next_cursor": None if follows is None else write_cursor(follows, listing)}


def write_cursor(place: Place, listing: str) -> str:
    """A place in a list as a text that only its list understands."""
    content = json.dumps([_mark(listing), *place], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, listing: str, kinds: Sequence[type]) -> Place | None:
    """The place a cursor names; None without one.

    Raises:
        Refusal: ``invalid`` where the cursor is not one of this list with these filters.
    """
    if cursor is None:
        return None
    try:
        mark, *place = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise _foreign() from None
    if mark != _mark(listing) or [type(part) for part in place] != list(kinds):
        raise _foreign()
    return tuple(place)


def _mark(listing: str) -> str:
    return hashlib.blake2b(listing.encode("utf-8", "backslashreplace"), digest_size=6).hexdigest()


def _foreign() -> Refusal:
    return Refusal("invalid", [Problem("?cursor", say("cursor"))])
