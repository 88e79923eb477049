"""Which sale a credit gives back: the rule that links UCI's credit lines to sale lines.

The file does not say it. The rule: same customer and same article; a sale that stands earlier,
by time and then by place in the file; sales at the credit's own price first, then at any; the
latest sale first; never more than what is left of the sale line. Credits are taken in the order
of their times. No reading of files and no money may enter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from distrib.cli.demo.sources.online_retail_file import Row

# Charges, samples, postage and corrections by hand: credits of these give back no goods.
NOT_GOODS = frozenset({"POST", "DOT", "M", "C2", "D", "S", "BANK CHARGES", "AMAZONFEE", "CRUK", "B"})
VOUCHER = "gift_0001_"


@dataclass(frozen=True, slots=True)
class CreditLink:
    """So many pieces of a sale line, given back by a credit."""

    invoice: str
    sale: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Linked:
    """The links, and the credit lines that are no refund, counted by reason."""

    links: Sequence[CreditLink]
    left_out: dict[str, int]


def link_credits(sold: Iterable[Row], rows: Iterable[Row]) -> Linked:
    """Every link that the rule finds, in the order of the credits' times.

    Args:
        sold: the lines that may be given back.
        rows: the whole file.
    """
    shelf: dict[tuple[str | None, str], list[Row]] = {}
    left: dict[int, int] = {}
    for row in sold:
        shelf.setdefault((row.customer, row.sku), []).append(row)
        left[row.number] = row.quantity
    links: list[CreditLink] = []
    left_out = Counter[str]()
    for credit in sorted((row for row in rows if row.invoice.startswith("C")), key=_place):
        earlier = [row for row in shelf.get((credit.customer, credit.sku), ()) if _place(row) < _place(credit)]
        links_of_credit = list(_take(credit, earlier, left)) if _is_goods(credit) else []
        links += links_of_credit
        if reason := _why_left_out(credit, earlier, links_of_credit):
            left_out[reason] += 1
    return Linked(links, dict(sorted(left_out.items())))


def _take(credit: Row, earlier: Sequence[Row], left: dict[int, int]) -> Iterator[CreditLink]:
    """Takes from the sales in the rule's order until the credit is covered; ``left`` goes down."""
    wanted = -credit.quantity
    for sale in sorted(earlier, key=lambda sale: (sale.price == credit.price, _place(sale)), reverse=True):
        taken = min(wanted, left[sale.number])
        if taken > 0:
            left[sale.number] -= taken
            wanted -= taken
            yield CreditLink(credit.invoice, sale.number, taken)


def _why_left_out(credit: Row, earlier: Sequence[Row], links_of_credit: Sequence[CreditLink]) -> str | None:
    """Why a credit line is no refund, or is one only in part."""
    if credit.customer is None:
        return "credit_lines_without_customer"
    if not _is_goods(credit):
        return "credit_lines_not_goods"
    if not earlier:
        return "credit_lines_without_earlier_sale"
    covered = sum(link.quantity for link in links_of_credit)
    if covered == -credit.quantity:
        return None
    return "credit_lines_covered_in_part" if covered else "credit_lines_of_sales_given_back_already"


def _is_goods(row: Row) -> bool:
    return row.customer is not None and row.sku not in NOT_GOODS and not row.sku.startswith(VOUCHER)


def _place(row: Row) -> tuple[datetime, int]:
    return row.invoiced_at, row.number
