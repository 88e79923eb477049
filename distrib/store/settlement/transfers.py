"""Transfers of a batch, gathered as columns and posted by one COPY: what orders earned, and what came back of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from distrib.domain.events import Order
from distrib.domain.ledger import EXPENSE
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.commission import Commission
from distrib.store.copying import Column, CopyTable, Integers, Optionals, Texts, Values, microseconds

TRANSFERS = CopyTable(
    "transfers",
    Column("program_id", "integer"),
    Column("cause_no", "bigint"),
    Column("kind", "transfer_kind"),
    Column("event_no", "bigint"),
    Column("version_no", "integer"),
    Column("occurred_at", "timestamptz"),
    Column("period", "integer"),
    Column("belongs_to_period", "integer", nullable=True),
    Column("available_at", "timestamptz"),
    Column("reverses_seq", "integer", nullable=True),
    Column("seq", "integer"),
    Column("debit_account", "bigint"),
    Column("credit_account", "bigint"),
    Column("amount_minor", "bigint"),
    Column("tier", "smallint"),
    Column("base_minor", "bigint"),
    Column("rate_ppm", "integer", nullable=True),
    Column("line_id", "text"),
    Column("rule_id", "text"),
    Column("is_first_of_shop", "boolean", nullable=True),
)


class Posting(NamedTuple):
    """What the transfers of one event share."""

    program_id: int
    order_no: int
    event_no: int
    version_no: int
    occurred_at: datetime
    period: int
    belongs_to_period: int | None = None


class Reversal(NamedTuple):
    """A change of one commission by a refund: ``amount_minor`` below zero takes back."""

    commission: Commission
    reverses_seq: int
    available_at: datetime
    amount_minor: int


class EarnedColumns(NamedTuple):
    """Commissions as transfers from the expense to the earner, a row each; instants in microseconds since 1970.

    ``belongs_to_period`` is 0 where a fact counts in its own month, ``rate_ppm`` -1 where there is no rate.
    """

    order_no: Integers
    event_no: Integers
    version_no: Integers
    occurred_at: Integers
    period: Integers
    belongs_to_period: Integers
    available_at: Integers
    seq: Integers
    tier: Integers
    shop_no: Integers
    base_minor: Integers
    rate_ppm: Integers
    amount_minor: Integers
    line_id: Texts
    rule_id: Texts


class ReversedColumns(NamedTuple):
    """What refunds changed, a row each; ``amount_minor`` below zero takes back. Else as ``EarnedColumns``."""

    order_no: Integers
    event_no: Integers
    version_no: Integers
    occurred_at: Integers
    period: Integers
    belongs_to_period: Integers
    available_at: Integers
    reverses_seq: Integers
    seq: Integers
    tier: Integers
    shop_no: Integers
    base_minor: Integers
    rate_ppm: Integers
    amount_minor: Integers
    line_id: Sequence[str]
    rule_id: Sequence[str]


class _Earned(NamedTuple):
    """What one event earned: what its transfers share, how many they are, and where its ids begin."""

    posting: Posting
    available_at: datetime
    transfers: int
    first_line: int
    first_rule: int


class _Reversed(NamedTuple):
    """One reversal with what it shares, ready to be a row."""

    posting: Posting
    reversal: Reversal
    seq: int
    line_id: str
    rule_id: str


@dataclass(slots=True)
class TransferRows:
    """The transfers of a batch of one program, as they come."""

    columns: list[EarnedColumns] = field(default_factory=list)
    reversed_columns: list[ReversedColumns] = field(default_factory=list)
    """Those that are columns already."""
    _earned: list[_Earned] = field(default_factory=list)
    _commissions: list[Commission] = field(default_factory=list)
    _reversed: list[_Reversed] = field(default_factory=list)
    _line_ids: list[str] = field(default_factory=list)
    _rule_ids: list[str] = field(default_factory=list)
    _first_rules: dict[int, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is any transfer."""
        in_columns = [earned.seq for earned in self.columns] + [back.seq for back in self.reversed_columns]
        return bool(self._commissions or self._reversed or any(seq.size for seq in in_columns))

    def add_earned(
        self, posting: Posting, available_at: datetime, commissions: Sequence[Commission], order: Order, plan: Plan
    ) -> None:
        """Adds the transfers of a settlement, numbered from 1.

        Args:
            posting: what they share.
            available_at: when the money becomes available.
            commissions: what was earned.
            order: whose lines they are of.
            plan: whose rules they are by: the version that the posting names.
        """
        first_rule = self._first_rules.get(posting.version_no)
        if first_rule is None:
            first_rule = self._first_rules[posting.version_no] = len(self._rule_ids)
            self._rule_ids += [rule.id for rule in plan.rules]
        self._earned.append(_Earned(posting, available_at, len(commissions), len(self._line_ids), first_rule))
        self._line_ids += [line.id for line in order.lines]
        self._commissions += commissions

    def add_reversals(
        self, posting: Posting, reversals: Sequence[Reversal], first_seq: int, order: Order, plan: Plan
    ) -> None:
        """Adds the transfers of what a refund changed, numbered from ``first_seq``."""
        for seq, reversal in enumerate(reversals, first_seq):
            line, rule = order.lines[reversal.commission.line_index], plan.rules[reversal.commission.rule_index]
            self._reversed.append(_Reversed(posting, reversal, seq, line.id, rule.id))

    def copy(self, conn: Connection, program_id: int) -> None:
        """Posts the transfers."""
        earned = [*self.columns, *([self._earned_columns()] if self._commissions else [])]
        back = [*self.reversed_columns, *([_reversed_columns(self._reversed)] if self._reversed else [])]
        parts = [(columns.seq.size, _earned_values(program_id, columns)) for columns in earned]
        parts += [(columns.seq.size, _reversed_values(program_id, columns)) for columns in back]
        TRANSFERS.copy(conn, parts)

    def _earned_columns(self) -> EarnedColumns:
        """What came as commissions, as columns."""
        postings, available_at, counts, first_lines, first_rules = zip(*self._earned, strict=True)
        _, order_no, event_no, version_no, occurred_at, period, belongs_to_period = zip(*postings, strict=True)
        line, rule, tier, shop_no, base_minor, rate_ppm, amount_minor = zip(*self._commissions, strict=True)
        repeats = _numbers(counts)

        def spread(values: Sequence[int]) -> Integers:
            return np.repeat(_numbers(values), repeats)

        return EarnedColumns(
            order_no=spread(order_no),
            event_no=spread(event_no),
            version_no=spread(version_no),
            occurred_at=spread(microseconds(occurred_at)),
            period=spread(period),
            belongs_to_period=spread([belongs or 0 for belongs in belongs_to_period]),
            available_at=spread(microseconds(available_at)),
            seq=numbered_from_1(repeats),
            tier=_numbers(tier),
            shop_no=_numbers(shop_no),
            base_minor=_numbers(base_minor),
            rate_ppm=_numbers([-1 if rate is None else rate for rate in rate_ppm]),
            amount_minor=_numbers(amount_minor),
            line_id=Texts(_numbers(line) + spread(first_lines), self._line_ids),
            rule_id=Texts(_numbers(rule) + spread(first_rules), self._rule_ids),
        )


