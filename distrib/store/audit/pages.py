"""The parts that an audit is asked in: numbers of orders, or of accounts, so that no statement reads a table whole.

A statement marks every table that grows with the part by ``IN %(page)s``; each part is one short snapshot of its own.
What holds at every commit holds in each of them, so that the parts need not be of one instant.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from sqlalchemy import Connection

from distrib.store.sql import streamed, value_or_none

FIRST: Final = -(2**63)
LAST: Final = 2**63 - 1
PAGE_ORDERS = 10_000
PAGE_SHOPS = 20_000
BY_SHOP: Final = "shop_transfers"
"""Where transfers are found by the numbers of shops; what asks for pages of shops reads them there."""

_PLACE = re.compile(r"(\w+\.)?(\w+) IN %\(page\)s")


class By(Enum):
    """What a question goes by: all at once, by numbers of orders and other causes, or by numbers of shops."""

    WHOLE = "whole"
    ORDERS = "orders"
    SHOPS = "shops"


@dataclass(frozen=True, slots=True)
class Page:
    """The numbers after ``after`` up to ``last``; where ``numbers`` are given, those alone."""

    after: int = FIRST
    last: int = LAST
    numbers: Sequence[int] | None = None

    @property
    def bound(self) -> dict[str, object]:
        """The values that ``within`` leaves places for."""
        if self.numbers is not None:
            return {"numbers": list(self.numbers)}
        return {"after": self.after, "last": self.last}


def within(statement: str, page: Page) -> str:
    """A statement in which every ``column IN %(page)s`` is bound to the page.

    >>> within("SELECT 1 FROM transfers t WHERE t.cause_no IN %(page)s", Page(0, 9))
    'SELECT 1 FROM transfers t WHERE (t.cause_no > %(after)s AND t.cause_no <= %(last)s)'
    """
    if page.numbers is not None:
        return _PLACE.sub(r"\1\2 = ANY(CAST(%(numbers)s AS bigint[]))", statement)
    return _PLACE.sub(r"(\1\2 > %(after)s AND \1\2 <= %(last)s)", statement)


_NEXT = {
    By.ORDERS: (
        "SELECT order_no FROM orders WHERE program_id = %(program)s AND order_no > %(after)s"
        " ORDER BY order_no OFFSET %(more)s LIMIT 1"
    ),
    By.SHOPS: (
        "SELECT shop_no FROM shops WHERE program_id = %(program)s AND shop_no > %(after)s"
        " ORDER BY shop_no OFFSET %(more)s LIMIT 1"
    ),
}
_NEWEST = {
    By.ORDERS: "SELECT max(order_no) FROM orders WHERE program_id = %(program)s",
    By.SHOPS: "SELECT max(shop_no) FROM shops WHERE program_id = %(program)s",
}
# Every order of which something is not both sealed and in a closed month, or that did anything since: what it posted
# later, what it was done later, and what waits, failed or is expected. Groups stand among them by their numbers.
_LIVELY = """
SELECT DISTINCT order_no FROM (
    SELECT cause_no AS order_no FROM transfers WHERE program_id = %(program)s AND posting_no > %(posting)s
    UNION ALL SELECT order_no FROM event_outcomes WHERE program_id = %(program)s AND done_at >= %(since)s
    UNION ALL SELECT order_no FROM event_outcomes WHERE program_id = %(program)s AND status <> 'done'
    UNION ALL SELECT order_no FROM queue WHERE program_id = %(program)s
    UNION ALL SELECT order_no FROM expecting_orders WHERE program_id = %(program)s) o
ORDER BY order_no
"""
_FETCHED = 50_000


def newest(conn: Connection, program_id: int, by: By) -> int:
    """The highest number of the program's orders or shops; what comes later is the next audit's."""
    return int(value_or_none(conn, int, _NEWEST[by], {"program": program_id}) or 0)


def page_after(conn: Connection, program_id: int, by: By, after: int) -> Page:
    """The page that begins after a number; the last one leaves no number out, of whatever it may be."""
    size = PAGE_ORDERS if by is By.ORDERS else PAGE_SHOPS
    more = {"program": program_id, "after": after, "more": size - 1}
    last = value_or_none(conn, int, _NEXT[by], more)
    return Page(after, LAST if last is None else last)


def lively_orders(conn: Connection, program_id: int, posting_no: int, since: datetime) -> array[int]:
    """The numbers of all orders that are not at rest, in their order: eight bytes each, however many they are.

    Args:
        posting_no: what was posted up to it is sealed and in closed months.
        since: what was done before is known from the audit that this one rests on.
    """
    numbers = array("q")
    bound = {"program": program_id, "posting": posting_no, "since": since}
    with streamed(conn, "lively_orders", _LIVELY, bound) as cursor:
        cursor.itersize = _FETCHED
        numbers.extend(number for (number,) in cursor)
    return numbers
