"""The tax that a platform withholds from what it pays a person. Pure arithmetic; who is paid and when must not enter.

Amounts are integers of fen. A tax is computed exactly and rounded once, half up, to the fen. Every method answers
the tax of a whole span (a month, or a year so far), and what one payment bears is that tax less what was held back of
the span before: so the steps in which a span is paid do not matter.

Sources: 个人所得税法实施条例 art. 14 and 扣缴办法 (per payment; one month's continuous pay is one payment);
国家税务总局公告 2025 年第 16 号, in force from 2025-10-01 (cumulative, for platforms). US: 26 U.S.C. 6041 as amended
by Pub. L. 119-21 s. 70433 (the threshold of form 1099-NEC). None of this is advice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from distrib.domain.periods import previous_period, to_period, year_and_month

NONE: Final = "none"
PER_PAYMENT: Final = "per_payment"
CUMULATIVE: Final = "cumulative"
US_1099: Final = "us_1099"
METHODS: Final = (NONE, PER_PAYMENT, CUMULATIVE, US_1099)
CURRENCY_OF: Final = {PER_PAYMENT: "CNY", CUMULATIVE: "CNY", US_1099: "USD"}
"""The currency that the figures of a method are in; what is not here fits any."""

PERSON: Final = "person"
COMPANY: Final = "company"
KINDS: Final = (PERSON, "sole_trader", COMPANY)
"""Persons are taxed at the source; sole traders (个体户) and companies invoice and are paid gross."""


class Bracket(NamedTuple):
    """Up to ``up_to_minor`` (None: without end) of taxable income: percent of all of it, less a quick deduction."""

    up_to_minor: int | None
    percent: int
    quick_minor: int


PER_PAYMENT_BRACKETS: Final = (
    Bracket(2_000_000, 20, 0),
    Bracket(5_000_000, 30, 200_000),
    Bracket(None, 40, 700_000),
)
CUMULATIVE_BRACKETS: Final = (
    Bracket(3_600_000, 3, 0),
    Bracket(14_400_000, 10, 252_000),
    Bracket(30_000_000, 20, 1_692_000),
    Bracket(42_000_000, 25, 3_192_000),
    Bracket(66_000_000, 30, 5_292_000),
    Bracket(96_000_000, 35, 8_592_000),
    Bracket(None, 45, 18_192_000),
)
_SMALL_MINOR: Final = 400_000
_SMALL_COST_MINOR: Final = 80_000
_COST_PERCENT: Final = 20
_MONTHLY_MINOR: Final = 500_000
_HUNDREDTHS: Final = 100 * 100  # a percentage of a percentage


class IncomeSoFar(NamedTuple):
    """What a payee was paid in a span so far, and the tax withheld of it."""

    income_minor: int = 0
    withheld_minor: int = 0


def income_total(parts: Iterable[IncomeSoFar]) -> IncomeSoFar:
    """The income and the withheld tax of several spans, added up.

    >>> income_total([IncomeSoFar(500, 80), IncomeSoFar(100, 16)])
    IncomeSoFar(income_minor=600, withheld_minor=96)
    """
    income_minor = withheld_minor = 0
    for part in parts:
        income_minor += part.income_minor
        withheld_minor += part.withheld_minor
    return IncomeSoFar(income_minor, withheld_minor)


def per_payment_tax(gross_minor: int) -> int:
    """Computes the tax on one month's pay for services (劳务报酬), by the per-payment method.

    Up to 4,000 yuan 800 are left out, above it a fifth.

    >>> per_payment_tax(300_000), per_payment_tax(80_001), per_payment_tax(3_000_000)
    (44000, 0, 520000)
    """
    if gross_minor <= _SMALL_MINOR:
        base_hundredths = max(0, gross_minor - _SMALL_COST_MINOR) * 100
    else:
        base_hundredths = gross_minor * (100 - _COST_PERCENT)
    return _bracketed(base_hundredths, PER_PAYMENT_BRACKETS)


def cumulative_tax(income_minor: int, months: int) -> int:
    """The tax on a year's pay so far, by the cumulative method: a fifth is cost, 5,000 yuan a month are free.

    Args:
        income_minor: everything paid in the year up to and with this month.
        months: months of unbroken pay in the year, this one included (1 to 12): given, never guessed here.

    >>> cumulative_tax(5_000_000, 1), cumulative_tax(10_000_000, 2), cumulative_tax(625_000, 1)
    (105000, 448000, 0)
    """
    if not 1 <= months <= 12:
        raise ValueError("a year has 1 to 12 months")
    free_hundredths = _MONTHLY_MINOR * months * 100
    base_hundredths = max(0, income_minor * (100 - _COST_PERCENT) - free_hundredths)
    return _bracketed(base_hundredths, CUMULATIVE_BRACKETS)


def tax_of_payment(method: str, amount_minor: int, before: IncomeSoFar, months: int) -> int:
    """Computes the tax withheld from one payment to a person, given the income and tax of the span before it.

    Never below 0 (what was held back too much is settled in the annual return, not by the platform) and never above
    the payment.

    >>> tax_of_payment("per_payment", 300_000, IncomeSoFar(500_000, 80_000), 1)
    48000
    """
    gross_minor = before.income_minor + amount_minor
    if method == PER_PAYMENT:
        due_minor = per_payment_tax(gross_minor)
    elif method == CUMULATIVE:
        due_minor = cumulative_tax(gross_minor, months)
    else:
        return 0
    return min(amount_minor, max(0, due_minor - before.withheld_minor))


def months_unbroken(paid_months: Sequence[int], period: int) -> int:
    """Counts the months of the year up to ``period`` (202603) that were paid without a gap, this one included.

    A reading of "months continuously receiving pay": a month without pay begins the count anew, which never holds
    back too little. The caller of a payout may give another number.

    >>> months_unbroken([202601, 202602], 202603), months_unbroken([202601], 202603), months_unbroken([], 202601)
    (3, 1, 1)
    """
    year, _ = year_and_month(period)
    paid, count, month = set(paid_months), 1, previous_period(period)
    while month >= to_period(year, 1) and month in paid:
        count, month = count + 1, previous_period(month)
    return count


def reporting_threshold_minor(year: int) -> int:
    """The yearly total from which on a US payee is reported on form 1099-NEC: $600 until 2025, $2,000 from 2026.

    Indexed from 2027 to the nearest $100; until the figure of a year is published that of 2026 stands here.

    >>> reporting_threshold_minor(2025), reporting_threshold_minor(2026)
    (60000, 200000)
    """
    return 60_000 if year <= 2025 else 200_000


def is_reportable(kind: str, amount_minor: int, year: int) -> str:
    """Whether a US payee paid so much in a year is reported on form 1099-NEC: ``yes``, ``no``, or ``check``.

    ``check`` for a company: most corporations are exempt, an LLC that is taxed as a partnership or as its owner is not
    (instructions for forms 1099-MISC and 1099-NEC, "Exceptions"); its form W-9 says which.

    >>> is_reportable("person", 200_000, 2026), is_reportable("company", 200_000, 2026)
    ('yes', 'check')
    >>> is_reportable("company", 199_999, 2026)
    'no'
    """
    if amount_minor < reporting_threshold_minor(year):
        return "no"
    return "check" if kind == COMPANY else "yes"


def _bracketed(base_hundredths: int, brackets: Sequence[Bracket]) -> int:
    """Computes the tax on hundredths of a minor unit of taxable income, rounded half up to the minor unit."""
    bracket = next(
        candidate
        for candidate in brackets
        if candidate.up_to_minor is None or base_hundredths <= candidate.up_to_minor * 100
    )
    tax_hundredths = base_hundredths * bracket.percent - bracket.quick_minor * _HUNDREDTHS
    return (2 * tax_hundredths + _HUNDREDTHS) // (2 * _HUNDREDTHS)
