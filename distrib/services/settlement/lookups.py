"""What the state machine looks up for the orders of one batch, read in sets beforehand."""

from __future__ import annotations

from datetime import datetime

from distrib.domain.events import Order
from distrib.domain.settlement.commission import Commission
from distrib.domain.settlement.snapshot import Snapshot
from distrib.domain.settlement.terms import Terms
from distrib.services.plans.terms import TermsBook
from distrib.services.settlement.freezes import Freezes
from distrib.services.settlement.groups import Groups
from distrib.services.settlement.people import People
from distrib.services.settlement.rule_limits import RuleLimits


class BatchLookups:
    """``distrib.domain.orders.lookups.Lookups`` from what a batch has read."""

    def __init__(self, terms: TermsBook, people: People, limits: RuleLimits, groups: Groups, freezes: Freezes) -> None:
        self._people, self._limits, self._freezes = people, limits, freezes
        self.terms_at = terms.in_force
        self.missing_shop = people.missing
        self.is_case_in_force = freezes.holds
        self.group_decision = groups.decision

    def snapshot(self, order: Order, terms: Terms) -> Snapshot:
        """Who stood around the order at ``paid_at``, with the case that freezes it, sales and earlier orders."""
        snapshot = self._freezes.mark(self._people.snapshot(order, terms), order.paid_at)
        return self._limits.with_verdicts(terms.plan, order, snapshot)

    def within_caps(
        self, order: Order, terms: Terms, counts_from: datetime, snapshot: Snapshot, commissions: list[Commission]
    ) -> tuple[Snapshot, list[Commission]]:
        """What month and customer caps leave of the commissions, and the snapshot with the room they had."""
        return self._limits.within_caps(terms.plan, order, counts_from, snapshot, commissions)
