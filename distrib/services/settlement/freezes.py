"""Which orders of a batch fall under a freeze of indirect pay. Reads nothing more where no freeze is in force.

An order falls under a freeze when it was paid at or after the freeze's instant, and in its seller's chain of that
moment stood the frozen root, or a shop that named the frozen organiser then. Whatever is said of chains and
organisers later changes nothing: the order keeps the case with its snapshot for ever.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.plans.plan import CHAIN_LENGTH
from distrib.domain.settlement.snapshot import Snapshot
from distrib.store.compliance import cases
from distrib.store.compliance.cases import Freeze


class Freezes:
    """The freezes in force, for the chains of one batch."""

    def __init__(self, conn: Connection, program_id: int) -> None:
        self._conn, self._program_id = conn, program_id
        self._by_root: dict[int, list[Freeze]] = {}
        self._by_organiser: dict[str, list[Freeze]] = {}
        in_force = cases.freezes_in_force(conn, program_id)
        for freeze in in_force:
            if freeze.root_no is not None:
                self._by_root.setdefault(freeze.root_no, []).append(freeze)
            elif freeze.organiser_id is not None:
                self._by_organiser.setdefault(freeze.organiser_id, []).append(freeze)
        self._since = {freeze.case_no: freeze.effective_at for freeze in in_force}
        named = cases.organised(conn, program_id, list(self._by_organiser)) if self._by_organiser else {}
        self._organisers = {shop_no: _Dated(history) for shop_no, history in named.items()}
        self._watched = self._by_root.keys() | self._organisers.keys()
        self._far: Mapping[tuple[int, datetime], set[int]] = {}

    def look_up(self, chains: Callable[[], Sequence[tuple[Sequence[int], datetime]]]) -> None:
        """Reads what stands far above, before orders are marked.

        Args:
            chains: answers sellers' chains (the seller first, then its nearest uplines) with when each order was paid;
                asked where a freeze is in force.
        """
        if self._watched:
            self._far = self._read_far(chains())

    def may_hold(self, chain: Sequence[int]) -> bool:
        """Whether a freeze may be about a chain (the seller first), or about somebody further above."""
        return bool(self._watched) and (len(chain) > CHAIN_LENGTH or not self._watched.isdisjoint(chain))

    def mark(self, snapshot: Snapshot, paid_at: datetime) -> Snapshot:
        """The snapshot with the case that holds its indirect pay, where there is one: the oldest."""
        if not self._watched or snapshot.seller is None:
            return snapshot
        chain = [snapshot.seller.shop_no, *(upline.shop_no for upline in snapshot.uplines)]
        above = self._watched & (set(chain) | self._far.get((chain[-1], paid_at), set()))
        held = [
            freeze.case_no
            for shop_no in above
            for freeze in self._freezes_of(shop_no, paid_at)
            if freeze.effective_at <= paid_at
        ]
        return snapshot._replace(frozen_case=min(held)) if held else snapshot

    def holds(self, case_no: int, paid_at: datetime) -> bool:
        """Whether the case that an order was given when it was paid still freezes what it earns now."""
        return case_no in self._since and self._since[case_no] <= paid_at

    def _freezes_of(self, shop_no: int, instant: datetime) -> Iterator[Freeze]:
        """The freezes of a shop's own tree, and those of whoever it named as its organiser then."""
        yield from self._by_root.get(shop_no, ())
        history = self._organisers.get(shop_no)
        organiser_id = None if history is None else history.as_of(instant)
        if organiser_id is not None:
            yield from self._by_organiser.get(organiser_id, ())

    def _read_far(self, chains: Sequence[tuple[Sequence[int], datetime]]) -> Mapping[tuple[int, datetime], set[int]]:
        """Which watched shops stood above those chains that are longer than a snapshot holds."""
        asked = sorted({(chain[-1], paid_at) for chain, paid_at in chains if len(chain) > CHAIN_LENGTH})
        watched = cases.standing_above(self._conn, self._program_id, asked, sorted(self._watched)) if asked else []
        return dict(zip(asked, watched, strict=True))


class _Dated:
    """Whom a shop named as its organiser, from when on."""

    def __init__(self, history: Sequence[tuple[datetime, str | None]]) -> None:
        self._since = [since for since, _ in history]
        self._named = [organiser_id for _, organiser_id in history]

    def as_of(self, instant: datetime) -> str | None:
        place = bisect_right(self._since, instant)
        return self._named[place - 1] if place else None
