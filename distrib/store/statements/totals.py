"""The totals of open months that are kept: what all shops came to after some posting, and what has come since.

A month of a million shops is not added up for a page. The row of ``statement_totals`` says what it came to after the
posting ``through_posting``, as of the instant ``held_from``; to that is added what was posted later, taken away what
has become available since, and of every shop that moved is asked again whether it has a row. So the answer is exact at
any instant, and costs as much as came since the row was kept. Who keeps it is the services' business.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from distrib.store import locks
from distrib.store.sql import column, execute, figures, value, value_or_none
from distrib.store.statements.counts import COUNTS, OF_MONTH, ONCE
from distrib.store.statements.months import FIGURES, StatementTotals

EVERYTHING = 2**63 - 1
"""Above the number of every posting."""

_MOVES = ("opening", "earned", "reversed", "adjusted", "paid", "tax")
_AMOUNTS = tuple(f"{name}_minor" for name in _MOVES)
_NAMES = (*_AMOUNTS, *COUNTS)
_NEWEST = 2**63 - 1
# What was posted after the kept row: up to ``through`` it is taken in (is_in), what came after that is only seen.
# Without an end to the range the planner expects a third of all transfers, and reads them by their months.
_TAIL = f"""
kept AS (SELECT * FROM statement_totals WHERE program_id = %(program)s AND period = %(period)s),
tail AS MATERIALIZED (
    SELECT t.*, signed_minor(t.shop_no, t.credit_account, t.amount_minor) AS signed_minor,
           t.posting_no <= %(through)s AS is_in
    FROM kept k CROSS JOIN LATERAL (
        SELECT * FROM transfers t
        WHERE t.program_id = k.program_id AND t.posting_no > k.through_posting AND t.posting_no <= {_NEWEST}
          AND t.period <= %(period)s AND t.shop_no > 0
        OFFSET 0) t
)"""
_MOVED = f"""
moved AS MATERIALIZED (
    SELECT shop_no, is_in, COALESCE(sum(signed_minor) FILTER (WHERE period < %(period)s), 0) AS opening_minor,
           COALESCE(sum(signed_minor) FILTER (WHERE period = %(period)s AND kind IN ('earned', 'pool')), 0)
               AS earned_minor,
           COALESCE(sum(signed_minor) FILTER (WHERE period = %(period)s AND kind = 'reversed'), 0) AS reversed_minor,
           COALESCE(sum(signed_minor) FILTER (WHERE period = %(period)s AND kind = 'adjusted'), 0) AS adjusted_minor,
           COALESCE(-sum(signed_minor) FILTER (WHERE period = %(period)s AND kind = 'paid'), 0) AS paid_minor,
           COALESCE(-sum(signed_minor) FILTER (WHERE period = %(period)s AND kind = 'tax'), 0) AS tax_minor,
           {ONCE}
    FROM tail GROUP BY shop_no, is_in
)"""
_OF_ACCOUNT = """
    SELECT COALESCE(sum(earned_minor + reversed_minor + adjusted_minor - paid_minor - tax_minor)
                    FILTER (WHERE period < %(period)s), 0) AS opening_minor,
           {sums}
    FROM account_months WHERE program_id = %(program)s AND account_no = a.shop_no AND period <= %(period)s
