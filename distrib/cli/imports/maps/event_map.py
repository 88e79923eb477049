"""What a map says: from which columns each field of an order comes, and which state of a row is which event.

Values only; ``reading`` makes them of a document, ``composing`` applies them to rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from zoneinfo import ZoneInfo

from distrib.cli.imports.maps.values import MAJOR, ValueUnfit
from distrib.domain.document import shown
from distrib.domain.texts import Text

FILLED, EMPTY, ABOVE_ZERO = "filled", "empty", "above_zero"
STATES: Final = (FILLED, EMPTY, ABOVE_ZERO)
"""What a condition may ask of a column besides a list of texts."""
REFUSE, FREIGHT = "refuse", "freight"
NUMBER = "{n}"
"""Stands for the number of a line in the name of a column."""
DEFAULT_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ColumnText:
    """Where a text comes from: the first of ``columns`` that is filled, all of them joined, or a constant.

    Args:
        pattern: what of the text counts, its first group.
        values: what each text means; another is refused by name.
        is_number: the text is the number of the line in its order.
    """

    columns: tuple[str, ...] = ()
    is_joined: bool = False
    constant: str | None = None
    pattern: re.Pattern[str] | None = None
    values: Mapping[str, str] | None = None
    is_number: bool = False

    def read(self, row: Row) -> str | None:
        """Reads the text of a row; None where there is none."""
        if self.constant is not None:
            return self.constant
        texts = [text for name in self.columns if (text := row.get(name, "").strip())]
        if not texts or (self.is_joined and len(texts) < len(self.columns)):
            return None
        text = " ".join(texts) if self.is_joined else texts[0]
        if self.pattern is not None:
            match = self.pattern.search(text)
            if match is None:
                return None
            text = match[1]
        if self.values is None:
            return text
        if text not in self.values:
            raise ValueUnfit(Text("{text} is none of {known}", text=shown(text), known=list(self.values)))
        return self.values[text]


@dataclass(frozen=True, slots=True)
class ColumnAmount:
    """An amount of money: what is added, times a quantity, less what is subtracted; an empty one of several is 0."""

    add: tuple[ColumnText, ...]
    subtract: tuple[ColumnText, ...] = ()
    times: ColumnText | None = None
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of some columns, all of it: a state of ``STATES``, or a text among several."""

    by_column: Mapping[str, str | frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LineSplit:
    """How the lines of an order stand in one cell: ``pattern`` names the parts of each, which are columns then."""

    column: str
    separator: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class EventRule:
    """When an order has an event, and at which time it happened.

    ``after_days`` are added to the time (a return window); what lies ahead is not sent yet.
    """

    when: Condition
    occurred_at: ColumnText
    after_days: int = 0


@dataclass(frozen=True, slots=True)
class RefundRule:
    """When an order has refunds, and what they say.

    Args:
        occurred_at: None for the time of the export.
        rows: which rows are of refunds; of all rows the first that is filled counts, of some all.
        refund_id: tells refunds apart; None where an order has one.
        line_id: the order's line that a row gives back; None where money is not by line.
        amount: what is given back; None for all that is left.
        out_of: the total that the amount is a part of, with tax and freight: the lines' part of it counts.
        over: ``freight`` where more than was paid for the lines is freight and tax, ``refuse`` where it is an error.
    """

    when: Condition
    occurred_at: ColumnText | None
    rows: Condition | None = None
    refund_id: ColumnText | None = None
    line_id: ColumnText | None = None
    amount: ColumnAmount | None = None
    out_of: ColumnAmount | None = None
    spread: str = "lines"
    over: str = REFUSE


@dataclass(frozen=True, slots=True)
class EventMap:
    """A whole map; ``order`` and ``line`` by the names of the contract.

    ``numbered`` is how many lines stand in the columns of one row, whose names have ``{n}`` for the number; 0 for none.
    """

    name: str
    order: Mapping[str, ColumnText]
    line: Mapping[str, ColumnText]
    amounts: Mapping[str, ColumnAmount]
    events: Mapping[str, EventRule]
    refunds: tuple[RefundRule, ...] = ()
    line_rows: Condition | None = None
    split: LineSplit | None = None
    numbered: int = 0
    lines_total: ColumnAmount | None = None
    lines_total_over: str = REFUSE
    discounts: ColumnAmount | None = None
    encoding: str | None = None
    unit: str = MAJOR
    decimal: Literal[".", ","] = "."
    zone: ZoneInfo | None = None
    formats: tuple[str, ...] = DEFAULT_FORMATS
    optional: frozenset[str] = frozenset()

    @property
    def order_column(self) -> str:
        """The column that names the order of a row."""
        name, *_ = self.order["id"].columns
        return name

    @property
    def has_row_per_order(self) -> bool:
        """Whether all lines of an order stand in one row."""
        return self.split is not None or self.numbered > 0

    @property
    def has_nameless_rows(self) -> bool:
        """Whether rows are lines without ids: of what stands twice nobody can tell whether it is two lines."""
        return self.line["id"].is_number and not self.has_row_per_order

    def numbered_names(self, number: int) -> dict[str, str]:
        """The columns of the line of a number, by the names that the map has for all."""
        return {name: name.replace(NUMBER, str(number)) for name in self._named() if NUMBER in name}

    def missing(self, header: Sequence[str]) -> list[str]:
        """Lists what the map needs and a file with these columns lacks; alternatives as ``a|b``."""
        parts = set(self.split.pattern.groupindex) if self.split else set()
        first = self.numbered_names(1) if self.numbered else {}
        present = {*header, *self.optional, *parts}
        needs = {tuple(first.get(name, name) for name in names) for names in self._needs()}
        return sorted("|".join(names) for names in needs if not present.intersection(names))

    def columns(self) -> frozenset[str]:
        """All columns that the map reads."""
        numbered = (self.numbered_names(number).values() for number in range(1, self.numbered + 1))
        return frozenset(self._named()).union(*numbered)

    def _named(self) -> set[str]:
        return {name for names in self._needs() for name in names}

    def _needs(self) -> Iterator[tuple[str, ...]]:
        for source in self._sources():
            if source.is_joined:
                yield from ((name,) for name in source.columns)
            elif source.columns:
                yield source.columns
        for condition in self._conditions():
            yield from ((name,) for name in condition.by_column)
        if self.split is not None:
            yield (self.split.column,)

    def _sources(self) -> Iterator[ColumnText]:
        yield from self.order.values()
        yield from self.line.values()
        yield from (rule.occurred_at for rule in self.events.values())
        amounts = [*self.amounts.values(), self.lines_total, self.discounts]
        for refund in self.refunds:
            yield from (source for source in (refund.occurred_at, refund.refund_id, refund.line_id) if source)
            amounts += [refund.amount, refund.out_of]
        for amount in amounts:
            if amount is not None:
                yield from (*amount.add, *amount.subtract, *([amount.times] if amount.times else []))

    def _conditions(self) -> Iterator[Condition]:
        yield from (rule.when for rule in self.events.values())
        for refund in self.refunds:
            yield from (condition for condition in (refund.when, refund.rows) if condition)
        if self.line_rows is not None:
            yield self.line_rows
