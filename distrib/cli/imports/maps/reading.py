"""Reads a map: every mistake of the document by its path, all at once, as a plan's."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from distrib.cli.imports.maps.event_map import (
    DEFAULT_FORMATS,
    FREIGHT,
    REFUSE,
    ColumnText,
    Condition,
    EventMap,
    EventRule,
    LineSplit,
    RefundRule,
)
from distrib.cli.imports.maps.source_reading import SourceReport
from distrib.cli.imports.maps.values import MAJOR, MINOR
from distrib.cli.imports.shape import encoding_named
from distrib.domain.errors import Problem
from distrib.domain.texts import Text

ORDER_FIELDS = ("id", "channel", "shop_id", "customer_id", "leader_id", "opener_id", "group_id", "currency", "paid_at")
LINE_FIELDS = ("id", "sku", "category", "quantity", "entry")
LINE_AMOUNTS = ("paid", "list", "cost")
EVENTS = ("paid", "settled", "cancelled")
SPREADS = ("lines", "none")
MAX_NUMBERED = 100
"""Lines that may stand in the columns of one row."""
REFUND_KEYS = ("when", "occurred_at", "rows", "id", "line_id", "amount", "out_of", "spread", "over")
_KEYS = ("map", "source", "encoding", "money", "times", "order", "line", "events", "optional")


def read_map(document: object) -> tuple[EventMap | None, list[Problem]]:
    """Reads a map; answers it, or the problems of the document, all of them."""
    reader = _Reader()
    event_map = reader.document(document)
    return (None if reader.problems else event_map), reader.problems


class _Reader(SourceReport):
    """Reads the parts of a map, and collects what is wrong with them."""

    def document(self, document: object) -> EventMap | None:
        top = self.mapping("", document, _KEYS, ("map", "money", "order", "line", "events"))
        if top is None:
            return None
        name = self.name("map", top["map"]) if "map" in top else None
        if "source" in top:
            self.text("source", top["source"], 1_000)
        order, amounts = self._order(top.get("order"))
        line, line_keys = self._line(top.get("line"))
        events, refunds = self._events(top.get("events"))
        unit, decimal = self._money(top.get("money"))
        zone, formats = self._times(top.get("times", {}))
        return EventMap(
            name=name or "",
            order=order,
            line=line,
            events=events,
            refunds=refunds,
            encoding=self._encoding(top.get("encoding")),
            unit=unit,
            decimal=decimal,
            zone=zone,
            formats=formats,
            optional=frozenset(self.texts("optional", top["optional"]) if "optional" in top else ()),
            **line_keys,
            **amounts,
        )

    def _order(self, value: object) -> tuple[dict[str, ColumnText], dict[str, Any]]:
        known = (*ORDER_FIELDS, "lines_total", "lines_total_over", "discounts")
        given = self.mapping("order", value, known, ("id", "currency", "paid_at")) if value is not None else None
        given = given or {}
        sources = {name: self.source(f"order.{name}", given[name]) for name in ORDER_FIELDS if name in given}
        order = {name: source for name, source in sources.items() if source is not None}
        if (source := order.get("id")) is not None and len(source.columns) != 1:
            self.say("order.id", Text("must be one column: it tells whose row each is"))
        if {"lines_total", "discounts"} <= given.keys():
            self.say("order.discounts", Text("must be left out where lines_total says what is left of them"))
        over = self.choice("order.lines_total_over", given.get("lines_total_over", REFUSE), (REFUSE, FREIGHT))
        amounts = {
            name: self.amount(f"order.{name}", given[name]) for name in ("lines_total", "discounts") if name in given
        }
        return order, amounts | {"lines_total_over": over or REFUSE}

    def _line(self, value: object) -> tuple[dict[str, ColumnText], dict[str, Any]]:
        known = (*LINE_FIELDS, *LINE_AMOUNTS, "rows", "split", "numbered")
        given = (
            self.mapping("line", value, known, ("id", "sku", "quantity", "paid")) if value is not None else None
        ) or {}
        sources = {name: self.source(f"line.{name}", given[name]) for name in LINE_FIELDS if name in given}
        amounts = {name: self.amount(f"line.{name}", given[name]) for name in LINE_AMOUNTS if name in given}
        split = self._split(given["split"]) if "split" in given else None
        rows = self.condition("line.rows", given["rows"]) if "rows" in given else None
        if {"split", "numbered"} <= given.keys():
            self.say("line.numbered", Text("must be left out where split says how lines stand in a row"))
        numbered = self.whole("line.numbered", given["numbered"], 1, MAX_NUMBERED) if "numbered" in given else 0
        line = {name: source for name, source in sources.items() if source is not None}
        of_lines = {name: amount for name, amount in amounts.items() if amount is not None}
        return line, {"amounts": of_lines, "split": split, "line_rows": rows, "numbered": numbered or 0}

    def _events(self, value: object) -> tuple[dict[str, EventRule], tuple[RefundRule, ...]]:
        given = (self.mapping("events", value, (*EVENTS, "refunded")) if value is not None else None) or {}
        if value is not None and not {"paid", "settled"} & given.keys():
            self.say("events", Text("must say when an order is paid or settled"))
        rules = {name: self._event(f"events.{name}", given[name]) for name in EVENTS if name in given}
        refunded = given.get("refunded", [])
        listed = refunded if isinstance(refunded, list) else [refunded]
        refunds = [
            self._refund("events.refunded" if refunded is not listed else f"events.refunded[{index}]", entry)
            for index, entry in enumerate(listed)
        ]
        return (
            {name: rule for name, rule in rules.items() if rule is not None},
            tuple(refund for refund in refunds if refund is not None),
        )

    def _event(self, path: str, value: object) -> EventRule | None:
        given = self.mapping(path, value, ("when", "occurred_at", "after_days"), ("when", "occurred_at"))
        if given is None or not {"when", "occurred_at"} <= given.keys():
            return None
        days = self._days(f"{path}.after_days", given.get("after_days", 0))
        when = self.condition(f"{path}.when", given["when"])
        occurred_at = self.source(f"{path}.occurred_at", given["occurred_at"])
        return EventRule(when, occurred_at, days) if when is not None and occurred_at is not None else None

    def _days(self, path: str, value: object) -> int:
        return self.whole(path, int(value) if isinstance(value, str) and value.isdecimal() else value, 0, 400) or 0

    def _refund(self, path: str, value: object) -> RefundRule | None:
        given = self.mapping(path, value, REFUND_KEYS, ("when", "occurred_at"))
        if given is None or not {"when", "occurred_at"} <= given.keys():
            return None
        if "line_id" in given and "amount" not in given:
            self.say(f"{path}.amount", Text("is required beside line_id"))
        if "line_id" in given and {"out_of", "spread"} & given.keys():
            self.say(f"{path}.line_id", Text("says the lines already: out_of and spread are for money without lines"))
        if "out_of" in given and "amount" not in given:
            self.say(f"{path}.amount", Text("is required beside out_of"))
        return RefundRule(
            when=self.condition(f"{path}.when", given["when"]) or Condition(),
            occurred_at=None
            if given["occurred_at"] == "exported_at"
            else self.source(f"{path}.occurred_at", given["occurred_at"]),
            rows=self.condition(f"{path}.rows", given["rows"]) if "rows" in given else None,
            refund_id=self.source(f"{path}.id", given["id"]) if "id" in given else None,
            line_id=self.source(f"{path}.line_id", given["line_id"]) if "line_id" in given else None,
            amount=self.amount(f"{path}.amount", given["amount"]) if "amount" in given else None,
            out_of=self.amount(f"{path}.out_of", given["out_of"]) if "out_of" in given else None,
            spread=self.choice(f"{path}.spread", given.get("spread", "lines"), SPREADS) or "lines",
            over=self.choice(f"{path}.over", given.get("over", REFUSE), (REFUSE, FREIGHT)) or REFUSE,
        )

    def _split(self, value: object) -> LineSplit | None:
        given = self.mapping(
            "line.split", value, ("column", "separator", "pattern"), ("column", "separator", "pattern")
        )
        if given is None or len(given) < 3:
            return None
        column, separator = self.text("line.split.column", given["column"]), given["separator"]
        if not isinstance(separator, str) or not separator:
            self.refuse("line.split.separator", separator, Text("must be text"))
        pattern = self.pattern("line.split.pattern", given["pattern"], 1)
        if column is None or pattern is None or not isinstance(separator, str):
            return None
        if not pattern.groupindex:
            self.say("line.split.pattern", Text("must name its groups: (?P<sku>…)"))
        return LineSplit(column, separator, pattern)

    def _money(self, value: object) -> tuple[str, Any]:
        given = (self.mapping("money", value, ("unit", "decimal"), ("unit",)) if value is not None else None) or {}
        unit = self.choice("money.unit", given.get("unit", MAJOR), (MAJOR, MINOR))
        return unit or MAJOR, self.choice("money.decimal", given.get("decimal", "."), (".", ",")) or "."

    def _times(self, value: object) -> tuple[ZoneInfo | None, tuple[str, ...]]:
        given = self.mapping("times", value, ("zone", "formats")) or {}
        formats = self.texts("times.formats", given["formats"]) if "formats" in given else DEFAULT_FORMATS
        for index, pattern in enumerate(formats):
            if not _is_time_format(pattern):
                self.refuse(f"times.formats[{index}]", pattern, Text("must be a format such as %Y-%m-%d %H:%M:%S"))
        return self._zone(given["zone"]) if "zone" in given else None, tuple(formats)

    def _zone(self, value: object) -> ZoneInfo | None:
        with suppress(ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            return ZoneInfo(value) if isinstance(value, str) else None
        self.refuse("times.zone", value, Text("must be a time zone such as Asia/Shanghai"))
        return None

    def _encoding(self, value: object) -> str | None:
        if value is None:
            return None
        encoding = encoding_named(value) if isinstance(value, str) else None
        if encoding is None:
            self.refuse("encoding", value, Text("must be an encoding such as gb18030"))
        return encoding


def with_settings(document: object, settings: Sequence[tuple[str, str]]) -> list[Problem]:
    """Sets texts in a map by the paths of their keys, in place; answers what cannot be set.

    >>> document = {"order": {"shop_id": "Shop"}}
    >>> with_settings(document, [("order.shop_id.constant", "b")]), document
    ([], {'order': {'shop_id': {'constant': 'b'}}})
    """
    problems: list[Problem] = []
    for path, text in settings:
        *above, last = path.split(".")
        part = document
        for depth, key in enumerate(above, 1):
            if isinstance(part, dict) and isinstance(part.get(key), str) and depth == len(above) > 1:
                part[key] = {}  # a column alone becomes what the longer path says
            part = part.setdefault(key, {}) if isinstance(part, dict) else None
        if isinstance(part, dict) and all(path.split(".")):
            part[last] = text
        else:
            problems.append(Problem(path, Text("is no path of keys in the map")))
    return problems


def _is_time_format(pattern: str) -> bool:
    """Whether a format says a day, and reads what it writes."""
    try:
        moment = datetime(2026, 12, 31, 23, 59, 58, tzinfo=UTC)
        read = datetime.strptime(moment.strftime(pattern), pattern)  # noqa: DTZ007 - only the day is asked for
    except ValueError:
        return False
    return (read.year, read.month, read.day) == (2026, 12, 31)
