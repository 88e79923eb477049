"""Ranks of a simulation: tables of a transaction's own that stand before those of the program, and are gone with it.

The rules of ranks read and write the tables of these names; here they find the simulation's. Once they are made the
transaction may write no other table: the database itself refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from distrib.store.arrays import instants_array, numbers_array
from distrib.store.copying import Integers, copy_into
from distrib.store.database import driver
from distrib.store.ranks.figures import RankSignal
from distrib.store.sql import execute, execute_as

_TABLES: Final = ("shop_ranks", "shops", "rank_evaluations", "rank_failures", "rank_signals", "refund_lines")
_MAKE: Final = [
    f"CREATE TEMP TABLE {name} (LIKE public.{name} INCLUDING ALL) ON COMMIT DROP" for name in _TABLES if name != "shops"
]
# What rules of ranks and pools ask of a shop, and no more: names and attributes stay where they are.
_OF_SHOP: Final = (
    "program_id, shop_no, shop_id, sponsor_no, uplines, chain_since, joined_at, status, status_since, rank, rank_since"
)
_MAKE_SHOPS: Final = f"CREATE TEMP TABLE shops ON COMMIT DROP AS SELECT {_OF_SHOP} FROM public.shops WHERE false"
_BY_NUMBER: Final = "CREATE INDEX ON pg_temp.shops (program_id, shop_no)"
_BY_ID: Final = "CREATE INDEX ON pg_temp.shops (program_id, shop_id)"
_EMPTY: Final = {name: f"DELETE FROM pg_temp.{name}" for name in (*_TABLES, "known_refunds")}
_ANALYZE: Final = {name: f"ANALYZE pg_temp.{name}" for name in ("shop_ranks", "shops", "refund_lines", "known_refunds")}
# What was given before, and what was set by hand at any time.
_RANKS: Final = """
INSERT INTO pg_temp.shop_ranks (program_id, shop_no, effective_at, rank, cause, reason, recorded_at, recorded_by)
SELECT program_id, shop_no, effective_at, rank, cause, reason, recorded_at, recorded_by FROM public.shop_ranks
WHERE program_id = %(program)s AND (effective_at <= %(since)s OR cause = 'hand') ORDER BY seq
"""
_SHOPS: Final = f"INSERT INTO pg_temp.shops SELECT {_OF_SHOP} FROM public.shops WHERE program_id = %(program)s"
_STANDING: Final = """
UPDATE pg_temp.shops s SET rank = k.rank, rank_since = COALESCE(k.effective_at, s.joined_at)
FROM pg_temp.shops o LEFT JOIN (
    SELECT DISTINCT ON (shop_no) shop_no, rank, effective_at FROM pg_temp.shop_ranks
    ORDER BY shop_no, effective_at DESC, seq DESC) k ON k.shop_no = o.shop_no
WHERE s.shop_no = o.shop_no
  AND (s.rank IS DISTINCT FROM k.rank OR s.rank_since <> COALESCE(k.effective_at, s.joined_at))
