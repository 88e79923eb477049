"""Gathers the effects of the state machine into the rows of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TypeAlias, assert_never

from distrib.domain.events import Order
from distrib.domain.orders import effects as of
from distrib.domain.orders.effects import Effect
from distrib.domain.periods import counting
from distrib.domain.settlement.commission import Commission
from distrib.domain.settlement.seats import is_indirect
from distrib.domain.settlement.snapshot import Snapshot
from distrib.services.settlement.batch import Batch
from distrib.store.compliance.cases import Frozen
from distrib.store.orders.groups import Decision
from distrib.store.orders.life import (
    BesideRefund,
    EarlyRefundLine,
    EndedOrder,
    ExpectedChange,
    FailedPayment,
    PaidOrder,
)
from distrib.store.orders.queue import Reopening
from distrib.store.settlement.batch import RefundLineRow, SettlementRow
from distrib.store.settlement.transfers import Posting, Reversal

_Paying: TypeAlias = of.OrderPaid | of.ExpectationChanged | of.ExpectationClosed | of.PaymentFailed | of.EventsReopened
_GivingBack: TypeAlias = (
    of.RefundApplied
    | of.EarlyRefundApplied
    | of.RefundedBeside
    | of.RefundUndone
    | of.CommissionsReversed
    | of.SalesChanged
)
_Ending: TypeAlias = of.OrderEnded | of.GroupJoined | of.GroupDecided
_Waiting: TypeAlias = of.EventFailed | of.EventPostponed | of.EventWaiting


def gather(batch: Batch, order_no: int, effects: Iterable[Effect]) -> None:
    """Turns the effects of the events of one order, or group, into rows of the batch."""
    for effect in effects:
        match effect:
            case of.OrderSettled():
                _gather_settled(batch, order_no, effect)
            case of.EventDone():
                _gather_done(batch, order_no, effect)
            case of.OrderPaid() | of.ExpectationChanged() | of.ExpectationClosed():
                _gather_paying(batch, order_no, effect)
            case of.PaymentFailed() | of.EventsReopened():
                _gather_paying(batch, order_no, effect)
            case of.OrderEnded() | of.GroupJoined() | of.GroupDecided():
                _gather_ending(batch, order_no, effect)
            case of.EventFailed() | of.EventPostponed() | of.EventWaiting():
                _gather_waiting(batch, effect)
            case _:
                _gather_giving_back(batch, order_no, effect)


def _gather_paying(batch: Batch, order_no: int, effect: _Paying) -> None:
    match effect:
        case of.OrderPaid():
            _gather_paid(batch, order_no, effect)
        case of.ExpectationChanged():
            _gather_expectation(batch, order_no, effect)
        case of.ExpectationClosed():
            batch.life.closed.add(order_no)
            batch.life.opened.pop(order_no, None)
        case of.PaymentFailed():
            batch.life.failures.append(FailedPayment(order_no, *effect))
        case of.EventsReopened(arrival, only_conflicts):
            event_no, day, event = arrival
            batch.failed_payments.append(Reopening(order_no, event_no, event.occurred_at, day, only_conflicts))
        case _:
            assert_never(effect)


def _gather_giving_back(batch: Batch, order_no: int, effect: _GivingBack) -> None:
    match effect:
        case of.RefundApplied():
            _gather_refund(batch, order_no, effect)
        case of.EarlyRefundApplied():
            _gather_early_refund(batch, order_no, effect)
        case of.RefundedBeside(event_no, refund_id, amount_minor, occurred_at):
            batch.life.beside.append(BesideRefund(order_no, refund_id, event_no, amount_minor, occurred_at))
        case of.RefundUndone((event_no, day, event)):
            batch.undone_refunds.append(Reopening(order_no, event_no, event.occurred_at, day))
        case of.CommissionsReversed():
            _gather_reversed(batch, order_no, effect)
        case of.SalesChanged():
            _gather_sales(batch, effect)
        case _:
            assert_never(effect)


def _gather_ending(batch: Batch, order_no: int, effect: _Ending) -> None:
    match effect:
        case of.OrderEnded():
            batch.life.ends.append(EndedOrder(order_no, *effect))
        case of.GroupJoined(group_id):
            batch.life.members.add((batch.groups.number(group_id), order_no))
        case of.GroupDecided():
            _gather_decided(batch, order_no, effect)
        case _:
            assert_never(effect)


def _gather_waiting(batch: Batch, effect: _Waiting) -> None:
    event = batch.pending[effect.event_no]
    match effect:
        case of.EventFailed():
            batch.finish(event, "failed", effect.code, effect.params)
        case of.EventPostponed():
            batch.postpone_waiting(event)
            batch.postponed += 1
        case of.EventWaiting():
            batch.finish(event, "waiting", effect.code, {"id": effect.id}, effect.waits_for)
        case _:
            assert_never(effect)


def _gather_settled(batch: Batch, order_no: int, effect: of.OrderSettled) -> None:
    arrival, (order, terms, snapshot, commissions, counts_from), is_frozen = effect
    seller_no = None if snapshot.seller is None else snapshot.seller.shop_no
    if commissions:
        posting = _posting(batch, order_no, arrival.event_no, terms.version_no, counts_from)
        available_at = counts_from + terms.hold
        batch.transfers.add_earned(posting, available_at, commissions, order, terms.plan)
        _add_earned(batch, commissions, posting.period)
    paid_minor = order.paid_minor
    if is_frozen:
        _gather_frozen(batch, order_no, effect)
    batch.settlements.append(
        SettlementRow(
            order_no,
            arrival.event_no,
            terms.version_no,
            seller_no,
            counts_from,
            order.paid_at,
            paid_minor,
            sales_minor_of(order, snapshot, paid_minor),
            order.customer_id,
            snapshot.to_json(),
        )
    )
    if batch.signals_sales or batch.signals_earnings:
        signal(batch, arrival.day, counts_from, seller_no, [commission.shop_no for commission in commissions])


def _gather_frozen(batch: Batch, order_no: int, effect: of.OrderSettled) -> None:
    """Holds what those above the seller earn."""
    _, terms, snapshot, commissions, counts_from = effect.settlement
    plan, case_no = terms.plan, snapshot.frozen_case
    for seq, commission in enumerate(commissions, 1):
        rule = plan.rules[commission.rule_index]
        if case_no is not None and is_indirect(plan, snapshot, rule, commission.tier):
            batch.frozen.append(Frozen(order_no, seq, case_no, commission.shop_no, counts_from))


def _add_earned(batch: Batch, commissions: Sequence[Commission], period: int) -> None:
    earned_minor: dict[int, int] = {}
    for _, _, _, shop_no, _, _, amount_minor in commissions:
        earned_minor[shop_no] = earned_minor.get(shop_no, 0) + amount_minor
    months = batch.months
    for shop_no, amount_minor in earned_minor.items():
        month = months[shop_no, period]
        month.earned_minor += amount_minor
        month.orders += 1


def _gather_paid(batch: Batch, order_no: int, effect: of.OrderPaid) -> None:
    arrival, order, terms, snapshot, numbers = effect
    seller_no = None if snapshot.seller is None else snapshot.seller.shop_no
    batch.life.opened[order_no] = numbers.payment_no
    batch.life.paid.append(
        PaidOrder(
            order_no,
            arrival.event_no,
            terms.version_no,
            seller_no,
            order.paid_at,
            order.paid_minor,
            snapshot.to_json(),
            *numbers,
        )
    )


def _gather_expectation(batch: Batch, order_no: int, effect: of.ExpectationChanged) -> None:
    lines, rules = effect.account.order.lines, effect.account.terms.plan.rules
    for seq, (state, amount_minor) in enumerate(effect.changes, effect.first_seq):
        commission = state.commission
        batch.life.expected.append(
            ExpectedChange(
                order_no,
                seq,
                effect.event_no,
                effect.kind,
                commission.shop_no,
                lines[commission.line_index].id,
                rules[commission.rule_index].id,
                commission.tier,
                commission.base_minor,
                commission.rate_ppm,
                amount_minor,
                effect.occurred_at,
            )
        )


def _gather_refund(batch: Batch, order_no: int, effect: of.RefundApplied) -> None:
    account = effect.account
    counts = account.seller_no is not None and not account.snapshot.is_self_purchase
    has_money = any(effect.taken_minor)
    for line, amount_minor in zip(account.order.lines, effect.taken_minor, strict=True):
        if has_money and not amount_minor:
            continue
        batch.refunds.append(
            RefundLineRow(
                order_no,
                effect.refund_id,
                line.id,
                effect.event_no,
                amount_minor,
                amount_minor if counts and not line.entry else 0,
                account.seller_no,
                account.counts_from,
                effect.occurred_at,
            )
        )


def _gather_early_refund(batch: Batch, order_no: int, effect: of.EarlyRefundApplied) -> None:
    has_money = any(effect.taken_minor)
    batch.life.early.extend(
        EarlyRefundLine(
            order_no,
            effect.refund_id,
            line.id,
            effect.seq,
            effect.event_no,
            amount_minor,
            effect.occurred_at,
        )
        for line, amount_minor in zip(effect.order.lines, effect.taken_minor, strict=True)
        if amount_minor or not has_money
    )


def _gather_reversed(batch: Batch, order_no: int, effect: of.CommissionsReversed) -> None:
    account = effect.account
    posting = _posting(batch, order_no, effect.event_no, account.terms.version_no, effect.occurred_at)
    reversals = [Reversal(state.commission, state.seq, state.available_at, minor) for state, minor in effect.changes]
    batch.transfers.add_reversals(posting, reversals, account.next_seq, account.order, account.terms.plan)
    for reversal in reversals:
        batch.months[reversal.commission.shop_no, posting.period].reversed_minor += reversal.amount_minor
    for shop_no in {reversal.commission.shop_no for reversal in reversals}:
        batch.months[shop_no, posting.period].refunds += 1


def _gather_sales(batch: Batch, effect: of.SalesChanged) -> None:
    account = effect.account
    shops = [key.shop_no for key in account.commissions]
    instant = account.no_earlier(effect.arrival.event.occurred_at)
    signal(batch, effect.arrival.day, instant, account.seller_no, shops)


def _gather_decided(batch: Batch, order_no: int, effect: of.GroupDecided) -> None:
    event = batch.pending[effect.arrival.event_no]
    occurred_at = effect.arrival.event.occurred_at
    batch.life.decisions.append(Decision(order_no, event.event_no, effect.has_succeeded, occurred_at, event.day))
    batch.postpone(event)


def _gather_done(batch: Batch, order_no: int, effect: of.EventDone) -> None:
    event_no, remark = effect
    event = batch.pending[event_no]
    if remark is None and event.status is None:
        batch.done.append((order_no, event_no))
    else:
        batch.finish(event, "done", remark)


def _posting(batch: Batch, order_no: int, event_no: int, version_no: int, instant: datetime) -> Posting:
    """What the transfers of an event share: the month a fact of that instant counts in, and where it belongs."""
    period, belongs_to_period = counting(batch.period_of(instant), batch.closed_through)
    return Posting(batch.program.program_id, order_no, event_no, version_no, instant, period, belongs_to_period)


def signal(batch: Batch, day: date, instant: datetime, seller_no: int | None, earners: Iterable[int]) -> None:
    """Asks for a look at the promotion of the seller and of those who earned, not before the event's day."""
    if not (batch.signals_sales or batch.signals_earnings):
        return
    day = max(day, batch.program.day_of(instant))
    if batch.signals_sales and seller_no is not None:
        batch.signals.add((day, seller_no, instant))
    if batch.signals_earnings:
        batch.earner_signals.update((day, shop_no, instant) for shop_no in earners)


def sales_minor_of(order: Order, snapshot: Snapshot, paid_minor: int) -> int:
    """What counts as the seller's sale: no entry lines, no purchase from oneself (plan.md, Ranks)."""
    if snapshot.seller is None or snapshot.is_self_purchase:
        return 0
    return paid_minor - sum([line.paid_minor for line in order.lines if line.entry])