""".format(
    sums=", ".join(f"COALESCE(sum({name}) FILTER (WHERE period = %(period)s), 0) AS {name}" for name in _NAMES[1:])
)
_AT_THROUGH = ", ".join(f"n.{name} - COALESCE(l.{name}, 0)" for name in _NAMES)
_AT_KEPT = ", ".join(f"n.{name} - COALESCE(l.{name}, 0) - COALESCE(i.{name}, 0)" for name in _NAMES)
_NOTHING = ", ".join("0" for _ in _NAMES)
# The accounts that moved, those that are watched and those of which a case holds something: whether each has money or
# movement after ``through``, and whether it had when the row was kept. What it has now less what came later says so.
_ASKED = f"""
asked AS MATERIALIZED (
    SELECT a.shop_no, ({_AT_THROUGH}) <> ({_NOTHING}) AS is_counted, ({_AT_KEPT}) <> ({_NOTHING}) AS was_counted
    FROM (SELECT shop_no FROM moved UNION SELECT unnest(watched) FROM kept
          UNION SELECT z.shop_no FROM held_commissions z WHERE z.program_id = %(program)s) a
    CROSS JOIN LATERAL ({_OF_ACCOUNT}) n
    LEFT JOIN moved l ON l.shop_no = a.shop_no AND NOT l.is_in
    LEFT JOIN moved i ON i.shop_no = a.shop_no AND i.is_in
)"""
# What was held when the row was kept and is not any more, by its date.
_RELEASED = """
released AS (
    SELECT COALESCE(sum(signed_minor(t.shop_no, t.credit_account, t.amount_minor)), 0) AS minor
    FROM kept k CROSS JOIN LATERAL (
        SELECT * FROM transfers t
        WHERE t.program_id = k.program_id AND t.available_at >= k.held_from AND t.available_at < %(held_from)s
          AND t.posting_no <= k.through_posting AND t.period <= %(period)s AND t.shop_no > 0 OFFSET 0) t
)"""
_SUMS = ", ".join(f"COALESCE(sum({name}), 0) AS {name}" for name in _AMOUNTS)
_STANDING = f"""
standing AS (
    SELECT k.shops + c.shops AS shops, {", ".join(f"k.{name} + m.{name} AS {name}" for name in _AMOUNTS)},
           {", ".join(f"k.{name} + o.{name} AS {name}" for name in COUNTS)},
           k.held_minor + h.minor - r.minor AS held_minor
    FROM kept k
    CROSS JOIN (SELECT COALESCE(sum(is_counted::int - was_counted::int), 0) AS shops FROM asked) c
    CROSS JOIN (SELECT {_SUMS} FROM moved WHERE is_in) m
    CROSS JOIN (SELECT {ONCE} FROM tail WHERE is_in) o
    CROSS JOIN (SELECT COALESCE(sum(signed_minor), 0) AS minor FROM tail
                WHERE is_in AND available_at >= %(held_from)s) h
    CROSS JOIN released r
)"""
_PARTS = f"WITH {_TAIL}, {_MOVED}, {_ASKED}, {_RELEASED}, {_STANDING}"
_CLOSING = " + ".join(("s.opening_minor", "s.earned_minor", "s.reversed_minor", "s.adjusted_minor"))
# What lines without a result by then reserve: of a batch that had all of its results so far by then its sums say it.
_RESERVED = """
SELECT COALESCE(sum(CASE WHEN s.last_ended_at < %(held_from)s THEN s.amount_minor - s.ended_minor ELSE r.minor END), 0)
FROM payouts p
JOIN payout_sums s ON s.program_id = p.program_id AND s.payout_no = p.payout_no
LEFT JOIN LATERAL (
    SELECT COALESCE(sum(l.amount_minor), 0) AS minor FROM payout_lines l
    WHERE s.last_ended_at >= %(held_from)s AND l.program_id = p.program_id AND l.payout_no = p.payout_no
      AND NOT EXISTS (SELECT 1 FROM payout_results r WHERE r.program_id = l.program_id AND r.payout_no = l.payout_no
                      AND r.shop_no = l.shop_no AND r.occurred_at < %(held_from)s)) r ON true
WHERE p.program_id = %(program)s AND (s.ended_minor < s.amount_minor OR s.last_ended_at >= %(held_from)s)
  AND (SELECT min(l.reserved_at) FROM payout_lines l
       WHERE l.program_id = p.program_id AND l.payout_no = p.payout_no AND l.line_no = 1) < %(held_from)s
  AND NOT EXISTS (SELECT 1 FROM payout_decisions d WHERE d.program_id = p.program_id AND d.payout_no = p.payout_no
                  AND d.decision = 'cancelled' AND d.decided_at < %(held_from)s)
"""
_READ = f"""
{_PARTS}, beside AS (
    SELECT (SELECT COALESCE(sum(c.signed_minor), 0)
            FROM case_holdings(%(program)s, %(held_from)s - interval '1 microsecond') c
            WHERE c.period <= %(period)s) AS case_held_minor,
           ({_RESERVED}) AS reserved_minor,
           (SELECT COALESCE(sum(p.withheld_minor), 0)
            FROM withheld_shops(%(program)s, %(held_from)s - interval '1 microsecond') f
            CROSS JOIN LATERAL statement_figures_of(%(program)s, f.shop_no, %(period)s, %(held_from)s) p)
               AS frozen_minor,
           (SELECT count(*) FROM asked a
            CROSS JOIN LATERAL statement_figures_of(%(program)s, a.shop_no, %(period)s, %(held_from)s) p
            WHERE NOT a.is_counted) AS shops
)
SELECT s.shops + b.shops AS shops, {", ".join(f"s.{name}" for name in _NAMES)},
       {_CLOSING} - s.paid_minor - s.tax_minor AS closing_minor,
       s.held_minor + b.case_held_minor + b.frozen_minor AS held_minor, b.reserved_minor,
       {_CLOSING} - s.paid_minor - s.tax_minor - s.held_minor - b.case_held_minor - b.frozen_minor - b.reserved_minor
           AS available_minor, b.frozen_minor
