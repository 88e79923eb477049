"""A plan tried on chunks of history, an order at a time by the engine of the ledger: the judge of every other way.

No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from distrib.domain.errors import Refusal
from distrib.domain.orders.refusals import CurrencyMismatch
from distrib.domain.orders.state import Settlement
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.caps import check_payable
from distrib.domain.settlement.commission import settle
from distrib.domain.settlement.earned import Commission
from distrib.domain.settlement.seats import RULE_CAP
from distrib.domain.settlement.snapshot import Person, Snapshot
from distrib.domain.settlement.terms import Terms
from distrib.domain.simulations.candidates import ranks_of, under_candidate
from distrib.domain.simulations.outcomes import NO_CAPS, Change, earn, take_back
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import Timeline, TimelineEntry
from distrib.services.simulations.facts import TriedHistory
from distrib.services.simulations.histories import PastOrder
from distrib.services.simulations.known_facts import CustomerIds, EarlierBuys, Rooms, with_verdicts
from distrib.services.simulations.replaying import RanksUnder

_EVER = datetime(1, 1, 1, tzinfo=UTC)


class Simulated(NamedTuple):
    """What an order came to: its settlement and what changed it, or (``failure``) why it would not have settled.

    ``caps`` says by cap what it took, in minor units.
    """

    settlement: Settlement | None
    changes: Sequence[Change]
    caps: Mapping[str, int]
    failure: str | None = None


class CandidatePlan:
    """A plan in force over all of a span.

    Args:
        name: apart from those of other candidates of the simulation.
        ranks: those that shops would have had; by default those of each snapshot.
    """

    def __init__(self, tried: TriedHistory, plan: Plan, name: str, ranks: RanksUnder | None = None) -> None:
        self._facts, self.plan, self.ranks = tried.facts, plan, ranks
        self.with_refunds = tried.with_refunds
        timeline = Timeline((TimelineEntry(0, _EVER, plan.code, 0, plan),))
        self.terms = TermsBook(tried.program, timeline, tried.policies)
        self._persons = CustomerIds(tried.facts)
        self._asks_for_persons = bool(plan.book.on_customers or self.terms.counted_rules)
        self._earlier = EarlierBuys(tried.facts, plan, tried.published, self._persons)
        counts = tried.with_rooms and bool(self.terms.counted_rules)
        self._rooms = Rooms(tried, self.terms, name, self._persons) if counts else None

    @property
    def needs_time(self) -> bool:
        """Whether what an order pays depends on orders before it, so that they have to come in the order of time."""
        return self._rooms is not None

    def simulate(self, orders: Sequence[PastOrder]) -> list[Simulated]:
        """What each of these orders comes to."""
        if self._asks_for_persons:
            self._persons.load({past.order.customer_id for past in orders if past.order.customer_id is not None})
        if self.ranks is not None:
            self.ranks.load(sorted({shop_no for past in orders for shop_no in ranks_of(past.snapshot)}))
        under = [self.terms.in_force(past.order.paid_at) for past in orders]
        snapshots = [self._snapshot(past, terms) for past, terms in zip(orders, under, strict=True)]
        snapshots = self._earlier.of(orders, snapshots)
        snapshots = with_verdicts(self._facts, self.plan, orders, snapshots)
        return [self._simulated(*known) for known in zip(orders, under, snapshots, strict=True)]

    def _snapshot(self, past: PastOrder, terms: Terms) -> Snapshot:
        if self.ranks is None:
            return under_candidate(past.snapshot, terms)
        rank_of, paid_at = self.ranks.rank_of, past.order.paid_at

        def rank(person: Person) -> str:
            return rank_of(person.shop_no, paid_at)

        return under_candidate(past.snapshot, terms, rank)

    def _simulated(self, past: PastOrder, terms: Terms, snapshot: Snapshot) -> Simulated:
        try:
            if past.order.currency != terms.plan.currency:
                raise CurrencyMismatch(currency=past.order.currency, expected=terms.plan.currency)
            snapshot, commissions, caps = self._earned(past, terms, snapshot)
        except Refusal as refusal:
            return Simulated(None, (), NO_CAPS, refusal.code)
        settlement = Settlement(past.order, terms, snapshot, commissions, past.settled_at)
        setbacks = past.setbacks if self.with_refunds and commissions else ()
        changes = take_back(settlement, setbacks, is_published=False) if setbacks else ()
        return Simulated(settlement, changes, caps)

    def _earned(
        self, past: PastOrder, terms: Terms, snapshot: Snapshot
    ) -> tuple[Snapshot, list[Commission], Mapping[str, int]]:
        commissions, caps = earn(terms.plan, past.order, snapshot)
        if self._rooms is not None:
            before = sum([commission.amount_minor for commission in commissions])
            snapshot, commissions = self._rooms.within(terms.plan, past, snapshot, commissions)
            taken = before - sum([commission.amount_minor for commission in commissions])
            caps = {**caps, RULE_CAP: caps.get(RULE_CAP, 0) + taken} if taken else caps
        check_payable(terms.plan, commissions)
        if self._rooms is not None:
            self._rooms.add(terms.plan, past, commissions)
        return snapshot, commissions, caps


def as_published(past: PastOrder, published: TermsBook) -> Simulated:
    """What an order comes to under the version and the snapshot that it settled with.

    Raises:
        Refusal: what it cannot be worked out for.
    """
    if past.version_no is None:
        return Simulated(None, (), NO_CAPS)
    terms = published.of_version(past.version_no)
    commissions = settle(terms.plan, past.order, past.snapshot)
    settlement = Settlement(past.order, terms, past.snapshot, commissions, past.settled_at)
    changes = take_back(settlement, past.setbacks, is_published=True) if past.setbacks else ()
    return Simulated(settlement, changes, NO_CAPS)
