"""The figures that ranks are decided by, for many shops and instants at once.

Each question is one statement for all looks. What a figure leads to must not enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeAlias

from sqlalchemy import Connection, text

from distrib.store.database import driver
from distrib.store.locks import PROMOTIONS

_LOOKS = """unnest(%(places)b::integer[], %(shops)b::bigint[], %(froms)b::timestamptz[], %(tos)b::timestamptz[],
    %(backs)b::timestamptz[], %(trees)b::timestamptz[]) AS a (place, shop_no, from_at, to_at, back_at, tree_at)"""
# Who stands below a shop at a look is told by the dated links: a shop that moves later counts where it stood.
# A link holds unless a newer one had come by then; the newest is read by the shop's index, whatever the planner knows.
_BELOW = """
SELECT r.shop_no FROM referrals r
WHERE r.program_id = %(program)s AND r.sponsor_no = {shop_no} AND r.effective_at <= {to_at} AND NOT COALESCE((
    SELECT (n.effective_at, n.seq) > (r.effective_at, r.seq) FROM referrals n
    WHERE n.program_id = %(program)s AND n.shop_no = r.shop_no AND n.effective_at <= {tree_at}
    ORDER BY n.effective_at DESC, n.seq DESC LIMIT 1), false)
OFFSET 0
"""
_TEAM = f"""
WITH RECURSIVE team AS (
    SELECT t.*, shop_no AS root, 0 AS level
    FROM unnest(%(shops)b::bigint[], %(trees)b::timestamptz[], %(tos)b::timestamptz[]) AS t (shop_no, tree_at, to_at)
    UNION
    SELECT s.shop_no, t.tree_at, t.to_at, t.root, t.level + 1 FROM team t
    CROSS JOIN LATERAL ({_BELOW.format(shop_no="t.shop_no", to_at="t.to_at", tree_at="t.tree_at")}) s
    WHERE t.level < %(levels)s
)
SELECT DISTINCT root, tree_at, to_at, shop_no FROM team WHERE level > 0
"""
# A sum inside LATERAL is worked out once a look, by the shop's index. The planner would turn a plain join around and
# read the whole program for every look where it has no statistics of the program yet.
_SALES = f"""
SELECT a.place, x.minor FROM {_LOOKS}
CROSS JOIN LATERAL (
    SELECT sum(s.sales_minor) AS minor FROM settlements s
    WHERE s.program_id = %(program)s AND s.seller_no = a.shop_no
    AND s.settled_at >= a.from_at AND s.settled_at <= a.to_at
) x
WHERE x.minor IS NOT NULL
"""
_BACK = f"""
SELECT a.place, -x.minor FROM {_LOOKS}
CROSS JOIN LATERAL (
    SELECT sum(r.sales_minor) AS minor FROM refund_lines r
    WHERE r.program_id = %(program)s AND r.seller_no = a.shop_no
    AND r.sold_at >= a.from_at AND r.sold_at <= a.to_at AND r.occurred_at <= a.back_at
) x
WHERE x.minor IS NOT NULL
"""
_SOLD = """
s.settled_at >= a.from_at AND s.settled_at <= a.to_at
AND s.sales_minor > COALESCE((SELECT sum(r.sales_minor) FROM refund_lines r WHERE r.program_id = %(program)s
    AND r.order_no = s.order_no AND r.occurred_at <= a.back_at), 0)
"""
_ORDERS = f"""
SELECT a.place, x.orders FROM {_LOOKS}
CROSS JOIN LATERAL (
    SELECT count(*) AS orders FROM settlements s
    WHERE s.program_id = %(program)s AND s.seller_no = a.shop_no AND {_SOLD}
) x
"""
_RECRUITS = f"""
SELECT a.place, x.recruits FROM {_LOOKS}
CROSS JOIN LATERAL (
    SELECT count(DISTINCT b.shop_no) AS recruits
    FROM ({_BELOW.format(shop_no="a.shop_no", to_at="a.to_at", tree_at="a.tree_at")}) b
    WHERE (SELECT s.joined_at FROM shops s WHERE s.program_id = %(program)s AND s.shop_no = b.shop_no)
          BETWEEN a.from_at AND a.to_at
) x
"""
_CUSTOMERS = f"""
SELECT a.place, x.customers FROM {_LOOKS}
CROSS JOIN LATERAL (
    SELECT count(DISTINCT s.customer_id) AS customers FROM settlements s
    WHERE s.program_id = %(program)s AND s.seller_no = a.shop_no AND {_SOLD}
) x
"""
# The ranks that a recruit held at any time from tree_at to to_at: the newest row by then, and every later one.
_HELD = """
EXISTS (SELECT 1 FROM shop_ranks k WHERE k.program_id = %(program)s AND k.shop_no = b.shop_no
    AND k.effective_at <= a.to_at AND k.rank = ANY(%(ranks)b::text[]) AND NOT COALESCE((
        SELECT (n.effective_at, n.seq) > (k.effective_at, k.seq) FROM shop_ranks n
        WHERE n.program_id = %(program)s AND n.shop_no = b.shop_no AND n.effective_at <= a.tree_at
        ORDER BY n.effective_at DESC, n.seq DESC LIMIT 1), false))
