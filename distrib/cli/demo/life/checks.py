"""Control totals: what the file holds by its own count, beside what the service holds.

They agree to the cent or they do not. Compares only; nothing is read, posted or printed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distrib.cli.demo.life.proof import Proved, totals_of_all, whole_gap
from distrib.cli.demo.life.story import Life
from distrib.cli.demo.sources.known import Loaded
from distrib.services.programs.totals import Totals


@dataclass(frozen=True, slots=True)
class Check:
    """One figure counted twice."""

    name: str
    expected: int
    found: int
    is_money: bool = False

    @property
    def ok(self) -> bool:
        """Whether both counts agree exactly."""
        return self.expected == self.found


def control_checks(loaded: Loaded, totals: Totals, posted: int, months: Sequence[Mapping[str, Any]]) -> list[Check]:
    """Every control total of a run.

    Args:
        loaded: the file's own count, and what was read of it.
        totals: what the service holds.
        posted: events that were posted.
        months: the totals of the statements of the history's months, in which nothing but orders moved.
    """
    return [*_published(loaded), *_from_file(loaded, totals), *_events(totals, posted), *_statements(totals, months)]


def _published(loaded: Loaded) -> Iterator[Check]:
    """The file against what its publishers say of it, where it is that file."""
    control, counted = loaded.control, loaded.history.counted
    found = {
        "orders": control.orders,
        "lines": control.lines,
        "customers": control.customers,
        "paid_minor": control.paid_minor,
        "refund_links": counted.get("refund_links", 0),
        "credit_lines_without_earlier_sale": control.credit_lines_without_earlier_sale,
    }
    for name, figure in (control.published or {}).items():
        yield Check(f"published_{name}", figure, found[name], is_money=name.endswith("_minor"))


def _from_file(loaded: Loaded, totals: Totals) -> Iterator[Check]:
    """What was settled against the independent count; refunds against what was read or invented."""
    control, history = loaded.control, loaded.history
    yield Check("orders_settled", control.orders, totals.orders_settled)
    yield Check("paid_minor", control.paid_minor, totals.paid_minor, is_money=True)
    yield Check("lines", control.lines, sum(len(sale.lines) for sale in history.sales))
    yield Check("refunds", len(history.refunds), totals.refunds)
    given_back = sum(refund.amount_minor for refund in history.refunds)
    yield Check("refunded_minor", given_back, totals.refunded_minor, is_money=True)
    if history.source.has_real_refunds:
        left_out = history.left_out.get("credit_lines_without_earlier_sale", 0)
        yield Check("credit_lines_without_earlier_sale", control.credit_lines_without_earlier_sale, left_out)


def _events(totals: Totals, posted: int) -> Iterator[Check]:
    yield Check("events_done", posted, totals.events.get("done", 0))
    yield Check("events_not_done", 0, sum(totals.events.values()) - totals.events.get("done", 0))


def _statements(totals: Totals, months: Sequence[Mapping[str, Any]]) -> Iterator[Check]:
    """The monthly statements, and the files made of them, add up to the ledger."""
    earned = sum(month["totals"]["earned_minor"] for month in months)
    reversed_ = sum(month["totals"]["reversed_minor"] for month in months)
    closing = months[-1]["totals"]["closing_minor"] if months else 0
    yield Check("statements_earned_minor", totals.earned.amount_minor, earned, is_money=True)
    yield Check("statements_reversed_minor", -totals.reversed.amount_minor, reversed_, is_money=True)
    yield Check(
        "statements_closing_minor", totals.earned.amount_minor - totals.reversed.amount_minor, closing, is_money=True
    )
    exported = sum(month["exported_minor"] for month in months)
    yield Check("exports_earned_and_reversed_minor", earned + reversed_, exported, is_money=True)


def money_checks(life: Life) -> list[Check]:
    """The life of the money, worked out again from files and batches: to the minor unit, or not at all."""
    checks = [
        Check("books_unexplained_minor", 0, sum(month.unexplained_minor for month in life.proved), is_money=True),
        Check("books_unexplained_in_total_minor", 0, whole_gap(life.proved), is_money=True),
        Check("closed_digests", *_digests(life.proved)),
    ]
    checks += [
        Check(f"{payday.id}_minor", payday.expected_minor, payday.amount_minor, is_money=True)
        for payday in life.paydays
    ]
    whole = totals_of_all(life.proved)
    paid = sum(payday.paid_minor for payday in life.paydays)
    return [
        *checks,
        Check("paid_by_batches_minor", paid, whole["paid_minor"], is_money=True),
        Check("late_marked", life.late.posted, life.late.marked),
        Check("ledger_payable_minor", whole["closing_minor"], life.ledger["payable"], is_money=True),
        Check("ledger_clearing_minor", whole["paid_minor"], life.ledger["clearing"], is_money=True),
        Check("ledger_tax_minor", whole["tax_minor"], life.ledger["tax"], is_money=True),
        Check("ledger_sum_minor", 0, sum(life.ledger.values()), is_money=True),
    ]


def _digests(proved: Sequence[Proved]) -> tuple[int, int]:
    closed = [month for month in proved if month.is_closed]
    return len(closed), sum(month.digest_holds for month in closed)
