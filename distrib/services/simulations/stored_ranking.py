"""What ranks are replayed by, from the database: columns of tables, in the snapshot of a simulation. No SQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import Connection

from distrib.columns.ranking.held import RankColumns
from distrib.columns.ranking.links import SponsorLinks, figures_of
from distrib.columns.ranking.persons import MergedPersons
from distrib.columns.tree import Integers
from distrib.domain.customers import taken_along
from distrib.domain.periods import next_period
from distrib.domain.plans.conditions import EARNINGS
from distrib.domain.ranks.history import RANK_CAUSES
from distrib.services.context import Program, period_bounds
from distrib.services.plans.versions import Timeline, ladder_of
from distrib.services.simulations.looking import instant_of
from distrib.services.simulations.ranking import (
    BEFORE_ALL,
    BackColumns,
    GatheredFacts,
    RankingSource,
    SoldColumns,
    earliest_sale,
    evaluated_by,
    metrics_of,
)
from distrib.store.copying import microseconds
from distrib.store.customer_merges import all_merges
from distrib.store.ranks import columns as rank_columns
from distrib.store.ranks import evaluations, figures
from distrib.store.ranks.columns import RanksByCause
from distrib.store.ranks.evaluations import Failure
from distrib.store.ranks.figures import Figure, FigureQuery
from distrib.store.recorded import TimeSpan
from distrib.store.simulations import rank_facts as rows
from distrib.store.simulations.ranks import first_fact

_BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
_NOTHING = np.zeros(0, np.int64)


def stored_source(
    conn: Connection, program: Program, timelines: Collection[Timeline], since: datetime, until: datetime
) -> RankingSource:
    """Reads what ranks are replayed by from an instant to another.

    Args:
        timelines: the plans whose conditions decide, of every candidate.
    """
    number, metrics = program.program_id, metrics_of(timelines)
    evaluated = rows.evaluated_from(conn, number)
    codes = {code for timeline in timelines for code in ladder_of(timeline).codes()}
    known = sorted(codes | {*rows.rank_codes(conn, number)})
    looked_from = max(evaluated_by(evaluated, since).values(), default=_BEGINNING)
    ranks = RankColumns(*rows.given_ranks(conn, number, RanksByCause(known, RANK_CAUSES), since, looked_from))
    gathered = GatheredFacts(BackColumns(*rows.back_rows(conn, number)))
    customers = _StoredCustomers() if any(metric.name == "customers" for metric in metrics) else None
    first = first_fact(conn, number)
    earliest = earliest_sale(metrics, ranks, evaluated, since)
    if first is not None:
        begins = first if earliest == BEFORE_ALL else max(first, instant_of(earliest))
        _add_months(conn, program, gathered, customers, TimeSpan(begins, until))

    def settled(start: int, end: int) -> tuple[Integers, Integers]:
        sellers, settled_at = rows.settled_between(conn, number, instant_of(start), instant_of(end))
        return sellers, settled_at

    persons = MergedPersons(_NOTHING, _NOTHING, _NOTHING) if customers is None else customers.persons(conn, number)
    shops, joined_at = rows.shops_joined(conn, number)
    return RankingSource(
        facts=gathered.facts(SponsorLinks(*rows.links(conn, number)), shops, joined_at, persons),
        first_fact=first,
        ranks=ranks,
        rank_codes=known,
        settled=settled,
        evaluated=evaluated,
        failures=_failures(conn, number),
        earned=lambda queries: _earned(conn, number, queries),
        reversed_of=lambda: rank_columns.refunded_shops(conn, number, with_earners=True)[1],
    )


def _add_months(
    conn: Connection,
    program: Program,
    gathered: GatheredFacts,
    customers: _StoredCustomers | None,
    span: TimeSpan,
) -> None:
    period = program.period_of(span.since)
    while True:
        start, end = (bound.astimezone(UTC) for bound in period_bounds(period, program.zone))
        if start >= span.until:
            return
        order_no, sellers, settled_at, minor = rows.sold_between(conn, program.program_id, start, end)
        buyers = _NOTHING if customers is None else customers.of(conn, program.program_id, order_no, start, end)
        gathered.add_month(SoldColumns(order_no, sellers, settled_at, minor, buyers))
        period = next_period(period)


class _StoredCustomers:
    """The customers that bought, by number; their ids are in memory once."""

    def __init__(self) -> None:
        self._known: dict[bytes, int] = {}

    def of(self, conn: Connection, number: int, order_no: Integers, start: datetime, end: datetime) -> Integers:
        """The number of each order's customer, of orders that settled in a span; -1 where it names none."""
        named, customers = rows.buyers_between(conn, number, start, end)
        return np.where(
            np.isin(order_no, named), figures_of(*_by_number(named, self._numbers_of(customers)), order_no), -1
        )

    def persons(self, conn: Connection, number: int) -> MergedPersons:
        """Who is one person with whom."""
        merged = list(taken_along(all_merges(conn, number)))
        return MergedPersons(
            self._numbers_of([customer_id.encode() for customer_id, _ in merged]),
            np.array(microseconds([merge.merged_at for _, merge in merged]), np.int64),
            self._numbers_of([merge.into_id.encode() for _, merge in merged]),
        )

    def _numbers_of(self, ids: Sequence[bytes]) -> Integers:
        known = self._known
        return np.array([known.setdefault(customer, len(known)) for customer in ids], np.int64)


def _by_number(order_no: Integers, figures: Integers) -> tuple[Integers, Integers]:
    turns = np.argsort(order_no)
    return order_no[turns], figures[turns]


def _failures(conn: Connection, number: int) -> Callable[[int], Sequence[Failure]]:
    return lambda period: evaluations.failures_of(conn, number, period)


def _earned(conn: Connection, number: int, queries: Sequence[FigureQuery]) -> Sequence[int]:
    return figures.figures(conn, number, Figure(EARNINGS, 0), queries)
