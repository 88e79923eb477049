"""Reads what a map names out of the rows of one order; what does not fit is collected by the map's key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from distrib.cli.imports.maps.event_map import (
    ABOVE_ZERO,
    EMPTY,
    FILLED,
    ColumnAmount,
    ColumnText,
    Condition,
    EventMap,
    Row,
)
from distrib.cli.imports.maps.values import ValueUnfit, is_above_zero, read_moment, read_money, read_quantity
from distrib.domain.texts import Text

_T = TypeVar("_T")


@dataclass
class OrderRows:
    """The rows of one order as a map reads them; ``faults`` says what does not fit.

    Args:
        all_rows: those of its refunds as well.
        rows: those of its lines, which say what the order is.
    """

    event_map: EventMap
    all_rows: Sequence[Row]
    rows: Sequence[Row]
    currency: str = ""
    faults: list[Text] = field(default_factory=list)

    def attempt(self, name: str, read: Callable[[], _T]) -> _T | None:
        """Reads a value; None, and a fault under ``name``, where it does not fit."""
        try:
            return read()
        except ValueUnfit as error:
            self.fault(name, error.text)
            return None

    def fault(self, name: str, problem: Text) -> None:
        """Notes what does not fit, once."""
        fault = Text("{name}: {problem}", name=name, problem=problem)
        if fault not in self.faults:
            self.faults.append(fault)

    def text(self, name: str, source: ColumnText, row: Row) -> str | None:
        """Reads a text of a row."""
        return self.attempt(name, lambda: source.read(row))

    def first_text(self, name: str, source: ColumnText, rows: Sequence[Row] | None = None) -> str | None:
        """Reads the first text of the rows that there is."""
        texts = (self.text(name, source, row) for row in (self.rows if rows is None else rows))
        return next((text for text in texts if text is not None), None)

    def amount(self, name: str, amount: ColumnAmount, row: Row) -> int | None:
        """Computes an amount of a row in minor units; None where nothing of it is filled."""
        return self.attempt(name, lambda: self._amount(amount, row))

    def first_amount(self, name: str, amount: ColumnAmount) -> int | None:
        """Computes the first amount of the rows that there is."""
        amounts = (self.amount(name, amount, row) for row in self.rows)
        return next((minor for minor in amounts if minor is not None), None)

    def moment(self, name: str, source: ColumnText, rows: Sequence[Row] | None = None) -> datetime | None:
        """Reads the first time of the rows; that there is none is a fault."""
        text = self.first_text(name, source, rows)
        if text is None:
            self.fault(name, Text("is required"))
            return None
        return self.attempt(name, lambda: read_moment(text, self.event_map.formats, self.event_map.zone))

    def holds(self, condition: Condition) -> bool:
        """Whether a condition holds of the order: of the first row that fills a column, or, above zero, of any."""
        return all(self._column_holds(column, wanted) for column, wanted in condition.by_column.items())

    def _amount(self, amount: ColumnAmount, row: Row) -> int | None:
        added = [text for source in amount.add if (text := source.read(row)) is not None]
        times = amount.times.read(row) if amount.times is not None else "1"
        if not added or times is None:
            return None
        whole = sum(map(self._minor, added)) * read_quantity(times)
        for source in amount.subtract:
            text = source.read(row)
            whole -= abs(self._minor(text)) if text is not None else 0
        return -whole if amount.is_negated else whole

    def _minor(self, text: str) -> int:
        return read_money(text, self.currency, self.event_map.unit, self.event_map.decimal)

    def _column_holds(self, column: str, wanted: str | frozenset[str]) -> bool:
        texts = [text for row in self.rows if (text := row.get(column, "").strip())]
        if wanted == ABOVE_ZERO:
            return any(map(is_above_zero, texts))
        return _text_holds(texts[0] if texts else "", wanted)


def row_holds(condition: Condition | None, row: Row) -> bool:
    """Whether a condition holds of a row; none holds of all."""
    if condition is None:
        return True
    return all(_text_holds(row.get(column, "").strip(), wanted) for column, wanted in condition.by_column.items())


def _text_holds(text: str, wanted: str | frozenset[str]) -> bool:
    if wanted == ABOVE_ZERO:
        return is_above_zero(text)
    if wanted == FILLED:
        return bool(text)
    return not text if wanted == EMPTY else text in wanted