"""
_ACTIVE = f"""
SELECT a.place, x.recruits FROM {_LOOKS}
CROSS JOIN LATERAL (
    SELECT count(DISTINCT b.shop_no) AS recruits
    FROM ({_BELOW.format(shop_no="a.shop_no", to_at="a.to_at", tree_at="a.tree_at")}) b
    WHERE EXISTS (SELECT 1 FROM settlements s
        WHERE s.program_id = %(program)s AND s.seller_no = b.shop_no AND {_SOLD})
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
SELECT a.place, x.minor FROM {_LOOKS}
CROSS JOIN LATERAL (
    SELECT sum(t.amount_minor - COALESCE((
        SELECT sum(r.amount_minor) FROM transfers r WHERE r.program_id = %(program)s AND r.cause_no = t.cause_no
        AND r.kind = 'reversed' AND r.reverses_seq = t.seq AND r.occurred_at <= a.back_at), 0)) AS minor
    FROM transfers t
    JOIN settlements s ON s.program_id = t.program_id AND s.order_no = t.cause_no
    WHERE t.program_id = %(program)s AND t.shop_no = a.shop_no AND t.kind = 'earned'
    AND t.occurred_at >= a.from_at AND t.occurred_at <= a.to_at AND {COUNTS}
) x
WHERE x.minor IS NOT NULL
"""
_STATEMENTS: dict[str, tuple[str, ...]] = {
    "personal_sales_minor": (_SALES, _BACK),
    "team_sales_minor": (_SALES, _BACK),
    "personal_orders": (_ORDERS,),
    "direct_recruits": (_RECRUITS,),
    "customers": (_CUSTOMERS,),
    "active_recruits": (_ACTIVE,),
    "earned_minor": (_EARNED,),
}
_LOOKS_A_STATEMENT = 20_000
Root: TypeAlias = tuple[int, datetime, datetime]
"""A shop and the time from and to which whoever stood below it counts."""


@dataclass(frozen=True, slots=True)
class Look:
    """One question: what the shop's figure was from ``from_at`` to ``to_at``, both included.

    ``back_at`` says up to when refunds of those sales count. Whoever stood below the shop at any time from
    ``tree_at`` to ``to_at`` stands below it.
    """

    shop_no: int
    from_at: datetime
    to_at: datetime
    back_at: datetime
    tree_at: datetime


def figures(
    conn: Connection,
    program_id: int,
    name: str,
    levels: int,
    looks: Sequence[Look],
    ranks: Sequence[str] | None = None,
) -> list[int]:
    """The figure of each look; sales are net of refunds and never below what they are.

    Args:
        levels: how many levels below the shop are read in its place; 0 reads the shop itself.
        ranks: of which a recruit counts; None counts all.
    """
    answers = [0] * len(looks)
    asked = list(enumerate(looks))
    if levels and looks:
        teams = _teams(conn, program_id, levels, looks)
        asked = [(place, replace(look, shop_no=shop)) for place, look in asked for shop in teams.get(_root(look), ())]
    for start in range(0, len(asked), _LOOKS_A_STATEMENT):
        some = asked[start : start + _LOOKS_A_STATEMENT]
        columns = {
            "program": program_id,
            "places": [place for place, _ in some],
            "shops": [look.shop_no for _, look in some],
            "froms": [look.from_at for _, look in some],
            "tos": [look.to_at for _, look in some],
            "backs": [look.back_at for _, look in some],
            "trees": [look.tree_at for _, look in some],
            "ranks": None if ranks is None else list(ranks),
        }
        for statement in _STATEMENTS[name]:
            for place, figure in driver(conn).execute(statement, columns):
                answers[place] += int(figure)
    return answers


def _teams(conn: Connection, program_id: int, levels: int, looks: Sequence[Look]) -> dict[Root, list[int]]:
    """The shops within ``levels`` below the shop of each look, at its time."""
    teams: dict[Root, list[int]] = {}
    roots = list({_root(look) for look in looks})
    params = {
        "program": program_id,
        "levels": levels,
        "shops": [shop_no for shop_no, _, _ in roots],
        "trees": [tree_at for _, tree_at, _ in roots],
        "tos": [to_at for _, _, to_at in roots],
    }
    for root, tree_at, to_at, shop_no in driver(conn).execute(_TEAM, params):
        teams.setdefault((root, tree_at, to_at), []).append(shop_no)
    return teams


def _root(look: Look) -> Root:
    return look.shop_no, look.tree_at, look.to_at


def prefer_indexes(conn: Connection) -> None:
    """Looks touch few rows of large tables; without statistics the planner would read them whole."""
    conn.execute(text("SET LOCAL enable_hashjoin = off"))
    conn.execute(text("SET LOCAL enable_mergejoin = off"))
    conn.execute(text("SET LOCAL enable_seqscan = off"))


def take_signals(conn: Connection, program_id: int, before: date | None) -> list[tuple[date, int, datetime]] | None:
    """The noted looks of days before ``before`` (all, when None), taken off the list.

    Returns:
        (day, shop, instant), or None where another worker is deciding them.
    """
    lock = text("SELECT pg_try_advisory_xact_lock(:lock, :program)")
    params = {"lock": PROMOTIONS, "program": program_id, "before": before}
    found = text(
        "SELECT EXISTS (SELECT 1 FROM rank_signals WHERE program_id = :program"
        " AND day < COALESCE(CAST(:before AS date), 'infinity'))"
    )
    if not conn.execute(found, params).scalar_one():
        return []
    if not conn.execute(lock, params).scalar_one():
        return None
    rows = conn.execute(
        text(
            "DELETE FROM rank_signals WHERE program_id = :program"
            " AND day < COALESCE(CAST(:before AS date), 'infinity') RETURNING day, shop_no, at"
        ),
        params,
    )
    return [(row.day, row.shop_no, row.at) for row in rows]


def rank_rows(conn: Connection, program_id: int, shops: Sequence[int]) -> list[tuple[int, datetime, str | None, str]]:
    """The ranks the shops were given, (shop, effective_at, rank, cause), in the order in which they hold."""
    rows = driver(conn).execute(
        "SELECT shop_no, effective_at, rank, cause FROM shop_ranks"
        " WHERE program_id = %s AND shop_no = ANY(%b::bigint[]) ORDER BY shop_no, effective_at, seq",
        (program_id, list(shops)),
    )
    return rows.fetchall()


@dataclass(frozen=True, slots=True)
class RankChange:
    """A rank that a shop holds from an instant on, and why."""

    shop_no: int
    effective_at: datetime
    rank: str | None
    cause: str
    reason: str


def insert_rank_changes(
    conn: Connection, program_id: int, changes: Sequence[RankChange], recorded_by: str, now: datetime
) -> None:
    """Adds to the history of ranks, and brings the shops' rows up to date."""
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
    cursor = driver(conn).cursor()
    cursor.execute(
        "INSERT INTO shop_ranks (program_id, shop_no, effective_at, rank, cause, reason, recorded_at, recorded_by)"
        " SELECT %(program)s, shop_no, at, rank, cause, reason, %(now)s, %(by)s"
        " FROM unnest(%(shops)b::bigint[], %(times)b::timestamptz[], %(ranks)b::text[], %(causes)b::text[],"
        " %(reasons)b::text[]) WITH ORDINALITY AS c (shop_no, at, rank, cause, reason, place) ORDER BY place",
        columns,
    )
    cursor.execute(
        "UPDATE shops s SET rank = c.rank, rank_since = c.at"
        " FROM (SELECT DISTINCT ON (shop_no) shop_no, at, rank FROM"
        " unnest(%(shops)b::bigint[], %(times)b::timestamptz[], %(ranks)b::text[])"
        " WITH ORDINALITY AS c (shop_no, at, rank, place) ORDER BY shop_no, at DESC, place DESC) c"
        " WHERE s.program_id = %(program)s AND s.shop_no = c.shop_no AND c.at >= s.rank_since",
        columns,
    )
