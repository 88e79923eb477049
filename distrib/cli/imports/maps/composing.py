"""The rows of one order as its events, by a map. What cannot be read is collected: an order is sent whole or not.

What an order earns is computed of what was paid for its lines, so money that is no line's is kept out: a discount of
the order, or the total after it, is shared over the lines by largest remainder, the first of equal remainders first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from distrib.cli.imports.cells import read_flag
from distrib.cli.imports.maps.event_map import FREIGHT, ColumnText, EventMap, Row
from distrib.cli.imports.maps.order_rows import OrderRows, row_holds
from distrib.cli.imports.maps.refunding import NOTHING_BACK, Refunding, outside
from distrib.cli.imports.maps.values import ValueUnfit, read_quantity
from distrib.cli.imports.records import Record
from distrib.domain.currencies import is_currency
from distrib.domain.document import shown
from distrib.domain.events import CANCELLED, PAID, REFUNDED, SETTLED
from distrib.domain.money import scale_down
from distrib.domain.texts import Text

_TYPES = {"paid": PAID, "settled": SETTLED, "cancelled": CANCELLED}


@dataclass(frozen=True, slots=True)
class Composed:
    """What the rows of an order come to.

    Args:
        events: as the contract has them; empty where there are faults.
        faults: what cannot be read.
        left_out: why an event that might be expected is not sent.
    """

    events: list[dict[str, Any]]
    faults: list[Text]
    left_out: list[Text]


def contradictions_of(event_map: EventMap) -> Callable[[Sequence[Record]], list[Text]]:
    """Builds the check that rows of one order say the same of it; a later row may leave a field empty.

    Where all of an order stands in one row, another has to be its equal.
    """
    if event_map.has_row_per_order:
        return _unlike_rows

    def contradictions(records: Sequence[Record]) -> list[Text]:
        known: dict[str, tuple[int, str]] = {}
        unlike: dict[tuple[int, int], list[str]] = {}
        for record in records:
            if not row_holds(event_map.line_rows, record.values):
                continue
            for name, source in event_map.order.items():
                text = _quietly(source, record.values)
                if text is None:
                    continue
                line, first = known.setdefault(name, (record.line, text))
                if text != first:
                    unlike.setdefault((record.line, line), []).append(name)
        return [
            Text("line {line} says otherwise than line {first}: {names}", line=line, first=first, names=names)
            for (line, first), names in unlike.items()
        ]

    return contradictions


def _unlike_rows(records: Sequence[Record]) -> list[Text]:
    first, *later = records
    names = {record.line: sorted(name for name, _ in record.values.items() ^ first.values.items()) for record in later}
    return [
        Text("line {line} says otherwise than line {first}: {names}", line=line, first=first.line, names=unlike)
        for line, given in names.items()
        if (unlike := list(dict.fromkeys(given)))
    ]


def compose(event_map: EventMap, records: Sequence[Record], now: datetime, exported_at: datetime | None) -> Composed:
    """Composes the events of the rows of one order.

    Args:
        now: what happens later is not sent yet.
        exported_at: the time of what the file has no time of.
    """
    rows = [record.values for record in (records[:1] if event_map.has_row_per_order else records)]
    order = OrderRows(event_map, rows, [row for row in rows if row_holds(event_map.line_rows, row)])
    composer = _Composer(event_map, order, now, exported_at)
    composer.whole()
    if order.faults:
        return Composed([], order.faults, [])
    return Composed(composer.events, [], composer.left_out)


@dataclass
class _Composer:
    """Composes the events of one order."""

    event_map: EventMap
    read: OrderRows
    now: datetime
    exported_at: datetime | None
    events: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[Text] = field(default_factory=list)

    def whole(self) -> None:
        """Composes all events of the order."""
        if not self.read.rows:
            self.left_out.append(Text("its lines are not in the file, so nothing of it is sent"))
            return
        order = self._order()
        self.read.currency = order.get("currency", "")
        if not is_currency(self.read.currency):
            self.read.fault("order.currency", Text("must be an ISO 4217 currency such as CNY"))
            return
        happened = {name: moment for name in _TYPES if (moment := self._happened(name)) is not None}
        if not happened:
            self.left_out.append(Text("no event of the map has happened to it"))
            return
        if not happened.keys().isdisjoint({"paid", "settled"}):
            paid_at = self.read.moment("order.paid_at", self.event_map.order["paid_at"])
            order |= {"paid_at": _written(paid_at) if paid_at else None, "lines": self._lines()}
        if not self.read.faults:
            self._add_events(order, happened)
            self._add_refunds(order)

    def _order(self) -> dict[str, Any]:
        named = {
            name: self.read.first_text(f"order.{name}", source)
            for name, source in self.event_map.order.items()
            if name != "paid_at"
        }
        return {name: text for name, text in named.items() if text is not None}

    def _happened(self, name: str) -> datetime | None:
        rule = self.event_map.events.get(name)
        if rule is None or not self.read.holds(rule.when):
            return None
        moment = self.read.moment(f"events.{name}.occurred_at", rule.occurred_at)
        if moment is None:
            return None
        due = moment + timedelta(days=rule.after_days)
        if due > self.now:
            self.left_out.append(Text("{event} not before {time}", event=_TYPES[name], time=_written(due)))
            return None
        return due

    def _add_events(self, order: dict[str, Any], happened: dict[str, datetime]) -> None:
        for name, moment in happened.items():
            about = {"order_id": order["id"]} if name == "cancelled" else {"order": order}
            event = {"id": f"{order['id']}:{name}", "type": _TYPES[name], "occurred_at": _written(moment)}
            self.events.append(event | about)

    def _add_refunds(self, order: dict[str, Any]) -> None:
        """Adds the refunds of the first rule that holds."""
        rule = next((rule for rule in self.event_map.refunds if self.read.holds(rule.when)), None)
        if rule is None:
            return
        if "lines" not in order:
            self.left_out.append(Text("its refund is not sent: it was neither paid nor settled"))
            return
        for refund_id, moment, back in Refunding(self.read, rule, order["lines"], self.exported_at).read():
            if back is None:
                self.left_out.append(NOTHING_BACK)
                continue
            own_id = f"{order['id']}:refunded" if rule.refund_id is None else f"{order['id']}:refunded:{refund_id}"
            refund = {"id": f"{order['id']}:{refund_id}", "order_id": order["id"]} | back
            self.events.append({"id": own_id, "type": REFUNDED, "occurred_at": _written(moment), "refund": refund})

    def _lines(self) -> list[dict[str, Any]]:
        lines = [self._line(str(number), row) for number, row in enumerate(self._line_rows(), 1)]
        if not lines:
            self.read.fault("line", Text("there is none"))
        if self.read.faults:
            return lines
        paid = [line["paid_minor"] for line in lines]
        total = self._lines_total(sum(paid))
        shares = scale_down(paid, total, [(index,) for index in range(len(paid))])
        return [line | {"paid_minor": share} for line, share in zip(lines, shares, strict=True)]

    def _line_rows(self) -> list[Row]:
        rows = list(self.read.rows)
        if self.event_map.numbered:
            return [part for row in rows for part in self._numbered(row)]
        return rows if self.event_map.split is None else [part for row in rows for part in self._split(row)]

    def _numbered(self, row: Row) -> Iterator[Row]:
        """Takes the lines out of the numbered columns of a row; one with nothing in them is none."""
        for number in range(1, self.event_map.numbered + 1):
            names = self.event_map.numbered_names(number)
            part = {name: row.get(own, "") for name, own in names.items()}
            if any(map(str.strip, part.values())):
                yield {**row, **part}

    def _split(self, row: Row) -> list[Row]:
        """Splits the cell of a row that has the lines; its parts stand beside the columns of the row."""
        split = self.event_map.split
        if split is None:
            return [row]
        parts: list[Row] = []
        for text in filter(None, map(str.strip, row.get(split.column, "").split(split.separator))):
            match = split.pattern.fullmatch(text)
            if match is None:
                self.read.fault("line.split", Text("{text} is no line", text=shown(text)))
            else:
                parts.append({**row, **{name: part.strip() for name, part in match.groupdict("").items()}})
        return parts

    def _line(self, number: str, row: Row) -> dict[str, Any]:
        read, line = self.read, dict[str, Any]()
        for name, source in self.event_map.line.items():
            text = number if source.is_number else read.text(f"line.{name}", source, row)
            if text is not None:
                line[name] = text
        if (quantity := line.get("quantity")) is not None:
            line["quantity"] = read.attempt("line.quantity", lambda: read_quantity(quantity))
        if "entry" in line:
            line["entry"] = read_flag(line["entry"])
        for name, amount in self.event_map.amounts.items():
            minor = read.amount(f"line.{name}", amount, row)
            if minor is not None:
                line[f"{name}_minor"] = minor
        if "paid_minor" not in line:
            read.fault("line.paid", Text("is required"))
        elif line["paid_minor"] < 0:
            read.fault("line.paid", Text("must not be below zero"))
        return line

    def _lines_total(self, whole: int) -> int:
        """What was paid for all lines, of what they come to by themselves."""
        total = whole
        if self.event_map.lines_total is not None:
            given = self.read.first_amount("order.lines_total", self.event_map.lines_total)
            total = whole if given is None else given
        elif self.event_map.discounts is not None:
            total -= abs(self.read.first_amount("order.discounts", self.event_map.discounts) or 0)
        if total > whole and self.event_map.lines_total_over == FREIGHT:
            return whole
        if not 0 <= total <= whole:
            self.read.fault("order.lines_total", outside(total, whole))
            return whole
        return total


def _quietly(source: ColumnText, row: Row) -> str | None:
    """Reads a text; None also for what does not fit, which is said elsewhere."""
    try:
        return source.read(row)
    except ValueUnfit:
        return None


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
