"""Finds the trees that the penalties in force count for at an instant, and shows them in a report.

A penalty counts for the tree its shop stands in, wherever in it, and for every tree in which a shop names its
organiser: a penalised person that stands under another's root is not out of sight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from distrib.columns.structure import Forest, Whole, measure_below
from distrib.services.compliance.facts import CountingPenalty, StructureFacts
from distrib.services.compliance.penalties import penalty_view
from distrib.services.context import Program
from distrib.store.compliance import penalties as store
from distrib.store.network import shops

MOST_SHOWN = 500
"""So many penalties a report shows, the newest first."""


class Penalised(NamedTuple):
    """A penalty in force with the roots of the trees it counts for.

    ``persons`` and ``levels`` are those of the penalised shop with all below it, as the law counts the persons brought
    in directly or indirectly; None for an organiser, and for a shop that had not joined.
    """

    penalty_no: int
    roots: frozenset[int]
    persons: int | None
    levels: int | None


@dataclass(frozen=True, slots=True)
class PenaltyInForce:
    """A penalty as a report shows it: with whose tree it counts for, how many trees, and who stands below its shop."""

    id: str
    shop_id: str | None
    organiser_id: str | None
    kind: str
    decided_on: str
    authority: str | None
    reference: str | None
    reason: str
    lapses_on: str | None
    recorded_at: datetime
    subject: str | None
    trees: int
    persons: int | None
    levels: int | None


def find_penalised(facts: StructureFacts, forest: Forest) -> list[Penalised]:
    """Finds the penalties in force at an instant with their trees, in the order they were recorded."""
    in_force = facts.penalties()
    if not in_force:
        return []
    named = _named(facts) if any(penalty.organiser_id for penalty in in_force) else {}
    persons, levels = measure_below(forest)
    penalised = []
    for penalty in in_force:
        places = _places(forest, _numbers(penalty, named))
        own = None if penalty.shop_no is None else next(iter(places.tolist()), None)
        penalised.append(
            Penalised(
                penalty_no=penalty.penalty_no,
                roots=frozenset(forest.numbers[forest.root_places[places]].tolist()),
                persons=None if own is None else int(persons[own]),
                levels=None if own is None else int(levels[own]),
            )
        )
    return penalised


def by_root(penalised: Iterable[Penalised]) -> dict[int, set[int]]:
    """Groups penalties by tree: by its root the numbers of those that count for it.

    >>> by_root([Penalised(1, frozenset({7}), 3, 2), Penalised(2, frozenset({7, 8}), None, None)])[7]
    {1, 2}
    """
    numbers: dict[int, set[int]] = {}
    for penalty in penalised:
        for root_no in penalty.roots:
            numbers.setdefault(root_no, set()).add(penalty.penalty_no)
    return numbers


def penalised_view(
    conn: Connection, program: Program, penalised: Sequence[Penalised], as_of: datetime
) -> list[PenaltyInForce]:
    """Shows the penalties in force for a report as of an instant, the newest first; later withdrawals do not show."""
    newest = {penalty.penalty_no: penalty for penalty in penalised[-MOST_SHOWN:]}
    rows = store.penalties_of_numbers(conn, program.program_id, list(newest))
    roots = {min(penalty.roots) for penalty in newest.values() if penalty.roots}
    ids = shops.ids_of(conn, program.program_id, roots)
    views = []
    for row in reversed(rows):
        view, penalty = penalty_view(program, row, as_of), newest[row.penalty_no]
        views.append(
            PenaltyInForce(
                id=view.id,
                shop_id=view.shop_id,
                organiser_id=view.organiser_id,
                kind=view.kind,
                decided_on=view.decided_on,
                authority=view.authority,
                reference=view.reference,
                reason=view.reason,
                lapses_on=view.lapses_on,
                recorded_at=view.recorded_at,
                subject=_subject(row.organiser_id, penalty, ids),
                trees=len(penalty.roots),
                persons=penalty.persons,
                levels=penalty.levels,
            )
        )
    return views


def _subject(organiser_id: str | None, penalty: Penalised, ids: Mapping[int, str]) -> str | None:
    """Names the tree of a shop's penalty, the organiser of an organiser's; None for a shop that had not joined."""
    if organiser_id is not None:
        return f"organiser:{organiser_id}"
    return f"tree:{ids[min(penalty.roots)]}" if penalty.roots else None


def _named(facts: StructureFacts) -> dict[str, list[int]]:
    """Lists by organiser the shops that named it at an instant."""
    named: dict[str, list[int]] = {}
    for shop_no, organiser_id in facts.organisers():
        named.setdefault(organiser_id, []).append(shop_no)
    return named


def _numbers(penalty: CountingPenalty, named: Mapping[str, Sequence[int]]) -> Sequence[int]:
    if penalty.organiser_id is not None:
        return named.get(penalty.organiser_id, ())
    return () if penalty.shop_no is None else (penalty.shop_no,)


def _places(forest: Forest, numbers: Sequence[int]) -> Whole:
    places = forest.places_of(np.array(numbers, np.int64))
    return places[places >= 0]
