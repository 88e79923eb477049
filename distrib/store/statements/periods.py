"""Closed periods as recorded, proposals, and what still keeps a period open. No figure is computed here."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.database import allow_minutes
from distrib.store.locks import CLOSERS, SORTED_FIGURES
from distrib.store.sql import column, execute, execute_as, figures, only, value, value_or_none
from distrib.store.statements.counts import COUNTS, count_once
from distrib.store.statements.exports import FOR_WHOLE_MONTHS, MINUTES
from distrib.store.statements.months import FIGURES

_FOR_WHOLE_MONTHS = FOR_WHOLE_MONTHS
_FIRST = "SELECT min(period) FROM account_months WHERE program_id = %(program)s"
# Only what is in the queue has open events; what is in a drain's hands stands there until it commits. A row of the
# queue whose events are through, or only waited until now, is pending as well.
_PENDING = (
    "SELECT GREATEST((SELECT count(*) FROM queue WHERE program_id = %(program)s AND day < %(day)s),"
    " (SELECT count(*) FROM queue q JOIN events e ON e.program_id = q.program_id AND e.order_no = q.order_no"
    " LEFT JOIN event_outcomes x ON x.program_id = e.program_id AND x.order_no = e.order_no"
    " AND x.event_no = e.event_no"
    " WHERE q.program_id = %(program)s AND e.occurred_at < %(end)s AND (x.status IS NULL OR x.status = 'pending')))"
)
# The same of what was received before an instant. A row of the queue is to be worked on, so what waited is pending too.
_PENDING_OF = (
    "SELECT count(*) FROM queue q JOIN events e ON e.program_id = q.program_id AND e.order_no = q.order_no"
    " LEFT JOIN event_outcomes x ON x.program_id = e.program_id AND x.order_no = e.order_no"
    " AND x.event_no = e.event_no WHERE q.program_id = %(program)s AND e.occurred_at < %(end)s"
    " AND e.received_at < %(received_before)s AND (x.status IS NULL OR x.status IN ('pending', 'waiting'))"
)
_SIGNALS = "SELECT count(*) FROM rank_signals WHERE program_id = %(program)s AND day < %(day)s"
_PROPOSE = (
    "INSERT INTO close_proposals (program_id, period, shops, totals, digest, proposed_at, proposed_by, figures_no,"
    " through_posting, dated_facts, cut_off_at) VALUES (%(program)s, %(period)s, %(shops)s, %(totals)s,"
    " %(digest)s, %(proposed_at)s,"
    " %(proposed_by)s, %(figures_no)s, %(through_posting)s, %(dated_facts)s, %(cut_off_at)s)"
)
_PROPOSED = (
    "SELECT shops, totals, digest, proposed_at, proposed_by, figures_no, through_posting, dated_facts, cut_off_at"
    " FROM close_proposals WHERE program_id = %(program)s AND period = %(period)s ORDER BY proposal_no DESC LIMIT 1"
)
_PROPOSED_AMONG = (
    "SELECT DISTINCT ON (period) period, shops, totals, digest, proposed_at, proposed_by, figures_no, through_posting,"
    " dated_facts, cut_off_at FROM close_proposals WHERE program_id = %(program)s"
    " AND period BETWEEN %(first)s AND %(last)s"
    " ORDER BY period, proposal_no DESC"
)
# Months with movement by one look each along their index, those that were proposed or closed beside them.
_BEFORE = """
WITH RECURSIVE moved (period) AS (
    (SELECT max(period) FROM account_months WHERE program_id = %(program)s AND period < %(before)s)
    UNION ALL
    SELECT (SELECT max(m.period) FROM account_months m WHERE m.program_id = %(program)s AND m.period < moved.period)
    FROM moved WHERE moved.period IS NOT NULL
)
(SELECT period FROM moved WHERE period IS NOT NULL LIMIT %(limit)s)
UNION (SELECT period FROM closed_periods WHERE program_id = %(program)s AND period < %(before)s
       ORDER BY period DESC LIMIT %(limit)s)
UNION (SELECT DISTINCT period FROM close_proposals WHERE program_id = %(program)s AND period < %(before)s
       ORDER BY period DESC LIMIT %(limit)s)
