"""What simulations ask of history beyond the orders themselves, wherever that history is kept. No SQL may enter."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from distrib.domain.customers import Identities
from distrib.domain.policies.policy import Policy
from distrib.domain.settlement.snapshot import EarlierOrders
from distrib.services.context import Program
from distrib.services.customers.people import identities_of
from distrib.services.plans.terms import TermsBook
from distrib.services.simulations.histories import PastOrder
from distrib.store.settlement import sales
from distrib.store.settlement.sales import Span as SalesSpan
from distrib.store.simulations import history as rows
from distrib.store.simulations.history import BoughtBefore, OutsideRow, PaidSpan


class HistoryFacts(Protocol):
    """Answers in sets what rules ask beyond an order."""

    def identities(self, customer_ids: Collection[str]) -> Identities:
        """Who is one person with these customers."""

    def earlier(self, people: Identities, orders: Sequence[PastOrder], most: int) -> list[EarlierOrders]:
        """Counts, up to ``most``, the orders of each customer that had settled before its order was first worked on.

        Args:
            people: knows the persons of the orders' customers.
        """

    def sales(self, spans: Sequence[SalesSpan]) -> list[int]:
        """What shops sold in each span, less what refunds up to its end took back."""

    def outside(self, span: PaidSpan, rules: Sequence[str], name: str) -> Iterator[OutsideRow]:
        """Yields what those rules paid on orders outside of a span, the earliest first; ``name`` is the asker's own."""


@dataclass(frozen=True, slots=True)
class TriedHistory:
    """The history that candidates are tried on, the same for each of a simulation.

    Args:
        facts: what is known beyond the orders.
        span: when the orders were paid.
        published: the plans that were in force.
        with_refunds: whether what came back is taken back.
        with_rooms: whether month and customer caps are held; without them orders may come in any order.
    """

    facts: HistoryFacts
    program: Program
    policies: Mapping[str, Policy]
    span: PaidSpan
    published: TermsBook
    with_refunds: bool = True
    with_rooms: bool = True


class PostgresFacts:
    """The facts of a program in the database.

    Args:
        conn: a transaction that ``enter_history`` opened.
    """

    def __init__(self, conn: Connection, program: Program) -> None:
        self._conn, self._program_id = conn, program.program_id

    def identities(self, customer_ids: Collection[str]) -> Identities:
        """Who is one person with these customers."""
        return identities_of(self._conn, self._program_id, customer_ids)

    def earlier(self, people: Identities, orders: Sequence[PastOrder], most: int) -> list[EarlierOrders]:
        """Counts the earlier orders of the customers."""
        if not orders:
            return []
        begun = rows.paid_events(self._conn, self._program_id, [past.order_no for past in orders])
        asked: list[BoughtBefore] = []
        places: list[int] = []
        for place, past in enumerate(orders):
            begun_at = min(begun.get(past.order_no, past.settled_at), past.settled_at)
            for customer_id in people.ids_of(str(past.order.customer_id)):
                asked.append(BoughtBefore(customer_id, past.order.paid_at, begun_at, past.order_no))
                places.append(place)
        bought: list[tuple[int, datetime | None]] = [(0, None)] * len(orders)
        counted = rows.bought_before(self._conn, self._program_id, asked, most)
        for place, (count, first) in zip(places, counted, strict=True):
            before, known = bought[place]
            firsts = [instant for instant in (known, first) if instant is not None]
            bought[place] = (before + count, min(firsts, default=None))
        return [EarlierOrders(min(count, most), first) for count, first in bought]

    def sales(self, spans: Sequence[SalesSpan]) -> list[int]:
        """What shops sold in each span, less what refunds took back."""
        gross = sales.sold(self._conn, self._program_id, spans)
        back = sales.taken_back(self._conn, self._program_id, spans)
        return [sold - taken for sold, taken in zip(gross, back, strict=True)]

    def outside(self, span: PaidSpan, rules: Sequence[str], name: str) -> Iterator[OutsideRow]:
        """Yields what those rules paid on orders outside of a span."""
        return rows.outside_rows(self._conn, self._program_id, span, rules, name)
