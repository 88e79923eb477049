"""Closing the books of a month (结账): one person proposes, another confirms, and nothing in it ever changes again.

A proposal computes what the close would fix, pools that are still to be paid included, and keeps figures and
digest; the confirmation takes them, works out the lines, and goes on only if nothing has changed. Both work beside the
drain: the books are held only to compare and to close. The digest is the SHA-256 of ``shops.csv``, so whoever has the
file can check it. What arrives later counts in the earliest open month. No SQL may enter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.periods import next_period
from distrib.domain.texts import Text
from distrib.failpoints import reach
from distrib.services.context import Actor, Program, Unit, format_period, period_bounds
from distrib.services.programs.persons import check_second_person, has_ended
from distrib.services.statements import close_figures
from distrib.services.statements.close_figures import BooksMark, MonthFigures, MonthLines
from distrib.services.statements.pools import are_due, check_nothing_pending, check_over, pay_missing
from distrib.services.statements.refusals import CloseChanged, CloseInSequence, CloseNotProposed, PeriodClosed
from distrib.store.ledger import books
from distrib.store.statements import exports, periods
from distrib.store.statements.exports import FileHead
from distrib.store.statements.periods import ClosedPeriod, Proposal
from distrib.store.webhooks import outbox
from distrib.store.webhooks.outbox import Message

PROPOSED, CLOSED = "proposed", "closed"
BESIDE_ATTEMPTS: Final = 3
"""How often a close is worked out beside the drain before it is worked out with the books held."""


@dataclass(frozen=True, slots=True)
class LinesView:
    """The commissions of a closed month: how many, what they add up to, and the SHA-256 of ``lines.csv``."""

    count: int
    amount_minor: int
    digest: str


@dataclass(frozen=True, slots=True)
class ClosedView:
    """A month with the figures that its close fixes; None what an open one has not."""

    program: str
    period: str
    currency: str
    status: str
    count: int | None
    totals: Mapping[str, int] | None
    digest: str | None
    lines: LinesView | None
    proposed_at: datetime | None
    proposed_by: str | None
    confirmed_by: str | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class MonthView(ClosedView):
    """A month as it stands: open, proposed or closed, and up to when its facts were waited for."""

    cut_off_at: datetime | None


def propose_close(unit: Unit, period: int, cut_off_at: datetime | None = None) -> MonthView:
    """Computes what closing the month would fix and records the proposal; changes nothing else.

    Proposed again with the same figures, the first proposal stands and is answered, unless its key has ended since.

    Args:
        cut_off_at: where facts of the month go on coming in, an instant: what was received before it is waited for, and
            what is posted after the proposal counts in the next month. Once cut off, a month stays so.

    Raises:
        Refusal: ``period_closed``, ``period_not_over``, ``close_in_sequence`` or ``events_pending``; ``invalid`` for
            an instant before the month's end or ahead.
    """
    periods.lock_closing(unit.conn, unit.program_id)
    _check_cut_off(unit.program, period, cut_off_at, unit.now)
    standing = periods.latest_proposal(unit.conn, unit.program_id, period)
    since = standing.cut_off_at if cut_off_at is None and standing is not None else cut_off_at
    mark = _begin(unit, period, since)
    if standing is not None and has_ended(unit, standing.proposed_by):
        standing = None
    if (
        standing is not None
        and standing.cut_off_at == since
        and _is_as_proposed(unit.conn, unit.program, period, standing)
    ):
        return proposal_view(unit.program, period, standing)
    if cut_off_at is None:
        figures, kept = _compute_beside(unit, period, standing, mark)
    else:
        figures, kept = _compute_and_hold(unit, period)
        books.cut_off_through(unit.conn, unit.program_id, period)
    reach("close.figured")
    if standing is None or standing.digest != figures.digest or standing.cut_off_at != since:
        standing = _proposal(figures, kept, unit.actor, unit.now)._replace(cut_off_at=since)
        periods.insert_proposal(unit.conn, unit.program_id, period, standing)
        reach("close.proposed")
    return proposal_view(unit.program, period, standing)


def _compute_beside(
    unit: Unit, period: int, standing: Proposal | None, mark: BooksMark
) -> tuple[MonthFigures, BooksMark | None]:
    """The figures with the pools that are due, and the mark under which they were kept; None where they were not."""
    with unit.conn.begin_nested() as trial:
        is_paying = are_due(unit.conn, unit.program, period)
        if is_paying:
            pay_missing(unit, period, close_figures.hold(unit.conn, unit.program))
        figures = close_figures.compute_figures(unit.conn, unit.program, period)
        is_known = standing is not None and standing.digest == figures.digest
        if is_paying or is_known:
            trial.rollback()
    return figures, None if is_paying or is_known else mark


def _compute_and_hold(unit: Unit, period: int) -> tuple[MonthFigures, BooksMark | None]:
    """The same with the books held from then on; they are worked out beside the drain where few facts come."""
    for _ in range(BESIDE_ATTEMPTS):
        if are_due(unit.conn, unit.program, period):
            break
        _, mark = close_figures.mark_month(unit.conn, unit.program, period)
        with unit.conn.begin_nested() as trial:
            figures = close_figures.compute_figures(unit.conn, unit.program, period)
            close_figures.hold(unit.conn, unit.program)
            if close_figures.is_as_marked(unit.conn, unit.program, period, mark):
                return figures, mark
            trial.rollback()
    close_figures.hold(unit.conn, unit.program)
    _, mark = close_figures.mark_month(unit.conn, unit.program, period)
    return _compute_beside(unit, period, None, mark)


def confirm_close(unit: Unit, period: int) -> ClosedView:
    """Closes the month as another person proposed it; confirmed again it answers as it was closed.

    Raises:
        Refusal: ``close_not_proposed``, what ``check_second_person`` raises, ``close_changed`` where the figures are
            others by now, or what ``propose_close`` raises.
    """
    periods.lock_closing(unit.conn, unit.program_id)
    known = periods.closed_period(unit.conn, unit.program_id, period)
    if known is None and is_sealed(unit.conn, unit.program, period):
        raise PeriodClosed(period=format_period(period))
    proposal = known or periods.latest_proposal(unit.conn, unit.program_id, period)
    if proposal is None:
        raise CloseNotProposed(period=format_period(period))
    check_second_person(unit, proposal.proposed_by, is_decided=known is not None)
    if isinstance(proposal, Proposal):
        proposal = _close(unit, period, proposal)
    return closed_view(unit.program, proposal)


def standing_proposal(conn: Connection, program: Program, period: int) -> MonthView | None:
    """Reads the newest proposal to close a month that is still open; None without one."""
    if periods.closed_period(conn, program.program_id, period) is not None:
        return None
    proposal = periods.latest_proposal(conn, program.program_id, period)
    return None if proposal is None else proposal_view(program, period, proposal)


def find_closed(conn: Connection, program: Program, period: int) -> ClosedPeriod | None:
    """Reads the month as it was closed; None while it is open."""
    return periods.closed_period(conn, program.program_id, period)


def is_sealed(conn: Connection, program: Program, period: int) -> bool:
    """Whether nothing can count in the month any more."""
    return period <= books.closed_through(conn, program.program_id)


def closed_view(program: Program, closed: ClosedPeriod) -> ClosedView:
    """A closed month as it is shown to who closed it."""
    return ClosedView(*_head(program, closed.period, CLOSED, closed.totals, closed.digest), *_ended(closed))


def month_view(program: Program, closed: ClosedPeriod) -> MonthView:
    """A closed month among others; up to when its facts were waited for is no matter any more."""
    return MonthView(*_head(program, closed.period, CLOSED, closed.totals, closed.digest), *_ended(closed), None)


def file_head(
    conn: Connection, program: Program, period: int, held_from: datetime, shop_id: str | None = None
) -> FileHead:
    """Builds the head of a month's file; that of a closed month holds what was closed."""
    closed = find_closed(conn, program, period)
    return FileHead(
        program.program_id,
        program.code,
        program.currency,
        period,
        format_period(period),
        held_from,
        figures_no=None if closed is None else closed.figures_no,
        shop_id=shop_id,
        lines_form=exports.LINES_FORM if closed is None else closed.lines_form,
    )


