"""Reports to tax offices: the quarter's income by payee, and who is to be told on form 1099. No SQL may enter.

The quarterly one has what 互联网平台企业涉税信息报送规定 (State Council Order 810, in force 2025-06-20) asks of
commission income: gross, given back, net, by identity. Both are CSV, in pieces, personal data in full.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.payouts.payee import Payee
from distrib.domain.payouts.withholding import reporting_threshold_minor
from distrib.services.context import Program, period_bounds
from distrib.services.encryption import Sealer
from distrib.services.payouts.files import csv_text
from distrib.services.payouts.payees import payees_of
from distrib.store.payouts import reports as rows

PAYEES_AT_ONCE = 1_000
PLATFORM_COLUMNS = (
    "program",
    "quarter",
    "payee_name",
    "id_type",
    "id_number",
    "kind",
    "shops",
    "currency",
    "gross_minor",
    "returned_minor",
    "adjusted_minor",
    "net_minor",
    "paid_minor",
    "tax_minor",
)
US_1099_COLUMNS = (
    "program",
    "year",
    "payee_name",
    "id_type",
    "id_number",
    "kind",
    "currency",
    "payments",
    "amount_minor",
    "tax_minor",
    "threshold_minor",
    "reportable",
)
_QUARTER = re.compile(r"([0-9]{4})-Q([1-4])", re.ASCII)
_NOBODY = ("", "", "", "")


@dataclass(slots=True)
class _Income:
    """What the shops of one payee had in a quarter."""

    shops: int = 0
    place: tuple[int, int] | None = None
    figures: list[int] = field(default_factory=lambda: [0, 0, 0, 0, 0])


def parse_quarter(text: str) -> tuple[int, int]:
    """First and last month of a quarter.

    Raises:
        Refusal: ``invalid``.

    >>> parse_quarter("2026-Q2")
    (202604, 202606)
    """
    match = _QUARTER.fullmatch(text)
    if match is None or not 1970 <= int(match[1]) <= 8999:
        raise Refusal("invalid", [Problem("?quarter", "must look like 2026-Q1 / 须形如 2026-Q1")])
    last = int(match[1]) * 100 + int(match[2]) * 3
    return last - 2, last


def platform_report(conn: Connection, program: Program, quarter: str, sealer: Sealer) -> Generator[bytes, None, None]:
    """The quarter's income by payee; shops without a payee stand alone, with an empty identity.

    Raises:
        Refusal: ``invalid`` for what is no quarter, before the first piece.
    """
    first, last = parse_quarter(quarter)
    incomes = _grouped(
        row for some in rows.incomes(conn, program.program_id, first, last, PAYEES_AT_ONCE) for row in some
    )
    yield csv_text(PLATFORM_COLUMNS, iter(())).encode()
    for some in _by_some(incomes):
        yield _platform_piece(conn, program, quarter, some, sealer)


def us_1099_report(conn: Connection, program: Program, year: int, sealer: Sealer) -> Generator[bytes, None, None]:
    """What each payee was paid in a calendar year, and whether that is to be reported on form 1099-NEC."""
    threshold = reporting_threshold_minor(year)
    bounds = (period_bounds(year * 100 + 1, program.zone)[0], period_bounds(year * 100 + 12, program.zone)[1])
    yield csv_text(US_1099_COLUMNS, iter(())).encode()
    for some in rows.paid_by_payee(conn, program.program_id, *bounds, PAYEES_AT_ONCE):
        payees = payees_of(conn, program, [(row.shop_no, row.version) for row in some], sealer)
        lines = (
            (
                program.code,
                year,
                *_identity(payees.get((row.shop_no, row.version))),
                program.currency,
                row.payments,
                row.amount_minor,
                row.tax_minor,
                threshold,
                "yes" if row.amount_minor >= threshold else "no",
            )
            for row in some
        )
        yield _body(US_1099_COLUMNS, lines)


def _grouped(found: Iterable[Any]) -> Iterator[_Income]:
    """One income a payee; a shop without one is told by its number."""
    for _, shops in groupby(found, key=lambda row: row.shop_no if row.identity_hash is None else row.identity_hash):
        income = _Income()
        for row in shops:
            income.shops += 1
            income.place = None if row.version is None else (row.shop_no, row.version)
            taken = (row.earned_minor, row.reversed_minor, row.adjusted_minor, row.paid_minor, row.tax_minor)
            income.figures = [one + other for one, other in zip(income.figures, taken, strict=True)]
        yield income


def _platform_piece(conn: Connection, program: Program, quarter: str, some: Sequence[_Income], sealer: Sealer) -> bytes:
    places = [income.place for income in some if income.place is not None]
    payees = payees_of(conn, program, places, sealer) if places else {}
    lines = []
    for income in some:
        earned, reversed_, adjusted, paid, tax = income.figures
        payee = None if income.place is None else payees.get(income.place)
        lines.append(
            (
                program.code,
                quarter,
                *_identity(payee),
                income.shops,
                program.currency,
                earned,
                reversed_,
                adjusted,
                earned + reversed_ + adjusted,
                paid,
                tax,
            )
        )
    return _body(PLATFORM_COLUMNS, iter(lines))


def _identity(payee: Payee | None) -> tuple[str, str, str, str]:
    return _NOBODY if payee is None else (payee.name, payee.id_type, payee.id_number, payee.kind)


def _body(columns: Sequence[str], lines: Iterator[Sequence[object]]) -> bytes:
    """Lines without the header, which the first piece has."""
    return csv_text(columns, lines).split("\n", 1)[1].encode()


def _by_some(incomes: Iterator[_Income]) -> Iterator[list[_Income]]:
    some: list[_Income] = []
    for income in incomes:
        some.append(income)
        if len(some) == PAYEES_AT_ONCE:
            yield some
            some = []
    if some:
        yield some
