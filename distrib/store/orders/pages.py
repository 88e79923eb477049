"""Which orders a page of the list can show, by number: each status and each shop names the few rows that can have it.

What is listed may have more orders than fit, and leaves out none that fits: ``views`` judges each. No view may enter.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.store.database import Bound
from distrib.store.pages.transfers import BLOCK_CAUSES
from distrib.store.recorded import Part
from distrib.store.sql import column

_FROM_DAY = "(CAST(%(from_at)s AS timestamptz) AT TIME ZONE 'UTC')::date"
_TO_DAY = "(CAST(%(to_at)s AS timestamptz) AT TIME ZONE 'UTC')::date"
_DAYS = f"""(CAST(%(from_at)s AS timestamptz) IS NULL OR k.paid_on >= {_FROM_DAY})
AND (CAST(%(to_at)s AS timestamptz) IS NULL OR k.paid_on <= {_TO_DAY})"""
_PAID_AT = """(CAST(%(from_at)s AS timestamptz) IS NULL OR x.paid_at >= %(from_at)s)
AND (CAST(%(to_at)s AS timestamptz) IS NULL OR x.paid_at < %(to_at)s)"""
_AFTER = "c.program_id = %(program)s AND c.order_no > %(after)s"
# Some refund of the order is not undone.
_STANDS = "sum(CASE WHEN starts_with(c.refund_id, '/reversed/') THEN -1 ELSE 1 END) <> 0"
_BLOCKS = f"""
SELECT DISTINCT k.block FROM order_blocks k WHERE k.program_id = %(program)s AND k.block >= %(from_block)s AND {_DAYS}
ORDER BY k.block LIMIT %(blocks)s
"""
# Of each block of orders paid on the days that are asked for (migration 0021), those paid at the times.
_OF_BLOCKS = f"""
SELECT x.order_no FROM unnest(CAST(%(numbers)s AS bigint[])) b (block)
CROSS JOIN LATERAL (
    SELECT DISTINCT x.order_no FROM {{table}} x
    WHERE x.program_id = %(program)s AND {_PAID_AT} AND x.order_no <= b.block * {BLOCK_CAUSES} + {BLOCK_CAUSES - 1}
      AND x.order_no >= GREATEST(b.block * {BLOCK_CAUSES}, %(after)s + 1)
    ORDER BY x.order_no LIMIT %(limit)s) x
ORDER BY x.order_no LIMIT %(limit)s
"""
_REFUNDED_OF_BLOCKS = f"""
SELECT o.order_no FROM unnest(CAST(%(numbers)s AS bigint[])) b (block)
CROSS JOIN LATERAL (
    SELECT r.order_no FROM (
        SELECT c.order_no, sum(c.amount_minor) AS taken_minor FROM refund_lines c
        WHERE c.program_id = %(program)s AND c.order_no <= b.block * {BLOCK_CAUSES} + {BLOCK_CAUSES - 1}
          AND c.order_no >= GREATEST(b.block * {BLOCK_CAUSES}, %(after)s + 1)
        GROUP BY c.order_no HAVING {_STANDS}) r
    CROSS JOIN LATERAL (
        SELECT x.paid_minor FROM settlements x
        WHERE x.program_id = %(program)s AND x.order_no = r.order_no AND {_PAID_AT} OFFSET 0) p
    WHERE (r.taken_minor = p.paid_minor) = {{is_all}}
    ORDER BY r.order_no LIMIT %(limit)s) o
ORDER BY o.order_no LIMIT %(limit)s
"""
# The same of orders that something else names: by the block first, then by the order's own key, and no further than
# the page goes.
_IN_RANGE = f"""
SELECT c.order_no FROM (
    SELECT s.order_no FROM ({{source}}) s WHERE EXISTS (
        SELECT 1 FROM order_blocks k
        WHERE k.program_id = %(program)s AND k.block = s.order_no / {BLOCK_CAUSES} AND {_DAYS})
    ORDER BY s.order_no OFFSET 0) c
CROSS JOIN LATERAL (
    SELECT 1 FROM {{table}} x WHERE x.program_id = %(program)s AND x.order_no = c.order_no AND {_PAID_AT} LIMIT 1) x
