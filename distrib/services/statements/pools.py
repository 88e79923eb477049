"""Paying pools (分红池): for a month that is over, once, by command or inside the close.

The plan is the one in force at the month's last instant; who holds which rank and is active then takes part. A payment
keeps what it rests on, and its transfers are dated that instant and available at once: no order of theirs can be
refunded, so there is nothing to hold them for. No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor

from sqlalchemy import Connection

from distrib.domain.ledger import EXPENSE
from distrib.domain.periods import counting
from distrib.domain.plans.pools import Pool, PoolSharing
from distrib.services.context import Program, Unit, format_period, period_bounds
from distrib.services.plans.versions import TimelineEntry, load_timeline
from distrib.services.refusals import EventsPending, PeriodNotOver
from distrib.store.ledger import books, postings
from distrib.store.ledger.postings import Entry
from distrib.store.orders import queue
from distrib.store.recorded import Part
from distrib.store.statements import periods
from distrib.store.statements import pools as rows
from distrib.store.statements.pools import Holder, NewPoolPayment, PlanRanks, PoolPayment

_TICK = timedelta(microseconds=1)
HOLDERS_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class PaidPool:
    """A pool payment of a month, and whether this call made it or an earlier one had."""

    payment: PoolPayment
    is_new: bool


@dataclass(frozen=True, slots=True)
class _PoolMonth:
    """A month that is over, and where in the books its pools count."""

    period: int
    start: datetime
    end: datetime
    counts_in: int
    late_from: int | None

    @property
    def last_instant(self) -> datetime:
        return self.end - _TICK


@dataclass(frozen=True, slots=True)
class _Payment:
    """A payment of a pool, as its transfers name it."""

    cause_no: int
    version_no: int
    month: _PoolMonth
    pool: Pool
    base_minor: int

    def entry(self, seq: int, holder: Holder, share: int) -> Entry:
        month = self.month
        return Entry(
            self.cause_no,
            seq,
            "pool",
            EXPENSE,
            holder.shop_no,
            share,
            month.last_instant,
            month.last_instant,
            month.counts_in,
            month.late_from,
            self.pool.id,
            self.base_minor,
            self.pool.rate_ppm,
            self.version_no,
        )


def pay_pools(unit: Unit, period: int) -> list[PaidPool]:
    """Pays every pool of the month that is not paid yet, and returns the payments of them all.

    Raises:
        Refusal: ``period_not_over``, or ``events_pending`` while events of the month or before are not settled.
    """
    queue.hold_timeline(unit.conn, unit.program_id)
    closed_through = books.hold_alone(unit.conn, unit.program_id)
    periods.allow_time(unit.conn)
    check_over(unit.program, period, unit.now)
    check_nothing_pending(unit.conn, unit.program, period)
    return pay_missing(unit, period, closed_through)


def pay_missing(unit: Unit, period: int, closed_through: int) -> list[PaidPool]:
    """As ``pay_pools``, for a caller that holds timeline and books alone and has checked that the month may be paid."""
    start, end = period_bounds(period, unit.program.zone)
    month = _PoolMonth(period, start, end, *counting(period, closed_through))
    paid = {payment.pool_id for payment in rows.payments_of(unit.conn, unit.program_id, period)}
    entry, missing = _missing(unit.conn, unit.program, period, month.last_instant)
    if entry is not None and missing:
        _check_ranks_known(unit.conn, unit.program, month)
        base = rows.base_of_month(unit.conn, unit.program_id, entry.plan.base, start, end)
        for pool in missing:
            _pay(unit, month, entry, pool, max(base, Fraction()))
    after = rows.payments_of(unit.conn, unit.program_id, period)
    return [PaidPool(payment, payment.pool_id not in paid) for payment in after]


def are_due(conn: Connection, program: Program, period: int) -> bool:
    """Whether a pool of the month is not paid yet."""
    _, end = period_bounds(period, program.zone)
    return bool(_missing(conn, program, period, end - _TICK)[1])


def check_over(program: Program, period: int, now: datetime) -> None:
    """Raises ``period_not_over`` where the month still lasts in the program's time zone."""
    _, end = period_bounds(period, program.zone)
    if now < end:
        raise PeriodNotOver(period=format_period(period))


def check_nothing_pending(
    conn: Connection, program: Program, period: int, received_before: datetime | None = None
) -> None:
    """Raises ``events_pending`` where events of the month or before are not settled; of those received before then."""
    _, end = period_bounds(period, program.zone)
    pending = periods.pending_events(conn, program.program_id, end, program.day_of(end), received_before)
    if pending:
        raise EventsPending(events=pending)


def _missing(
    conn: Connection, program: Program, period: int, last_instant: datetime
) -> tuple[TimelineEntry | None, list[Pool]]:
    """Reads the plan in force at the month's last instant, and those of its pools that are not paid yet."""
    entry = load_timeline(conn, program).in_force(last_instant)
    paid = {payment.pool_id for payment in rows.payments_of(conn, program.program_id, period)}
    return entry, [] if entry is None else [pool for pool in entry.plan.pools if pool.id not in paid]


def _check_ranks_known(conn: Connection, program: Program, month: _PoolMonth) -> None:
    """Raises ``events_pending`` where promotions earned before the last day are undecided: they take effect by then."""
    looks = periods.undecided_looks(conn, program.program_id, program.day_of(month.last_instant))
    if looks:
        raise EventsPending(events=looks)


def _pay(unit: Unit, month: _PoolMonth, entry: TimelineEntry, pool: Pool, base: Fraction) -> None:
    plan = entry.plan
    ranks = PlanRanks([rank.code for rank in plan.ranks], plan.lowest_rank, month.last_instant)
    counts = rows.count_holders(unit.conn, unit.program_id, ranks)
    weights = {rank: weight for rank, weight in pool.weights.items() if weight > 0 and counts.get(rank)}
    by_weight: dict[int, int] = {}
    for rank, weight in weights.items():
        by_weight[weight] = by_weight.get(weight, 0) + counts[rank]
    holders = sum(by_weight.values())
    amount = pool.amount_of(base) if holders else 0
    whole = sum(weight * count for weight, count in by_weight.items())
    posted = NewPoolPayment(
        month.period,
        entry.version_no,
        pool.id,
        pool.rate_ppm,
        floor(base),
        amount,
        holders,
        whole,
        month.counts_in,
    )
    cause_no = rows.insert_payment(unit.conn, unit.program_id, posted, unit.recorded)
    if not amount:
        return
    sharing, payment = PoolSharing(amount, by_weight), _Payment(cause_no, entry.version_no, month, pool, floor(base))
    seq = 0
    for page in _holders(unit.conn, unit.program, ranks, list(weights)):
        shares = [(holder, sharing.next_share(weights[holder.rank])) for holder in page]
        entries = []
        for holder, share in shares:
            if share:
                seq += 1
                entries.append(payment.entry(seq, holder, share))
        postings.post_entries(unit.conn, unit.program_id, entries)


def _holders(conn: Connection, program: Program, ranks: PlanRanks, holding: list[str]) -> Iterator[list[Holder]]:
    """Yields all who take part, by id, a page at a time."""
    after = ""
    while page := rows.holders_after(conn, program.program_id, ranks, holding, Part(after, HOLDERS_CHUNK)):
        yield page
        after = page[-1].shop_id