def _check_cut_off(program: Program, period: int, cut_off_at: datetime | None, now: datetime) -> None:
    """Raises ``invalid`` for an instant that lies before the month's end or ahead."""
    _, end = period_bounds(period, program.zone)
    if cut_off_at is not None and not end <= cut_off_at <= now:
        raise Refusal("invalid", [Problem("/cut_off_at", Text("lies between the end of the month and now"))])


def _begin(unit: Unit, period: int, received_before: datetime | None) -> BooksMark:
    """Begins a proposal or a close beside the drain, and checks that the month may be closed; returns its mark."""
    closed_through, mark = close_figures.mark_month(unit.conn, unit.program, period)
    _check(unit, period, closed_through, received_before)
    periods.allow_time(unit.conn)
    return mark


def _check(unit: Unit, period: int, closed_through: int, received_before: datetime | None) -> None:
    if period <= closed_through:
        raise PeriodClosed(period=format_period(period))
    check_over(unit.program, period, unit.now)
    first = next_period(closed_through) if closed_through else periods.first_period(unit.conn, unit.program_id)
    if first is not None and (period > first or (closed_through and period != first)):
        raise CloseInSequence(next=format_period(first))
    check_nothing_pending(unit.conn, unit.program, period, received_before)


def _close(unit: Unit, period: int, proposal: Proposal) -> ClosedPeriod:
    """Closes the month beside the drain; where facts of it keep arriving or pools are due, with the books held."""
    for _ in range(BESIDE_ATTEMPTS):
        mark = _begin(unit, period, proposal.cut_off_at)
        if are_due(unit.conn, unit.program, period):
            break
        with unit.conn.begin_nested() as trial:
            figures = _figures_of(unit.conn, unit.program, period, proposal)
            lines = close_figures.compute_lines(unit.conn, unit.program, period, figures.totals)
            reach("close.lined")
            close_figures.hold(unit.conn, unit.program)
            if close_figures.is_as_marked(unit.conn, unit.program, period, mark) and not are_due(
                unit.conn, unit.program, period
            ):
                return _write(unit, period, proposal, figures, lines)
            trial.rollback()
    closed_through = close_figures.hold(unit.conn, unit.program)
    _check(unit, period, closed_through, proposal.cut_off_at)
    pay_missing(unit, period, closed_through)
    figures = _figures_anew(unit.conn, unit.program, period, proposal)
    lines = close_figures.compute_lines(unit.conn, unit.program, period, figures.totals)
    return _write(unit, period, proposal, figures, lines)


