"""Closed periods as recorded, proposals, and what still keeps a period open. No figure is computed here."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from distrib.store.statements.months import FIGURES, figures_sql

# Joined row by row a month of a program that the statistics do not know yet would take all of that time.
_FOR_WHOLE_MONTHS = text("SET LOCAL statement_timeout = '30min'; SET LOCAL enable_nestloop = off")
_FIRST = text("SELECT min(period) FROM account_months WHERE program_id = :program")
# Only what is in the queue has open events; what is in a drain's hands stands there until it commits. A row of the
# queue whose events are through, or only waited until now, is pending as well.
_PENDING = text(
    "SELECT GREATEST((SELECT count(*) FROM queue WHERE program_id = :program AND day < :day),"
    " (SELECT count(*) FROM queue q JOIN events e ON e.program_id = q.program_id AND e.order_no = q.order_no"
    " LEFT JOIN event_outcomes x ON x.program_id = e.program_id AND x.order_no = e.order_no"
    " AND x.event_no = e.event_no"
    " WHERE q.program_id = :program AND e.occurred_at < :end AND (x.status IS NULL OR x.status = 'pending')))"
)
_SIGNALS = text("SELECT count(*) FROM rank_signals WHERE program_id = :program AND day < :day")
_PROPOSE = text(
    "INSERT INTO close_proposals (program_id, period, shops, totals, digest, proposed_at, proposed_by)"
    " VALUES (:program, :period, :shops, :totals, :digest, :now, :by)"
)
_PROPOSED = text(
    "SELECT shops, totals, digest, proposed_at, proposed_by FROM close_proposals"
    " WHERE program_id = :program AND period = :period ORDER BY proposal_no DESC LIMIT 1"
)
_CLOSED = text(
    "SELECT period, shops, totals, digest, lines, lines_minor, lines_digest, proposed_at, proposed_by, confirmed_by,"
    " closed_at, lines_form FROM closed_periods WHERE program_id = :program AND period = :period"
)
_CLOSE = text(
    "INSERT INTO closed_periods (program_id, period, shops, totals, digest, lines, lines_minor, lines_digest,"
    " proposed_at, proposed_by, confirmed_by, closed_at, lines_form) VALUES (:program, :period, :shops, :totals,"
    " :digest, :lines, :lines_minor, :lines_digest, :proposed_at, :proposed_by, :confirmed_by, :closed_at,"
    " :lines_form)"
)
_NAMES = ", ".join(FIGURES)
_KEEP = f"""
INSERT INTO closed_statements (program_id, period, shop_id, shop_no, {_NAMES}, frozen_minor)
SELECT :program, :period, s.shop_id, f.account_no, {", ".join(f"f.{name}" for name in FIGURES)}, f.frozen_minor
FROM ({figures_sql(":program", ":period", ":held_from")}) f
JOIN shops s ON s.program_id = :program AND s.shop_no = f.account_no ORDER BY s.shop_id
"""


class Proposal(NamedTuple):
    """What one key proposed to close; ``totals`` is JSON."""

    shops: int
    totals: str
    digest: str
    proposed_at: datetime
    proposed_by: str


class ClosedPeriod(NamedTuple):
    """A closed period: totals (JSON), what its two files hold, by whom, and which columns ``lines.csv`` has in it."""

    period: int
    shops: int
    totals: str
    digest: str
    lines: int
    lines_minor: int
    lines_digest: str
    proposed_at: datetime
    proposed_by: str
    confirmed_by: str
    closed_at: datetime
    lines_form: int


def allow_time(conn: Connection) -> None:
    """Prepares this transaction for statements about whole months: time enough, and joins of sets."""
    conn.execute(_FOR_WHOLE_MONTHS)


def first_period(conn: Connection, program_id: int) -> int | None:
    """Reads the first month with any movement; None without one."""
    return conn.execute(_FIRST, {"program": program_id}).scalar()


def pending_events(conn: Connection, program_id: int, end: datetime, day: date) -> int:
    """Counts accepted events that occurred before ``end`` and are not settled; what waits or failed is left out.

    Args:
        day: of ``end``, in the program's time zone.
    """
    return int(conn.execute(_PENDING, {"program": program_id, "end": end, "day": day}).scalar_one())


def undecided_looks(conn: Connection, program_id: int, day: date) -> int:
    """Counts the shops whose promotion by days before ``day`` is not decided yet."""
    return int(conn.execute(_SIGNALS, {"program": program_id, "day": day}).scalar_one())


def insert_proposal(conn: Connection, program_id: int, period: int, proposal: Proposal) -> None:
    """Writes a proposal."""
    values = {"program": program_id, "period": period, "now": proposal.proposed_at, "by": proposal.proposed_by}
    figures = {"shops": proposal.shops, "totals": proposal.totals, "digest": proposal.digest}
    conn.execute(_PROPOSE, values | figures)


def latest_proposal(conn: Connection, program_id: int, period: int) -> Proposal | None:
    """Reads the newest proposal for a period; None without one."""
    row = conn.execute(_PROPOSED, {"program": program_id, "period": period}).one_or_none()
    return None if row is None else Proposal(**row._asdict())


def closed_period(conn: Connection, program_id: int, period: int) -> ClosedPeriod | None:
    """Reads a period as it was closed; None where it was not."""
    row = conn.execute(_CLOSED, {"program": program_id, "period": period}).one_or_none()
    return None if row is None else ClosedPeriod(**row._asdict())


def insert_closed_period(conn: Connection, program_id: int, closed: ClosedPeriod) -> None:
    """Writes that a period is closed; its statements stand beside it."""
    conn.execute(_CLOSE, {"program": program_id, **closed._asdict()})


def keep_statements(conn: Connection, program_id: int, period: int, held_from: datetime) -> None:
    """Writes every shop's row of a month, as of the instant before ``held_from``."""
    conn.execute(text(_KEEP), {"program": program_id, "period": period, "held_from": held_from})
