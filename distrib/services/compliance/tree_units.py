"""Measures trees, and the trees of one organiser together, as policy packs count them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import NamedTuple

import numpy as np

from distrib.columns.structure import Trees, Whole
from distrib.columns.tree import Truths
from distrib.domain.policies.figures import Threshold
from distrib.domain.policies.monitors import Monitor, share
from distrib.services.compliance.facts import StructureFacts
from distrib.services.compliance.figures import LEVELS_OF_A_DEEP_TREE

MOST_SUBJECTS = 100
"""So many trees of one finding are reported one by one, the largest first; the rest are counted."""
MOST_HELD = 50_000
"""So many trees of one finding that a pack wants held are answered, so that each gets its case."""
SUMS = (
    "persons",
    "sales_minor",
    "retail_minor",
    "entry_minor",
    "recent_entry_minor",
    "direct_minor",
    "indirect_minor",
    "buyers",
)
_NO_SHARE = -1


class TreeUnit(NamedTuple):
    """A tree, or all the trees of one organiser together, with its figures."""

    subject: str
    root_no: int | None
    organiser_id: str | None
    figures: dict[str, int | None]


class Reaching(NamedTuple):
    """The units that reach every bound of a monitor: those reported, further ones to be held, and how many are more."""

    reported: list[TreeUnit]
    unreported: list[TreeUnit]
    more_trees: int


class TreeUnits:
    """The trees of a program at one instant.

    Args:
        has_fee_or_head_count: whether a plan of the last twelve months charged for joining, or paid or promoted by
            head count: that taints every tree; entry takings taint the tree that made them.
        penalties: the numbers of the penalties in force that count for each tree, by its root.
    """

    def __init__(
        self, facts: StructureFacts, trees: Trees, has_fee_or_head_count: bool, penalties: Mapping[int, Set[int]]
    ) -> None:
        self._facts, self._trees = facts, trees
        self._has_fee_or_head_count, self._penalties = has_fee_or_head_count, penalties
        self._organisers = self._organised()

    def reaching(self, monitor: Monitor, count_root: bool) -> Reaching:
        """Finds the units that reach every bound of a monitor, organisers first, then the largest trees.

        Returns:
            The units that are reported; of a finding that is to be held the trees beyond those, up to ``MOST_HELD``;
            and how many trees there are beyond those reported.
        """
        groups = [self._unit(organiser_id, trees) for organiser_id, trees in self._organisers.items()]
        organised = [
            tree_unit
            for tree_unit in (counted(group, count_root) for group in groups)
            if monitor.figure(tree_unit.figures)
        ]
        places = np.flatnonzero(self._reached(monitor.bounds, count_root))
        most = MOST_HELD if monitor.severity == "hold" else MOST_SUBJECTS
        largest = places[np.lexsort((self._trees.roots[places], -self._trees.persons[places]))][:most]
        trees = [counted(tree_unit, count_root) for tree_unit in self._units([int(place) for place in largest])]
        return Reaching(
            reported=organised + trees[:MOST_SUBJECTS],
            unreported=trees[MOST_SUBJECTS:],
            more_trees=max(0, int(places.size) - MOST_SUBJECTS),
        )

    def largest(self, most: int) -> list[TreeUnit]:
        """Lists up to ``most`` trees with the most persons, the deeper first among equals."""
        trees = self._trees
        order = np.lexsort((trees.roots, -trees.levels, -trees.persons))[:most]
        return self._units([int(place) for place in order])

    def organisers(self) -> list[TreeUnit]:
        """Lists the organisers whose trees are added together."""
        return [self._unit(organiser_id, places) for organiser_id, places in self._organisers.items()]

    def _organised(self) -> dict[str, list[int]]:
        """Finds the places of the trees of each organiser with several, one of them deep."""
        places = {int(root): place for place, root in enumerate(self._trees.roots)}
        trees_of: dict[str, list[int]] = {}
        for shop_no, organiser_id in self._facts.organisers():
            if shop_no in places:
                trees_of.setdefault(organiser_id, []).append(places[shop_no])
        levels = self._trees.levels
        return {
            organiser_id: trees
            for organiser_id, trees in trees_of.items()
            if len(trees) > 1 and int(levels[trees].max()) >= LEVELS_OF_A_DEEP_TREE
        }

    def _reached(self, bounds: Sequence[Threshold], count_root: bool) -> Truths:
        """Marks the trees that reach every bound, in arrays; by the same figures as of one unit."""
        columns, reached = (self._columns(0 if count_root else 1), np.ones(self._trees.roots.size, bool))
        for bound in bounds:
            column = columns[bound.measure]()
            if bound.kind == "below":
                reached &= (column < bound.figure) & (column != _NO_SHARE)
            else:
                reached &= (column >= bound.figure) if bound.kind == "at_least" else (column > bound.figure)
        return reached

    def _columns(self, less: int) -> dict[str, Callable[[], Whole]]:
        trees = self._trees
        return {
            "persons": lambda: trees.persons - less,
            "levels": lambda: trees.levels - less,
            "persons_with_buyers": lambda: trees.persons - less + trees.buyers,
            "levels_with_buyers": lambda: trees.levels_with_buyers - less,
            "entry_minor": lambda: trees.entry_minor,
            "direct_minor": lambda: trees.direct_minor,
            "indirect_minor": lambda: trees.indirect_minor,
            "buyers": lambda: trees.buyers,
            "fee_or_head_count": self._tainted,
            "penalties": self._penalties_by_tree,
            "retail_share": lambda: _shares(trees.retail_minor, trees.sales_minor),
            "indirect_share": lambda: _shares(trees.indirect_minor, trees.direct_minor + trees.indirect_minor),
        }

    def _tainted(self) -> Whole:
        return ((self._trees.recent_entry_minor > 0) | self._has_fee_or_head_count).astype(np.int64)

    def _penalties_by_tree(self) -> Whole:
        counts = np.zeros(self._trees.roots.size, np.int64)
        roots = np.array(list(self._penalties), np.int64)
        counts[np.searchsorted(self._trees.roots, roots)] = [len(numbers) for numbers in self._penalties.values()]
        return counts

    def _units(self, places: Sequence[int]) -> list[TreeUnit]:
        numbers = [int(self._trees.roots[place]) for place in places]
        ids = self._facts.ids_of(numbers)
        return [
            TreeUnit(f"tree:{ids[number]}", number, None, self._figures([place]))
            for place, number in zip(places, numbers, strict=True)
        ]

    def _unit(self, organiser_id: str, places: Sequence[int]) -> TreeUnit:
        return TreeUnit(f"organiser:{organiser_id}", None, organiser_id, self._figures(places))

    def _figures(self, places: Sequence[int]) -> dict[str, int | None]:
        """Computes the figures of the trees at ``places`` together: sums, and the deepest levels."""
        trees, chosen = self._trees, list(places)
        sums = {name: int(getattr(trees, name)[chosen].sum()) for name in SUMS}
        return sums | {
            "trees": len(places),
            "levels": int(trees.levels[chosen].max()),
            "levels_with_buyers": int(trees.levels_with_buyers[chosen].max()),
            "persons_with_buyers": sums["persons"] + sums["buyers"],
            "penalties": len(set().union(*(self._penalties.get(int(root), ()) for root in trees.roots[chosen]))),
            "fee_or_head_count": int(sums["recent_entry_minor"] > 0 or self._has_fee_or_head_count),
            "retail_share": share(sums["retail_minor"], sums["sales_minor"]),
            "indirect_share": share(sums["indirect_minor"], sums["direct_minor"] + sums["indirect_minor"]),
        }


def counted(tree_unit: TreeUnit, count_root: bool) -> TreeUnit:
    """Counts a unit as a pack does: with each organiser and the organiser's own level, or without."""
    if count_root:
        return tree_unit
    less = {"levels": 1, "levels_with_buyers": 1}
    less |= dict.fromkeys(("persons", "persons_with_buyers"), tree_unit.figures["trees"] or 0)
    figures = {
        name: (figure or 0) - less[name] if name in less else figure for name, figure in tree_unit.figures.items()
    }
    return tree_unit._replace(figures=figures)


def _shares(parts: Whole, wholes: Whole) -> Whole:
    """Computes shares in parts per million, exact as of one unit; ``_NO_SHARE`` where there is no whole."""
    shares = (share(part, whole) for part, whole in zip(parts.tolist(), wholes.tolist(), strict=True))
    return np.array([_NO_SHARE if ppm is None else ppm for ppm in shares], np.int64)
