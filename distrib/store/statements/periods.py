"""Closed periods as recorded, proposals, and what still keeps a period open. No figure is computed here."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from distrib.store.database import allow_minutes
from distrib.store.locks import CLOSERS, SORTED_FIGURES
from distrib.store.statements.counts import COUNTS, count_once
from distrib.store.statements.exports import FOR_WHOLE_MONTHS, MINUTES
from distrib.store.statements.months import FIGURES, figures_sql

_FOR_WHOLE_MONTHS = text(FOR_WHOLE_MONTHS)
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
# The same of what was received before an instant. A row of the queue is to be worked on, so what waited is pending too.
_PENDING_OF = text(
    "SELECT count(*) FROM queue q JOIN events e ON e.program_id = q.program_id AND e.order_no = q.order_no"
    " LEFT JOIN event_outcomes x ON x.program_id = e.program_id AND x.order_no = e.order_no"
    " AND x.event_no = e.event_no WHERE q.program_id = :program AND e.occurred_at < :end"
    " AND e.received_at < :received_before AND (x.status IS NULL OR x.status IN ('pending', 'waiting'))"
)
_SIGNALS = text("SELECT count(*) FROM rank_signals WHERE program_id = :program AND day < :day")
_PROPOSE = text(
    "INSERT INTO close_proposals (program_id, period, shops, totals, digest, proposed_at, proposed_by, figures_no,"
    " through_posting, dated_facts, cut_off_at) VALUES (:program, :period, :shops, :totals, :digest, :proposed_at,"
    " :proposed_by, :figures_no, :through_posting, :dated_facts, :cut_off_at)"
)
_PROPOSED = text(
    "SELECT shops, totals, digest, proposed_at, proposed_by, figures_no, through_posting, dated_facts, cut_off_at"
    " FROM close_proposals WHERE program_id = :program AND period = :period ORDER BY proposal_no DESC LIMIT 1"
)
_PROPOSED_AMONG = text(
    "SELECT DISTINCT ON (period) period, shops, totals, digest, proposed_at, proposed_by, figures_no, through_posting,"
    " dated_facts, cut_off_at FROM close_proposals WHERE program_id = :program AND period BETWEEN :first AND :last"
    " ORDER BY period, proposal_no DESC"
)
# Months with movement by one look each along their index, those that were proposed or closed beside them.
_BEFORE = text("""
WITH RECURSIVE moved (period) AS (
    (SELECT max(period) FROM account_months WHERE program_id = :program AND period < :before)
    UNION ALL
    SELECT (SELECT max(m.period) FROM account_months m WHERE m.program_id = :program AND m.period < moved.period)
    FROM moved WHERE moved.period IS NOT NULL
)
(SELECT period FROM moved WHERE period IS NOT NULL LIMIT :limit)
UNION (SELECT period FROM closed_periods WHERE program_id = :program AND period < :before
       ORDER BY period DESC LIMIT :limit)
UNION (SELECT DISTINCT period FROM close_proposals WHERE program_id = :program AND period < :before
       ORDER BY period DESC LIMIT :limit)
ORDER BY period DESC LIMIT :limit
""")
_CLOSED_AMONG = text(
    "SELECT period, shops, totals, digest, lines, lines_minor, lines_digest, proposed_at, proposed_by, confirmed_by,"
    " closed_at, lines_form, figures_no FROM closed_periods WHERE program_id = :program"
    " AND period BETWEEN :first AND :last"
)
_CLOSED = text(
    "SELECT period, shops, totals, digest, lines, lines_minor, lines_digest, proposed_at, proposed_by, confirmed_by,"
    " closed_at, lines_form, figures_no FROM closed_periods WHERE program_id = :program AND period = :period"
)
_CLOSE = text(
    "INSERT INTO closed_periods (program_id, period, shops, totals, digest, lines, lines_minor, lines_digest,"
    " proposed_at, proposed_by, confirmed_by, closed_at, lines_form, figures_no) VALUES (:program, :period, :shops,"
    " :totals, :digest, :lines, :lines_minor, :lines_digest, :proposed_at, :proposed_by, :confirmed_by, :closed_at,"
    " :lines_form, :figures_no)"
)
_ORDER = text(f"SELECT pg_try_advisory_xact_lock({SORTED_FIGURES}, :program)")
_CLOSER = text(f"SELECT pg_advisory_xact_lock({CLOSERS}, :program)")
# Counted whole and never asked whether there is one: a plan that hopes to meet it soon would read all transfers.
_POSTED = text(
    "SELECT count(*) FROM transfers WHERE program_id = :program AND period <= :period AND posting_no > :after"
)
# All that bears on a month's figures and is no posting of that month. Each only grows, so that an equal count means the
# same rows. What payouts dates is never before the month's begin, for the months before are closed; all results of a
# line but a failure are postings too.
_DATED = text(
    "SELECT ARRAY[(SELECT count(*) FROM shop_statuses WHERE program_id = :program AND effective_at < :end),"
    " (SELECT count(*) FROM payouts WHERE program_id = :program AND created_at < :end),"
    " (SELECT count(*) FROM payout_decisions WHERE program_id = :program AND decided_at < :end),"
    " (SELECT count(*) FROM payout_results WHERE program_id = :program AND occurred_at >= :start"
    " AND occurred_at < :end),"
    " (SELECT count(*) FROM case_decisions WHERE program_id = :program)]"
)
_NAMES = ", ".join(FIGURES)
_KEEP = f"""
INSERT INTO closed_statements (program_id, period, figures_no, shop_id, shop_no, {_NAMES}, frozen_minor)
SELECT :program, :period, CAST(:figures_no AS bigint), s.shop_id, f.account_no,
       {", ".join(f"f.{name}" for name in FIGURES)}, f.frozen_minor