"""
_EVALUATIONS: Final = """
INSERT INTO pg_temp.rank_evaluations SELECT * FROM public.rank_evaluations
WHERE program_id = %(program)s AND effective_at <= %(since)s
"""
_EVALUATIONS_SEEN: Final = """
UPDATE pg_temp.rank_evaluations SET ranks_seq = (SELECT COALESCE(max(seq), 0) FROM pg_temp.shop_ranks)
"""
_FAILURES: Final = """
INSERT INTO pg_temp.rank_failures SELECT f.* FROM public.rank_failures f
JOIN pg_temp.rank_evaluations e ON e.program_id = f.program_id AND e.period = f.period
"""
_MAKE_KNOWN: Final = """
CREATE TEMP TABLE known_refunds ON COMMIT DROP AS SELECT r.*, NULL::timestamptz AS done_at FROM public.refund_lines r
WHERE false
"""
# As it came in: the looks of a day knew of a refund unless something of a later day was done before it. What came late
# counts from the first day whose looks could know of it.
_KNOWN_AS_IT_CAME: Final = """
WITH days AS MATERIALIZED (
    SELECT e.day, min(o.done_at) AS first_done FROM events e
    JOIN event_outcomes o ON o.program_id = e.program_id AND o.order_no = e.order_no AND o.event_no = e.event_no
    WHERE e.program_id = %(program)s AND o.done_at IS NOT NULL GROUP BY e.day
), later AS MATERIALIZED (
    SELECT day, min(first_done) OVER (ORDER BY day ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS next_done
    FROM days
)
INSERT INTO pg_temp.known_refunds (program_id, order_no, refund_id, line_id, event_no, amount_minor, sales_minor,
                                   seller_no, sold_at, occurred_at, is_dated_by_event, done_at)
SELECT r.program_id, r.order_no, r.refund_id, r.line_id, r.event_no, r.amount_minor, r.sales_minor, r.seller_no,
       r.sold_at, GREATEST(r.occurred_at, CASE WHEN k.day > e.day THEN k.day::timestamp AT TIME ZONE %(zone)s END),
       r.is_dated_by_event, o.done_at
FROM public.refund_lines r
JOIN events e ON e.program_id = r.program_id AND e.order_no = r.order_no AND e.event_no = r.event_no
LEFT JOIN event_outcomes o ON o.program_id = r.program_id AND o.order_no = r.order_no AND o.event_no = r.event_no
CROSS JOIN LATERAL (
    SELECT min(l.day) AS day FROM later l
    WHERE l.day >= e.day AND (l.next_done IS NULL OR l.next_done > COALESCE(o.done_at, l.next_done))) k
WHERE r.program_id = %(program)s
"""
_REFUNDS: Final = """
INSERT INTO pg_temp.refund_lines (program_id, order_no, refund_id, line_id, event_no, amount_minor, sales_minor,
                                  seller_no, sold_at, occurred_at, is_dated_by_event)
SELECT program_id, order_no, refund_id, line_id, event_no, amount_minor, sales_minor, seller_no, sold_at, occurred_at,
       is_dated_by_event
FROM pg_temp.known_refunds WHERE occurred_at < %(until)s OR done_at <= %(known)s
ON CONFLICT DO NOTHING
"""
_SIGNALS: Final = """
SELECT s.seller_no, s.settled_at FROM settlements s
WHERE s.program_id = %(program)s AND s.seller_no IS NOT NULL AND s.settled_at >= %(since)s AND s.settled_at < %(until)s
UNION
SELECT s.seller_no, GREATEST(e.occurred_at, s.settled_at)
FROM (SELECT DISTINCT program_id, order_no, event_no FROM refund_lines) r
JOIN events e ON e.program_id = r.program_id AND e.order_no = r.order_no AND e.event_no = r.event_no
JOIN settlements s ON s.program_id = r.program_id AND s.order_no = r.order_no
WHERE s.seller_no IS NOT NULL AND GREATEST(e.occurred_at, s.settled_at) >= %(since)s
  AND GREATEST(e.occurred_at, s.settled_at) < %(until)s
"""
_TAKE: Final = """
DELETE FROM pg_temp.rank_signals WHERE program_id = %(program)s AND day < %(before)s RETURNING day, shop_no, at
"""
_HAND: Final = """
SELECT DISTINCT shop_no FROM pg_temp.shop_ranks WHERE program_id = %(program)s AND cause = 'hand'
  AND effective_at > %(since)s ORDER BY shop_no
"""
_HOLD: Final = """
INSERT INTO pg_temp.shop_ranks (program_id, shop_no, effective_at, rank, cause, reason, recorded_at, recorded_by)
SELECT %(program)s, r.shop_no, r.at, (%(codes)s::text[])[r.rank], 'promotion', '{}', r.at, ''
FROM unnest(%(shops)b, %(since)b, %(ranks)b) WITH ORDINALITY AS r (shop_no, at, rank, place) ORDER BY r.place
"""
_ALL_REFUNDS: Final = """
INSERT INTO pg_temp.refund_lines SELECT * FROM public.refund_lines WHERE program_id = %(program)s
"""
# What holds from an instant on is the newest row of it. A promotion that is decided late writes rows that repeat what
# another order of decisions says in one, so that what holds is compared, and not the rows.
_CHANGES: Final = """
SELECT shop_no, effective_at, rank, cause FROM (
    SELECT shop_no, effective_at, rank, cause, lag(rank) OVER (PARTITION BY shop_no ORDER BY effective_at) AS before
    FROM (SELECT DISTINCT ON (shop_no, effective_at) shop_no, effective_at, rank, cause FROM {ranks}
          ORDER BY shop_no, effective_at, seq DESC) n) h
WHERE rank IS DISTINCT FROM before
"""
_UNLIKE: Final = f"""
WITH here AS ({_CHANGES.format(ranks="public.shop_ranks WHERE program_id = %(program)s")}),
     own AS ({_CHANGES.format(ranks="pg_temp.shop_ranks")})
SELECT CASE WHEN h.shop_no IS NULL THEN 'missing' ELSE 'extra' END AS what, COALESCE(h.shop_no, o.shop_no) AS shop_no,
       COALESCE(h.effective_at, o.effective_at) AS effective_at, COALESCE(h.rank, o.rank) AS rank,
       COALESCE(h.cause, o.cause) AS cause
FROM here h
FULL JOIN own o ON o.shop_no = h.shop_no AND o.effective_at = h.effective_at
     AND COALESCE(o.rank, '') = COALESCE(h.rank, '')
WHERE h.shop_no IS NULL OR o.shop_no IS NULL
ORDER BY 2, 3, 1
"""
_FIRST: Final = """
SELECT LEAST((SELECT min(settled_at) FROM settlements WHERE program_id = %(program)s),
             (SELECT min(effective_at) FROM referrals WHERE program_id = %(program)s))
"""
_EVALUATED: Final = "SELECT period, evaluated_at FROM public.rank_evaluations WHERE program_id = %(program)s"
_OF_KEPT: Final = """
SELECT shop_no, effective_at, rank FROM simulation_ranks
WHERE program_id = %(program)s AND simulation_no = %(no)s AND place = %(place)s AND shop_no = ANY(%(shops)b::bigint[])
ORDER BY shop_no, seq
"""
_COUNT: Final = f"SELECT count(*) FROM ({_CHANGES.format(ranks='public.shop_ranks WHERE program_id = %(program)s')}) c"


class HeldRank(NamedTuple):
    """The rank that a shop held from an instant on."""

    shop_no: int
    effective_at: datetime
    rank: str | None


class HeldColumns(NamedTuple):
    """Ranks by shop and in the order in which they hold: from when on, in microseconds since 1970, and which one.

    ``rank`` is its place among codes; below 0 there is none.
    """

    shops: Integers
    since: Integers
    rank: Integers


class KeptRank(NamedTuple):
    """The same, of one candidate."""

    place: int
    shop_no: int
    effective_at: datetime
    rank: str | None


class UnlikeRank(NamedTuple):
    """A change of rank that only one side has."""

    what: str
    shop_no: int
    effective_at: datetime
    rank: str | None
    cause: str


def export_snapshot(conn: Connection) -> str:
    """Names the snapshot of a transaction, so that another one can read in the same."""
    row = execute(conn, "SELECT pg_export_snapshot()").fetchone()
    return "" if row is None else str(row[0])


@contextmanager
def own_tables(conn: Connection, snapshot: str) -> Iterator[None]:
    """Makes the tables of this transaction's own, in a snapshot; from then on it writes no others.

    What was prepared on its connection before means the program's tables, so that nothing prepared is used meanwhile.
    """
    raw = driver(conn)
    threshold, raw.prepare_threshold = raw.prepare_threshold, None
    try:
        execute(conn, f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        _make_tables(conn)
        yield
    finally:
        raw.prepare_threshold = threshold


def _make_tables(conn: Connection) -> None:
    for statement in (*_MAKE, _MAKE_SHOPS, _BY_NUMBER, _BY_ID, _MAKE_KNOWN, "SET TRANSACTION READ ONLY"):
        execute(conn, statement)


def begin_ranks(conn: Connection, program_id: int, since: datetime, zone: str) -> None:
    """Fills the tables with what stood at an instant: ranks, evaluations, failures; and what hands set at any time.

    Args:
        zone: the program's time zone, in which a refund that came late is known from the next day on.
    """
    bound = {"program": program_id, "since": since, "zone": zone}
    for statement in _EMPTY.values():
        execute(conn, statement)
    for statement in (
        _KNOWN_AS_IT_CAME,
        _RANKS,
        _SHOPS,
        _STANDING,
        _EVALUATIONS,
        _EVALUATIONS_SEEN,
        _FAILURES,
    ):
        execute(conn, statement, bound)
    for name in ("shop_ranks", "shops", "known_refunds"):
        execute(conn, _ANALYZE[name])


def shops_set_by_hand(conn: Connection, program_id: int, since: datetime) -> list[int]:
    """Lists shops whose rank somebody set after an instant."""
    rows = execute(conn, _HAND, {"program": program_id, "since": since}).fetchall()
    return [row[0] for row in rows]


def know_refunds(conn: Connection, until: datetime, known: datetime | None) -> None:
    """Makes known what came back before an instant, and all that was done by ``known``."""
    execute(conn, _REFUNDS, {"until": until, "known": known})
    for name in ("refund_lines", "shop_ranks"):
        execute(conn, _ANALYZE[name])


def looks(conn: Connection, program_id: int, since: datetime, until: datetime) -> list[tuple[int, datetime]]:
    """Lists sellers with the instants of a span at which something of theirs settled or came back."""
    bound = {"program": program_id, "since": since, "until": until}
    return execute(conn, _SIGNALS, bound).fetchall()


def take_signals(conn: Connection, program_id: int, before: date) -> list[RankSignal]:
    """Takes off the list the signals of days before one."""
    rows = execute(conn, _TAKE, {"program": program_id, "before": before}).fetchall()
    return [RankSignal(*row) for row in rows]


def hold_ranks(conn: Connection, program_id: int, ranks: HeldColumns, codes: Sequence[str]) -> None:
    """Makes the transaction's own tables say that shops hold these ranks; statuses and refunds are those of history."""
    for name in ("shop_ranks", "shops", "refund_lines"):
        execute(conn, _EMPTY[name])
    bound = {"program": program_id, "codes": list(codes), "shops": numbers_array(ranks.shops)}
    bound |= {"since": instants_array(ranks.since), "ranks": numbers_array(ranks.rank + 1)}
    for filled in (_HOLD, _SHOPS, _ALL_REFUNDS):
        execute(conn, filled, bound)
    for name in ("shop_ranks", "shops", "refund_lines"):
        execute(conn, _ANALYZE[name])
    execute(conn, _STANDING)


def copy_ranks(conn: Connection, program_id: int, number: int, ranks: Iterable[KeptRank]) -> None:
    """Writes the ranks of all candidates of a simulation, by COPY."""
    columns = ("program_id", "simulation_no", "place", "seq", "shop_no", "effective_at", "rank")
    with copy_into(conn, "simulation_ranks", columns) as copy:
        for seq, (place, shop_no, effective_at, rank) in enumerate(ranks, 1):
            copy.write_row((program_id, number, place, seq, shop_no, effective_at, rank))


def kept_ranks_of(conn: Connection, program_id: int, number: int, place: int, shops: Sequence[int]) -> list[HeldRank]:
    """Reads the ranks that shops had under a candidate of a simulation, in the order in which they hold."""
    bound = {"program": program_id, "no": number, "place": place, "shops": list(shops)}
    return execute_as(conn, HeldRank, _OF_KEPT, bound).fetchall()


def first_fact(conn: Connection, program_id: int) -> datetime | None:
    """When the first order settled, or the first shop joined; None before either."""
    row = execute(conn, _FIRST, {"program": program_id}).fetchone()
    return None if row is None else row[0]


def evaluated_months(conn: Connection, program_id: int) -> dict[int, datetime]:
    """When each month of the program was evaluated."""
    return dict(execute(conn, _EVALUATED, {"program": program_id}).fetchall())


def unlike_ranks(conn: Connection, program_id: int) -> tuple[int, list[UnlikeRank]]:
    """How many changes of rank the program has, and which of them, and of the simulation's, the other side has not.

    A change is an instant from which on a shop holds another rank than before.
    """
    count = execute(conn, _COUNT, {"program": program_id}).fetchone()
    unlike = execute_as(conn, UnlikeRank, _UNLIKE, {"program": program_id}).fetchall()
    return 0 if count is None else int(count[0]), unlike
