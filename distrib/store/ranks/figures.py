"""Reads the figures that ranks are decided by, for many shops and instants at once, in one statement a figure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from distrib.store.arrays import instant_array, instants_array, integer_array, numbers_array
from distrib.store.copying import Integers, microseconds
from distrib.store.locks import PROMOTIONS
from distrib.store.sql import execute, value

_QUERIES = """unnest(%(places)b, %(shops)b, %(froms)b, %(tos)b, %(backs)b, %(trees)b)
    AS a (place, shop_no, from_at, to_at, back_at, tree_at)"""
# Who stands below a shop at an instant follows from the dated links: a shop that moves later counts where it stood.
# A link holds unless a newer one had come by then; the newest is read by the shop's index, whatever the planner knows.
_BELOW = """
SELECT r.shop_no FROM referrals r
WHERE r.program_id = (SELECT %(program)s::integer) AND r.sponsor_no = {shop_no} AND r.effective_at <= {to_at}
  AND NOT COALESCE((
    SELECT (n.effective_at, n.seq) > (r.effective_at, r.seq) FROM referrals n
    WHERE n.program_id = (SELECT %(program)s::integer) AND n.shop_no = r.shop_no AND n.effective_at <= {tree_at}
    ORDER BY n.effective_at DESC, n.seq DESC LIMIT 1), false)
OFFSET 0
"""
_TEAM = f"""
WITH RECURSIVE team AS (
    SELECT t.*, 0 AS level
    FROM unnest(%(shops)b, %(trees)b, %(tos)b) WITH ORDINALITY AS t (shop_no, tree_at, to_at, root)
    UNION
    SELECT s.shop_no, t.tree_at, t.to_at, t.root, t.level + 1 FROM team t
    CROSS JOIN LATERAL ({_BELOW.format(shop_no="t.shop_no", to_at="t.to_at", tree_at="t.tree_at")}) s
    WHERE t.level < %(levels)s
)
SELECT DISTINCT root, shop_no FROM team WHERE level > 0
"""
# A sum inside LATERAL is computed once a query, by the shop's index. The planner would turn a plain join around and
# read the whole program for every query where it has no statistics of the program yet.
_SALES = f"""
SELECT a.place, x.minor FROM {_QUERIES}
CROSS JOIN LATERAL (
    SELECT sum(s.sales_minor) AS minor FROM settlements s
    WHERE s.program_id = (SELECT %(program)s::integer) AND s.seller_no = a.shop_no
    AND s.settled_at >= a.from_at AND s.settled_at <= a.to_at
) x
WHERE x.minor IS NOT NULL
"""
# A refund undone gives back what it took: for a bound from above it counts as a sale does.
_BACK = f"""
SELECT a.place, -x.minor FROM {_QUERIES}
CROSS JOIN LATERAL (
    SELECT sum(r.sales_minor) AS minor FROM refund_lines r
    WHERE r.program_id = (SELECT %(program)s::integer) AND r.seller_no = a.shop_no
    AND r.sold_at >= a.from_at AND r.sold_at <= a.to_at
    AND r.occurred_at <= CASE WHEN r.sales_minor < 0 THEN a.to_at ELSE a.back_at END
) x
WHERE x.minor IS NOT NULL
"""
_SOLD = """
s.settled_at >= a.from_at AND s.settled_at <= a.to_at
AND s.sales_minor > COALESCE((
    SELECT sum(r.sales_minor) FROM refund_lines r WHERE r.program_id = (SELECT %(program)s::integer)
    AND r.order_no = s.order_no AND r.occurred_at <= CASE WHEN r.sales_minor < 0 THEN a.to_at ELSE a.back_at END), 0)