FROM standing s CROSS JOIN beside b
"""
# The first row of a month, from the running totals of all accounts less what was posted after ``through``.
_LATER = _TAIL.replace(
    "kept AS (SELECT * FROM statement_totals WHERE program_id = %(program)s AND period = %(period)s)",
    "kept AS (SELECT CAST(%(program)s AS integer) AS program_id, CAST(%(through)s AS bigint) AS through_posting)",
)
_LEFT = ", ".join(f"m.{name} - COALESCE(l.{name}, 0) AS {name}" for name in _NAMES)
_BEGIN = f"""
WITH {_LATER}, {_MOVED}, standing AS MATERIALIZED (
    SELECT m.account_no, {_LEFT} FROM account_figures(%(program)s, %(period)s) m
    LEFT JOIN moved l ON l.shop_no = m.account_no
), held AS MATERIALIZED (
    SELECT t.shop_no, sum(signed_minor(t.shop_no, t.credit_account, t.amount_minor)) AS minor FROM transfers t
    WHERE t.program_id = %(program)s AND t.available_at >= %(held_from)s AND t.posting_no <= %(through)s
      AND t.period <= %(period)s AND t.shop_no > 0 GROUP BY t.shop_no
), counted AS MATERIALIZED ({OF_MONTH} AND posting_no <= %(through)s)
INSERT INTO statement_totals (program_id, period, through_posting, held_from, shops, {", ".join(_NAMES)}, held_minor,
                              watched)
SELECT %(program)s, %(period)s, %(through)s, %(held_from)s,
       count(*) FILTER (WHERE ({", ".join(_NAMES)}) <> ({_NOTHING})),
       {_SUMS}, (SELECT orders FROM counted), (SELECT refunds FROM counted), (SELECT COALESCE(sum(minor), 0) FROM held),
       ARRAY(SELECT s.account_no FROM standing s WHERE ({", ".join(_NAMES)}) = ({_NOTHING})
             AND (s.account_no IN (SELECT shop_no FROM held) OR s.account_no IN (
                 SELECT l.shop_no FROM payout_lines l WHERE l.program_id = %(program)s AND NOT EXISTS (
                     SELECT 1 FROM payout_results r WHERE r.program_id = l.program_id AND r.payout_no = l.payout_no
                       AND r.shop_no = l.shop_no AND r.occurred_at < %(held_from)s)))
             ORDER BY s.account_no)
FROM standing ON CONFLICT (program_id, period) DO NOTHING
"""
# Watched is who comes to nothing and may have something held or reserved, now or when a later date comes.
_KEEP = f"""
{_PARTS}
UPDATE statement_totals u SET through_posting = %(through)s, held_from = %(held_from)s, shops = s.shops,
    {", ".join(f"{name} = s.{name}" for name in _NAMES)}, held_minor = s.held_minor,
    watched = ARRAY(
        SELECT a.shop_no FROM asked a
        WHERE NOT a.is_counted AND (
            EXISTS (SELECT 1 FROM shop_transfers t
                    WHERE t.program_id = %(program)s AND t.shop_no = a.shop_no AND t.available_at >= %(held_from)s)
            OR EXISTS (SELECT 1 FROM payout_lines l WHERE l.program_id = %(program)s AND l.shop_no = a.shop_no
                       AND NOT EXISTS (SELECT 1 FROM payout_results r WHERE r.program_id = l.program_id
                                       AND r.payout_no = l.payout_no AND r.shop_no = l.shop_no
                                       AND r.occurred_at < %(held_from)s)))
        ORDER BY a.shop_no)
FROM standing s WHERE u.program_id = %(program)s AND u.period = %(period)s
"""
_AS_KEPT = "SELECT held_from FROM statement_totals WHERE program_id = %(program)s AND period = %(period)s"
_IS_LARGE = """
SELECT (SELECT count(*) FROM (SELECT 1 FROM account_months WHERE program_id = %(program)s
    LIMIT %(least)s) m) = %(least)s
    OR (SELECT count(*) FROM (SELECT 1 FROM transfer_blocks WHERE program_id = %(program)s
        LIMIT %(blocks)s) k) = %(blocks)s
