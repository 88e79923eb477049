"""Which orders of a batch fall under a freeze of indirect pay. Reads nothing more where no freeze is in force.

An order falls under a freeze when a frozen root stood in its seller's chain when it was paid, and it was paid
at or after the freeze's instant; the order keeps the case with its snapshot for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.snapshot import Snapshot
from distrib.store import cases
from distrib.store.cases import Freeze
from distrib.store.chains import CHAIN_LENGTH


class Freezes:
    """The freezes in force, for the chains of one batch.

    Args:
        chains: sellers' chains (the seller first, then its nearest uplines) with when each order was paid.
    """

    def __init__(
        self, conn: Connection, program_id: int, chains: Sequence[tuple[Sequence[int], datetime]]
    ) -> None:
        freezes = cases.freezes_in_force(conn, program_id)
        self._by_root = _by_root(conn, program_id, freezes) if freezes else {}
        self._far: dict[tuple[int, datetime], set[int]] = {}
        if self._by_root:
            asked = sorted({(chain[-1], at) for chain, at in chains if len(chain) > CHAIN_LENGTH})
            found = cases.standing_above(conn, program_id, asked, list(self._by_root))
            self._far = dict(zip(asked, found, strict=True))

    def mark(self, snapshot: Snapshot, paid_at: datetime) -> Snapshot:
        """The snapshot with the case that holds its indirect pay, where there is one: the oldest."""
        if not self._by_root or snapshot.seller is None:
            return snapshot
        chain = [snapshot.seller.shop_no, *(upline.shop_no for upline in snapshot.uplines)]
        roots = set(chain) | self._far.get((chain[-1], paid_at), set())
        held = [
            freeze.case_no
            for root in roots
            for freeze in self._by_root.get(root, ())
            if freeze.effective_at <= paid_at
        ]
        return snapshot._replace(frozen_case=min(held)) if held else snapshot


def _by_root(conn: Connection, program_id: int, freezes: Sequence[Freeze]) -> Mapping[int, list[Freeze]]:
    found: dict[int, list[Freeze]] = {}
    named: dict[str, list[Freeze]] = {}
    for freeze in freezes:
        if freeze.root_no is not None:
            found.setdefault(freeze.root_no, []).append(freeze)
        elif freeze.organiser_id is not None:
            named.setdefault(freeze.organiser_id, []).append(freeze)
    if named:
        for shop_no, organiser_id in cases.roots_of_organisers(conn, program_id, list(named)):
            found.setdefault(shop_no, []).extend(named[organiser_id])
    return found
