"""Reports to tax offices: the quarter's income by payee, and who is reported on form 1099. No SQL may enter.

The quarterly one has what 互联网平台企业涉税信息报送规定 (State Council Order 810, in force 2025-06-20) asks of
commission income: gross, given back, net, by identity; it is due in the month after the quarter. What a shop bore for
withdrawals is its cost and lessens no income: it stands apart. Both are CSV, in pieces, personal data in full.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.payouts.personal_data import Payee
from distrib.domain.payouts.withholding import is_reportable, reporting_threshold_minor
from distrib.domain.periods import shift_period, to_period
from distrib.domain.texts import Text
from distrib.services.context import Program, period_bounds
from distrib.services.encryption import Sealer
from distrib.services.payouts.files import csv_text
from distrib.services.payouts.payee_versions import payees_of
from distrib.store.payouts import reports as rows
from distrib.store.payouts.payee_versions import VersionKey
from distrib.store.payouts.reports import IncomeRow

PAYEES_CHUNK = 1_000
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
    "fee_minor",
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
    "returned_minor",
    "amount_minor",
    "tax_minor",
    "threshold_minor",
    "reportable",
)
_QUARTER = re.compile(r"(?P<year>[0-9]{4})-Q(?P<quarter>[1-4])", re.ASCII)
_NOBODY = ("", "", "", "")


@dataclass(slots=True)
class _Income:
    """The income of one payee's shops in a quarter."""

    shops: int = 0
    version: VersionKey | None = None
    earned_minor: int = 0
    reversed_minor: int = 0
    adjusted_minor: int = 0
    fee_minor: int = 0
    paid_minor: int = 0
    tax_minor: int = 0

    def add(self, row: IncomeRow) -> None:
        """Adds one shop's quarter; the identity is that of the shop added last."""
        self.shops += 1
        self.version = None if row.version is None else VersionKey(row.shop_no, row.version)
        self.earned_minor += row.earned_minor
        self.reversed_minor += row.reversed_minor
        self.adjusted_minor += row.adjusted_minor
        self.fee_minor += row.fee_minor
        self.paid_minor += row.paid_minor
        self.tax_minor += row.tax_minor


def parse_quarter(text: str) -> tuple[int, int]:
    """Parses a quarter into its first and last month.

    Raises:
        Refusal: ``invalid``.

    >>> parse_quarter("2026-Q2")
    (202604, 202606)
    """
    match = _QUARTER.fullmatch(text)
    if match is None or not 1970 <= int(match["year"]) <= 8999:
        raise Refusal("invalid", [Problem("?quarter", Text("must look like 2026-Q1"))])
    first = to_period(int(match["year"]), 3 * int(match["quarter"]) - 2)
    return first, shift_period(first, 2)


def platform_report(conn: Connection, program: Program, quarter: str, sealer: Sealer) -> Generator[bytes, None, None]:
    """Streams the quarter's income by payee; shops without a payee stand alone, with an empty identity.

    Raises:
        Refusal: ``invalid`` for what is no quarter, before the first piece.
    """
    first, last = parse_quarter(quarter)
    incomes = _grouped(
        row for chunk in rows.incomes(conn, program.program_id, first, last, PAYEES_CHUNK) for row in chunk
    )
    yield csv_text(PLATFORM_COLUMNS, iter(())).encode()
    for chunk in _chunks(incomes):
        yield _platform_piece(conn, program, quarter, chunk, sealer)


def us_1099_report(conn: Connection, program: Program, year: int, sealer: Sealer) -> Generator[bytes, None, None]:
    """Streams what each payee was paid in a calendar year, and whether it is reported on form 1099-NEC.

    By the day of payment, in the program's time zone; what came back is taken off in the year of the return. What went
    out by card or a third-party network is on that network's form 1099-K and not on 1099-NEC (instructions for forms
    1099-MISC and 1099-NEC); how a batch was sent is not known here, so who pays that way leaves it out.
    """
    threshold = reporting_threshold_minor(year)
    start, _ = period_bounds(to_period(year, 1), program.zone)
    _, end = period_bounds(to_period(year, 12), program.zone)
    yield csv_text(US_1099_COLUMNS, iter(())).encode()
    for chunk in rows.paid_by_payee(conn, program.program_id, start, end, PAYEES_CHUNK):
        payees = payees_of(conn, program, [VersionKey(row.shop_no, row.version) for row in chunk], sealer)
        lines = (
            (
                program.code,
                year,
                *_identity(payees.get(VersionKey(row.shop_no, row.version))),
                program.currency,
                row.payments,
                row.returned_minor,
                row.amount_minor,
                row.tax_minor,
                threshold,
                is_reportable(row.kind, row.amount_minor, year),
            )
            for row in chunk
        )
        yield _body(US_1099_COLUMNS, lines)


def _grouped(rows_by_payee: Iterable[IncomeRow]) -> Iterator[_Income]:
    """Adds rows up to one income a payee; a shop without a payee stands for itself."""
    for _, shops in groupby(rows_by_payee, key=_payee_key):
        income = _Income()
        for row in shops:
            income.add(row)
        yield income


def _payee_key(row: IncomeRow) -> object:
    return row.shop_no if row.identity_hash is None else row.identity_hash


def _platform_piece(
    conn: Connection, program: Program, quarter: str, chunk: Sequence[_Income], sealer: Sealer
) -> bytes:
    versions = [income.version for income in chunk if income.version is not None]
    payees = payees_of(conn, program, versions, sealer) if versions else {}
    lines = []
    for income in chunk:
        payee = None if income.version is None else payees.get(income.version)
        lines.append(
            (
                program.code,
                quarter,
                *_identity(payee),
                income.shops,
                program.currency,
                income.earned_minor,
                income.reversed_minor,
                income.adjusted_minor,
                income.earned_minor + income.reversed_minor + income.adjusted_minor,
                income.paid_minor,
                income.tax_minor,
                income.fee_minor,
            )
        )
    return _body(PLATFORM_COLUMNS, iter(lines))


def _identity(payee: Payee | None) -> tuple[str, str, str, str]:
    return _NOBODY if payee is None else (payee.name, payee.id_type, payee.id_number, payee.kind)


def _body(columns: Sequence[str], lines: Iterator[Sequence[object]]) -> bytes:
    """Renders lines without the header, which the first piece has."""
    _, body = csv_text(columns, lines).split("\n", 1)
    return body.encode()


def _chunks(incomes: Iterator[_Income]) -> Iterator[list[_Income]]:
    chunk: list[_Income] = []
    for income in incomes:
        chunk.append(income)
        if len(chunk) == PAYEES_CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