"""
_ANY = f"SELECT c.order_no FROM orders c WHERE {_AFTER}"
_EXPECTING = f"SELECT c.order_no FROM expecting_orders c WHERE {_AFTER}"
_ENDED = f"SELECT c.order_no FROM order_ends c WHERE {_AFTER}"
_OPEN = f"""SELECT DISTINCT c.order_no FROM event_outcomes c
WHERE c.status = '{{status}}' AND c.status <> 'done' AND {_AFTER}"""
_QUEUED = f"SELECT c.order_no FROM queue c WHERE {_AFTER}"
_SETTLED = f"SELECT c.order_no FROM settlements c WHERE {_AFTER}"
_FAILED = f"SELECT DISTINCT c.order_no FROM payment_failures c WHERE {_AFTER}"
# Orders of which something was taken and stands, and whether it is all.
_REFUNDED = f"""
SELECT r.order_no FROM (
    SELECT c.order_no, sum(c.amount_minor) AS taken_minor FROM refund_lines c WHERE {_AFTER} {{only}}
    GROUP BY c.order_no HAVING {_STANDS}
    ORDER BY c.order_no OFFSET 0) r
CROSS JOIN LATERAL (
    SELECT paid_minor FROM settlements WHERE program_id = %(program)s AND order_no = r.order_no OFFSET 0) p
WHERE (r.taken_minor = p.paid_minor) = {{is_all}}
"""
# What neither settled nor was paid, of whose time no block tells.
_UNPAID = [_ENDED, _QUEUED, *(_OPEN.format(status=status) for status in ("pending", "waiting", "failed"))]
# What each status has at least; and the table that has the time of payment of all of them, where there is one.
_SOURCES: dict[str, tuple[list[str], str | None]] = {
    "paid": ([_EXPECTING], "paid_orders"),
    "payment_failed": ([_FAILED], "paid_orders"),
    "cancelled": ([f"{_ENDED} AND c.reason = 'order_cancelled'"], None),
    "group_failed": ([f"{_ENDED} AND c.reason = 'group_failed'"], None),
    "settled": ([_SETTLED], "settlements"),
    "partly_refunded": ([_REFUNDED.format(only="", is_all="false")], "settlements"),
    "refunded": ([_REFUNDED.format(only="", is_all="true")], "settlements"),
    "waiting": ([_OPEN.format(status="waiting")], None),
    "failed": ([_OPEN.format(status="failed")], None),
    "pending": ([_QUEUED, _OPEN.format(status="pending")], None),
}
_SHOP = "c.seller_no = (SELECT shop_no FROM shops WHERE program_id = %(program)s AND shop_id = %(shop_id)s)"
# A shop's orders are those it sold, and those that name it and could not be settled.
_SOLD = {
    "settlements": f"SELECT c.order_no FROM settlements c WHERE {_SHOP} AND {_AFTER}",
    "paid_orders": f"SELECT DISTINCT c.order_no FROM paid_orders c WHERE {_SHOP} AND {_AFTER}",
}
_NAMED = [
    f"SELECT c.order_no FROM order_ends c WHERE c.shop_id = %(shop_id)s AND {_AFTER}",
    f"""SELECT c.order_no FROM event_outcomes c
    CROSS JOIN LATERAL (
        SELECT payload FROM events
        WHERE program_id = c.program_id AND order_no = c.order_no AND event_no = c.event_no OFFSET 0) e
    WHERE c.status IN ('pending', 'waiting', 'failed') AND c.status <> 'done' AND {_AFTER}
      AND e.payload::json #>> '{{order,shop_id}}' = %(shop_id)s""",
]
_UNSETTLED = """ AND NOT EXISTS (
    SELECT 1 FROM settlements r WHERE r.program_id = c.program_id AND r.order_no = c.order_no)"""
_MOST_BLOCKS, _GROWTH = 512, 4
# Orders that are listed by the time they were paid, by status: None is any.
_BY_TIME: dict[str | None, tuple[str, ...]] = {
    None: (_OF_BLOCKS.format(table="settlements"), _OF_BLOCKS.format(table="paid_orders")),
    "settled": (_OF_BLOCKS.format(table="settlements"),),
    "partly_refunded": (_REFUNDED_OF_BLOCKS.format(is_all="false"),),
    "refunded": (_REFUNDED_OF_BLOCKS.format(is_all="true"),),
}
# What a rare status asks of an order that a shop sold, by the order's own key.
_RARE = {
    "paid": ("expecting_orders", ""),
    "payment_failed": ("payment_failures", ""),
    "cancelled": ("order_ends", " AND r.reason = 'order_cancelled'"),
    "group_failed": ("order_ends", " AND r.reason = 'group_failed'"),
    "waiting": ("event_outcomes", " AND r.status = 'waiting'"),
    "failed": ("event_outcomes", " AND r.status = 'failed'"),
}