FROM ({figures_sql(":program", ":period", ":held_from")}) f
JOIN shops s ON s.program_id = :program AND s.shop_no = f.account_no ORDER BY s.shop_id
"""
_KEPT_TOTALS = f"""
SELECT count(*) AS shops,
       {", ".join(f"COALESCE(sum({name}), 0)::bigint AS {name}" for name in FIGURES if name not in COUNTS)}
FROM closed_statements WHERE program_id = :program AND period = :period AND figures_no = :figures_no
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
    conn.execute(_FOR_WHOLE_MONTHS)


def lock_closing(conn: Connection, program_id: int) -> None:
    """Makes proposals and closes of a program wait for one another until the transaction ends; nobody who posts."""
    conn.execute(_CLOSER, {"program": program_id})


def lock_order(conn: Connection, program_id: int) -> bool:
    """Lets one transaction keep the order of a program's shops until it ends; False where another does."""
    return bool(conn.execute(_ORDER, {"program": program_id}).scalar_one())


def first_period(conn: Connection, program_id: int) -> int | None:
    """Reads the first month with any movement; None without one."""
    return conn.execute(_FIRST, {"program": program_id}).scalar()


def pending_events(
    conn: Connection, program_id: int, end: datetime, day: date, received_before: datetime | None = None
) -> int:
    """Counts accepted events that occurred before ``end`` and are not settled; what waits or failed is left out.

    Args:
        day: of ``end``, in the program's time zone.
        received_before: what was received at that instant or later is left out too.
    """
    bound = {"program": program_id, "end": end, "day": day, "received_before": received_before}
    return int(conn.execute(_PENDING if received_before is None else _PENDING_OF, bound).scalar_one())


def undecided_looks(conn: Connection, program_id: int, day: date) -> int:
    """Counts the shops whose promotion by days before ``day`` is not decided yet."""
    return int(conn.execute(_SIGNALS, {"program": program_id, "day": day}).scalar_one())


def periods_before(conn: Connection, program_id: int, before: int, limit: int) -> list[int]:
    """Lists the months before ``before`` with any movement, or proposed or closed, the newest first."""
    bound = {"program": program_id, "before": before, "limit": limit}
    return list(conn.execute(_BEFORE, bound).scalars())


def insert_proposal(conn: Connection, program_id: int, period: int, proposal: Proposal) -> None:
    """Writes a proposal."""
    conn.execute(_PROPOSE, {"program": program_id, "period": period, **proposal._asdict()})


def latest_proposal(conn: Connection, program_id: int, period: int) -> Proposal | None:
    """Reads the newest proposal for a period; None without one."""
    row = conn.execute(_PROPOSED, {"program": program_id, "period": period}).one_or_none()
    return None if row is None else Proposal(**row._asdict())


def closed_period(conn: Connection, program_id: int, period: int) -> ClosedPeriod | None:
    """Reads a period as it was closed; None where it was not."""
    row = conn.execute(_CLOSED, {"program": program_id, "period": period}).one_or_none()
    return None if row is None else ClosedPeriod(**row._asdict())


def proposals_among(conn: Connection, program_id: int, first: int, last: int) -> dict[int, Proposal]:
    """Reads the newest proposal of each period from ``first`` to ``last`` that has one."""
    rows = conn.execute(_PROPOSED_AMONG, {"program": program_id, "first": first, "last": last})
    return {row.period: Proposal(*row[1:]) for row in rows}


def closed_periods_among(conn: Connection, program_id: int, first: int, last: int) -> list[ClosedPeriod]:
    """Reads the periods from ``first`` to ``last`` that were closed, as they were."""
    rows = conn.execute(_CLOSED_AMONG, {"program": program_id, "first": first, "last": last})
    return [ClosedPeriod._make(row) for row in rows]


def insert_closed_period(conn: Connection, program_id: int, closed: ClosedPeriod) -> None:
    """Writes that a period is closed; its statements stand beside it."""
    conn.execute(_CLOSE, {"program": program_id, **closed._asdict()})


def posted_since(conn: Connection, program_id: int, period: int, after: int) -> int:
    """Counts the transfers that count in the month or before and were posted after the posting of that number."""
    return int(conn.execute(_POSTED, {"program": program_id, "period": period, "after": after}).scalar_one())


def dated_facts(conn: Connection, program_id: int, start: datetime, end: datetime) -> list[int]:
    """Counts, kind by kind, what bears on a month's figures without being posted in it: freezes, payouts, cases."""
    bound = {"program": program_id, "start": start, "end": end}
    counts: list[int] = conn.execute(_DATED, bound).scalar_one()
    return counts


def keep_figures(conn: Connection, program_id: int, period: int, held_from: datetime) -> int:
    """Works out and keeps every shop's row of a month, as of the instant before ``held_from``; returns their number."""
    figures_no = int(conn.execute(text("SELECT nextval('figures_no_seq')")).scalar_one())
    bound = {"program": program_id, "period": period, "held_from": held_from, "figures_no": figures_no}
    conn.execute(text(_KEEP), bound)
    return figures_no


def kept_totals(conn: Connection, program_id: int, period: int, figures_no: int) -> dict[str, int]:
    """Adds up kept figures: ``shops``, how many rows there are, and each figure; an order, a refund counts once."""
    bound = {"program": program_id, "period": period, "figures_no": figures_no}
    summed = dict(conn.execute(text(_KEPT_TOTALS), bound).mappings().one())
    return summed | count_once(conn, program_id, period)