def _figures_of(conn: Connection, program: Program, period: int, proposal: Proposal) -> MonthFigures:
    """The figures of the proposal as it kept them, or worked out anew where something came since."""
    if proposal.figures_no is not None and _is_as_proposed(conn, program, period, proposal):
        return MonthFigures(proposal.figures_no, json.loads(proposal.totals), proposal.digest)
    return _figures_anew(conn, program, period, proposal)


def _figures_anew(conn: Connection, program: Program, period: int, proposal: Proposal) -> MonthFigures:
    figures = close_figures.compute_figures(conn, program, period)
    if figures.digest != proposal.digest:
        raise CloseChanged()
    return figures


def _write(unit: Unit, period: int, proposal: Proposal, figures: MonthFigures, lines: MonthLines) -> ClosedPeriod:
    """Writes that the month is closed; the books are held, so nothing can come between."""
    closed = ClosedPeriod(
        period,
        figures.totals["shops"],
        json.dumps(figures.totals),
        figures.digest,
        lines.lines,
        lines.amount_minor,
        lines.digest,
        proposal.proposed_at,
        proposal.proposed_by,
        unit.actor.key_id,
        unit.now,
        exports.LINES_FORM,
        figures.figures_no,
    )
    periods.insert_closed_period(unit.conn, unit.program_id, closed)
    reach("close.written")
    books.close_through(unit.conn, unit.program_id, period)
    reach("close.sealed")
    outbox.insert_messages(unit.conn, unit.program_id, [_message(unit.program, closed)])
    return closed


def _proposal(figures: MonthFigures, mark: BooksMark | None, actor: Actor, now: datetime) -> Proposal:
    """What is proposed; without a mark nothing of it was kept."""
    proposal = Proposal(figures.totals["shops"], json.dumps(figures.totals), figures.digest, now, actor.key_id)
    if mark is None:
        return proposal
    return proposal._replace(figures_no=figures.figures_no, **mark._asdict())


def _is_as_proposed(conn: Connection, program: Program, period: int, proposal: Proposal) -> bool:
    """Whether the proposal's figures were kept and nothing came since."""
    if proposal.through_posting is None or proposal.dated_facts is None:
        return False
    return close_figures.is_as_marked(conn, program, period, BooksMark(proposal.through_posting, proposal.dated_facts))


def _message(program: Program, closed: ClosedPeriod) -> Message:
    view = closed_view(program, closed)
    data = {
        "program": view.program,
        "period": view.period,
        "currency": view.currency,
        "status": view.status,
        "count": view.count,
        "totals": view.totals,
        "digest": view.digest,
        "lines": None if view.lines is None else asdict(view.lines),
        "closed_at": closed.closed_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    return Message("statement.closed", closed.closed_at, json.dumps(data, ensure_ascii=False))


def proposal_view(program: Program, period: int, proposal: Proposal) -> MonthView:
    """A proposed month as it is shown."""
    head = _head(program, period, PROPOSED, proposal.totals, proposal.digest)
    return MonthView(*head, None, proposal.proposed_at, proposal.proposed_by, None, None, proposal.cut_off_at)


def _head(
    program: Program, period: int, status: str, totals: str, digest: str
) -> tuple[str, str, str, str, int, Mapping[str, int], str]:
    """The fields that every view of a month begins with."""
    figures: dict[str, int] = json.loads(totals)
    return program.code, format_period(period), program.currency, status, figures["shops"], figures, digest


def _ended(closed: ClosedPeriod) -> tuple[LinesView, datetime, str, str, datetime]:
    """The fields that only a closed month has: its lines, and who closed it when."""
    lines = LinesView(closed.lines, closed.lines_minor, closed.lines_digest)
    return lines, closed.proposed_at, closed.proposed_by, closed.confirmed_by, closed.closed_at
