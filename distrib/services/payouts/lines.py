"""Computes which shops with money get a line of a batch, and the tax withheld of it. No SQL and no file may enter."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from distrib.domain.payouts.channels import Channel, misfit
from distrib.domain.payouts.refusals import BelowMinimum, ExceedsAvailable, PayeeMissing, ShopClosed, ShopFrozen
from distrib.domain.payouts.withholding import (
    CUMULATIVE,
    PER_PAYMENT,
    PERSON,
    IncomeSoFar,
    income_total,
    months_unbroken,
    tax_of_payment,
)
from distrib.domain.periods import to_period, year_and_month
from distrib.services.context import Program, period_bounds
from distrib.services.payouts.selections import CLOSING, Selection
from distrib.store.payouts import batches as rows
from distrib.store.payouts.batch_rows import IncomeMonths
from distrib.store.payouts.batches import NewLine, RefusedShop
from distrib.store.payouts.candidates import Candidate


@dataclass(slots=True)
class Lines:
    """Computes the lines of one batch, a chunk of shops at a time.

    Args:
        method: how tax is withheld.
        period: the month the tax belongs to, as 202603.
        months_given: months counted for the cumulative method by shop, where the caller gives them.
        selection: what the batch is of: amounts and fees by shop.
        min_minor: the least amount of a line.
    """

    conn: Connection
    program: Program
    channel: Channel
    method: str
    period: int
    months_given: Mapping[str, int]
    selection: Selection
    min_minor: int = 0
    count: int = 0
    _months: dict[bytes, dict[int, IncomeSoFar]] = field(default_factory=dict)
    _late: list[int] | None = None

    def compute(self, candidates: Sequence[Candidate]) -> tuple[list[NewLine], list[RefusedShop]]:
        """Computes the lines and the refusals of a chunk of candidates, in their order."""
        self._months = self._income_by_month(candidates)
        lines: list[NewLine] = []
        refusals: list[RefusedShop] = []
        for candidate in candidates:
            line = self._line(candidate)
            if isinstance(line, NewLine):
                lines.append(line)
            else:
                refusals.append(RefusedShop(candidate.shop_no, line, candidate.amount_minor))
        return lines, refusals

    def _income_by_month(self, candidates: Iterable[Candidate]) -> dict[bytes, dict[int, IncomeSoFar]]:
        """Loads the income and tax of the candidates who are persons, by payee and month of the tax's span.

        Lines written for earlier chunks are among it.
        """
        months: dict[bytes, dict[int, IncomeSoFar]] = {}
        if self.method not in (PER_PAYMENT, CUMULATIVE):
            return months
        persons = {bytes(row.identity_hash) for row in candidates if row.kind == PERSON and row.identity_hash}
        year, _ = year_and_month(self.period)
        first = self.period if self.method == PER_PAYMENT else to_period(year, 1)
        if self._late is None:
            since, _ = period_bounds(first, self.program.zone)
            self._late = rows.paid_late(self.conn, self.program.program_id, since)
        span = IncomeMonths(self.program.time_zone, first, self.period, self._late)
        for row in rows.income_by_month(self.conn, self.program.program_id, sorted(persons), span):
            income = IncomeSoFar(row.income_minor, row.withheld_minor)
            months.setdefault(bytes(row.payee_hash), {})[row.period] = income
        return months

    def _line(self, candidate: Candidate) -> NewLine | str:
        """Computes the line of a candidate, or the code why it gets none."""
        amount_minor = self.selection.amounts.get(candidate.shop_id, candidate.amount_minor)
        if candidate.version is None or candidate.kind is None or candidate.identity_hash is None:
            return self._kept(candidate) or PayeeMissing.code
        unfit = self._kept(candidate) or self._amount_misfit(candidate, amount_minor)
        if unfit is not None:
            return unfit
        payee, fee_minor = bytes(candidate.identity_hash), self.selection.fees.get(candidate.shop_id, 0)
        before, months, tax_minor = self._tax(candidate, payee, amount_minor)
        net_minor = amount_minor - tax_minor - fee_minor
        unfit = misfit(self.channel, candidate.kind, net_minor, candidate.accounts or ())
        if net_minor <= 0 or unfit is not None:
            return unfit or BelowMinimum.code
        self._add_income(payee, amount_minor, tax_minor)
        self.count += 1
        return NewLine(
            candidate.shop_no,
            self.count,
            amount_minor,
            tax_minor,
            fee_minor,
            candidate.version,
            candidate.kind,
            payee,
            self.period,
            months,
            months is not None and candidate.shop_id in self.months_given,
            before.income_minor,
            before.withheld_minor,
        )

    def _kept(self, candidate: Candidate) -> str | None:
        """The code of the status that keeps a shop's money; none keeps a closing payment of a closed shop."""
        if candidate.kept_by is None or (candidate.kept_by == "closed" and self.selection.name == CLOSING):
            return None
        return ShopFrozen.code if candidate.kept_by == "frozen" else ShopClosed.code

    def _amount_misfit(self, candidate: Candidate, amount_minor: int) -> str | None:
        if amount_minor > candidate.amount_minor:
            return ExceedsAvailable.code
        return BelowMinimum.code if amount_minor < self.min_minor else None

    def _tax(self, candidate: Candidate, payee: bytes, amount_minor: int) -> tuple[IncomeSoFar, int | None, int]:
        """The income before, the months counted, and the tax of this line: of the whole amount, the fee included."""
        if candidate.kind != PERSON or self.method not in (PER_PAYMENT, CUMULATIVE):
            return IncomeSoFar(), None, 0
        known = self._months.get(payee, {})
        before, months = income_total(known.values()), None
        if self.method == CUMULATIVE:
            months = self.months_given.get(candidate.shop_id) or months_unbroken(list(known), self.period)
        return before, months, tax_of_payment(self.method, amount_minor, before, months or 1)

    def _add_income(self, payee: bytes, amount_minor: int, tax_minor: int) -> None:
        """Adds a line to the payee's income: a person with two shops is one person."""
        months = self._months.setdefault(payee, {})
        before = months.get(self.period, IncomeSoFar())
        months[self.period] = income_total([before, IncomeSoFar(amount_minor, tax_minor)])


MOST_CHARACTERS = 32  # of WeChat's out_bill_no; Alipay's out_biz_no may be longer
_HASH_BYTES = 5
_CHANNEL_NO = re.compile(r"P[0-9]{1,19}L([0-9]{1,9})H[0-9A-F]{10}", re.ASCII)


def channel_no(program: str, payout_id: str, payout_no: int, line_no: int) -> str:
    """The number of a line at the channel: letters and digits, unique over programs, at most ``MOST_CHARACTERS``.

    >>> channel_no("cn", "march", 17, 3)
    'P17L3H894291CB4C'
    """
    digest = hashlib.blake2b(f"{program}\0{payout_id}".encode(), digest_size=_HASH_BYTES).hexdigest().upper()
    return f"P{payout_no}L{line_no}H{digest}"


def line_no_of(program: str, payout_id: str, payout_no: int, number: str) -> int | None:
    """Reads the number of a line out of its ``channel_no``; None where it is none of this batch's.

    >>> line_no_of("cn", "march", 17, "P17L3H894291CB4C"), line_no_of("cn", "march", 18, "P17L3H894291CB4C")
    (3, None)
    """
    match = _CHANNEL_NO.fullmatch(number)
    if match is None or channel_no(program, payout_id, payout_no, int(match[1])) != number:
        return None
    return int(match[1])
