"""The shops that are nearest to their next rank, as they were worked out last. Which those are may not enter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.locks import NEAR_RANKS
from distrib.store.runs_over_shops import RunsOverShops
from distrib.store.sql import execute, execute_as

NEAR_RUNS = RunsOverShops("near_rank_runs", NEAR_RANKS)
_LAST = "SELECT as_of, version_no, shops FROM near_rank_runs WHERE program_id = %(program)s"
_FORGET = "DELETE FROM near_ranks WHERE program_id = %(program)s"
# Whoever is not active does not sell: the list is for who can be helped up.
_INSERT = """
INSERT INTO near_ranks (program_id, shop_no, rank, next_rank, share_ppm, figures)
SELECT %(program)s, n.shop_no, n.rank, n.next_rank, n.share_ppm, n.figures
FROM unnest(%(shops)s::bigint[], %(ranks)s::text[], %(nexts)s::text[], %(shares)s::integer[], %(figures)s::text[])
    AS n (shop_no, rank, next_rank, share_ppm, figures)
JOIN shops s ON s.program_id = %(program)s AND s.shop_no = n.shop_no
WHERE s.status = 'active'
"""
_DONE = """
INSERT INTO near_rank_runs (program_id, as_of, version_no, shops) VALUES (%(program)s, %(as_of)s, %(version_no)s,
    %(shops)s)
ON CONFLICT (program_id) DO UPDATE SET as_of = excluded.as_of, version_no = excluded.version_no, shops = excluded.shops
"""
_LIST = """
SELECT n.shop_no, s.shop_id, s.name, n.rank, n.next_rank, n.share_ppm, n.figures
FROM (SELECT * FROM near_ranks
      WHERE program_id = %(program)s{of_rank}{after}
      ORDER BY share_ppm DESC, shop_no DESC LIMIT %(limit)s) n
CROSS JOIN LATERAL (SELECT shop_id, name FROM shops WHERE program_id = n.program_id AND shop_no = n.shop_no OFFSET 0) s
ORDER BY n.share_ppm DESC, n.shop_no DESC
"""
_OF_RANK = " AND next_rank = %(rank)s"
_AFTER = " AND (share_ppm, shop_no) < (%(share)s, %(shop_no)s)"


class NearRun(NamedTuple):
    """When the list was worked out, under which plan, over how many shops."""

    as_of: datetime
    version_no: int | None
    shops: int


class NearShop(NamedTuple):
    """A shop, its rank, the next one, and how near it is: the figures as JSON."""

    shop_no: int
    rank: str
    next_rank: str
    share_ppm: int
    figures: str


class NearRow(NamedTuple):
    """A shop of the list, as it is shown."""

    shop_no: int
    shop_id: str
    name: str | None
    rank: str
    next_rank: str
    share_ppm: int
    figures: str


def last_run(conn: Connection, program_id: int) -> NearRun | None:
    """Reads when the list of a program was worked out; None: never."""
    return execute_as(conn, NearRun, _LAST, {"program": program_id}).fetchone()


def replace_list(conn: Connection, program_id: int, run: NearRun, near: Sequence[NearShop]) -> None:
    """Writes the list of a program in place of the one before."""
    columns = [list(column) for column in zip(*near, strict=True)] or [[], [], [], [], []]
    names = ("shops", "ranks", "nexts", "shares", "figures")
    execute(conn, _FORGET, {"program": program_id})
    execute(conn, _INSERT, {"program": program_id, **dict(zip(names, columns, strict=True))})
    execute(conn, _DONE, {"program": program_id, **run._asdict()})


def list_near(
    conn: Connection, program_id: int, rank: str | None, after: tuple[int, int] | None, limit: int
) -> list[NearRow]:
    """Lists the shops that are nearest to a rank (any, without one), the nearest first, after (share, shop)."""
    share, shop_no = after or (None, None)
    statement = _LIST.format(of_rank="" if rank is None else _OF_RANK, after="" if after is None else _AFTER)
    bound = {"program": program_id, "rank": rank, "share": share, "shop_no": shop_no, "limit": limit}
    return execute_as(conn, NearRow, statement, bound).fetchall()