ORDER BY period DESC LIMIT %(limit)s
"""
_CLOSED_AMONG = (
    "SELECT period, shops, totals, digest, lines, lines_minor, lines_digest, proposed_at, proposed_by, confirmed_by,"
    " closed_at, lines_form, figures_no FROM closed_periods WHERE program_id = %(program)s"
    " AND period BETWEEN %(first)s AND %(last)s"
)
_CLOSED = (
    "SELECT period, shops, totals, digest, lines, lines_minor, lines_digest, proposed_at, proposed_by, confirmed_by,"
    " closed_at, lines_form, figures_no FROM closed_periods WHERE program_id = %(program)s AND period = %(period)s"
)
_CLOSE = (
    "INSERT INTO closed_periods (program_id, period, shops, totals, digest, lines, lines_minor, lines_digest,"
    " proposed_at, proposed_by, confirmed_by, closed_at, lines_form, figures_no) VALUES (%(program)s,"
    " %(period)s, %(shops)s,"
    " %(totals)s, %(digest)s, %(lines)s, %(lines_minor)s, %(lines_digest)s, %(proposed_at)s, %(proposed_by)s,"
    " %(confirmed_by)s, %(closed_at)s,"
    " %(lines_form)s, %(figures_no)s)"
)
_ORDER = f"SELECT pg_try_advisory_xact_lock({SORTED_FIGURES}, %(program)s)"
_CLOSER = f"SELECT pg_advisory_xact_lock({CLOSERS}, %(program)s)"
# Counted whole and never asked whether there is one: a plan that hopes to meet it soon would read all transfers.
_POSTED = (
    "SELECT count(*) FROM transfers WHERE program_id = %(program)s AND period <= %(period)s AND posting_no > %(after)s"
)
# All that bears on a month's figures and is no posting of that month. Each only grows, so that an equal count means the
# same rows. What payouts dates is never before the month's begin, for the months before are closed; all results of a
# line but a failure are postings too.
_DATED = (
    "SELECT ARRAY[(SELECT count(*) FROM shop_statuses WHERE program_id = %(program)s AND effective_at < %(end)s),"
    " (SELECT count(*) FROM payouts WHERE program_id = %(program)s AND created_at < %(end)s),"
    " (SELECT count(*) FROM payout_decisions WHERE program_id = %(program)s AND decided_at < %(end)s),"
    " (SELECT count(*) FROM payout_results WHERE program_id = %(program)s AND occurred_at >= %(start)s"
    " AND occurred_at < %(end)s),"
    " (SELECT count(*) FROM case_decisions WHERE program_id = %(program)s)]"
)
_NAMES = ", ".join(FIGURES)
_KEEP = f"""
INSERT INTO closed_statements (program_id, period, figures_no, shop_id, shop_no, {_NAMES}, frozen_minor)
SELECT %(program)s, %(period)s, CAST(%(figures_no)s AS bigint), s.shop_id, f.account_no,
       {", ".join(f"f.{name}" for name in FIGURES)}, f.withheld_minor
FROM statement_figures(%(program)s, %(period)s, %(held_from)s) f
JOIN shops s ON s.program_id = %(program)s AND s.shop_no = f.account_no ORDER BY s.shop_id
"""
_KEPT_TOTALS = f"""
SELECT count(*) AS shops,
       {", ".join(f"COALESCE(sum({name}), 0)::bigint AS {name}" for name in FIGURES if name not in COUNTS)}
FROM closed_statements WHERE program_id = %(program)s AND period = %(period)s AND figures_no = %(figures_no)s
"""


class Proposal(NamedTuple):
    """What one key proposed to close; ``totals`` is JSON.

    ``figures_no`` are the figures that were kept for it, None where none were; they hold while nothing of the month
    was posted after ``through_posting`` and no other fact is dated into it than the ``dated_facts``. ``cut_off_at``
    is the instant before which a fact had to be received to be waited for; None: all facts are.
    """

    shops: int
    totals: str
    digest: str
    proposed_at: datetime
    proposed_by: str
    figures_no: int | None = None
    through_posting: int | None = None
    dated_facts: list[int] | None = None
    cut_off_at: datetime | None = None


class ClosedPeriod(NamedTuple):
    """A closed period: totals (JSON), what its two files hold, by whom, which columns ``lines.csv`` has in it,
    and under which number its figures are kept.
    """

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
    figures_no: int


def allow_time(conn: Connection) -> None:
    """Prepares this transaction for statements about whole months: time enough, and joins of sets."""
    allow_minutes(conn, MINUTES)
    execute(conn, _FOR_WHOLE_MONTHS)


def lock_closing(conn: Connection, program_id: int) -> None:
    """Makes proposals and closes of a program wait for one another until the transaction ends; nobody who posts."""
    execute(conn, _CLOSER, {"program": program_id})


def lock_order(conn: Connection, program_id: int) -> bool:
    """Lets one transaction keep the order of a program's shops until it ends; False where another does."""
    return value(conn, bool, _ORDER, {"program": program_id})


