"""Reads and writes the referral tree: dated links, chains at an instant, subtrees.

`referrals` is the truth: from `effective_at` on, until the shop's next row, `sponsor_no` is its
sponsor. What stands on the shop's own row is the newest state, for quick reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.network.depth import SponsorLink
from distrib.domain.plans.plan import CHAIN_LENGTH
from distrib.store.locks import NETWORK
from distrib.store.network.shops import KnownShop
from distrib.store.recorded import Part, Recorded
from distrib.store.sql import execute, execute_as, value_or_none

DEEPEST = 1_000_000
"""More levels than any tree has: the bound of a walk that goes all the way."""


class Downline(NamedTuple):
    """The shops below a shop at an instant, so many levels deep."""

    shop_no: int
    as_of: datetime
    levels: int


class NewLink(NamedTuple):
    """Under whom a shop is to stand from an instant on (None: under nobody), and why."""

    effective_at: datetime
    sponsor_no: int | None
    reason: str


class Below(NamedTuple):
    """A shop of a downline: how many levels below the top, and its sponsor."""

    depth: int
    shop_no: int
    sponsor_no: int


_LATEST = """
SELECT r.sponsor_no FROM referrals r
WHERE r.program_id = %(program)s AND r.shop_no = {shop} AND r.effective_at <= %(at)s
ORDER BY r.effective_at DESC, r.seq DESC LIMIT 1
"""
_NO_NEWER = """
NOT EXISTS (SELECT 1 FROM referrals n WHERE n.program_id = r.program_id AND n.shop_no = r.shop_no
    AND (n.effective_at, n.seq) > (r.effective_at, r.seq) AND n.effective_at <= %(at)s)
"""
_UPLINE = f"""
WITH RECURSIVE chain AS (
    SELECT %(shop)s::bigint AS shop_no, 0 AS tier
    UNION ALL
    SELECT l.sponsor_no, c.tier + 1
    FROM chain c CROSS JOIN LATERAL ({_LATEST.format(shop="c.shop_no")}) l
    WHERE l.sponsor_no IS NOT NULL AND c.tier < %(most)s
)
SELECT shop_no FROM chain WHERE tier > 0 ORDER BY tier
"""
_BELOW = f"""
WITH RECURSIVE below AS (
    SELECT %(shop)s::bigint AS shop_no, 0 AS depth, NULL::bigint AS sponsor_no
    UNION ALL
    SELECT r.shop_no, b.depth + 1, b.shop_no
    FROM below b
    JOIN referrals r ON r.program_id = %(program)s AND r.sponsor_no = b.shop_no AND r.effective_at <= %(at)s
    WHERE b.depth < %(levels)s AND {_NO_NEWER}
)
"""
_DOWNLINE = f"""
{_BELOW}SELECT {", ".join(Below._fields)} FROM below
WHERE depth > 0 AND (depth, shop_no) > (%(depth)s, %(after)s) ORDER BY depth, shop_no LIMIT %(limit)s
"""
# The nearest level by the index of who brought in whom, as far as the page goes: one level may hold all shops there
# are.
_DIRECT = f"""
SELECT 1 AS depth, r.shop_no, r.sponsor_no FROM referrals r
WHERE r.program_id = (SELECT %(program)s::integer) AND r.sponsor_no = %(shop)s AND r.shop_no > %(after)s
    AND r.effective_at <= %(at)s AND {_NO_NEWER}
ORDER BY r.shop_no LIMIT %(limit)s
"""
# A recursive query works level by level and ends where enough was taken: the nearest of a large tree cost no more than
# they are.
_NEAREST = f"""
{_BELOW}SELECT {", ".join(Below._fields)} FROM (SELECT * FROM below LIMIT %(limit)s) nearest
WHERE depth > 0 ORDER BY depth, shop_no
"""
# PostgreSQL counts row by row, so that the count of a large tree ends at the limit.
_COUNT = f"""
WITH RECURSIVE below AS (
    SELECT %(shop)s::bigint AS shop_no, 0 AS depth
    UNION ALL
    SELECT r.shop_no, b.depth + 1
    FROM below b
    JOIN referrals r ON r.program_id = %(program)s AND r.sponsor_no = b.shop_no AND r.effective_at <= %(at)s
    WHERE b.depth < %(levels)s AND {_NO_NEWER}
)
SELECT count(*) FROM (SELECT 1 FROM below LIMIT %(limit)s) counted
"""
_RECRUITS = f"""
SELECT r.sponsor_no, count(*) FROM referrals r
WHERE r.program_id = %(program)s AND r.sponsor_no = ANY(%(shops)b::bigint[]) AND r.effective_at <= %(at)s
    AND {_NO_NEWER}
GROUP BY r.sponsor_no
"""
# Rows that hold at some instant from %(at)s on: the one in force then, and every later one.
_FROM_THEN_ON = """
r.effective_at >= coalesce((SELECT max(o.effective_at) FROM referrals o WHERE o.program_id = r.program_id
    AND o.shop_no = r.shop_no AND o.effective_at <= %(at)s), '-infinity')
