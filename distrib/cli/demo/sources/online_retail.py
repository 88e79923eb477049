"""Turns UCI's Online Retail rows into sales and the real credits that give them back.

Daqing Chen, Sai Liang Sain, Kun Guo: "Data mining for the online retail industry" (2012), doi
10.1057/dbm.2012.17; UCI Machine Learning Repository, data set 352, CC BY 4.0. The file is the
user's own: nothing of it is part of distrib.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from distrib.cli.demo.facts import DemoFailed, GivenBack, History, Sale, SaleLine, Source
from distrib.cli.demo.sources.credits import CreditLink, link_credits
from distrib.cli.demo.sources.online_retail_file import Row, read_rows
from distrib.domain.texts import Text

SOURCE = Source(
    key="uci-online-retail",
    program="online-retail-demo",
    title="UCI Online Retail, December 2010 to December 2011",
    origin="Daqing Chen, Sai Liang Sain, Kun Guo (2012), doi 10.1057/dbm.2012.17; UCI Machine Learning Repository",
    licence="CC BY 4.0",
    currency="GBP",
    time_zone="Europe/London",
    has_real_refunds=True,
    real=Text("the orders with their lines, customers, times and prices, and the credits, which are the refunds"),
    invented=Text(
        "who refers whom, which customers are shops and which buyers are theirs; an order settles at the time of"
        " its invoice; which sale a credit gives back is worked out by a rule"
    ),
)
PENNIES = Decimal(100)


def read_history(path: Path) -> History:
    """The sales and credits of the file.

    Raises:
        DemoFailed: the file cannot be read or holds no sale.
    """
    return history_of(read_rows(path))


def history_of(rows: Sequence[Row]) -> History:
    """Sales in the order of their times, with the credits that could be linked to them."""
    started: dict[str, datetime] = {}
    for row in rows:  # 43 invoices have two timestamps: the first counts
        started[row.invoice] = min(row.invoiced_at, started.get(row.invoice, row.invoiced_at))
    sold = [row for row in rows if is_sale(row)]
    if not sold:
        raise DemoFailed(Text("the file holds no sale"))
    linked = link_credits(sold, rows)
    refunds, worth_nothing = _refunds(sold, linked.links, started)
    counted = {"rows": len(rows), "sale_lines": len(sold), "refund_links": len(linked.links)}
    left_out = {**linked.left_out, "links_worth_nothing": worth_nothing}
    return History(SOURCE, _sales(sold, started), refunds, left_out, counted)


def is_sale(row: Row) -> bool:
    """A line sold to a known customer, for something."""
    return row.customer is not None and row.quantity > 0 and row.price > 0 and not row.invoice.startswith("C")


def worth_minor(quantity: int, price: Decimal) -> int:
    """What a quantity costs, rounded to the penny once.

    >>> worth_minor(3, Decimal("0.125"))
    38
    """
    return int((quantity * price * PENNIES).quantize(Decimal(1), ROUND_HALF_UP))


def _sales(sold: Iterable[Row], started: dict[str, datetime]) -> list[Sale]:
    orders: dict[str, list[Row]] = {}
    for row in sold:
        orders.setdefault(row.invoice, []).append(row)
    sales = [_sale(invoice, lines, _instant(started[invoice])) for invoice, lines in orders.items()]
    return sorted(sales, key=lambda sale: (sale.paid_at, sale.order_id))


def _sale(invoice: str, rows: Sequence[Row], invoiced_at: datetime) -> Sale:
    lines = tuple(
        SaleLine(str(row.number), row.sku, row.quantity, worth_minor(row.quantity, row.price)) for row in rows
    )
    return Sale(invoice, f"uci-c{rows[0].customer}", invoiced_at, invoiced_at, lines)


def _instant(local: datetime) -> datetime:
    return local.replace(tzinfo=ZoneInfo(SOURCE.time_zone)).astimezone(UTC)


def _refunds(
    sold: Sequence[Row], links: Sequence[CreditLink], started: dict[str, datetime]
) -> tuple[list[GivenBack], int]:
    """One refund per credit invoice and order that it gives back of, at the sale's price.

    The pennies of a line's refunds are differences of rounded running totals, so that they never
    add up to more than was paid: three singles of 0.125 give back 13, 12 and 13.

    Returns:
        the refunds, and how many links came to less than a penny and are left out.
    """
    sales = {row.number: row for row in sold}
    given_back = Counter[int]()
    refunds: dict[tuple[str, str], Counter[str]] = {}
    worth_nothing = 0
    for link in links:
        sale, before = sales[link.sale], given_back[link.sale]
        given_back[link.sale] += link.quantity
        amount = worth_minor(before + link.quantity, sale.price) - worth_minor(before, sale.price)
        if amount:
            refunds.setdefault((link.invoice, sale.invoice), Counter())[str(sale.number)] += amount
        worth_nothing += not amount
    return [
        GivenBack(f"{credit}-{order}", order, _instant(started[credit]), tuple(lines.items()))
        for (credit, order), lines in refunds.items()
    ], worth_nothing
