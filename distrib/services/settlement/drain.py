"""The drain: whole orders, a batch at a time, in one transaction of the caller's.

A batch belongs to one program. Where ranks can be earned, the events of a day are worked on
only when those of earlier days are through and their promotions are decided, so that what an
order earns never depends on which worker was faster (plan.md, Ranks). Redis and RQ must not
enter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from sqlalchemy import Connection

from distrib.domain.policies.policy import Policy
from distrib.services.context import Program
from distrib.services.orders.codec import decode_stored
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import load_timeline
from distrib.services.ranks.promotion import decide_promotions
from distrib.services.settlement.batch import Batch
from distrib.services.settlement.freezes import Freezes
from distrib.services.settlement.groups import groups_of_batch, wake_orders
from distrib.services.settlement.order_state import Course, Due, orders_paid, read_courses
from distrib.services.settlement.order_work import OrderWork
from distrib.services.settlement.people import People
from distrib.services.settlement.refunds import known_from_rows
from distrib.services.settlement.rule_limits import RuleLimits
from distrib.store.ledger import books
from distrib.store.orders import queue
from distrib.store.orders.queue import PendingEvent
from distrib.store.settlement import histories

FOR_EVER = date.max
HISTORIES_AT_ONCE = 200


class State(Enum):
    """What a drain found: work it did, work in other hands, or nothing at all."""

    WORKED = "worked"
    BUSY = "busy"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Drained:
    """What one batch did."""

    state: State
    orders: int = 0
    events: int = 0


def drain_batch(
    conn: Connection, program: Program, policies: Mapping[str, Policy], limit: int, now: datetime
) -> Drained:
    """Works on up to ``limit`` orders of the program; the caller commits.

    Args:
        policies: the policy packs by name.
        limit: orders a batch.
        now: the clock reading that marks events done; no figure depends on it.
    """
    first = queue.first_day(conn, program.program_id)
    queue.hold_timeline(conn, program.program_id)
    terms = TermsBook(program, load_timeline(conn, program), policies)
    until = FOR_EVER
    if terms.has_promotions:
        decided = decide_promotions(conn, program, terms, first, now)
        if decided is not None:
            return Drained(State.WORKED if decided else State.BUSY)
        until = first or FOR_EVER
    if first is None:
        return Drained(State.EMPTY)
    closed_through = books.try_to_hold_open(conn, program.program_id)
    if closed_through is None:
        return Drained(State.BUSY)
    orders = queue.claim_orders(conn, program.program_id, until, limit)
    if not orders:
        return Drained(State.BUSY)
    return _worked(conn, Batch(program, now, closed_through), terms, orders, until)


def drain_orders(
    conn: Connection,
    program: Program,
    policies: Mapping[str, Policy],
    orders: Sequence[int],
    until: date,
    now: datetime,
) -> Drained:
    """Works on those of the named orders that nobody else holds; to find the one that fails."""
    queue.hold_timeline(conn, program.program_id)
    terms = TermsBook(program, load_timeline(conn, program), policies)
    closed_through = books.hold_open(conn, program.program_id)
    claimed = queue.claim_named(conn, program.program_id, orders)
    return _worked(conn, Batch(program, now, closed_through), terms, claimed, until)


def park_order(conn: Connection, program: Program, order_no: int, reason: str, now: datetime) -> None:
    """Marks the open events of an order failed that cannot be worked on, so that others go on."""
    batch = Batch(program, now)
    claimed = queue.claim_named(conn, program.program_id, [order_no])
    for pending in queue.pending_events(conn, program.program_id, claimed):
        batch.finish(pending, "failed", "poison", json.dumps({"reason": reason}, ensure_ascii=False))
    batch.write(conn)


class BatchFailed(Exception):
    """A batch that could not be worked on, with the orders it held; the cause is chained."""

    def __init__(self, orders: Sequence[int], until: date) -> None:
        super().__init__(f"{len(orders)} orders")
        self.orders = list(orders)
        self.until = until


def _worked(conn: Connection, batch: Batch, terms: TermsBook, orders: Sequence[int], until: date) -> Drained:
    try:
        return Drained(State.WORKED, len(orders), _work(conn, batch, terms, orders, until))
    except Exception as error:  # whatever it is, the edge finds the order and parks it
        raise BatchFailed(orders, until) from error


def _work(conn: Connection, batch: Batch, terms: TermsBook, numbers: Sequence[int], until: date) -> int:
    program_id = batch.program.program_id
    due: dict[int, list[Due]] = {}
    asked: dict[int, list[Due]] = {}
    pending = queue.pending_events(conn, program_id, numbers)
    for row in pending:
        if row.day <= until:
            event = decode_stored(row.payload)
            (due if event.group_id is None else asked).setdefault(row.order_no, []).append((row, event))
        elif row.status != "waiting":
            batch.postpone(row)
    wake_orders(conn, batch, set(numbers) - due.keys() - asked.keys(), until)
    courses = read_courses(conn, program_id, terms, due)
    orders = [event.order for events in due.values() for _, event in events if event.order]
    groups = groups_of_batch(conn, batch, asked, orders + orders_paid(courses))
    known = histories.settled_numbers(conn, program_id, list(due))
    fresh = sorted(due.keys() - known)
    sold = [(event.order, event.occurred_at) for number in fresh for _, event in due[number] if event.order]
    orders_sold = [order for order, _ in sold]
    people, limits = People(conn, program_id, orders_sold), RuleLimits(conn, batch, terms)
    if limits.are_needed:  # sales before what asks for them, refunds before both: what is known is what is worked on
        fresh.sort(key=lambda number: min(event.occurred_at for _, event in due[number]))
        limits.look_ahead(people, [(order, groups.settles_at(order, at) or at) for order, at in sold])
    freezes = Freezes(conn, program_id, people.chains(orders_sold))
    work = OrderWork(batch, terms, people, limits, groups, freezes)
    for some in _by_some(sorted(known)):
        for order_no, settled in histories.settled_orders(conn, program_id, some).items():
            course = courses.get(order_no) or Course(order_no)
            course.known = known_from_rows(settled, terms)
            work.work(due[order_no], course)
    for order_no in fresh:
        work.work(due[order_no], courses.get(order_no) or Course(order_no))
    _wake_later(batch, pending, until)
    limits.write()
    batch.write(conn)
    return sum(map(len, due.values())) + sum(map(len, asked.values()))


def _by_some(orders: Sequence[int]) -> Iterator[Sequence[int]]:
    """A few orders at a time: what was posted for an order of a thousand lines is large."""
    for start in range(0, len(orders), HISTORIES_AT_ONCE):
        yield orders[start : start + HISTORIES_AT_ONCE]


def _wake_later(batch: Batch, pending: Sequence[PendingEvent], until: date) -> None:
    """What waited for an order of which more is known now, and belongs to a later day, gets its turn."""
    news = {settlement.order_no for settlement in batch.settlements}
    news |= {row.order_no for row in batch.life.paid} | {row.order_no for row in batch.life.ends}
    for row in pending:
        if row.day > until and row.status == "waiting" and row.order_no in news:
            batch.postpone(row)
