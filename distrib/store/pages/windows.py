"""Pages of lists whose filters no index has: keys first, in windows that grow, and of each window the rows that fit.

The keys come from what is cheap and leaves out no row that fits; the rows are read by key and judged in full. So a page
never reads more than some times what it shows where its keys fit well, and a bounded step more where they do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

_Key = TypeVar("_Key")
_Row = TypeVar("_Row")

MOST_KEYS = 4_000
"""So many keys are looked at in one statement."""
_GROWTH = 4


def read_windows(
    after: _Key,
    limit: int,
    keys_after: Callable[[_Key, int], Sequence[_Key]],
    rows_of: Callable[[Sequence[_Key]], Sequence[_Row]],
) -> list[_Row]:
    """Reads the first ``limit`` rows after a key, in the order of the keys.

    Args:
        after: the key to begin after.
        limit: how many rows are wanted.
        keys_after: lists so many keys after one, in order; fewer only where there are no more.
        rows_of: reads those rows of some keys that fit, in the order of the keys.
    """
    rows: list[_Row] = []
    size = limit
    while True:
        keys = keys_after(after, size)
        rows += rows_of(keys) if keys else []
        if len(rows) >= limit or len(keys) < size:
            return rows[:limit]
        after, size = keys[-1], min(size * _GROWTH, MOST_KEYS)
