"""Which trees the penalties in force count for at an instant, and how a report tells them.

A penalty counts for the tree its shop stands in, wherever in it, and for every tree in which a shop names its
organiser: whoever was penalised and stands under somebody else's root is not out of sight. No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection

from distrib.columns.structure import Forest, measure_below
from distrib.services.compliance.penalties import CONTENT, in_force_at, penalty_view
from distrib.services.context import Program
from distrib.store.compliance import penalties as store
from distrib.store.compliance import structure
from distrib.store.compliance.penalties import StandingPenalty
from distrib.store.network import shops

MOST_TOLD = 500
"""So many penalties a report tells, the newest first."""


class Penalised(NamedTuple):
    """A penalty in force with the roots of the trees it counts for.

    ``persons`` and ``levels`` are those of the penalised shop with all below it, as the law counts whom a person
    brought in directly or indirectly; None for an organiser, and for a shop that had not joined.
    """

    penalty_no: int
    roots: frozenset[int]
    persons: int | None
    levels: int | None


def find_penalised(conn: Connection, program: Program, forest: Forest, at: datetime) -> list[Penalised]:
    """The penalties that counted at an instant, in the order they were recorded."""
    standing = in_force_at(conn, program, at)
    if not standing:
        return []
    named = _named(conn, program, at) if any(penalty.organiser_id for penalty in standing) else {}
    persons, levels = measure_below(forest)
    found = []
    for penalty in standing:
        places = _places(forest, _numbers(penalty, named))
        own = None if penalty.shop_no is None or not places.size else int(places[0])
        roots = frozenset(forest.numbers[forest.root_places[places]].tolist())
        below = (None, None) if own is None else (int(persons[own]), int(levels[own]))
        found.append(Penalised(penalty.penalty_no, roots, *below))
    return found


def by_root(penalised: Iterable[Penalised]) -> dict[int, set[int]]:
    """The numbers of the penalties that count for each tree, by its root.

    >>> by_root([Penalised(1, frozenset({7}), 3, 2), Penalised(2, frozenset({7, 8}), None, None)])[7]
    {1, 2}
    """
    found: dict[int, set[int]] = {}
    for penalty in penalised:
        for root_no in penalty.roots:
            found.setdefault(root_no, set()).add(penalty.penalty_no)
    return found


def penalised_view(
    conn: Connection, program: Program, penalised: Sequence[Penalised], at: datetime
) -> list[dict[str, Any]]:
    """The penalties in force as a report tells them; nothing that was said of them later shows."""
    newest = {penalty.penalty_no: penalty for penalty in penalised[-MOST_TOLD:]}
    rows = store.penalties_of_numbers(conn, program.program_id, list(newest))
    roots = {min(penalty.roots) for penalty in newest.values() if penalty.roots}
    ids = shops.ids_of(conn, program.program_id, roots)
    told = []
    for row in reversed(rows):
        view, penalty = penalty_view(program, row, at), newest[row.penalty_no]
        shown = {name: view[name] for name in ("id", *CONTENT, "lapses_on", "recorded_at")}
        told.append(
            {
                **shown,
                "subject": _subject(row.organiser_id, penalty, ids),
                "trees": len(penalty.roots),
                "persons": penalty.persons,
                "levels": penalty.levels,
            }
        )
    return told


def _subject(organiser_id: str | None, penalty: Penalised, ids: Mapping[int, str]) -> str | None:
    """The tree of a shop's penalty, the organiser of an organiser's; None for a shop that had not joined."""
    if organiser_id is not None:
        return f"organiser:{organiser_id}"
    return f"tree:{ids[min(penalty.roots)]}" if penalty.roots else None


def _named(conn: Connection, program: Program, at: datetime) -> dict[str, list[int]]:
    """The shops that named each organiser at an instant."""
    named: dict[str, list[int]] = {}
    for shop_no, organiser_id in structure.organisers(conn, program.program_id, at):
        named.setdefault(organiser_id, []).append(shop_no)
    return named


def _numbers(penalty: StandingPenalty, named: Mapping[str, Sequence[int]]) -> Sequence[int]:
    if penalty.organiser_id is not None:
        return named.get(penalty.organiser_id, ())
    return () if penalty.shop_no is None else (penalty.shop_no,)


def _places(forest: Forest, numbers: Sequence[int]) -> Any:
    places = forest.places_of(np.array(numbers, np.int64))
    return places[places >= 0]