"""
_ABOVE = f"""
WITH RECURSIVE above AS (
    SELECT unnest(%(shops)b::bigint[]) AS shop_no
    UNION
    SELECT r.sponsor_no FROM above a JOIN referrals r ON r.program_id = %(program)s AND r.shop_no = a.shop_no
    WHERE r.sponsor_no IS NOT NULL AND {_FROM_THEN_ON}
)
"""
_BELOW = f"""
WITH RECURSIVE above AS (
    SELECT unnest(%(shops)b::bigint[]) AS shop_no
    UNION
    SELECT r.shop_no FROM above a JOIN referrals r ON r.program_id = %(program)s AND r.sponsor_no = a.shop_no
    WHERE {_NO_NEWER}
)
"""
_LINKS = f"""
SELECT r.shop_no, r.effective_at, r.sponsor_no
FROM above a JOIN referrals r ON r.program_id = %(program)s AND r.shop_no = a.shop_no
WHERE {_FROM_THEN_ON} ORDER BY r.shop_no, r.effective_at, r.seq
"""
_LAST_LINK = "SELECT max(effective_at) FROM referrals WHERE program_id = %(program)s AND shop_no = %(shop_no)s"
_INSERT_LINK = """
INSERT INTO referrals (program_id, shop_no, effective_at, sponsor_no, reason, recorded_at, recorded_by)
VALUES (%(program)s, %(shop_no)s, %(effective_at)s, %(sponsor_no)s, %(reason)s, %(now)s, %(by)s)
"""
_SUBTREE = """
WITH RECURSIVE subtree AS (
    SELECT %(shop)s::bigint AS shop_no, %(uplines)b::bigint[] AS uplines, %(level)s::integer AS level
    UNION ALL
    SELECT s.shop_no, (t.shop_no || t.uplines)[1:%(kept)s], t.level + 1
    FROM subtree t JOIN shops s ON s.program_id = %(program)s AND s.sponsor_no = t.shop_no
)
"""
_LOCK_SUBTREE = f"""
{_SUBTREE}
SELECT s.shop_no FROM shops s WHERE s.program_id = %(program)s AND s.shop_no IN (SELECT shop_no FROM subtree)
ORDER BY s.shop_no FOR NO KEY UPDATE
"""
_SHIFT = f"""
{_SUBTREE}
UPDATE shops s SET uplines = t.uplines, level = t.level, chain_since = GREATEST(s.chain_since, %(since)s),
    sponsor_no = CASE WHEN s.shop_no = %(shop)s THEN %(sponsor)s ELSE s.sponsor_no END, root_no = %(root)s
FROM subtree t WHERE s.program_id = %(program)s AND s.shop_no = t.shop_no
"""
_SIGNAL = """
INSERT INTO rank_signals (program_id, day, shop_no, at)
SELECT DISTINCT %(program)s::integer, t.day, t.shop_no, t.at
FROM unnest(%(days)b::date[], %(shops)b::bigint[], %(instants)b::timestamptz[]) AS t (day, shop_no, at)
ON CONFLICT DO NOTHING
"""
_SIGNAL_RECRUITERS = """
INSERT INTO rank_signals (program_id, day, shop_no, at)
SELECT DISTINCT program_id, (effective_at AT TIME ZONE %(time_zone)s)::date, sponsor_no, effective_at
FROM referrals WHERE program_id = %(program)s AND sponsor_no IS NOT NULL AND effective_at >= %(since)s
ON CONFLICT DO NOTHING
"""
_SALES = """
SELECT s.seller_no, sum(s.sales_minor - coalesce(r.taken_back, 0))::bigint
FROM settlements s LEFT JOIN LATERAL (
    SELECT sum(l.sales_minor) AS taken_back FROM refund_lines l
    WHERE l.program_id = s.program_id AND l.order_no = s.order_no) r ON true
