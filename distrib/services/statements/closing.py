"""Closing the books of a month (结账): one key proposes, another confirms, and nothing in it ever changes again.

A proposal computes what the close would fix, pools that are still to be paid included, and keeps its digest; the
confirmation computes it again and goes on only if nothing has changed. The digest is the SHA-256 of ``shops.csv``, so
whoever has the file can check it. What arrives later counts in the earliest open month. No SQL may enter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.periods import next_period
from distrib.services.context import Actor, Program, format_period, period_bounds
from distrib.services.statements.pools import check_nothing_pending, check_over, pay_missing
from distrib.store.ledger import books
from distrib.store.orders import queue
from distrib.store.statements import exports, months, periods
from distrib.store.statements.exports import FileHead
from distrib.store.statements.periods import ClosedPeriod, Proposal
from distrib.store.webhooks import outbox
from distrib.store.webhooks.outbox import Message

PROPOSED, CLOSED = "proposed", "closed"


def propose_close(conn: Connection, program: Program, period: int, actor: Actor, now: datetime) -> dict[str, Any]:
    """Computes what closing the month would fix and records the proposal; changes nothing else.

    Proposed again with the same figures, the first proposal stands and is answered.

    Raises:
        Refusal: ``period_closed``, ``period_not_over``, ``close_in_sequence`` or ``events_pending``.
    """
    closed_through = _hold(conn, program)
    if period <= closed_through:
        raise Refusal("period_closed", period=format_period(period))
    _check(conn, program, period, closed_through, now)
    with conn.begin_nested() as trial:
        pay_missing(conn, program, period, closed_through, actor, now)
        totals, digest = _open_figures(conn, program, period)
        trial.rollback()
    standing = periods.latest_proposal(conn, program.program_id, period)
    if standing is None or standing.digest != digest:
        standing = Proposal(totals["shops"], json.dumps(totals), digest, now, actor.key_id)
        periods.insert_proposal(conn, program.program_id, period, standing)
    return _proposal_view(program, period, standing)


def confirm_close(conn: Connection, program: Program, period: int, actor: Actor, now: datetime) -> dict[str, Any]:
    """Closes the month as another key proposed it; confirmed again it answers as it was closed.

    Raises:
        Refusal: ``close_not_proposed``, ``same_key`` for the key that proposed, ``close_changed`` where the figures
            are others by now, or what ``propose_close`` raises.
    """
    closed_through = _hold(conn, program)
    known = periods.closed_period(conn, program.program_id, period)
    if known is None and period <= closed_through:
        raise Refusal("period_closed", period=format_period(period))
    proposal = known or periods.latest_proposal(conn, program.program_id, period)
    if proposal is None:
        raise Refusal("close_not_proposed", period=format_period(period))
    if proposal.proposed_by == actor.key_id:
        raise Refusal("same_key")
    if known is None:
        _check(conn, program, period, closed_through, now)
        known = _close(conn, program, period, closed_through, proposal, actor, now)
    return closed_view(program, known)


def standing_proposal(conn: Connection, program: Program, period: int) -> dict[str, Any] | None:
    """Reads the newest proposal to close a month that is still open; None without one."""
    if periods.closed_period(conn, program.program_id, period) is not None:
        return None
    proposal = periods.latest_proposal(conn, program.program_id, period)
    return None if proposal is None else _proposal_view(program, period, proposal)


def find_closed(conn: Connection, program: Program, period: int) -> ClosedPeriod | None:
    """Reads the month as it was closed; None while it is open."""
    return periods.closed_period(conn, program.program_id, period)


def is_sealed(conn: Connection, program: Program, period: int) -> bool:
    """Whether nothing can count in the month any more."""
    return period <= books.closed_through(conn, program.program_id)


def closed_view(program: Program, closed: ClosedPeriod) -> dict[str, Any]:
    """A closed month as it is shown."""
    return {
        **_view(program, closed.period, CLOSED, closed.totals, closed.digest),
        "lines": {"count": closed.lines, "amount_minor": closed.lines_minor, "digest": closed.lines_digest},
        "proposed_at": closed.proposed_at,
        "proposed_by": closed.proposed_by,
        "confirmed_by": closed.confirmed_by,
        "closed_at": closed.closed_at,
    }


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
        is_closed=closed is not None,
        shop_id=shop_id,
        lines_form=exports.LINES_FORM if closed is None else closed.lines_form,
    )


def digest_of(pieces: Iterator[bytes]) -> str:
    """Computes the SHA-256 of a file in hex, piece by piece."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _hold(conn: Connection, program: Program) -> int:
    """Locks plans and books for this close until the transaction ends; returns the last closed period."""
    queue.hold_timeline(conn, program.program_id)
    closed_through = books.hold_alone(conn, program.program_id)
    periods.allow_time(conn)
    return closed_through


