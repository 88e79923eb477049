"""One event of the CSV rows that have its id: its own fields are the first row's, its lines one a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from distrib.cli.imports.cells import read_count, read_flag, read_minor, read_time
from distrib.cli.imports.records import Record
from distrib.domain.events import CANCELLED, FAILED, REFUNDED, SUCCEEDED
from distrib.domain.identifiers import parse_instant
from distrib.domain.texts import Text

_EVENT = ("id", "type", "occurred_at")
_ORDER = ("order_id", "channel", "shop_id", "customer_id", "leader_id", "opener_id", "group_id", "currency", "paid_at")
_LINE = ("line_id", "sku", "category", "quantity", "paid_minor", "list_minor", "cost_minor", "entry")
_REFUND = ("refund_id", "amount_minor", "spread")
_ABOUT = {
    CANCELLED: "order_id",
    "order.payment_failed": "order_id",
    "refund.reversed": "refund_id",
    SUCCEEDED: "group_id",
    FAILED: "group_id",
}
COLUMNS = (*_EVENT, *_ORDER, *_LINE, *_REFUND)
_SHARED = (*_EVENT, *_ORDER, "refund_id", "spread")
_READERS: Mapping[str, Callable[[str], object]] = {
    "occurred_at": read_time,
    "paid_at": read_time,
    "quantity": read_count,
    "paid_minor": read_minor,
    "list_minor": read_minor,
    "cost_minor": read_minor,
    "amount_minor": read_minor,
    "entry": read_flag,
}


def contradictions(records: Sequence[Record]) -> list[Text]:
    """Says which rows of one event say otherwise than its first, and of what; empty where they are of one event.

    A later row may leave a field of the event, the order or the refund empty, or repeat it.
    """
    first, *later = records
    unlike = {
        record.line: [name for name in _SHARED if name in record.values and not _is_same(name, record, first)]
        for record in later
    }
    return [
        Text("line {line} says otherwise than line {first}: {names}", line=line, first=first.line, names=names)
        for line, names in unlike.items()
        if names
    ]


def _is_same(name: str, record: Record, first: Record) -> bool:
    """Whether a field says what the first row says; times as instants."""
    given, known = record.values[name], first.values.get(name)
    if given == known or known is None or _READERS.get(name) is not read_time:
        return bool(given == known)
    try:
        return parse_instant(read_time(given)) == parse_instant(read_time(known))
    except ValueError:
        return False


def event_of(records: Sequence[Record]) -> dict[str, Any]:
    """Composes an event of the CSV rows of one id.

    A refund's row that has an amount is a line even where it names none, to be refused by name: a refund without lines
    would take back all that is left. Only where it says how to spread it, its amount is no line's.
    """
    rows = [record.values for record in records]
    first, *_ = rows
    event: dict[str, Any] = _named(first, _EVENT)
    if first.get("type") == REFUNDED:
        return event | {"refund": _refund(rows)}
    about = _ABOUT.get(first.get("type", ""))
    if about is not None:
        return event | _named(first, (about,))
    order = _named(first, _ORDER)
    order["id"] = order.pop("order_id", None)
    return event | {"order": order | {"lines": [_line(row) for row in rows]}}


def _refund(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first, *later = rows
    refund = {"id": first.get("refund_id"), "order_id": first.get("order_id")}
    if "spread" in first and "line_id" not in first and not later:
        return refund | _named(first, ("amount_minor", "spread"))
    lines = [_named(row, ("line_id", "amount_minor")) for row in rows if {"line_id", "amount_minor"} & row.keys()]
    return refund | _named(first, ("spread",)) | ({"lines": lines} if lines else {})


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    line = _named(row, _LINE)
    line["id"] = line.pop("line_id", None)
    return line


def _named(row: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Reads the fields of a row by their types; what does not convert stays text, to be refused by name."""
    return {name: _READERS.get(name, str)(row[name]) for name in names if name in row}
