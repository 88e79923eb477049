"""Control totals: what the file says, counted a second time and by other means.

CDNOW's file is counted from its bytes, UCI's from its rows in tenths of a penny; neither way
meets the readers' sales, the recipe or the database. Nothing of those may enter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from distrib.cli.demo.sources.credits import NOT_GOODS, VOUCHER
from distrib.cli.demo.sources.online_retail_file import Row


@dataclass(frozen=True, slots=True)
class Control:
    """What a file holds; ``published`` is what its publishers say of it, where this is that file."""

    orders: int
    lines: int
    customers: int
    paid_minor: int
    credit_lines_without_earlier_sale: int = 0
    published: dict[str, int] | None = None


CDNOW_PUBLISHED = {"orders": 69_659, "customers": 23_570, "paid_minor": 250_031_563}
ONLINE_RETAIL_ROWS = 541_909
ONLINE_RETAIL_PUBLISHED = {
    "orders": 18_532,
    "lines": 397_884,
    "customers": 4_338,
    "paid_minor": 891_140_790,
    "refund_links": 7_644,
    "credit_lines_without_earlier_sale": 1_031,
}


def count_cdnow(path: Path, *, is_published: bool) -> Control:
    """Counts the rows, the customers and the cents of CDNOW_master.txt, or of a file like it."""
    rows = [row.split() for row in path.read_bytes().splitlines()[1:] if row.strip()]
    cents = sum(int(dollars.replace(b".", b"")) for _, _, _, dollars in rows)
    published = CDNOW_PUBLISHED if is_published else None
    return Control(len(rows), len(rows), len({row[0] for row in rows}), cents, published=published)


def count_online_retail(rows: Sequence[Row]) -> Control:
    """Counts the sales of the Online Retail rows, and the credits that come before any sale of their article."""
    invoices, customers, lines, pennies = set(), set(), 0, 0
    for row in rows:
        if row.customer and row.quantity > 0 and row.price > 0 and row.invoice[0] != "C":
            invoices.add(row.invoice)
            customers.add(row.customer)
            lines += 1
            pennies += (row.quantity * int(row.price * 1000) + 5) // 10
    published = ONLINE_RETAIL_PUBLISHED if len(rows) == ONLINE_RETAIL_ROWS else None
    return Control(len(invoices), lines, len(customers), pennies, _unsold(rows), published)


def _unsold(rows: Iterable[Row]) -> int:
    """Goods credits of a customer who had not bought the article before; a walk in the order of time."""
    bought: set[tuple[str, str]] = set()
    unsold = 0
    for row in sorted(rows, key=_in_time):
        if row.customer is None or (row.price <= 0 and row.quantity > 0):
            continue
        if row.quantity > 0 and row.invoice[0] != "C":
            bought.add((row.customer, row.sku))
        elif row.invoice[0] == "C" and row.sku not in NOT_GOODS and VOUCHER not in row.sku:
            unsold += (row.customer, row.sku) not in bought
    return unsold


def _in_time(row: Row) -> tuple[datetime, int]:
    return row.invoiced_at, row.number