"""
_KEPT_PERIODS = "SELECT period FROM statement_totals WHERE program_id = %(program)s"
_KEPT_PROGRAMS = "SELECT DISTINCT program_id FROM statement_totals ORDER BY 1"
# Counted no further than is asked, along the primary key.
_LARGE_PROGRAMS = """
SELECT p.program_id FROM programs p
WHERE NOT EXISTS (SELECT 1 FROM statement_totals k WHERE k.program_id = p.program_id)
  AND (EXISTS (SELECT 1 FROM account_months m WHERE m.program_id = p.program_id OFFSET %(least)s - 1)
    OR EXISTS (SELECT 1 FROM transfer_blocks k WHERE k.program_id = p.program_id OFFSET %(blocks)s - 1))
ORDER BY 1 LIMIT %(limit)s
"""
_HAS_MOVED = f"""
SELECT count(*) = %(least)s FROM (
    SELECT 1 FROM transfers t WHERE t.program_id = %(program)s AND t.posting_no <= {_NEWEST}
      AND t.posting_no > (SELECT through_posting FROM statement_totals WHERE program_id = %(program)s
          AND period = %(period)s)
    LIMIT %(least)s) t
"""
_TRY = "SELECT pg_try_advisory_xact_lock(%(lock)s, %(program)s)"


def read_totals(conn: Connection, program_id: int, period: int, held_from: datetime) -> StatementTotals | None:
    """Reads a month's totals as ``months.statement_totals`` would add them up; None where none are kept."""
    bound = {"program": program_id, "period": period, "held_from": held_from}
    kept = kept_from(conn, program_id, period)
    if kept is None or held_from < kept:
        return None
    read = figures(conn, _READ, bound | {"through": EVERYTHING})
    return StatementTotals(**{name: read[name] for name in ("shops", *FIGURES, "frozen_minor")})


def lock_totals(conn: Connection, program_id: int) -> bool:
    """Lets one transaction keep a program's totals until it ends; False where another does."""
    return value(conn, bool, _TRY, {"lock": locks.STATEMENT_TOTALS, "program": program_id})


def kept_programs(conn: Connection) -> list[int]:
    """Lists the programs of which totals are kept."""
    return column(conn, int, _KEPT_PROGRAMS)


def large_programs(conn: Connection, least: int, blocks: int, limit: int) -> list[int]:
    """Lists programs of which no totals are kept, and which are as large as ``is_large`` says."""
    return column(conn, int, _LARGE_PROGRAMS, {"least": least, "blocks": blocks, "limit": limit})


def is_large(conn: Connection, program_id: int, least: int, blocks: int) -> bool:
    """Whether the program's accounts have at least so many months, or its transfers so many rows in blocks."""
    bound = {"program": program_id, "least": least, "blocks": blocks}
    return value(conn, bool, _IS_LARGE, bound)


def kept_from(conn: Connection, program_id: int, period: int) -> datetime | None:
    """Reads as of what instant a month's totals are kept; None where they are not."""
    return value_or_none(conn, datetime, _AS_KEPT, {"program": program_id, "period": period})


def kept_periods(conn: Connection, program_id: int) -> set[int]:
    """Lists the months whose totals are kept."""
    return set(column(conn, int, _KEPT_PERIODS, {"program": program_id}))


def has_moved(conn: Connection, program_id: int, period: int, least: int) -> bool:
    """Whether at least so many transfers were posted since a month's totals were kept."""
    bound = {"program": program_id, "period": period, "least": least}
    return value(conn, bool, _HAS_MOVED, bound)


def keep_totals(conn: Connection, program_id: int, period: int, held_from: datetime, through: int) -> None:
    """Keeps a month's totals as they stand after the posting ``through``, which all before it have been seen by.

    What is held is kept as of ``held_from``, or as of the instant that it was kept by before where that is later.
    """
    kept = kept_from(conn, program_id, period)
    as_of = held_from if kept is None else max(held_from, kept)
    bound = {"program": program_id, "period": period, "held_from": as_of, "through": through}
    if execute(conn, _BEGIN if kept is None else _KEEP, bound).rowcount != 1:
        raise ValueError(f"no totals of {period} were kept")
