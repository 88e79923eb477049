"""Which customers are one person, by any instant: merges as numbers."""

from __future__ import annotations

import numpy as np

from distrib.columns.ranking.spans import each_of, span_of
from distrib.columns.tree import Integers


class MergedPersons:
    """Customers by number, and whom they were merged into.

    Args:
        customers: whoever a merge made another person, in the order in which merges were recorded.
        merged_at: from when on, in microseconds since 1970.
        into: the number that the person goes on under.
    """

    def __init__(self, customers: Integers, merged_at: Integers, into: Integers) -> None:
        turns = np.argsort(customers, kind="stable")
        self._customers, self._merged_at, self._into = customers[turns], merged_at[turns], into[turns]

    def of(self, customers: Integers, instants: Integers) -> Integers:
        """The number of each customer's person by its instant: by the merge recorded last of those that had come.

        >>> people = MergedPersons(np.array([1, 1, 2]), np.array([10, 20, 20]), np.array([2, 3, 3]))
        >>> people.of(np.array([1, 1, 1, 2, 4]), np.array([9, 10, 20, 10, 99])).tolist()
        [1, 2, 3, 2, 4]
        """
        of, places = each_of(*span_of(self._customers, customers))
        come = self._merged_at[places] <= instants[of]
        newest = np.full(customers.size, -1)
        np.maximum.at(newest, of[come], places[come])
        return np.where(newest >= 0, np.append(self._into, 0)[newest], customers)
