"""What the state machine has to look up, as one interface: a batch answers from the database, tests from memory."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol

from distrib.domain.events import Order
from distrib.domain.settlement.commission import Commission
from distrib.domain.settlement.snapshot import Snapshot
from distrib.domain.settlement.terms import Terms


class GroupDecision(NamedTuple):
    """What was decided of a group (拼团), by which event, and when."""

    event_no: int
    has_succeeded: bool
    occurred_at: datetime


class Lookups(Protocol):
    """What has to be known beyond an order's own state and events."""

    def terms_at(self, paid_at: datetime) -> Terms:
        """The terms of an order paid at that instant.

        Raises:
            Refusal: ``no_plan`` where there were none.
        """

    def missing_shop(self, order: Order) -> str | None:
        """The first shop named by the order that is not known yet; None where all are."""

    def snapshot(self, order: Order, terms: Terms) -> Snapshot:
        """Who stood around the order at ``paid_at``, what rules ask to be known, and the case that freezes it."""

    def within_caps(
        self, order: Order, terms: Terms, counts_from: datetime, snapshot: Snapshot, commissions: list[Commission]
    ) -> tuple[Snapshot, list[Commission]]:
        """What month and customer caps leave of the commissions, and the snapshot with the room they had.

        What is answered counts as posted: the next order has so much less room.

        Raises:
            Refusal: ``customer_missing``, ``commission_too_large``.
        """

    def group_decision(self, order: Order) -> GroupDecision | None:
        """What was decided of the order's group; None while nothing is, or where it has none."""

    def is_case_in_force(self, case_no: int, paid_at: datetime) -> bool:
        """Whether the case that an order was given when it was paid still freezes what it earns now."""
