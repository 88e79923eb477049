"""What the structure of a program is measured from, at one instant, whoever has it: the database, or files of history.

Arrays by shop number, and counts; nothing here decides. The files are ``services.history.structure``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from distrib.columns.structure import Whole
from distrib.services.compliance.penalties import in_force_at
from distrib.services.context import Program
from distrib.store.compliance import structure as store
from distrib.store.compliance.structure import ThresholdCounts
from distrib.store.network import shops
from distrib.store.recorded import TimeSpan


class CountingPenalty(NamedTuple):
    """A penalty that counts at the instant: about a shop, or about an organiser."""

    penalty_no: int
    shop_no: int | None
    organiser_id: str | None


class StructureFacts(Protocol):
    """A program as it was at an instant, with all that was known by then."""

    def tree(self) -> tuple[Whole, Whole]:
        """Every shop that had joined, and its sponsor (0: a root)."""

    def sales(self, since: datetime) -> tuple[Whole, Whole, Whole]:
        """By seller what was paid to it after ``since``, and what of it by people who are no shops, net of refunds."""

    def entry(self, since: datetime) -> tuple[Whole, Whole, Whole]:
        """By seller what entry lines brought, ever and after ``since``, net of refunds."""

    def pay(self, since: datetime) -> tuple[Whole, Whole, Whole]:
        """By earner the pay after ``since`` for its own sales, and for those of others, net of reversals."""

    def buyers(self) -> tuple[Whole, Whole]:
        """By seller the buyers, shops left out, that bought from it first."""

    def payees_in_common(self) -> tuple[Whole, Whole]:
        """The shops whose payee is also that of another, with a number for each payee, from 1."""

    def organisers(self) -> Sequence[tuple[int, str]]:
        """The shops that named an organiser, with the organiser, in the order of organisers."""

    def penalties(self) -> Sequence[CountingPenalty]:
        """The penalties that counted, in the order they were recorded."""

    def newcomers(self, since: datetime) -> tuple[int, int]:
        """How many shops joined, and how many buyers first bought, from ``since`` on."""

    def at_threshold(self, since: datetime, exactly: int) -> ThresholdCounts:
        """How many shops sold exactly that after ``since``, and how many at least that."""

    def few_buyers(self, since: datetime, least: int) -> int:
        """How many shops were paid on the sales of others from ``since`` on, and sold to fewer buyers than that."""

    def earners(self, since: datetime, until: datetime, least: int) -> int:
        """How many shops earned at least so much, net of reversals, within [since, until)."""

    def payees(self, since: datetime, until: datetime, least: int) -> int:
        """How many shops were paid at least so much, tax included, within [since, until)."""

    def ids_of(self, shop_nos: Collection[int]) -> Mapping[int, str]:
        """The ids of shops by their numbers."""


class StoredStructure:
    """The same from the database."""

    def __init__(self, conn: Connection, program: Program, as_of: datetime) -> None:
        self._conn, self._program, self._number, self._as_of = (
            conn,
            program,
            program.program_id,
            as_of,
        )

    def tree(self) -> tuple[Whole, Whole]:
        """Reads ``StructureFacts.tree``."""
        return store.tree_at(self._conn, self._number, self._as_of)

    def sales(self, since: datetime) -> tuple[Whole, Whole, Whole]:
        """Reads ``StructureFacts.sales``."""
        return store.sales_by_shop(self._conn, self._number, since, self._as_of)

    def entry(self, since: datetime) -> tuple[Whole, Whole, Whole]:
        """Reads ``StructureFacts.entry``."""
        return store.entry_by_shop(self._conn, self._number, since, self._as_of)

    def pay(self, since: datetime) -> tuple[Whole, Whole, Whole]:
        """Reads ``StructureFacts.pay``."""
        return store.pay_by_shop(self._conn, self._number, since, self._as_of)

    def buyers(self) -> tuple[Whole, Whole]:
        """Reads ``StructureFacts.buyers``."""
        return store.buyers_by_shop(self._conn, self._number, self._as_of)

    def payees_in_common(self) -> tuple[Whole, Whole]:
        """Reads ``StructureFacts.payees_in_common``."""
        return store.payees_in_common(self._conn, self._number, self._as_of)

    def organisers(self) -> Sequence[tuple[int, str]]:
        """Reads ``StructureFacts.organisers``."""
        return store.organisers(self._conn, self._number, self._as_of)

    def penalties(self) -> Sequence[CountingPenalty]:
        """Reads ``StructureFacts.penalties``."""
        in_force = in_force_at(self._conn, self._program, self._as_of)
        return [CountingPenalty(row.penalty_no, row.shop_no, row.organiser_id) for row in in_force]

    def newcomers(self, since: datetime) -> tuple[int, int]:
        """Counts ``StructureFacts.newcomers``."""
        return store.newcomers(self._conn, self._number, since, self._as_of)

    def at_threshold(self, since: datetime, exactly: int) -> ThresholdCounts:
        """Counts ``StructureFacts.at_threshold``."""
        return store.shops_at_threshold(self._conn, self._number, since, self._as_of, exactly)

    def few_buyers(self, since: datetime, least: int) -> int:
        """Counts ``StructureFacts.few_buyers``."""
        return store.sponsors_with_few_buyers(self._conn, self._number, since, self._as_of, least)

    def earners(self, since: datetime, until: datetime, least: int) -> int:
        """Counts ``StructureFacts.earners``."""
        return store.earners(self._conn, self._number, TimeSpan(since, until), self._as_of, least)

    def payees(self, since: datetime, until: datetime, least: int) -> int:
        """Counts ``StructureFacts.payees``."""
        return store.payees(self._conn, self._number, TimeSpan(since, until), self._as_of, least)

    def ids_of(self, shop_nos: Collection[int]) -> Mapping[int, str]:
        """Reads ``StructureFacts.ids_of``."""
        return shops.ids_of(self._conn, self._number, shop_nos)
