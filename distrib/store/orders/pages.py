"""Which orders a page of the list can show, by number: each status and each shop names the few rows that can have it.

What is listed may have more orders than fit, and leaves out none that fits: ``views`` judges each. No view may enter.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from distrib.store.pages.transfers import BLOCK_CAUSES

# Orders paid on the days that are asked for, by block: see migration 0021. Those settled or paid are in it.
_DAYS = """
(CAST(:from_at AS timestamptz) IS NULL OR k.paid_on >= (CAST(:from_at AS timestamptz) AT TIME ZONE 'UTC')::date)
AND (CAST(:to_at AS timestamptz) IS NULL OR k.paid_on <= (CAST(:to_at AS timestamptz) AT TIME ZONE 'UTC')::date)"""
_IN_RANGE = f""" AND EXISTS (
    SELECT 1 FROM order_blocks k
    WHERE k.program_id = c.program_id AND k.block = c.order_no / {BLOCK_CAUSES} AND {_DAYS})"""
_AFTER = "c.program_id = :program AND c.order_no > :after"
_EXPECTING = f"SELECT c.order_no FROM expecting_orders c WHERE {_AFTER}"
_ENDED = f"SELECT c.order_no FROM order_ends c WHERE {_AFTER}"
_REFUNDED = f"SELECT DISTINCT c.order_no FROM refund_lines c WHERE {_AFTER}"
_OPEN = f"""SELECT DISTINCT c.order_no FROM event_outcomes c
WHERE c.status = '{{status}}' AND c.status <> 'done' AND {_AFTER}"""
_QUEUED = f"SELECT c.order_no FROM queue c WHERE {_AFTER}"
_SETTLED = f"SELECT c.order_no FROM settlements c WHERE {_AFTER}"
_FAILED = f"SELECT DISTINCT c.order_no FROM payment_failures c WHERE {_AFTER}"
# Where no block tells of an order: what is neither settled nor paid.
_UNPAID = [_ENDED, _QUEUED, *(_OPEN.format(status=status) for status in ("pending", "waiting", "failed"))]
# At least one order of each block is listed, so that so many blocks have so many orders and more.
_IN_BLOCKS = f"""
SELECT c.order_no FROM (
    SELECT DISTINCT k.block FROM order_blocks k
    WHERE k.program_id = :program AND k.block >= :after / {BLOCK_CAUSES} AND {_DAYS}
    ORDER BY k.block LIMIT :limit + 1) b
CROSS JOIN LATERAL (
    SELECT c.order_no FROM orders c
    WHERE {_AFTER} AND c.order_no BETWEEN b.block * {BLOCK_CAUSES} AND b.block * {BLOCK_CAUSES} + {BLOCK_CAUSES - 1}
    ORDER BY c.order_no LIMIT :limit) c
"""
# What each status has at least: the sources, and whether a block tells of all of its orders.
_SOURCES: dict[str, tuple[list[str], bool]] = {
    "paid": ([_EXPECTING], True),
    "payment_failed": ([_FAILED], True),
    "cancelled": ([f"{_ENDED} AND c.reason = 'order_cancelled'"], False),
    "group_failed": ([f"{_ENDED} AND c.reason = 'group_failed'"], False),
    "settled": ([_SETTLED], True),
    "partly_refunded": ([_REFUNDED], True),
    "refunded": ([_REFUNDED], True),
    "waiting": ([_OPEN.format(status="waiting")], False),
    "failed": ([_OPEN.format(status="failed")], False),
    "pending": ([_QUEUED, _OPEN.format(status="pending")], False),
}
_SHOP = "(SELECT shop_no FROM shops WHERE program_id = :program AND shop_id = :shop_id)"
# A shop's orders are those it sold, and those that name it and could not be settled.
_SOLD = [
    f"SELECT c.order_no FROM settlements c WHERE c.seller_no = {_SHOP} AND {_AFTER}",
    f"SELECT DISTINCT c.order_no FROM paid_orders c WHERE c.seller_no = {_SHOP} AND {_AFTER}",
]
_NAMED = [
    f"SELECT c.order_no FROM order_ends c WHERE c.shop_id = :shop_id AND {_AFTER}",
    f"""SELECT c.order_no FROM event_outcomes c
    CROSS JOIN LATERAL (
        SELECT payload FROM events
        WHERE program_id = c.program_id AND order_no = c.order_no AND event_no = c.event_no OFFSET 0) e
    WHERE c.status IN ('pending', 'waiting', 'failed') AND c.status <> 'done' AND {_AFTER}
      AND e.payload::json #>> '{{order,shop_id}}' = :shop_id""",
]
_TAKEN_BACK = f"SELECT DISTINCT c.order_no FROM refund_lines c WHERE c.seller_no = {_SHOP} AND {_AFTER}"
_UNSETTLED = """ AND NOT EXISTS (
    SELECT 1 FROM settlements r WHERE r.program_id = c.program_id AND r.order_no = c.order_no)"""
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
    """The orders that are asked for; ``to_at`` is not included."""

    shop_id: str | None = None
    status: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None

    @property
    def has_range(self) -> bool:
        """Whether the time of payment matters."""
        return self.from_at is not None or self.to_at is not None


def order_numbers(conn: Connection, program_id: int, filters: OrderFilters, after: int, limit: int) -> list[int]:
    """Lists the numbers of the first ``limit`` orders after ``after`` that can pass the filters, in order."""
    pages = (f"(SELECT s.order_no FROM ({source}) s ORDER BY s.order_no LIMIT :limit)" for source in _sources(filters))
    sources = " UNION ".join(pages)
    statement = text(f"SELECT u.order_no FROM ({sources}) u ORDER BY u.order_no LIMIT :limit")
    bound = asdict(filters) | {"program": program_id, "after": after, "limit": limit}
    return list(conn.execute(statement, bound).scalars())


def _sources(filters: OrderFilters) -> list[str]:
    """The queries of which an order has to be in one."""
    if filters.shop_id is not None:
        return _of_shop(filters)
    if filters.status is not None:
        sources, is_told = _SOURCES[filters.status]
        if filters.status == "settled" and filters.has_range:
            return [_IN_BLOCKS]
        return [source + _IN_RANGE for source in sources] if is_told and filters.has_range else sources
    if filters.has_range:
        return [_IN_BLOCKS, *_UNPAID]
    return [f"SELECT c.order_no FROM orders c WHERE {_AFTER}"]


def _of_shop(filters: OrderFilters) -> list[str]:
    in_range = _IN_RANGE if filters.has_range else ""
    if filters.status in ("refunded", "partly_refunded"):
        return [_TAKEN_BACK + in_range, *_NAMED]
    if filters.status == "settled":
        return [_SOLD[0] + in_range, *_NAMED]
    if filters.status == "pending":
        return [_SOLD[1] + in_range + _UNSETTLED, *_NAMED]
    if filters.status is None:
        return [*(source + in_range for source in _SOLD), *_NAMED]
    table, only = _RARE[filters.status]
    has_it = f""" AND EXISTS (SELECT 1 FROM {table} r
        WHERE r.program_id = c.program_id AND r.order_no = c.order_no{only})"""
    # None is left out for its day: no block tells of what was never paid.
    return [source + has_it for source in (*_SOLD, *_NAMED)]
