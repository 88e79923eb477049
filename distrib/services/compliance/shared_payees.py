"""Judges the payees that stand more than once in a tree, or above and below themselves; names shops, never a payee.

An identity is compared by the keyed hash that is kept beside it: nothing is decrypted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from distrib.columns.payees import SharedPayees
from distrib.domain.policies.figures import Threshold
from distrib.domain.policies.monitors import Monitor
from distrib.services.compliance.facts import StructureFacts

MOST_SUBJECTS = 100
"""So many payees of one finding are reported one by one; the rest are counted."""
MOST_NAMED = 20
"""So many shops of a payee are named, those nearest to the root; the figures count all."""


class SharedPayee(NamedTuple):
    """A payee that several shops of one tree have: the first of its shops, and its figures."""

    subject: str
    shop_ids: tuple[str, ...]
    figures: dict[str, int | None]


class PayeeUnits:
    """The shared payees of a program at one instant."""

    def __init__(self, facts: StructureFacts, shared: SharedPayees) -> None:
        self._facts, self._shared = facts, shared

    def reaching(self, monitor: Monitor) -> tuple[list[SharedPayee], int]:
        """Finds the payees that reach every bound of a monitor, the worst first, and how many more there are."""
        places = np.flatnonzero(self._reached(monitor.bounds))
        return self._units([int(place) for place in places[:MOST_SUBJECTS]]), max(0, places.size - MOST_SUBJECTS)

    def _reached(self, bounds: Sequence[Threshold]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        reached = np.ones(self._shared.counts.size, bool)
        for measure, kind, figure in bounds:
            column = self._shared.counts if measure == "payee_shops" else self._shared.below
            if kind == "below":
                reached &= column < figure
            else:
                reached &= (column >= figure) if kind == "at_least" else (column > figure)
        return reached

    def _units(self, places: Sequence[int]) -> list[SharedPayee]:
        members = [self._members(place) for place in places]
        numbers = {number for own in members for number in own}
        ids = self._facts.ids_of(numbers) if numbers else {}
        return [
            SharedPayee(f"shop:{ids[own[0]]}", tuple(ids[number] for number in own), self._figures(place))
            for place, own in zip(places, members, strict=True)
        ]

    def _members(self, place: int) -> list[int]:
        start, count = int(self._shared.starts[place]), int(self._shared.counts[place])
        return [int(number) for number in self._shared.members[start : start + min(count, MOST_NAMED)]]

    def _figures(self, place: int) -> dict[str, int | None]:
        shared = self._shared
        return {"payee_shops": int(shared.counts[place]), "payee_shops_below": int(shared.below[place])}
