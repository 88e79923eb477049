"""Loads what earlier batches left of a batch's orders, as states that events can be applied to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from distrib.domain.events import CANCEL, CANCELLED, UNDONE, Order, Refund
from distrib.domain.orders.effects import EXPECTED
from distrib.domain.orders.endings import PHASE_OF
from distrib.domain.orders.state import (
    NEW,
    Arrival,
    CommissionState,
    EarlyRefund,
    OrderAccount,
    OrderEnd,
    OrderState,
    PaymentNumbers,
    Phase,
    taking_up,
    whole_lines,
)
from distrib.domain.settlement.earned import Commission, CommissionKey
from distrib.domain.settlement.snapshot import Snapshot
from distrib.domain.settlement.terms import Terms
from distrib.services.orders.codec import decode_stored
from distrib.services.plans.terms import TermsBook
from distrib.store.orders import life
from distrib.store.orders.life import StoredBeside, StoredPayment
from distrib.store.settlement.histories import SettledOrder


def load_states(
    conn: Connection, program_id: int, terms: TermsBook, arrivals: Mapping[int, Sequence[Arrival]]
) -> dict[int, OrderState]:
    """The states of the orders that are paid, ended, or about to be cancelled; of all others nothing is known yet.

    Args:
        arrivals: the events that are to be applied, by order.
    """
    states: dict[int, OrderState] = {}
    for order_no, row in life.read_ends(conn, program_id, arrivals).items():
        states[order_no] = OrderState(PHASE_OF[row.reason], end=OrderEnd(row.reason, row.event_no, row.occurred_at))
    payments = life.read_payments(conn, program_id, arrivals)
    beside = life.read_beside(conn, program_id, payments) if payments else {}
    for order_no, stored in payments.items():
        states[order_no] = expected_state(stored, beside.get(order_no, ()), terms)
    for order_no, failure in life.read_failures(conn, program_id, arrivals).items():
        state = states.get(order_no, NEW)._replace(failed_at=failure.occurred_at)
        if state.expected is None:
            state = state._replace(numbers=PaymentNumbers(*failure[1:]))
        states[order_no] = state
    cancelled = [
        order_no for order_no, entries in arrivals.items() if any(entry.event.type == CANCELLED for entry in entries)
    ]
    if cancelled:
        for order_no, payload in life.first_contents(conn, program_id, cancelled).items():
            order = decode_stored(payload).order
            shop_id = None if order is None else order.shop_id
            states[order_no] = states.get(order_no, OrderState())._replace(is_described=True, shop_id=shop_id)
    return states


def orders_expected(states: Mapping[int, OrderState]) -> list[Order]:
    """The orders that are paid and not settled: their groups may have decided."""
    return [state.expected.order for state in states.values() if state.expected is not None]


def settled_state(
    state: OrderState, settled: SettledOrder, beside: Sequence[StoredBeside], terms_book: TermsBook
) -> OrderState:
    """The state with the account of an order that an earlier batch has settled."""
    order, terms = _order_of(settled.payload), terms_book.of_version(settled.version_no)
    commissions: dict[CommissionKey, CommissionState] = {}
    next_seq, keys = 1, _Keys(order, terms)
    for row in settled.transfers:
        key = keys.of(row.line_id, row.rule_id, row.tier, row.shop_no)
        if row.is_earned:
            amount_minor = row.amount_minor
            commission = Commission(*key, row.base_minor, row.rate_ppm, amount_minor)
            commissions[key] = CommissionState(row.seq, commission, row.available_at, amount_minor, amount_minor)
        else:
            taken_up = Commission(*key, row.base_minor, row.rate_ppm, row.amount_minor)
            known = commissions.get(key) or taking_up(commissions, taken_up)
            # What a case took back is gone for good: no refund may bring any of it back.
            commissions[key] = known._replace(
                standing_minor=known.standing_minor + row.amount_minor, is_gone=known.is_gone or row.is_decided
            )
        next_seq = row.seq + 1
    account = OrderAccount(
        order,
        terms,
        Snapshot.from_json(settled.snapshot),
        settled.settled_at,
        tuple([line.paid_minor for line in order.lines]),
        commissions,
        {},
        next_seq,
    )
    for refund_id, stored in settled.refunds.items():
        if not refund_id.startswith(UNDONE):
            refund = Refund(CANCEL, order.id) if refund_id == CANCEL else _refund_of(stored.payload)
            account = account.after_refund(refund, _by_line(order, stored.taken), stored.occurred_at)
    for refund_id, stored in settled.refunds.items():
        if refund_id.startswith(UNDONE):
            account = account.after_reversal(refund_id.removeprefix(UNDONE), stored.occurred_at)
    account = _with_beside(account, beside)
    return state._replace(phase=state.phase if state.end else Phase.SETTLED, kept=account)


def expected_state(stored: StoredPayment, beside: Sequence[StoredBeside], terms_book: TermsBook) -> OrderState:
    """The state of an order that an earlier batch found paid, with the refunds that came since."""
    order, terms = _order_of(stored.payload), terms_book.of_version(stored.version_no)
    snapshot = Snapshot.from_json(stored.snapshot)
    account = OrderAccount(order, terms, snapshot, stored.occurred_at, whole_lines(order), {}, {}, stored.first_seq)
    commissions: dict[CommissionKey, CommissionState] = {}
    next_seq, keys = stored.first_seq, _Keys(order, terms)
    for row in stored.changes:
        key = keys.of(row.line_id, row.rule_id, row.tier, row.shop_no)
        commission = Commission(*key, row.base_minor, row.rate_ppm, row.amount_minor)
        if row.kind == EXPECTED:
            amount_minor = row.amount_minor
            commissions[key] = CommissionState(row.seq, commission, row.occurred_at, amount_minor, amount_minor)
        else:
            known = commissions.get(key) or taking_up(commissions, commission)
            commissions[key] = known._replace(standing_minor=known.standing_minor + row.amount_minor)
        next_seq = row.seq + 1
    account = account._replace(commissions=commissions, next_seq=next_seq)
    early_refunds = []
    for early in stored.refunds.values():
        arrival = Arrival(early.event_no, early.day, decode_stored(early.payload))
        if early.refund_id.startswith(UNDONE):
            known_refund = account.refunds[early.refund_id.removeprefix(UNDONE)]
            account = account.after_reversal(known_refund.refund.id, early.occurred_at)
            early_refunds.append(EarlyRefund(arrival, known_refund.refund, known_refund.taken_minor, is_undone=True))
        else:
            refund, taken_minor = _refund_of(early.payload), _by_line(order, early.taken)
            account = account.after_refund(refund, taken_minor, early.occurred_at)
            early_refunds.append(EarlyRefund(arrival, refund, taken_minor))
    for kept in _refunds_first(beside):
        arrival = Arrival(kept.event_no, kept.day, decode_stored(kept.payload))
        account = _with_beside(account, [kept])
        known_refund = account.refunds[kept.refund_id.removeprefix(UNDONE)]
        early_refunds.append(
            EarlyRefund(arrival, known_refund.refund, known_refund.taken_minor, kept.refund_id.startswith(UNDONE))
        )
    numbers = PaymentNumbers(stored.payment_no, stored.first_seq, stored.first_refund_seq)
    return OrderState(Phase.EXPECTED, account, tuple(early_refunds), None, True, order.shop_id, numbers=numbers)


def _with_beside(account: OrderAccount, beside: Sequence[StoredBeside]) -> OrderAccount:
    """The account that knows of the refunds that are no line's, and of those undone."""
    for kept in _refunds_first(beside):
        if kept.refund_id.startswith(UNDONE):
            account = account.after_reversal(kept.refund_id.removeprefix(UNDONE), kept.occurred_at)
        else:
            nothing = (0,) * len(account.left_minor)
            account = account.after_refund(_refund_of(kept.payload), nothing, kept.occurred_at)
    return account


def _refunds_first(beside: Sequence[StoredBeside]) -> list[StoredBeside]:
    """What undoes a refund may have arrived before it."""
    return sorted(beside, key=lambda kept: kept.refund_id.startswith(UNDONE))


def _by_line(order: Order, taken: Mapping[str, int]) -> tuple[int, ...]:
    return tuple([taken.get(line.id, 0) for line in order.lines])


class _Keys:
    """The engine's indexes for the ids that the store keeps of an order's commissions."""

    def __init__(self, order: Order, terms: Terms) -> None:
        self._lines = {line.id: index for index, line in enumerate(order.lines)}
        self._rules = {rule.id: index for index, rule in enumerate(terms.plan.rules)}

    def of(self, line_id: str, rule_id: str, tier: int, shop_no: int) -> CommissionKey:
        return CommissionKey(self._lines[line_id], self._rules[rule_id], tier, shop_no)


def _order_of(payload: str) -> Order:
    order = decode_stored(payload).order
    if order is None:
        raise ValueError("a payment and a settlement rest on an event with an order")
    return order


def _refund_of(payload: str) -> Refund:
    refund = decode_stored(payload).refund
    if refund is None:
        raise ValueError("a refund rests on an event with a refund")
    return refund
