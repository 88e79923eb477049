"""Listings that a command shows whole, read page by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_Row = TypeVar("_Row")

PAGE = 500


def all_pages(read: Callable[[int | None], tuple[list[_Row], int | None]]) -> list[_Row]:
    """Reads every page of a listing.

    Args:
        read: answers the page that begins at a key (None: the first), and the key of the next (None at the end).

    >>> all_pages(lambda before: ([{"id": before}], 7 if before is None else None))
    [{'id': None}, {'id': 7}]
    """
    rows, before = read(None)
    while before is not None:
        page, before = read(before)
        rows = rows + page
    return rows
