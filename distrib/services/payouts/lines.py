"""Which shops with money get a line of a batch, and what is held back of it. No SQL and no file may enter."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from distrib.domain.payouts.channels import Channel, misfit
from distrib.domain.payouts.withholding import (
    CUMULATIVE,
    PER_PAYMENT,
    PERSON,
    Standing,
    months_unbroken,
    tax_of_payment,
)
from distrib.services.context import Program
from distrib.store.payouts import batches as rows
from distrib.store.payouts.batches import Candidate, NewLine


@dataclass(slots=True)
class Lines:
    """The lines of one batch as they come about, a few shops at a time.

    Args:
        method: how tax is withheld.
        period: the month the tax belongs to, as 202603.
        months_given: months counted for the cumulative method by shop, where the caller told them.
    """

    conn: Connection
    program: Program
    channel: Channel
    method: str
    period: int
    months_given: Mapping[str, int]
    count: int = 0
    _months: dict[bytes, dict[int, Standing]] = field(default_factory=dict)

    def work_out(self, some: Iterable[Candidate]) -> tuple[list[NewLine], list[tuple[int, str, int]]]:
        """Lines, and refusals as (shop, code, amount), for candidates in their order."""
        candidates = list(some)
        self._months = self._standing(candidates)
        lines: list[NewLine] = []
        refusals: list[tuple[int, str, int]] = []
        for one in candidates:
            found = self._line(one)
            if isinstance(found, NewLine):
                lines.append(found)
            else:
                refusals.append((one.shop_no, found, one.amount_minor))
        return lines, refusals

    def _standing(self, candidates: Iterable[Candidate]) -> dict[bytes, dict[int, Standing]]:
        """What stands of persons' income by month of the year; lines made a moment ago are among it."""
        months: dict[bytes, dict[int, Standing]] = {}
        if self.method not in (PER_PAYMENT, CUMULATIVE):
            return months
        persons = {bytes(one.identity_hash) for one in candidates if one.kind == PERSON and one.identity_hash}
        first = self.period if self.method == PER_PAYMENT else self.period // 100 * 100 + 1
        for payee, month, income, tax in rows.standing_of(
            self.conn, self.program.program_id, sorted(persons), first, self.period
        ):
            months.setdefault(payee, {})[month] = Standing(income, tax)
        return months

    def _line(self, one: Candidate) -> NewLine | str:
        if one.version is None or one.kind is None or one.identity_hash is None:
            return "payee_missing"
        payee = bytes(one.identity_hash)
        before, months = Standing(), None
        tax_minor = 0
        if one.kind == PERSON and self.method in (PER_PAYMENT, CUMULATIVE):
            known = self._months.get(payee, {})
            before = Standing(*map(sum, zip(Standing(), *known.values(), strict=True)))
            if self.method == CUMULATIVE:
                months = self.months_given.get(one.shop_id) or months_unbroken(list(known), self.period)
            tax_minor = tax_of_payment(self.method, one.amount_minor, before, months or 1)
        unfit = misfit(self.channel, one.kind, one.amount_minor - tax_minor, one.accounts or ())
        if unfit is not None:
            return unfit
        self._note(payee, one.amount_minor, tax_minor)
        self.count += 1
        return NewLine(
            one.shop_no,
            self.count,
            one.amount_minor,
            tax_minor,
            one.version,
            one.kind,
            payee,
            self.period,
            months,
            months is not None and one.shop_id in self.months_given,
            before.income_minor,
            before.withheld_minor,
        )

    def _note(self, payee: bytes, amount_minor: int, tax_minor: int) -> None:
        """A person with two shops is one person: the second line comes on top of the first."""
        months = self._months.setdefault(payee, {})
        income, withheld = months.get(self.period, Standing())
        months[self.period] = Standing(income + amount_minor, withheld + tax_minor)


MOST_CHARACTERS = 32  # of WeChat's out_bill_no; Alipay's out_biz_no may be longer
_HASH_BYTES = 5


def channel_no(program: str, payout_id: str, payout_no: int, line_no: int) -> str:
    """Letters and digits, unique over programs: the batch, the line, and a hash of whose and which batch it is.

    >>> channel_no("cn", "march", 17, 3)
    'P17L3H894291CB4C'
    """
    told = hashlib.blake2b(f"{program}\0{payout_id}".encode(), digest_size=_HASH_BYTES).hexdigest().upper()
    return f"P{payout_no}L{line_no}H{told}"
