"""The people of many snapshots as columns: each snapshot's text is read once, however many orders have the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from distrib.columns.commissions.chunk import LEADER_ROW, NOBODY, OPENER_ROW, PLACES, PeopleColumns
from distrib.columns.tree import Integers, Truths
from distrib.domain.settlement.snapshot import VERSION, Snapshot

MOST_KEPT: Final = 50_000
"""So many snapshots are remembered, some 40 MB; then all are forgotten."""
_BEGINNING: Final = f'{{"v":{VERSION}'.encode()


class _KeptPerson(msgspec.Struct, gc=False):
    """A person of a snapshot, of which nothing is read that a candidate decides itself."""

    shop_no: int
    rank: str
    is_active: bool = True


class _KeptSnapshot(msgspec.Struct, gc=False):
    """The people of a snapshot, as ``distrib.domain.settlement.snapshot`` writes them."""

    seller: _KeptPerson | None = None
    uplines: list[_KeptPerson] = []
    is_self_purchase: bool = False
    leader: _KeptPerson | None = None
    opener: _KeptPerson | None = None


_kept = msgspec.json.Decoder(list[_KeptSnapshot])


class SnapshotBook:
    """Tells snapshots apart by their text, and keeps the people of each.

    Args:
        ranks: the code of each rank; new ones are added.
    """

    def __init__(self, ranks: dict[str, int]) -> None:
        self._ranks = ranks
        self._places: dict[bytes, int] = {}
        self._people, self._is_self_purchase = _empty(1_024), np.zeros(1_024, np.bool_)

    def people(self, snapshots: Sequence[bytes]) -> tuple[PeopleColumns, Truths]:
        """Who stood where in each snapshot, and whether its buyer is the selling shop."""
        if len(self._places) > MOST_KEPT:
            self._places.clear()
        places = self._places
        known = list(map(places.get, snapshots))
        if None in known:
            self._add(list(dict.fromkeys(text for text, place in zip(snapshots, known, strict=True) if place is None)))
            known = list(map(places.get, snapshots))
        of = np.array(known, np.int64)
        return self._people.of_orders(of), self._is_self_purchase[of]

    def _add(self, texts: Sequence[bytes]) -> None:
        """Keeps what snapshots say that are not known yet."""
        first = len(self._places)
        if first + len(texts) > self._is_self_purchase.size:
            self._make_room(2 * (first + len(texts)))
        here = slice(first, first + len(texts))
        known = self._people
        known.shop_no[:, here] = NOBODY
        read = _read(texts)
        self._is_self_purchase[here] = [snapshot.is_self_purchase for snapshot in read]
        rows, columns, people = _placed(read)
        columns += first
        known.shop_no[rows, columns] = [person.shop_no for person in people]
        ranks = [person.rank for person in people]
        for rank in dict.fromkeys(ranks):
            self._ranks.setdefault(rank, len(self._ranks))
        known.rank[rows, columns] = list(map(self._ranks.__getitem__, ranks))
        known.is_active[rows, columns] = [person.is_active for person in people]
        self._places.update(zip(texts, range(first, first + len(texts)), strict=True))

    def _make_room(self, room: int) -> None:
        """Columns for so many snapshots, those that there are among them."""
        before, is_own = self._people, self._is_self_purchase
        self._people, self._is_self_purchase = _empty(room), np.zeros(room, np.bool_)
        for name in ("shop_no", "rank", "is_active"):
            getattr(self._people, name)[:, : is_own.size] = getattr(before, name)
        self._is_self_purchase[: is_own.size] = is_own


def _empty(room: int) -> PeopleColumns:
    """Places for the people of so many snapshots, nobody there yet."""
    shape = PLACES, room
    return PeopleColumns(np.full(shape, NOBODY), np.full(shape, NOBODY, np.int16), np.zeros(shape, np.bool_))


def _read(texts: Sequence[bytes]) -> list[_KeptSnapshot]:
    """The snapshots of these texts; others than of this version go by way of the domain."""
    known = [
        text if text.startswith(_BEGINNING) else Snapshot.from_json(text.decode()).to_json().encode() for text in texts
    ]
    return _kept.decode(b"[" + b",".join(known) + b"]")


def _placed(snapshots: Sequence[_KeptSnapshot]) -> tuple[Integers, Integers, list[_KeptPerson]]:
    """Everyone of some snapshots, with the row of their place and the place of their snapshot."""
    people = [person for snapshot in snapshots for person in snapshot.uplines]
    counts = np.array([len(snapshot.uplines) for snapshot in snapshots], np.int64)
    ends = np.cumsum(counts)
    columns = [np.repeat(np.arange(counts.size), counts)]
    rows = [np.arange(len(people)) - np.repeat(ends - counts, counts) + 1]
    beside = (
        (0, [snapshot.seller for snapshot in snapshots]),
        (LEADER_ROW, [snapshot.leader for snapshot in snapshots]),
        (OPENER_ROW, [snapshot.opener for snapshot in snapshots]),
    )
    for row, at_place in beside:
        known = np.flatnonzero(np.array([person is not None for person in at_place], np.bool_))
        people += [person for person in at_place if person is not None]
        columns.append(known)
        rows.append(np.full(known.size, row))
    return np.concatenate(rows), np.concatenate(columns), people