"""
_ORDERS = f"""
SELECT a.place, x.orders FROM {_QUERIES}
CROSS JOIN LATERAL (
    SELECT count(*) AS orders FROM settlements s
    WHERE s.program_id = (SELECT %(program)s::integer) AND s.seller_no = a.shop_no AND {_SOLD}
) x
"""
_RECRUITS = f"""
SELECT a.place, x.recruits FROM {_QUERIES}
CROSS JOIN LATERAL (
    SELECT count(DISTINCT b.shop_no) AS recruits
    FROM ({_BELOW.format(shop_no="a.shop_no", to_at="a.to_at", tree_at="a.tree_at")}) b
    WHERE (SELECT s.joined_at FROM shops s WHERE s.program_id = (SELECT %(program)s::integer) AND s.shop_no = b.shop_no)
          BETWEEN a.from_at AND a.to_at
) x
"""
_CUSTOMERS = f"""
SELECT a.place, x.customers FROM {_QUERIES}
CROSS JOIN LATERAL (
    SELECT count(DISTINCT p.customer_id) AS customers
    FROM settlements s CROSS JOIN LATERAL person_of(%(program)s, s.customer_id, a.back_at) p
    WHERE s.program_id = (SELECT %(program)s::integer) AND s.seller_no = a.shop_no AND {_SOLD}
) x
"""
# The ranks that a recruit held at any time from tree_at to to_at: the newest row by then, and every later one.
_HELD = """
EXISTS (SELECT 1 FROM shop_ranks k WHERE k.program_id = (SELECT %(program)s::integer) AND k.shop_no = b.shop_no
    AND k.effective_at <= a.to_at AND k.rank = ANY(%(ranks)b::text[]) AND NOT COALESCE((
        SELECT (n.effective_at, n.seq) > (k.effective_at, k.seq) FROM shop_ranks n
        WHERE n.program_id = (SELECT %(program)s::integer) AND n.shop_no = b.shop_no AND n.effective_at <= a.tree_at
        ORDER BY n.effective_at DESC, n.seq DESC LIMIT 1), false))
"""
_ACTIVE = f"""
SELECT a.place, x.recruits FROM {_QUERIES}
CROSS JOIN LATERAL (
    SELECT count(DISTINCT b.shop_no) AS recruits
    FROM ({_BELOW.format(shop_no="a.shop_no", to_at="a.to_at", tree_at="a.tree_at")}) b
    WHERE EXISTS (SELECT 1 FROM settlements s
        WHERE s.program_id = (SELECT %(program)s::integer) AND s.seller_no = b.shop_no AND {_SOLD})
    AND (%(ranks)b::text[] IS NULL OR {_HELD})
) x
"""
# What an order of one's own or an entry line earned counts for no metric. An order whose sale is what was paid has
# neither; one of which nothing counts is all of that; the others are looked into.
COUNTS = """
CASE WHEN s.paid_minor > 0 AND s.sales_minor IN (0, s.paid_minor) THEN s.sales_minor > 0
     WHEN s.paid_minor = 0 AND snapshot_is_self_purchase(s.snapshot) THEN false
     ELSE NOT EXISTS (
        SELECT 1 FROM events e, jsonb_array_elements(e.payload::jsonb -> 'order' -> 'lines') l
        WHERE e.program_id = s.program_id AND e.order_no = s.order_no AND e.event_no = s.event_no
        AND l ->> 'id' = t.line_id AND l -> 'entry' = 'true'::jsonb)
