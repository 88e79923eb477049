"""The months of a program as they stand: open, proposed or closed, and what still stops a close. No SQL may enter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.periods import next_period
from distrib.services.context import Program, Unit, format_period
from distrib.services.statements import closing
from distrib.services.statements.closing import MonthView
from distrib.services.statements.pools import check_nothing_pending, check_over
from distrib.services.statements.refusals import CloseInSequence
from distrib.store.ledger import books
from distrib.store.statements import periods

OPEN = "open"
STATES = (OPEN, closing.PROPOSED, closing.CLOSED)


@dataclass(frozen=True, slots=True)
class CloseState:
    """How far the close of a month is, and all the refusals that proposing it would meet."""

    month: MonthView
    stops: list[Refusal]


def list_months(unit: Unit, before: int | None, limit: int) -> tuple[list[MonthView], int | None]:
    """Lists the months with any movement, the one that lasts and the one to be closed next, the newest first.

    Args:
        before: the period to go on before, as 202603; None from the newest on.

    Returns:
        Up to ``limit`` months as ``close_state`` shows them, without what stops them, and before which the next
        page begins (None at the end).
    """
    closed_through = books.closed_through(unit.conn, unit.program_id)
    until = before if before is not None else next_period(unit.period)
    listed = set(periods.periods_before(unit.conn, unit.program_id, until, limit + 1))
    listed |= {period for period in _always(unit.program, closed_through, unit.now) if period < until}
    wanted = sorted(listed, reverse=True)
    page = wanted[:limit]
    if not page:
        return [], None
    closed = {row.period: row for row in periods.closed_periods_among(unit.conn, unit.program_id, page[-1], page[0])}
    proposed = periods.proposals_among(unit.conn, unit.program_id, page[-1], page[0])
    shown = [_month(unit.program, period, closed.get(period), proposed.get(period), closed_through) for period in page]
    return shown, page[-1] if len(wanted) > limit else None


def newest_closed(conn: Connection, program: Program) -> int | None:
    """The newest month that is closed, as 202603; all before it are closed, too. None where none is."""
    return books.closed_through(conn, program.program_id) or None


def _always(program: Program, closed_through: int, now: datetime) -> list[int]:
    """The months that are listed whether or not anything moved in them."""
    lasts = program.period_of(now)
    return [lasts, min(lasts, next_period(closed_through))] if closed_through else [lasts]


def close_state(unit: Unit, period: int) -> CloseState:
    """Reads how far the close of a month is, and under ``stops`` all the refusals that proposing it would meet.

    Nothing is worked out and nothing is held: the figures are those of the proposal or of the close.
    """
    closed = periods.closed_period(unit.conn, unit.program_id, period)
    closed_through = books.closed_through(unit.conn, unit.program_id)
    proposal = None if closed is not None else periods.latest_proposal(unit.conn, unit.program_id, period)
    month = _month(unit.program, period, closed, proposal, closed_through)
    since = None if proposal is None else proposal.cut_off_at
    stops = [] if month.status == closing.CLOSED else list(_stops(unit, period, closed_through, since))
    return CloseState(month, stops)


def _stops(unit: Unit, period: int, closed_through: int, since: datetime | None) -> Iterator[Refusal]:
    """Yields what stops the close; the same checks in the same order as a proposal makes."""
    first = next_period(closed_through) if closed_through else periods.first_period(unit.conn, unit.program_id)
    if first is not None and (period > first or (closed_through and period != first)):
        yield CloseInSequence(next=format_period(first))
    try:
        check_over(unit.program, period, unit.now)
        check_nothing_pending(unit.conn, unit.program, period, since)
    except Refusal as refusal:
        yield refusal.with_traceback(None)


def _month(
    program: Program,
    period: int,
    closed: periods.ClosedPeriod | None,
    proposal: periods.Proposal | None,
    closed_through: int,
) -> MonthView:
    if closed is not None:
        return closing.month_view(program, closed)
    if proposal is not None and period > closed_through:
        return closing.proposal_view(program, period, proposal)
    status = closing.CLOSED if period <= closed_through else OPEN
    nothing = (None, None, None, None, None, None, None, None, None)
    return MonthView(program.code, format_period(period), program.currency, status, *nothing)