WHERE s.program_id = %(program)s AND s.seller_no = ANY(%(shops)b::bigint[]) GROUP BY s.seller_no
"""


_LOCK_ALONE = "SELECT pg_advisory_xact_lock(%(lock)s, %(program)s)"
_LOCK_SHARED = "SELECT pg_advisory_xact_lock_shared(%(lock)s, %(program)s)"


def lock_network(conn: Connection, program_id: int, *, exclusive: bool) -> None:
    """Locks the tree until the transaction ends: against moves, and when ``exclusive`` against registrations, too."""
    execute(conn, _LOCK_ALONE if exclusive else _LOCK_SHARED, {"lock": NETWORK, "program": program_id})


def uplines_at(conn: Connection, program_id: int, shop_no: int, as_of: datetime, most: int) -> list[int]:
    """Lists up to ``most`` uplines of a shop at an instant, nearest first."""
    values = {"program": program_id, "shop": shop_no, "at": as_of, "most": most}
    return [upline_no for (upline_no,) in execute(conn, _UPLINE, values)]


def downline_at(conn: Connection, program_id: int, downline: Downline, part: Part[tuple[int, int]]) -> list[Below]:
    """Lists the shops of a downline, level by level; places are depth and shop number."""
    depth, after_no = part.place
    values = _bound(program_id, downline, part.limit) | {"after": after_no}
    if depth <= 1:
        nearest = execute_as(conn, Below, _DIRECT, values).fetchall()
        if len(nearest) == part.limit or downline.levels == 1:
            return nearest
    return execute_as(conn, Below, _DOWNLINE, values | {"depth": depth}).fetchall()


def nearest_below(conn: Connection, program_id: int, downline: Downline, most: int) -> list[Below]:
    """Lists up to ``most`` shops of a downline, those of the nearest levels, level by level."""
    return execute_as(conn, Below, _NEAREST, _bound(program_id, downline, most + 1)).fetchall()


def is_larger(conn: Connection, program_id: int, downline: Downline, most: int) -> bool:
    """Whether a downline has more than ``most`` shops, the one at its top included."""
    [(count,)] = execute(conn, _COUNT, _bound(program_id, downline, most + 1))
    return bool(count > most)


def count_recruits(conn: Connection, program_id: int, shops: Iterable[int], as_of: datetime) -> dict[int, int]:
    """Counts the shops directly below each shop at an instant; shops without any are left out."""
    values = {"program": program_id, "shops": list(shops), "at": as_of}
    return dict(execute(conn, _RECRUITS, values).fetchall())


_LINKS_ABOVE, _LINKS_BELOW = _ABOVE + _LINKS, _BELOW + _LINKS


def links_above(
    conn: Connection, program_id: int, shops: Sequence[int], since: datetime
) -> dict[int, list[SponsorLink]]:
    """Reads the dated links, from ``since`` on, of the shops and of all that stand above them then."""
    return _links(conn, _LINKS_ABOVE, program_id, shops, since)


def links_below(conn: Connection, program_id: int, shop_no: int, since: datetime) -> dict[int, list[SponsorLink]]:
    """Reads the dated links, from ``since`` on, of the shop and of all that stand below it then."""
    return _links(conn, _LINKS_BELOW, program_id, [shop_no], since)


def last_link_at(conn: Connection, program_id: int, shop_no: int) -> datetime | None:
    """Reads when the shop's last move takes effect, or its joining; None for an unknown shop."""
    return value_or_none(conn, datetime, _LAST_LINK, {"program": program_id, "shop_no": shop_no})


def insert_link(conn: Connection, program_id: int, shop_no: int, link: NewLink, recorded: Recorded) -> None:
    """Writes a move into the history; of several at one instant the last one written holds."""
    bound = {"program": program_id, "shop_no": shop_no, "now": recorded.instant, "by": recorded.by}
    execute(conn, _INSERT_LINK, bound | link._asdict())


def shift_subtree(
    conn: Connection, program_id: int, shop_no: int, sponsor: KnownShop | None, effective_at: datetime
) -> None:
    """Updates chain, level and root on the rows of a moved shop and of all below it, under its new sponsor."""
    uplines = [] if sponsor is None else [sponsor.shop_no, *sponsor.uplines][:CHAIN_LENGTH]
    values = {
        "program": program_id,
        "shop": shop_no,
        "sponsor": None if sponsor is None else sponsor.shop_no,
        "uplines": uplines,
        "level": 1 if sponsor is None else sponsor.level + 1,
        "since": effective_at if sponsor is None else max(effective_at, sponsor.chain_since),
        "kept": CHAIN_LENGTH,
        "root": shop_no if sponsor is None else sponsor.root_no,
    }
    execute(conn, _LOCK_SUBTREE, values)
    execute(conn, _SHIFT, values)


def signal_ranks(conn: Connection, program_id: int, signals: Sequence[tuple[date, int, datetime]]) -> None:
    """Records that the promotions of shops, as (day, shop number, instant), are to be decided."""
    if signals:
        days, shops, instants = (list(column) for column in zip(*signals, strict=True))
        execute(conn, _SIGNAL, {"program": program_id, "days": days, "shops": shops, "instants": instants})


def signal_recruiters(conn: Connection, program_id: int, time_zone: str, since: datetime) -> None:
    """Records that the promotions of all that gained a recruit since then are to be decided, for a plan of the past."""
    execute(conn, _SIGNAL_RECRUITERS, {"time_zone": time_zone, "program": program_id, "since": since})


def sales_of(conn: Connection, program_id: int, shops: Iterable[int]) -> dict[int, int]:
    """Sums what each shop sold that counts for ranks, net of refunds, in minor units; shops without are left out."""
    return dict(execute(conn, _SALES, {"program": program_id, "shops": list(shops)}).fetchall())


def _links(
    conn: Connection, statement: str, program_id: int, shops: Sequence[int], since: datetime
) -> dict[int, list[SponsorLink]]:
    links: dict[int, list[SponsorLink]] = {}
    values = {"program": program_id, "shops": list(shops), "at": since}
    for shop_no, effective_at, sponsor_no in execute(conn, statement, values):
        links.setdefault(shop_no, []).append(SponsorLink(effective_at, sponsor_no))
    return links


def _bound(program_id: int, downline: Downline, limit: int) -> dict[str, object]:
    shop_no, as_of, levels = downline
    return {"program": program_id, "shop": shop_no, "at": as_of, "levels": levels, "limit": limit}