END
"""
_EARNED = f"""
SELECT a.place, x.minor FROM {_QUERIES}
CROSS JOIN LATERAL (
    SELECT sum(t.amount_minor - COALESCE((
        SELECT sum(-signed_minor(r.shop_no, r.credit_account, r.amount_minor))
        FROM transfers r WHERE r.program_id = (SELECT %(program)s::integer) AND r.cause_no = t.cause_no
        AND r.kind = 'reversed' AND r.reverses_seq = t.seq
        AND r.occurred_at <= CASE WHEN r.credit_account = r.shop_no THEN a.to_at ELSE a.back_at END), 0)) AS minor
    FROM shop_transfers t
    JOIN settlements s ON s.program_id = t.program_id AND s.order_no = t.cause_no
    WHERE t.program_id = (SELECT %(program)s::integer) AND t.shop_no = a.shop_no AND t.kind = 'earned'
    AND t.occurred_at >= a.from_at AND t.occurred_at <= a.to_at AND {COUNTS}
) x
WHERE x.minor IS NOT NULL
"""
_ADDED_UP = "SELECT place, sum(figure) FROM ({statement}) x (place, figure) GROUP BY place"
"""Of a team as many rows come as there are queries, not as there are shops."""
_STATEMENTS: dict[str, tuple[str, ...]] = {
    name: tuple(_ADDED_UP.format(statement=statement) for statement in statements)
    for name, statements in {
        "personal_sales_minor": (_SALES, _BACK),
        "team_sales_minor": (_SALES, _BACK),
        "personal_orders": (_ORDERS,),
        "direct_recruits": (_RECRUITS,),
        "customers": (_CUSTOMERS,),
        "active_recruits": (_ACTIVE,),
        "earned_minor": (_EARNED,),
    }.items()
}
_QUERIES_A_STATEMENT = 20_000


class TeamRoot(NamedTuple):
    """A shop, and the time from and to which all that stood below it count as its team."""

    shop_no: int
    tree_at: datetime
    to_at: datetime


class Figure(NamedTuple):
    """A figure by its name.

    Args:
        levels: how many levels below the shop are read in its place; 0 reads the shop itself.
        ranks: of which a recruit counts; None counts all.
    """

    name: str
    levels: int
    ranks: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class FigureQuery:
    """Asks for a figure of a shop from ``from_at`` to ``to_at``, both included.

    ``back_at`` says up to when refunds of those sales count. Whoever stood below the shop at any time from
    ``tree_at`` to ``to_at`` stands below it.
    """

    shop_no: int
    from_at: datetime
    to_at: datetime
    back_at: datetime
    tree_at: datetime

    @property
    def root(self) -> TeamRoot:
        """The shop and the time whose team counts."""
        return TeamRoot(self.shop_no, self.tree_at, self.to_at)


def figures(conn: Connection, program_id: int, figure: Figure, queries: Sequence[FigureQuery]) -> list[int]:
    """Reads a figure for each query; sales are net of the refunds by ``back_at``."""
    sums = [0] * len(queries)
    if not queries:
        return sums
    places, shops = np.arange(len(queries)), _integers([query.shop_no for query in queries])
    if figure.levels:
        teams = _teams(conn, program_id, figure.levels, queries)
        of_query = [teams.get(query.root, ()) for query in queries]
        places = np.repeat(places, [len(shops) for shops in of_query])
        shops = _integers([shop_no for team in of_query for shop_no in team])
    instants = {
        "froms": _integers(microseconds([query.from_at for query in queries])),
        "tos": _integers(microseconds([query.to_at for query in queries])),
        "backs": _integers(microseconds([query.back_at for query in queries])),
        "trees": _integers(microseconds([query.tree_at for query in queries])),
    }
    for start in range(0, len(places), _QUERIES_A_STATEMENT):
        chunk = slice(start, start + _QUERIES_A_STATEMENT)
        columns: dict[str, object] = {
            "program": program_id,
            "places": numbers_array(places[chunk]),
            "shops": numbers_array(shops[chunk]),
            **{name: instants_array(column[places[chunk]]) for name, column in instants.items()},
            "ranks": None if figure.ranks is None else list(figure.ranks),
        }
        for statement in _STATEMENTS[figure.name]:
            for place, amount in execute(conn, statement, columns):
                sums[place] += int(amount)
    return sums


def _teams(conn: Connection, program_id: int, levels: int, queries: Sequence[FigureQuery]) -> dict[TeamRoot, list[int]]:
    """Lists the shops within ``levels`` below the shop of each query, at its time."""
    roots = list({query.root for query in queries})
    params = {
        "program": program_id,
        "levels": levels,
        "shops": integer_array([root.shop_no for root in roots]),
        "trees": instant_array([root.tree_at for root in roots]),
        "tos": instant_array([root.to_at for root in roots]),
    }
    teams: defaultdict[TeamRoot, list[int]] = defaultdict(list)
    for place, shop_no in execute(conn, _TEAM, params):
        teams[roots[place - 1]].append(shop_no)
    return teams


def _integers(values: Sequence[int]) -> Integers:
    return np.array(values, np.int64)


def prefer_indexes(conn: Connection) -> None:
    """Steers this transaction's planner to indexes: queries of figures touch few rows of large tables."""
    execute(conn, "SET LOCAL enable_hashjoin = off")
    execute(conn, "SET LOCAL enable_mergejoin = off")
    execute(conn, "SET LOCAL enable_seqscan = off")


