"""The drain: whole orders, a batch at a time, in one transaction of the caller's.

A batch belongs to one program. Where ranks can be earned, the events of a day are worked on
only when those of earlier days are through and their promotions are decided, so that what an
order earns never depends on which worker was faster (plan.md, Ranks).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import partial

from distrib.domain.events import Order, group_of
from distrib.domain.orders.groups import decide_group
from distrib.domain.orders.machine import apply_all, counts_from
from distrib.domain.orders.refusals import Poison
from distrib.domain.orders.state import NEW, Arrival, OrderState
from distrib.domain.policies.policy import Policy
from distrib.failpoints import reach
from distrib.services.context import Unit
from distrib.services.orders.codec import decode_stored
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import load_timeline
from distrib.services.ranks.promotion import decide_promotions
from distrib.services.settlement.batch import Batch, Signals
from distrib.services.settlement.freezes import Freezes
from distrib.services.settlement.gathering import gather
from distrib.services.settlement.groups import load_groups, queue_orders_of_groups
from distrib.services.settlement.histories import load_states, orders_expected, settled_state
from distrib.services.settlement.lookups import BatchLookups
from distrib.services.settlement.people import People
from distrib.services.settlement.plain import settle_plain
from distrib.services.settlement.rule_limits import RuleLimits
from distrib.services.settlement.whole_refunds import refund_whole
from distrib.store.ledger import books
from distrib.store.orders import life, queue
from distrib.store.orders.queue import Claimed, PendingEvent
from distrib.store.settlement import histories
from distrib.tracing import span

FOR_EVER = date.max
HISTORIES_AT_ONCE = 200


class State(Enum):
    """What a drain came to: events it applied, events in other hands, or nothing at all."""

    APPLIED = "applied"
    BUSY = "busy"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Drained:
    """What one batch did."""

    state: State
    orders: int = 0
    events: int = 0


def drain_batch(unit: Unit, policies: Mapping[str, Policy], limit: int, *, in_columns: bool = True) -> Drained:
    """Applies the open events of up to ``limit`` orders of the program and writes what they became; the caller commits.

    Args:
        policies: the policy packs by name.
        unit: its instant marks events done; no figure depends on it.
        limit: orders a batch.
        in_columns: whether plain orders are settled in columns; the state machine makes the same of them.
    """
    queue.read_by_keys(unit.conn)
    first = queue.first_day(unit.conn, unit.program_id)
    queue.hold_timeline(unit.conn, unit.program_id)
    terms = TermsBook(unit.program, load_timeline(unit.conn, unit.program), policies)
    until = FOR_EVER
    if terms.has_promotions:
        decided = decide_promotions(unit, terms, first)
        if decided is not None:
            return Drained(State.APPLIED if decided else State.BUSY)
        until = first or FOR_EVER
    if first is None:
        return Drained(State.EMPTY)
    closed_through = books.try_to_hold_open(unit.conn, unit.program_id)
    if closed_through is None:
        return Drained(State.BUSY)
    claimed = queue.claim_orders(unit.conn, unit.program_id, until, limit)
    if not claimed.orders:
        return Drained(State.BUSY)
    reach("drain.claimed")
    batch = _open_batch(unit, terms, closed_through, in_columns=in_columns)
    return _applied(batch, terms, claimed, until)


def drain_orders(unit: Unit, policies: Mapping[str, Policy], orders: Sequence[int], until: date) -> Drained:
    """Applies the open events of those of the named orders that nobody else holds; to find the one that fails."""
    queue.read_by_keys(unit.conn)
    queue.hold_timeline(unit.conn, unit.program_id)
    terms = TermsBook(unit.program, load_timeline(unit.conn, unit.program), policies)
    closed_through = books.hold_open(unit.conn, unit.program_id)
    claimed = queue.claim_named(unit.conn, unit.program_id, orders)
    return _applied(_open_batch(unit, terms, closed_through), terms, claimed, until)


def park_order(unit: Unit, order_no: int, reason: str) -> None:
    """Marks the open events of an order failed that cannot be worked on, so that others go on."""
    batch, poison = Batch(unit), Poison(reason=reason)
    claimed = queue.claim_named(unit.conn, unit.program_id, [order_no])
    for pending in queue.pending_events(unit.conn, unit.program_id, claimed.orders):
        batch.finish(pending, "failed", poison.code, poison.params)
    batch.write(unit.conn)


def _open_batch(unit: Unit, terms: TermsBook, closed_through: int, *, in_columns: bool = True) -> Batch:
    signals = Signals(terms.has_promotions, terms.signal_levels, terms.signals_earnings)
    return Batch(unit, closed_through, signals, in_columns=in_columns)


class BatchFailed(Exception):
    """A batch that could not be worked on, with the orders it held; the cause is chained."""

    def __init__(self, orders: Sequence[int], until: date) -> None:
        super().__init__(f"{len(orders)} orders")
        self.orders = list(orders)
        self.until = until


def _applied(batch: Batch, terms: TermsBook, claimed: Claimed, until: date) -> Drained:
    orders = claimed.orders
    try:
        with span("drain", after=claimed.traces, program=batch.program.code, orders=len(orders)):
            return Drained(State.APPLIED, len(orders), _apply(batch, terms, orders, until))
    except Exception as error:  # whatever it is, the edge finds the order and parks it
        raise BatchFailed(orders, until) from error


def _apply(batch: Batch, terms: TermsBook, numbers: Sequence[int], until: date) -> int:
    """Applies the open events of the orders and groups of those numbers, and writes what they became.

    Args:
        numbers: of orders, and of groups whose orders are to be queued.
        until: events of later days stay for their own.

    Returns:
        How many events were applied.
    """
    conn, program_id = batch.unit.conn, batch.program.program_id
    pending = queue.pending_events(conn, program_id, numbers)
    freezes = Freezes(conn, program_id)
    left: Sequence[PendingEvent] = pending
    if batch.in_columns:
        left = refund_whole(conn, batch, settle_plain(batch, terms, freezes, pending, until), until)
    settled = {row.order_no for row in pending} - {row.order_no for row in left}
    due = _sort_out(batch, left, until)
    more = queue_orders_of_groups(conn, program_id, set(numbers) - settled - due.orders.keys() - due.groups.keys())
    batch.queue_again(more, until)
    if due.orders or due.groups:
        _apply_in_turn(batch, terms, freezes, due)
    _queue_later(batch, pending, until)
    batch.write(conn)
    return len(settled) + sum(map(len, [*due.orders.values(), *due.groups.values()])) - batch.postponed


def _apply_in_turn(batch: Batch, terms: TermsBook, freezes: Freezes, due: _Due) -> None:
    """Applies events to their groups and orders, by the state machine."""
    conn, program_id = batch.unit.conn, batch.program.program_id
    states = load_states(conn, program_id, terms, due.orders)
    orders = due.grouped + orders_expected(states)
    batch.groups = groups = load_groups(conn, program_id, due.groups.keys(), orders)
    for group_no, arrivals in sorted(due.groups.items()):
        decision, effects = decide_group(groups.decisions.get(group_no), arrivals)
        if decision is not None:
            groups.decisions[group_no] = decision
        gather(batch, group_no, effects)
    _apply_to_orders(batch, terms, freezes, due, states)


@dataclass(frozen=True, slots=True)
class _Due:
    """The events that are to be applied, by order and by group, and those orders that wait for a group."""

    orders: dict[int, list[Arrival]] = field(default_factory=dict)
    groups: dict[int, list[Arrival]] = field(default_factory=dict)
    grouped: list[Order] = field(default_factory=list)


def _sort_out(batch: Batch, pending: Sequence[PendingEvent], until: date) -> _Due:
    """The events of days up to ``until``; those of later days are left for their own."""
    due = _Due()
    orders, groups = due.orders, due.groups
    batch.pending = {row.event_no: row for row in pending}
    for row in pending:
        order_no, event_no, day, payload, status, _ = row
        if day <= until:
            event = decode_stored(payload)
            arrivals = (orders if event.group_id is None else groups).setdefault(order_no, [])
            arrivals.append(Arrival(event_no, day, event))
            order = event.order
            if order is not None and group_of(order) is not None:
                due.grouped.append(order)
        elif status != "waiting":
            batch.postpone(row)
    return due


def _apply_to_orders(
    batch: Batch, terms: TermsBook, freezes: Freezes, due: _Due, states: Mapping[int, OrderState]
) -> None:
    """Applies the due events to their orders: first to those settled before, then to the others."""
    conn, program_id = batch.unit.conn, batch.program.program_id
    settled = histories.settled_numbers(conn, program_id, list(due.orders))
    fresh = sorted(due.orders.keys() - settled)
    sold = [
        (arrival.event.order, arrival.event.occurred_at)
        for order_no in fresh
        for arrival in due.orders[order_no]
        if arrival.event.order
    ]
    orders_sold = [order for order, _ in sold]
    people, limits = People(conn, program_id, orders_sold), RuleLimits(conn, batch, terms)
    freezes.look_up(partial(people.chains, orders_sold))
    lookups = BatchLookups(terms, people, limits, batch.groups, freezes)
    if limits.are_needed:  # sales before what asks for them, refunds before both: what is known is what was applied
        fresh.sort(key=lambda order_no: min(arrival.event.occurred_at for arrival in due.orders[order_no]))
        limits.look_ahead(
            people, [(order, counts_from(order, settled_at, lookups) or settled_at) for order, settled_at in sold]
        )
    for chunk in _chunks(sorted(settled)):
        beside = life.read_beside(conn, program_id, chunk)
        for order_no, history in histories.settled_orders(conn, program_id, chunk).items():
            state = settled_state(states.get(order_no, NEW), history, beside.get(order_no, ()), terms)
            _, effects = apply_all(state, due.orders[order_no], lookups)
            gather(batch, order_no, effects)
    for order_no in fresh:
        _, effects = apply_all(states.get(order_no, NEW), due.orders[order_no], lookups)
        gather(batch, order_no, effects)
    limits.write()


def _chunks(orders: Sequence[int]) -> Iterator[Sequence[int]]:
    """A few orders at a time: what was posted for an order of a thousand lines is large."""
    for start in range(0, len(orders), HISTORIES_AT_ONCE):
        yield orders[start : start + HISTORIES_AT_ONCE]


def _queue_later(batch: Batch, pending: Sequence[PendingEvent], until: date) -> None:
    """What waited for an order of which more is known now, and belongs to a later day, gets its turn."""
    changed = batch.changed_orders()
    for row in pending:
        if row.day > until and row.status == "waiting" and row.order_no in changed:
            batch.postpone_waiting(row)
