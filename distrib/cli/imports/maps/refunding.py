"""The refunds of one order, by a map: by line, by amount, or of all that is left.

One base for order and refund: of an amount out of a total with tax and freight, the part of the lines counts, rounded
half up; what goes beyond the lines is freight where the map says so, and else an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from distrib.cli.imports.maps.event_map import FREIGHT, ColumnAmount, ColumnText, RefundRule, Row
from distrib.cli.imports.maps.order_rows import OrderRows, row_holds
from distrib.domain.document import shown
from distrib.domain.money import round_ratio
from distrib.domain.texts import Text

_NAME = "events.refunded"
_ONLY = "refunded"
"""Names the refund of an order that has one."""
NOTHING_BACK = Text("its refund gives nothing back for the lines")


class Refunding:
    """Reads the refunds of an order.

    Args:
        order: the rows of the order.
        rule: what the map says of refunds.
        lines: the lines of the order, with ``id`` and ``paid_minor``.
        exported_at: the time of what the file has no time of, or None.
    """

    def __init__(
        self, order: OrderRows, rule: RefundRule, lines: Sequence[Mapping[str, Any]], exported_at: datetime | None
    ) -> None:
        self._order = order
        self._rule = rule
        self._left: dict[str, int] = {line["id"]: line["paid_minor"] for line in lines}
        self._exported_at = exported_at

    def read(self) -> list[tuple[str, datetime, dict[str, Any] | None]]:
        """Lists the refunds: id, time and what is given back; None where that is nothing of the lines."""
        by_id: dict[str, list[Row]] = {}
        for row in self._order.all_rows:
            if row_holds(self._rule.rows, row):
                refund_id = self._refund_id(row)
                if refund_id is not None:
                    by_id.setdefault(refund_id, []).append(row)
        read = [(refund_id, self._moment(rows), self._given_back(rows)) for refund_id, rows in by_id.items()]
        return [(refund_id, moment, back) for refund_id, moment, back in read if moment is not None]

    def _refund_id(self, row: Row) -> str | None:
        if self._rule.refund_id is None:
            return _ONLY
        refund_id = self._order.text(f"{_NAME}.id", self._rule.refund_id, row)
        if refund_id is None:
            self._order.fault(f"{_NAME}.id", Text("is required"))
        return refund_id

    def _moment(self, rows: Sequence[Row]) -> datetime | None:
        if self._rule.occurred_at is not None:
            return self._order.moment(f"{_NAME}.occurred_at", self._rule.occurred_at, rows)
        if self._exported_at is None:
            self._order.fault(_NAME, Text("the file has no time of it: give --exported-at"))
        return self._exported_at

    def _given_back(self, rows: Sequence[Row]) -> dict[str, Any] | None:
        rule = self._rule
        if rule.amount is None:
            return {}
        if rule.line_id is not None:
            return self._of_lines(rule.line_id, rule.amount, rows)
        amount = self._of_order(rule.amount, rows)
        return {"amount_minor": amount, "spread": rule.spread} if amount else None

    def _of_order(self, amount: ColumnAmount, rows: Sequence[Row]) -> int | None:
        name, left = f"{_NAME}.amount", sum(self._left.values())
        given = [minor for row in rows if (minor := self._order.amount(name, amount, row)) is not None]
        if not given:
            return None
        back = given[0] if self._rule.rows is None else sum(given)
        if self._rule.out_of is None:
            return self._at_most(back, left)
        whole = self._order.first_amount(f"{_NAME}.out_of", self._rule.out_of) or 0
        if not 0 <= back <= whole or whole == 0:
            self._order.fault(name, outside(back, whole))
            return None
        return round_ratio(back * left, whole, "half_up")

    def _of_lines(self, source: ColumnText, amount: ColumnAmount, rows: Sequence[Row]) -> dict[str, Any] | None:
        taken: dict[str, int] = {}
        for row in rows:
            line_id = self._order.text(f"{_NAME}.line_id", source, row)
            back = self._order.amount(f"{_NAME}.amount", amount, row)
            if line_id is None or line_id not in self._left:
                self._order.fault(f"{_NAME}.line_id", Text("{text} is no line of the order", text=shown(line_id)))
            elif back is not None:
                share = self._at_most(back, self._left[line_id]) or 0
                self._left[line_id] -= share
                taken[line_id] = taken.get(line_id, 0) + share
        lines = [{"line_id": line_id, "amount_minor": share} for line_id, share in taken.items() if share]
        return {"lines": lines} if lines else None

    def _at_most(self, back: int, left: int) -> int | None:
        if back > left and self._rule.over == FREIGHT:
            return left
        if not 0 <= back <= left:
            self._order.fault(
                f"{_NAME}.amount", Text("must be from 0 to {whole} minor units, not {back}", back=back, whole=left)
            )
            return None
        return back


def outside(back: int, whole: int) -> Text:
    """Says that an amount is not a part of another."""
    return Text("must be from 0 to {whole} minor units, not {back}", back=back, whole=whole)