def first_period(conn: Connection, program_id: int) -> int | None:
    """Reads the first month with any movement; None without one."""
    return value_or_none(conn, int, _FIRST, {"program": program_id})


def pending_events(
    conn: Connection, program_id: int, end: datetime, day: date, received_before: datetime | None = None
) -> int:
    """Counts accepted events that occurred before ``end`` and are not settled; what waits or failed is left out.

    Args:
        day: of ``end``, in the program's time zone.
        received_before: what was received at that instant or later is left out too.
    """
    bound = {"program": program_id, "end": end, "day": day, "received_before": received_before}
    return value(conn, int, _PENDING if received_before is None else _PENDING_OF, bound)


def undecided_looks(conn: Connection, program_id: int, day: date) -> int:
    """Counts the shops whose promotion by days before ``day`` is not decided yet."""
    return value(conn, int, _SIGNALS, {"program": program_id, "day": day})


def periods_before(conn: Connection, program_id: int, before: int, limit: int) -> list[int]:
    """Lists the months before ``before`` with any movement, or proposed or closed, the newest first."""
    bound = {"program": program_id, "before": before, "limit": limit}
    return column(conn, int, _BEFORE, bound)


def insert_proposal(conn: Connection, program_id: int, period: int, proposal: Proposal) -> None:
    """Writes a proposal."""
    execute(conn, _PROPOSE, {"program": program_id, "period": period, **proposal._asdict()})


def latest_proposal(conn: Connection, program_id: int, period: int) -> Proposal | None:
    """Reads the newest proposal for a period; None without one."""
    return execute_as(conn, Proposal, _PROPOSED, {"program": program_id, "period": period}).fetchone()


def closed_period(conn: Connection, program_id: int, period: int) -> ClosedPeriod | None:
    """Reads a period as it was closed; None where it was not."""
    return execute_as(conn, ClosedPeriod, _CLOSED, {"program": program_id, "period": period}).fetchone()


def proposals_among(conn: Connection, program_id: int, first: int, last: int) -> dict[int, Proposal]:
    """Reads the newest proposal of each period from ``first`` to ``last`` that has one."""
    rows = execute(conn, _PROPOSED_AMONG, {"program": program_id, "first": first, "last": last})
    return {period: Proposal(*proposed) for period, *proposed in rows}


def closed_periods_among(conn: Connection, program_id: int, first: int, last: int) -> list[ClosedPeriod]:
    """Reads the periods from ``first`` to ``last`` that were closed, as they were."""
    rows = execute(conn, _CLOSED_AMONG, {"program": program_id, "first": first, "last": last})
    return [ClosedPeriod._make(row) for row in rows]


def insert_closed_period(conn: Connection, program_id: int, closed: ClosedPeriod) -> None:
    """Writes that a period is closed; its statements stand beside it."""
    execute(conn, _CLOSE, {"program": program_id, **closed._asdict()})


def posted_since(conn: Connection, program_id: int, period: int, after: int) -> int:
    """Counts the transfers that count in the month or before and were posted after the posting of that number."""
    return value(conn, int, _POSTED, {"program": program_id, "period": period, "after": after})


def dated_facts(conn: Connection, program_id: int, start: datetime, end: datetime) -> list[int]:
    """Counts, kind by kind, what bears on a month's figures without being posted in it: freezes, payouts, cases."""
    bound = {"program": program_id, "start": start, "end": end}
    return list(only(conn, _DATED, bound)[0])


def keep_figures(conn: Connection, program_id: int, period: int, held_from: datetime) -> int:
    """Works out and keeps every shop's row of a month, as of the instant before ``held_from``; returns their number."""
    figures_no = value(conn, int, "SELECT nextval('figures_no_seq')")
    bound = {"program": program_id, "period": period, "held_from": held_from, "figures_no": figures_no}
    execute(conn, _KEEP, bound)
    return figures_no


def kept_totals(conn: Connection, program_id: int, period: int, figures_no: int) -> dict[str, int]:
    """Adds up kept figures: ``shops``, how many rows there are, and each figure; an order, a refund counts once."""
    bound = {"program": program_id, "period": period, "figures_no": figures_no}
    summed = figures(conn, _KEPT_TOTALS, bound)
    return summed | count_once(conn, program_id, period)