class RankSignal(NamedTuple):
    """A shop whose promotion is to be decided as of an instant, on the program's day of that instant."""

    day: date
    shop_no: int
    instant: datetime


def take_signals(conn: Connection, program_id: int, before: date | None, now: datetime) -> list[RankSignal] | None:
    """Takes off the list the signals of days before ``before`` (all, when None) whose instant has come by ``now``.

    Returns:
        The signals, or None where another worker is deciding them.
    """
    lock = "SELECT pg_try_advisory_xact_lock(%(lock)s, %(program)s)"
    params = {"lock": PROMOTIONS, "program": program_id, "before": before, "now": now}
    has_signals = (
        "SELECT EXISTS (SELECT 1 FROM rank_signals WHERE program_id = %(program)s"
        " AND day < COALESCE(CAST(%(before)s AS date), 'infinity') AND at <= %(now)s)"
    )
    if not value(conn, object, has_signals, params):
        return []
    if not value(conn, object, lock, params):
        return None
    rows = execute(
        conn,
        (
            "DELETE FROM rank_signals WHERE program_id = %(program)s"
            " AND day < COALESCE(CAST(%(before)s AS date), 'infinity') AND at <= %(now)s RETURNING day, shop_no, at"
        ),
        params,
    )
    return [RankSignal(*row) for row in rows]


def rank_rows(conn: Connection, program_id: int, shops: Sequence[int]) -> list[tuple[int, datetime, str | None, str]]:
    """Lists the ranks the shops were given as (shop, effective_at, rank, cause), in the order in which they hold."""
    rows = execute(
        conn,
        "SELECT shop_no, effective_at, rank, cause FROM shop_ranks"
        " WHERE program_id = %(program)s AND shop_no = ANY(%(shops)b::bigint[]) ORDER BY shop_no, effective_at, seq",
        {"program": program_id, "shops": list(shops)},
    )
    return rows.fetchall()


@dataclass(frozen=True, slots=True)
class RankChange:
    """A rank to be written: the instant from which a shop holds it, its cause, and the reason as JSON."""

    shop_no: int
    effective_at: datetime
    rank: str | None
    cause: str
    reason: str


def insert_rank_changes(
    conn: Connection, program_id: int, changes: Sequence[RankChange], recorded_by: str, now: datetime
) -> None:
    """Writes changes to the history of ranks, and updates the ranks on the shops' rows."""
    columns = {
        "program": program_id,
        "by": recorded_by,
        "now": now,
        "shops": [change.shop_no for change in changes],
        "times": [change.effective_at for change in changes],
        "ranks": [change.rank for change in changes],
        "causes": [change.cause for change in changes],
        "reasons": [change.reason for change in changes],
    }
    execute(
        conn,
        "INSERT INTO shop_ranks (program_id, shop_no, effective_at, rank, cause, reason, recorded_at, recorded_by)"
        " SELECT %(program)s, shop_no, at, rank, cause, reason, %(now)s, %(by)s"
        " FROM unnest(%(shops)b::bigint[], %(times)b::timestamptz[], %(ranks)b::text[], %(causes)b::text[],"
        " %(reasons)b::text[]) WITH ORDINALITY AS c (shop_no, at, rank, cause, reason, place) ORDER BY place",
        columns,
    )
    execute(
        conn,
        "UPDATE shops s SET rank = c.rank, rank_since = c.at"
        " FROM (SELECT DISTINCT ON (shop_no) shop_no, at, rank FROM"
        " unnest(%(shops)b::bigint[], %(times)b::timestamptz[], %(ranks)b::text[])"
        " WITH ORDINALITY AS c (shop_no, at, rank, place) ORDER BY shop_no, at DESC, place DESC) c"
        " WHERE s.program_id = (SELECT %(program)s::integer) AND s.shop_no = c.shop_no AND c.at >= s.rank_since",
        columns,
    )
