"""What one order becomes: its settlement, its refunds, its failures.

Everything that has to be looked up is given; everything that has to be written goes into the
batch. A fact that cannot be worked on is parked with its reason and stops no other order. No
SQL may enter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from distrib.domain.errors import Refusal
from distrib.domain.events import PAID, Event, Order
from distrib.domain.settlement.caps import check_payable
from distrib.domain.settlement.commission import Commission, settle
from distrib.domain.settlement.seats import is_indirect
from distrib.domain.settlement.snapshot import Snapshot
from distrib.services.plans.terms import Terms, TermsBook
from distrib.services.settlement.batch import EARNED, ORDERS, Batch
from distrib.services.settlement.expected import Expecting, bring_early_refunds, end_expecting, expect, refund_early
from distrib.services.settlement.freezes import Freezes
from distrib.services.settlement.groups import Groups
from distrib.services.settlement.order_state import GROUP_FAILED, ORDER_CANCELLED, Course, Due, in_turn
from distrib.services.settlement.people import People
from distrib.services.settlement.refunds import known_from_fresh, note_refund_before_cancel, work_cancel, work_refund
from distrib.services.settlement.rule_limits import RuleLimits
from distrib.store.compliance.cases import Frozen
from distrib.store.copying import text_field
from distrib.store.orders.queue import PendingEvent
from distrib.store.settlement.batch import Posting, Settlement, encode_earned

_line_field = lru_cache(maxsize=65_536)(text_field)


class Fresh(NamedTuple):
    """What a settlement came to, for refunds of the same batch."""

    terms: Terms
    snapshot: Snapshot
    commissions: list[Commission]


class OrderWork:
    """Works on the orders of one batch, one after the other."""

    def __init__(
        self,
        batch: Batch,
        terms: TermsBook,
        people: People,
        limits: RuleLimits,
        groups: Groups,
        freezes: Freezes,
    ) -> None:
        self._batch = batch
        self._terms = terms
        self._people = people
        self._limits = limits
        self._groups = groups
        self._freezes = freezes
        self._has_promotions = terms.has_promotions
        self._has_looks_at_earnings = terms.has_looks_at_earnings
        batch.look_levels = terms.look_levels

    def work(self, due: Sequence[Due], course: Course) -> None:
        """Works on the open events of one order, and on what its group has decided meanwhile."""
        if course.expecting is not None:
            self._heed_group(course, course.expecting.known.order)
        turn = in_turn(due, self._groups)
        for place, (pending, event) in enumerate(turn):
            try:
                self._work_event(pending, event, course, place + 1 < len(turn))
            except Refusal as refusal:
                self._fail(pending, refusal)
        if course.waits:
            course.close(self._batch)

    def _work_event(self, pending: PendingEvent, event: Event, course: Course, more: bool) -> None:
        if event.order is not None:
            course.is_told, course.shop_id = True, event.order.shop_id
            if event.type == PAID:
                self._pay(pending, event, event.order, course)
            else:
                self._settle(pending, event, event.order, course, more)
        elif event.refund is not None:
            self._refund(pending, event, course)
        else:
            self._cancel(pending, event, course)

    def _settle(self, pending: PendingEvent, event: Event, order: Order, course: Course, more: bool) -> None:
        if self._is_no_news(pending, order, course):
            return
        at = self._groups.settles_at(order, event.occurred_at)
        if at is None:
            course.wait(pending, "waits_for_group", str(order.group_id), f"group:{order.group_id}")
            return
        expecting = course.expecting
        if expecting is None and self._is_someone_missing(pending, order, course):
            return
        fresh = self._work_out(order) if expecting is None else self._work_out_paid(expecting)
        fresh = self._bounded(order, at, fresh)
        self._post(pending, order, fresh, at)
        if more or expecting is not None:
            course.known = known_from_fresh(order, fresh.terms, fresh.snapshot, fresh.commissions, at)
        if expecting is not None and course.known is not None:
            end_expecting(self._batch, pending.order_no, pending.event_no, expecting, at)
            bring_early_refunds(self._batch, expecting, course.known)
            course.expecting = None

    def _pay(self, pending: PendingEvent, event: Event, order: Order, course: Course) -> None:
        """What a payment lets expect; caps by month and customer count what settles, and bound it only then."""
        if self._is_no_news(pending, order, course):
            return
        if course.expecting is not None:
            self._batch.finish(pending, "done", "already_paid")
            return
        if self._is_someone_missing(pending, order, course):
            return
        fresh = self._work_out(order)
        check_payable(fresh.terms.plan, fresh.commissions)
        course.expecting = expect(self._batch, pending, event, order, fresh.terms, fresh.snapshot, fresh.commissions)
        self._batch.finish(pending, "done", "no_shop" if fresh.snapshot.seller is None else None)

    def _is_no_news(self, pending: PendingEvent, order: Order, course: Course) -> bool:
        """Whether all is said of an order's content; notes that it belongs to a group where it does.

        Raises:
            Refusal: ``order_conflict`` where other content is known.
        """
        known = course.known or (course.expecting.known if course.expecting is not None else None)
        if known is not None and order != known.order:
            raise Refusal("order_conflict")
        if course.known is not None:
            self._batch.finish(pending, "done", "already_settled")
            return True
        self._heed_group(course, order)
        if course.end is not None:
            self._batch.finish(pending, "done", course.end.reason)
        return course.end is not None

    def _heed_group(self, course: Course, order: Order) -> None:
        """Drops an order whose group has failed; one whose group is open is to be woken."""
        group_no = self._groups.number(order)
        if group_no is None or course.end is not None:
            return
        self._batch.life.members.add((group_no, course.order_no))
        decision = self._groups.decision(order)
        if decision is not None and not decision.has_succeeded:
            course.shop_id = order.shop_id
            course.stop(self._batch, GROUP_FAILED, decision.event_no, decision.occurred_at)

    def _is_someone_missing(self, pending: PendingEvent, order: Order, course: Course) -> bool:
        missing = self._people.missing(order)
        if missing is not None:
            course.wait(pending, "waits_for_shop", missing, f"shop:{missing}")
        return missing is not None

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

    def _work_out_paid(self, expecting: Expecting) -> Fresh:
        """An order by the snapshot of its payment, which counts for ever."""
        known = expecting.known
        nobody = known.snapshot.seller is None
        commissions = [] if nobody else settle(known.terms.plan, known.order, known.snapshot)
        return Fresh(known.terms, known.snapshot, commissions)

    def _post(self, pending: PendingEvent, order: Order, fresh: Fresh, at: datetime) -> None:
        batch, terms, seller = self._batch, fresh.terms, fresh.snapshot.seller
        program = batch.program
        period, late_from = batch.period_of(at)
        if fresh.commissions:
            posting = Posting(
                program.program_id, pending.order_no, pending.event_no, terms.version_no, at, period, late_from
            )
            lines = [_line_field(line.id) for line in order.lines]
            batch.transfers.append(encode_earned(posting, at + terms.hold, fresh.commissions, lines, terms.rule_fields))
            self._add_up(fresh.commissions, period)
            self._freeze(pending.order_no, order, fresh, at)
        seller_no = None if seller is None else seller.shop_no
        batch.settlements.append(
            Settlement(
                pending.order_no,
                pending.event_no,
                terms.version_no,
                seller_no,
                at,
                order.paid_at,
                order.paid_minor,
                sales_of(order, fresh.snapshot),
                order.customer_id,
                fresh.snapshot.to_json(),
            )
        )
        batch.finish(pending, "done", "no_shop" if seller is None else None)
        self._signal(pending.day, fresh.snapshot, at)
        self._signal_earners(pending.day, (commission.shop_no for commission in fresh.commissions), at)

    def _freeze(self, order_no: int, order: Order, fresh: Fresh, at: datetime) -> None:
        """Holds what those above the seller earn, where the case that the order was given still freezes it."""
        case_no, plan = fresh.snapshot.frozen_case, fresh.terms.plan
        if case_no is None or not self._freezes.holds(case_no, order.paid_at):
            return
        for seq, one in enumerate(fresh.commissions, 1):
            if is_indirect(plan, fresh.snapshot, plan.rules[one.rule_index], one.tier):
                self._batch.frozen.append(Frozen(order_no, seq, case_no, one.shop_no, at))

    def _add_up(self, commissions: Sequence[Commission], period: int) -> None:
        earned: dict[int, int] = {}
        for _, _, _, shop_no, _, _, amount_minor in commissions:
            earned[shop_no] = earned.get(shop_no, 0) + amount_minor
        months = self._batch.months
        for shop_no, amount_minor in earned.items():
            month = months[shop_no, period]
            month[EARNED] += amount_minor
            month[ORDERS] += 1

    def _refund(self, pending: PendingEvent, event: Event, course: Course) -> None:
        known, end = course.known, course.end
        if known is not None:
            if end is not None and event.occurred_at <= end.occurred_at:
                note_refund_before_cancel(self._batch, pending, event, known, end.reason)
                return
            work_refund(self._batch, pending, event, known)
            self._signal(pending.day, known.snapshot, event.occurred_at)
            self._signal_earners(pending.day, (key[3] for key in known.earned), event.occurred_at)
        elif end is not None:
            self._batch.finish(pending, "done", end.reason)
        elif course.expecting is not None:
            refund_early(self._batch, pending, event, course.expecting)
        else:
            course.wait(pending, "waits_for_order", event.order_id, "order")

    def _cancel(self, pending: PendingEvent, event: Event, course: Course) -> None:
        if course.end is not None:
            is_repeat = course.end.reason == ORDER_CANCELLED
            self._batch.finish(pending, "done", "already_cancelled" if is_repeat else course.end.reason)
        elif course.known is not None:
            work_cancel(self._batch, pending, event, course.known)
            course.stop(self._batch, ORDER_CANCELLED, pending.event_no, event.occurred_at)
            self._signal(pending.day, course.known.snapshot, event.occurred_at)
            self._signal_earners(pending.day, (key[3] for key in course.known.earned), event.occurred_at)
        elif course.is_told:
            course.stop(self._batch, ORDER_CANCELLED, pending.event_no, event.occurred_at)
            self._batch.finish(pending)
        else:
            course.wait(pending, "waits_for_order", event.order_id, "order")

    def _signal(self, day: date, snapshot: Snapshot, at: datetime) -> None:
        if not self._has_promotions or snapshot.seller is None:
            return
        day = max(day, self._batch.program.day_of(at))
        self._batch.signals.add((day, snapshot.seller.shop_no, at))

    def _signal_earners(self, day: date, shops: Iterable[int], at: datetime) -> None:
        if self._has_looks_at_earnings:
            day = max(day, self._batch.program.day_of(at))
            self._batch.earner_signals.update((day, shop_no, at) for shop_no in shops)

    def _fail(self, pending: PendingEvent, refusal: Refusal) -> None:
        params = json.dumps(refusal.params, default=str, ensure_ascii=False)
        self._batch.finish(pending, "failed", refusal.code, params)


def sales_of(order: Order, snapshot: Snapshot) -> int:
    """What counts as the seller's sale: no entry lines, no purchase from oneself (plan.md, Ranks)."""
    if snapshot.seller is None or snapshot.is_self_purchase:
        return 0
    return sum([line.paid_minor for line in order.lines if not line.entry])