@dataclass(frozen=True, slots=True)
class OrderFilters:
    """The orders that are asked for; ``to_at`` is not included.

    ``is_newest_first``: the other way round; not with a range of time.
    """

    shop_id: str | None = None
    status: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None
    is_newest_first: bool = False

    @property
    def has_range(self) -> bool:
        """Whether the time of payment matters."""
        return self.from_at is not None or self.to_at is not None


def order_numbers(conn: Connection, program_id: int, filters: OrderFilters, after: int, limit: int) -> list[int]:
    """Lists the numbers of the first ``limit`` orders after ``after`` that can pass the filters, in order.

    Newest first they are those before ``after``, from the highest down.
    """
    bound = {**asdict(filters), "program": program_id, "after": after, "limit": limit}
    listed: set[int] = set()
    if filters.has_range and filters.shop_id is None:
        for statement in _BY_TIME.get(filters.status, ()):
            last = sorted(listed)[limit - 1] if len(listed) >= limit else None
            listed.update(_in_blocks(conn, statement, bound, Part(after, limit), last))
    turns = filters.is_newest_first
    sources, way = [_turned(source) if turns else source for source in _sources(filters)], " DESC" if turns else ""
    if sources:
        pages = (
            f"(SELECT s.order_no FROM ({source}) s ORDER BY s.order_no{way} LIMIT %(limit)s)" for source in sources
        )
        statement = f"SELECT u.order_no FROM ({' UNION '.join(pages)}) u ORDER BY u.order_no{way} LIMIT %(limit)s"
        listed.update(column(conn, int, statement, bound))
    return sorted(listed, reverse=turns)[:limit]


def _turned(source: str) -> str:
    """A source from the newest down: what comes before the number in place of what comes after it."""
    before = source.replace("c.order_no > %(after)s", "c.order_no < %(after)s")
    return before.replace("ORDER BY c.order_no OFFSET 0", "ORDER BY c.order_no DESC OFFSET 0")


def _in_blocks(conn: Connection, of_blocks: str, bound: Bound, part: Part[int], last: int | None) -> list[int]:
    """The first orders of a kind that were paid in a range of time, block after block of those that can have some.

    No block beyond that of ``last`` is looked into: with that number the page is full of orders of another kind.
    """
    statement = of_blocks
    after, limit = part
    numbers: list[int] = []
    from_block, most = (after + 1) // BLOCK_CAUSES, 2 + limit // BLOCK_CAUSES
    while True:
        asked = {**bound, "from_block": from_block, "blocks": most}
        blocks = [block for block in column(conn, int, _BLOCKS, asked) if last is None or block <= last // BLOCK_CAUSES]
        numbers += column(conn, int, statement, {**bound, "numbers": blocks, "limit": limit - len(numbers)})
        if len(numbers) >= limit or len(blocks) < most:
            return numbers
        from_block, most = blocks[-1] + 1, min(most * _GROWTH, _MOST_BLOCKS)


def _sources(filters: OrderFilters) -> list[str]:
    """The queries of which an order has to be in one, beside those that are listed by their time."""
    if filters.shop_id is not None:
        return _of_shop(filters)
    if not filters.has_range:
        return (
            [f"SELECT c.order_no FROM orders c WHERE {_AFTER}"]
            if filters.status is None
            else _SOURCES[filters.status][0]
        )
    if filters.status is None:
        return _UNPAID
    if filters.status in _BY_TIME:
        return []
    sources, table = _SOURCES[filters.status]
    return sources if table is None else [_IN_RANGE.format(source=source, table=table) for source in sources]


def _of_shop(filters: OrderFilters) -> list[str]:
    status = filters.status
    if status in _RARE:
        # None is left out for its day: no block tells of what was never paid.
        table, only = _RARE[status]
        has_it = f""" AND EXISTS (SELECT 1 FROM {table} r
            WHERE r.program_id = c.program_id AND r.order_no = c.order_no{only})"""
        return [source + has_it for source in (*_SOLD.values(), *_NAMED)]
    sold = dict(_SOLD)
    if status in ("settled", "refunded", "partly_refunded"):
        del sold["paid_orders"]
    if status in ("refunded", "partly_refunded"):
        sold["settlements"] = _REFUNDED.format(only=f"AND {_SHOP}", is_all=str(status == "refunded").lower())
    if status == "pending":
        del sold["settlements"]
        sold["paid_orders"] += _UNSETTLED
    if filters.has_range:
        sold = {table: _IN_RANGE.format(source=source, table=table) for table, source in sold.items()}
    return [*sold.values(), *_NAMED]
