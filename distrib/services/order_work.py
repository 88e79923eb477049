"""What one order becomes: its settlement, its refunds, its failures.

Everything that has to be looked up is given; everything that has to be written goes into the
batch. A fact that cannot be worked on is parked with its reason and stops no other order. No
SQL may enter.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from distrib.domain.commission import Commission, settle
from distrib.domain.errors import Refusal
from distrib.domain.events import Event, Order
from distrib.domain.snapshot import Snapshot
from distrib.services.batch import EARNED, ORDERS, Batch
from distrib.services.freezes import Freezes
from distrib.services.people import People
from distrib.services.refund_work import Known, known_from_fresh, known_from_rows, work_refund
from distrib.services.rule_limits import RuleLimits
from distrib.services.terms import Terms, TermsBook
from distrib.store.copying import text_field
from distrib.store.histories import SettledOrder
from distrib.store.ledger import Posting, Settlement, encode_earned
from distrib.store.queue import PendingEvent

GROUP_BUY = "group_buy"
"""The channel (拼团) whose orders settle when their group has succeeded, and not before."""

_line_field = lru_cache(maxsize=65_536)(text_field)


class Fresh(NamedTuple):
    """What a settlement came to, for refunds of the same batch."""

    terms: Terms
    snapshot: Snapshot
    commissions: list[Commission]


class OrderWork:
    """Works on the orders of one batch, one after the other."""

    def __init__(
        self, batch: Batch, terms: TermsBook, people: People, limits: RuleLimits, freezes: Freezes
    ) -> None:
        self._batch = batch
        self._terms = terms
        self._people = people
        self._limits = limits
        self._freezes = freezes
        self._has_promotions = terms.has_promotions
        self._has_looks_at_earnings = terms.has_looks_at_earnings
        batch.look_levels = terms.look_levels

    def work(self, events: Sequence[tuple[PendingEvent, Event]], settled: SettledOrder | None) -> None:
        """Works on the open events of one order: settlements first, then refunds by their time."""
        known = None if settled is None else known_from_rows(settled, self._terms)
        for pending, event in events:
            if event.order is not None:
                known = self._settle(pending, event, event.order, known, len(events) > 1)
        refunds = [(pending, event) for pending, event in events if event.refund is not None]
        for pending, event in sorted(refunds, key=lambda pair: (pair[1].occurred_at, pair[0].event_no)):
            self._refund(pending, event, known)

    def _settle(
        self, pending: PendingEvent, event: Event, order: Order, known: Known | None, more: bool
    ) -> Known | None:
        try:
            if known is not None:
                self._repeat(pending, order, known)
                return known
            missing = self._people.missing(order)
            if missing is not None:
                reason = json.dumps({"id": missing}, ensure_ascii=False)
                self._batch.finish(pending, "waiting", "waits_for_shop", reason, f"shop:{missing}")
                return None
            if order.channel == GROUP_BUY and order.group_id is not None:
                reason = json.dumps({"id": order.group_id}, ensure_ascii=False)
                self._batch.finish(pending, "waiting", "waits_for_group", reason, f"group:{order.group_id}")
                return None
            fresh = self._bounded(order, event.occurred_at, self._work_out(order))
        except Refusal as refusal:
            self._fail(pending, refusal)
            return known
        self._post(pending, event, order, fresh)
        if more:
            return known_from_fresh(pending, event, order, fresh.terms, fresh.snapshot, fresh.commissions)
        return None

    def _repeat(self, pending: PendingEvent, order: Order, known: Known) -> None:
        """The same order settled under another event id: without effect, or a conflict."""
        if order != known.order:
            raise Refusal("order_conflict")
        self._batch.finish(pending, "done", "already_settled")

    def _work_out(self, order: Order) -> Fresh:
        terms = self._terms.at(order.paid_at)
        if order.currency != terms.plan.currency:
            raise Refusal("currency_mismatch", currency=order.currency, expected=terms.plan.currency)
        stood = self._freezes.mark(self._people.snapshot(order, terms), order.paid_at)
        snapshot = self._limits.judged(terms.plan, order, stood)
        commissions = [] if snapshot.seller is None else settle(terms.plan, order, snapshot)
        return Fresh(terms, snapshot, commissions)

    def _bounded(self, order: Order, at: datetime, fresh: Fresh) -> Fresh:
        """What month and customer caps leave of it; ``at``: from when the commissions count."""
        terms, snapshot, commissions = fresh
        return Fresh(terms, *self._limits.bounded(terms.plan, order, at, snapshot, commissions))

    def _post(self, pending: PendingEvent, event: Event, order: Order, fresh: Fresh) -> None:
        batch, terms, seller = self._batch, fresh.terms, fresh.snapshot.seller
        program, at = batch.program, event.occurred_at
        period, late_from = batch.period_of(at)
        if fresh.commissions:
            posting = Posting(
                program.program_id, pending.order_no, pending.event_no, terms.version_no, at, period, late_from
            )
            lines = [_line_field(line.id) for line in order.lines]
            batch.transfers.append(
                encode_earned(posting, at + terms.hold, fresh.commissions, lines, terms.rule_fields)
            )
            self._add_up(fresh.commissions, period)
            if fresh.snapshot.frozen_case is not None:
                batch.frozen[pending.order_no] = fresh.snapshot.frozen_case
        seller_no = None if seller is None else seller.shop_no
        batch.settlements.append(
            Settlement(
                pending.order_no, pending.event_no, terms.version_no, seller_no, at, order.paid_at, order.paid_minor,
                sales_of(order, fresh.snapshot), order.customer_id, fresh.snapshot.to_json(),
            )
        )
        batch.finish(pending, "done", "no_shop" if seller is None else None)
        self._signal(pending.day, fresh.snapshot, at)
        if self._has_looks_at_earnings:
            self._batch.earner_signals.update((pending.day, commission.shop_no, at) for commission in fresh.commissions)

    def _add_up(self, commissions: Sequence[Commission], period: int) -> None:
        earned: dict[int, int] = {}
        for _, _, _, shop_no, _, _, amount_minor in commissions:
            earned[shop_no] = earned.get(shop_no, 0) + amount_minor
        months = self._batch.months
        for shop_no, amount_minor in earned.items():
            month = months[shop_no, period]
            month[EARNED] += amount_minor
            month[ORDERS] += 1

    def _refund(self, pending: PendingEvent, event: Event, known: Known | None) -> None:
        if known is None:
            reason = json.dumps({"id": event.order_id}, ensure_ascii=False)
            self._batch.finish(pending, "waiting", "waits_for_order", reason, "order")
            return
        try:
            work_refund(self._batch, pending, event, known)
        except Refusal as refusal:
            self._fail(pending, refusal)
            return
        self._signal(pending.day, known.snapshot, event.occurred_at)
        if self._has_looks_at_earnings:
            self._batch.earner_signals.update((pending.day, key[3], event.occurred_at) for key in known.earned)

    def _signal(self, day: date, snapshot: Snapshot, at: datetime) -> None:
        if not self._has_promotions or snapshot.seller is None:
            return
        self._batch.signals.add((day, snapshot.seller.shop_no, at))

    def _fail(self, pending: PendingEvent, refusal: Refusal) -> None:
        params = json.dumps(refusal.params, default=str, ensure_ascii=False)
        self._batch.finish(pending, "failed", refusal.code, params)


def sales_of(order: Order, snapshot: Snapshot) -> int:
    """What counts as the seller's sale: no entry lines, no purchase from oneself (plan.md, Ranks)."""
    if snapshot.seller is None or snapshot.is_self_purchase:
        return 0
    return sum([line.paid_minor for line in order.lines if not line.entry])
