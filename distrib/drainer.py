"""Runs drains to the end: transactions, and the search for an order that fails.

Serves the RQ job, the sweeper and ``distrib settle`` alike; needs no Redis. No rule and no
SQL may enter.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from time import monotonic
from typing import TypeVar

import structlog
from sqlalchemy import Connection, Engine

from distrib.domain.policies.policy import Policy
from distrib.failpoints import reach
from distrib.services.context import SERVICE, Program, Unit
from distrib.services.heartbeats import BatchTimes
from distrib.services.orders import queue
from distrib.services.programs.tenants import get_program
from distrib.services.settlement import drain
from distrib.services.settlement.drain import BatchFailed, Drained, State
from distrib.transactions import LOCK_NOT_AVAILABLE, in_transaction, is_of_the_server

_BUSY_WAIT_S = 0.05
_BUSY_LIMIT_S = 1.0
_LEAST_SHARE = 250

_T = TypeVar("_T")

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class DrainTally:
    """The counts of a run of drains."""

    orders: int = 0
    events: int = 0
    batches: int = 0
    parked: int = 0
    times: BatchTimes = field(default_factory=BatchTimes)


class Drainer:
    """Drains whatever waits in the queues of all programs, in this process.

    Args:
        engine: connections under the worker role.
        policies: the policy packs by name.
        batch_orders: orders a transaction, at the most.
        now: the clock.
    """

    def __init__(
        self, engine: Engine, policies: Mapping[str, Policy], batch_orders: int, now: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._policies = policies
        self._batch_orders = batch_orders
        self._now = now
        self._pause = threading.Event()

    def run(
        self, *, deadline_s: float | None = None, after_batch: Callable[[DrainTally], None] | None = None
    ) -> DrainTally:
        """Drains every program until nothing is left that is not in other hands.

        Args:
            deadline_s: stop after the batch in which this many seconds have passed.
            after_batch: called with the tally after each batch.
        """
        tally, started, busy_since = DrainTally(), monotonic(), 0.0
        while deadline_s is None or monotonic() - started < deadline_s:
            programs = self._programs()
            share = self._share_of(len(programs))
            states = [self._step(program, share, tally) for program in programs]
            if State.APPLIED in states:
                busy_since = 0.0
                if after_batch is not None:
                    after_batch(tally)
            elif State.BUSY in states:
                busy_since = busy_since or monotonic()
                if deadline_s is not None and monotonic() - busy_since > _BUSY_LIMIT_S:
                    break
                self._pause.wait(_BUSY_WAIT_S)
            else:
                break
        return tally

    def wake_waiting(self) -> int:
        """Queues the orders that waited for a shop which has come; returns how many."""
        with self._engine.begin() as conn:
            return queue.wake_waiting(conn)

    def has_pending_events(self) -> bool:
        """Whether any program has orders in the queue or promotions to decide."""
        return bool(self._programs())

    def _programs(self) -> list[Program]:
        def load(conn: Connection) -> list[Program]:
            return [get_program(conn, number) for number in queue.programs_with_pending_events(conn, self._now())]

        return self._retried(load)

    def _share_of(self, programs: int) -> int:
        """Orders a batch where so many programs wait: nobody waits for many whole batches of the others."""
        return min(self._batch_orders, max(self._batch_orders // max(programs, 1), _LEAST_SHARE))

    def _step(self, program: Program, share: int, tally: DrainTally) -> State:
        began = monotonic()
        try:
            with _garbage_collection_paused():
                drained = self._retried(
                    lambda conn: drain.drain_batch(Unit(conn, program, SERVICE, self._now()), self._policies, share)
                )
        except BatchFailed as failed:
            self._isolate(program, failed.orders, failed.until, failed.__cause__, tally)
            return State.APPLIED
        if drained.state is State.APPLIED:
            reach("drain.committed")
            tally.times.add(round((monotonic() - began) * 1_000), drained.orders, drained.events)
        self._count(drained, tally)
        return drained.state

    def _isolate(
        self, program: Program, orders: Sequence[int], until: date, cause: BaseException | None, tally: DrainTally
    ) -> None:
        """Halves the batch until the order that fails stands alone; it is parked if it fails alone, and so twice.

        Raises:
            DBAPIError: or what the driver says: the database is in trouble, and no order to blame for it.
        """
        if cause is not None and is_of_the_server(cause):
            raise cause
        middle = len(orders) // 2
        for part in filter(None, (orders[:middle], orders[middle:])):
            try:
                self._count(self._named(program, part, until), tally)
            except BatchFailed as failed:
                if len(part) == 1:
                    self._park(program, part[0], failed.__cause__, tally)
                else:
                    self._isolate(program, part, until, failed.__cause__, tally)

    def _park(self, program: Program, order_no: int, cause: BaseException | None, tally: DrainTally) -> None:
        if cause is not None and is_of_the_server(cause):
            raise cause
        reason = type(cause).__name__
        _log.error("order_parked", program=program.code, order_no=order_no, exc_info=cause)
        self._retried(lambda conn: drain.park_order(Unit(conn, program, SERVICE, self._now()), order_no, reason))
        tally.parked += 1

    def _named(self, program: Program, orders: Sequence[int], until: date) -> Drained:
        return self._retried(
            lambda conn: drain.drain_orders(Unit(conn, program, SERVICE, self._now()), self._policies, orders, until)
        )

    @staticmethod
    def _count(drained: Drained, tally: DrainTally) -> None:
        tally.orders += drained.orders
        tally.events += drained.events
        tally.batches += drained.state is State.APPLIED

    def _retried(self, unit: Callable[[Connection], _T]) -> _T:
        """Runs a unit in a transaction; also one that waited too long for the lock of another is run again."""
        return in_transaction(self._engine.begin, unit, also=(LOCK_NOT_AVAILABLE,))


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """Keeps the collector of cycles from walking a batch's many values again and again: a fifth of the time.

    They hold no cycles and are gone when the batch is.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