def _check(conn: Connection, program: Program, period: int, closed_through: int, now: datetime) -> None:
    check_over(program, period, now)
    first = next_period(closed_through) if closed_through else periods.first_period(conn, program.program_id)
    if first is not None and (period > first or (closed_through and period != first)):
        raise Refusal("close_in_sequence", next=format_period(first))
    check_nothing_pending(conn, program, period)


def _open_figures(conn: Connection, program: Program, period: int) -> tuple[dict[str, Any], str]:
    """Computes the totals of an open month at its end, and the digest of its file."""
    _, end = period_bounds(period, program.zone)
    totals = months.statement_totals(conn, program.program_id, period, end)
    head = file_head(conn, program, period, end)
    return _figures(totals), digest_of(exports.export_shops(conn, head))


def _close(
    conn: Connection,
    program: Program,
    period: int,
    closed_through: int,
    proposal: Proposal | ClosedPeriod,
    actor: Actor,
    now: datetime,
) -> ClosedPeriod:
    pay_missing(conn, program, period, closed_through, actor, now)
    totals, digest = _open_figures(conn, program, period)
    if digest != proposal.digest:
        raise Refusal("close_changed")
    _, end = period_bounds(period, program.zone)
    lines, lines_minor = exports.lines_total(conn, program.program_id, period)
    lines_digest = digest_of(exports.export_lines(conn, file_head(conn, program, period, end)))
    closed = ClosedPeriod(
        period,
        totals["shops"],
        json.dumps(totals),
        digest,
        lines,
        lines_minor,
        lines_digest,
        proposal.proposed_at,
        proposal.proposed_by,
        actor.key_id,
        now,
        exports.LINES_FORM,
    )
    periods.keep_statements(conn, program.program_id, period, end)
    periods.insert_closed_period(conn, program.program_id, closed)
    books.close_through(conn, program.program_id, period)
    outbox.insert_messages(conn, program.program_id, [_message(program, closed)])
    return closed


def _message(program: Program, closed: ClosedPeriod) -> Message:
    shown = {**_view(program, closed.period, CLOSED, closed.totals, closed.digest)}
    shown["lines"] = {"count": closed.lines, "amount_minor": closed.lines_minor, "digest": closed.lines_digest}
    shown["closed_at"] = closed.closed_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return Message("statement.closed", closed.closed_at, json.dumps(shown, ensure_ascii=False))


def _proposal_view(program: Program, period: int, proposal: Proposal) -> dict[str, Any]:
    return {
        **_view(program, period, PROPOSED, proposal.totals, proposal.digest),
        "proposed_at": proposal.proposed_at,
        "proposed_by": proposal.proposed_by,
        "lines": None,
        "confirmed_by": None,
        "closed_at": None,
    }


def _view(program: Program, period: int, status: str, totals: str, digest: str) -> dict[str, Any]:
    figures = json.loads(totals)
    return {
        "program": program.code,
        "period": format_period(period),
        "currency": program.currency,
        "status": status,
        "count": figures["shops"],
        "totals": figures,
        "digest": digest,
    }


def _figures(totals: Mapping[str, Any]) -> dict[str, Any]:
    return {"shops": totals["shops"], **{name: totals[name] for name in months.FIGURES}}