def numbered_from_1(counts: Integers) -> Integers:
    """Numbers the rows of each of several runs from 1 on.

    >>> numbered_from_1(np.array([2, 0, 3])).tolist()
    [1, 2, 1, 2, 3]
    """
    return np.arange(1, counts.sum() + 1) - np.repeat(np.cumsum(counts) - counts, counts)


def _numbers(values: Sequence[int]) -> Integers:
    return np.array(values, np.int64)


def _values(program_id: int, columns: EarnedColumns | ReversedColumns, **own: Values) -> Mapping[str, Values]:
    """The columns of the table; of those beside the transfers' own what a kind says in ``own``."""
    values: dict[str, Values] = columns._asdict()
    return {
        **values,
        "program_id": program_id,
        "cause_no": columns.order_no,
        "belongs_to_period": Optionals(columns.belongs_to_period, columns.belongs_to_period == 0),
        "rate_ppm": Optionals(columns.rate_ppm, columns.rate_ppm < 0),
        **own,
    }


def _earned_values(program_id: int, columns: EarnedColumns) -> Mapping[str, Values]:
    return _values(
        program_id,
        columns,
        kind="earned",
        reverses_seq=None,
        debit_account=EXPENSE,
        credit_account=columns.shop_no,
        is_first_of_shop=_firsts(columns.order_no, columns.shop_no),
    )


def _firsts(order_no: Integers, shop_no: Integers) -> Optionals:
    """Marks the first transfer of each shop within its order; the others have NULL, and no index entry by shop."""
    _, orders = np.unique(order_no, return_inverse=True)
    shops, place = np.unique(shop_no, return_inverse=True)
    _, first = np.unique(orders * shops.size + place, return_index=True)
    is_later = np.ones(order_no.size, np.bool_)
    is_later[first] = False
    return Optionals(np.ones(order_no.size, np.int64), is_later)


def _reversed_columns(rows: Sequence[_Reversed]) -> ReversedColumns:
    """What came as reversals, as columns."""
    postings, reversals, seq, line_ids, rule_ids = zip(*rows, strict=True)
    _, order_no, event_no, version_no, occurred_at, period, belongs_to_period = zip(*postings, strict=True)
    commissions, reverses_seq, available_at, amounts = zip(*reversals, strict=True)
    _, _, tier, shops, base_minor, rates, _ = zip(*commissions, strict=True)
    return ReversedColumns(
        order_no=_numbers(order_no),
        event_no=_numbers(event_no),
        version_no=_numbers(version_no),
        occurred_at=_numbers(microseconds(occurred_at)),
        period=_numbers(period),
        belongs_to_period=_numbers([belongs or 0 for belongs in belongs_to_period]),
        available_at=_numbers(microseconds(available_at)),
        reverses_seq=_numbers(reverses_seq),
        seq=_numbers(seq),
        tier=_numbers(tier),
        shop_no=_numbers(shops),
        base_minor=_numbers(base_minor),
        rate_ppm=_numbers([-1 if rate is None else rate for rate in rates]),
        amount_minor=_numbers(amounts),
        line_id=line_ids,
        rule_id=rule_ids,
    )


def _reversed_values(program_id: int, columns: ReversedColumns) -> Mapping[str, Values]:
    """What takes back is debited to the earner; what gives again is credited."""
    takes, shop_no = columns.amount_minor < 0, columns.shop_no
    return _values(
        program_id,
        columns,
        kind="reversed",
        debit_account=np.where(takes, shop_no, EXPENSE),
        credit_account=np.where(takes, EXPENSE, shop_no),
        amount_minor=np.abs(columns.amount_minor),
        line_id=list(columns.line_id),
        rule_id=list(columns.rule_id),
        is_first_of_shop=1,
    )
