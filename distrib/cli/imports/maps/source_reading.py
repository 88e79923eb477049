"""Reads where a map takes a value from: texts, amounts and conditions of columns. Every mistake by its path."""

from __future__ import annotations

import re
from collections.abc import Mapping

from distrib.cli.imports.maps.event_map import STATES, ColumnAmount, ColumnText, Condition
from distrib.domain.document import Report, below
from distrib.domain.texts import Text

MAX_LISTED = 100
_SOURCE = ("column", "columns", "join", "constant", "pattern", "values", "number")


class SourceReport(Report):
    """Collects the problems of a map; each reader answers None for what is unusable."""

    def source(self, path: str, value: object) -> ColumnText | None:
        """Reads where a text comes from: a column's name, or a mapping."""
        if isinstance(value, str):
            return ColumnText((value,)) if self.text(path, value) else None
        given = self.mapping(path, value, _SOURCE)
        if given is None:
            return None
        ways = [key for key in ("column", "columns", "join", "constant", "number") if key in given]
        if len(ways) != 1:
            self.say(path, Text("must have one of column, columns, join, constant and number"))
            return None
        (way,) = ways
        names = [given["column"]] if way == "column" else given[way]
        columns = tuple(self.texts(below(path, way), names)) if way in ("column", "columns", "join") else ()
        if way == "number" and given["number"] != "line":
            self.refuse(f"{path}.number", given["number"], Text("must be line"))
        return ColumnText(
            columns,
            is_joined=way == "join",
            constant=self.plain(f"{path}.constant", given["constant"]) if way == "constant" else None,
            pattern=self.pattern(f"{path}.pattern", given["pattern"], 1) if "pattern" in given else None,
            values=self._values(f"{path}.values", given["values"]) if "values" in given else None,
            is_number=way == "number",
        )

    def _values(self, path: str, value: object) -> dict[str, str]:
        if not isinstance(value, Mapping):
            self.refuse(path, value, Text("must be a mapping of keys"))
            return {}
        return {
            self.plain(path, key) or "": self.plain(below(path, key), meaning) or "" for key, meaning in value.items()
        }

    def amount(self, path: str, value: object) -> ColumnAmount | None:
        """Reads where an amount comes from: a column's name, or what is added, multiplied and subtracted."""
        if isinstance(value, str) or (isinstance(value, Mapping) and {"column", "columns"} & value.keys()):
            source = self.source(path, value)
            return ColumnAmount((source,)) if source is not None else None
        given = self.mapping(path, value, ("add", "subtract", "times", "sign"), ("add",))
        if given is None:
            return None
        added, subtracted = (
            [
                self.source(f"{path}.{name}[{index}]", entry)
                for index, entry in enumerate(self.listing(f"{path}.{name}", given[name], MAX_LISTED))
            ]
            if name in given
            else []
            for name in ("add", "subtract")
        )
        sign = self.choice(f"{path}.sign", given.get("sign", "positive"), ("positive", "negative"))
        return ColumnAmount(
            tuple(source for source in added if source is not None),
            tuple(source for source in subtracted if source is not None),
            self.source(f"{path}.times", given["times"]) if "times" in given else None,
            sign == "negative",
        )

    def condition(self, path: str, value: object) -> Condition | None:
        """Reads what must hold of columns: a state, or a list of texts."""
        if not isinstance(value, Mapping) or not value:
            self.refuse(path, value, Text("must be a mapping of columns to what must hold of them"))
            return None
        by_column: dict[str, str | frozenset[str]] = {}
        for column, wanted in value.items():
            name, inner = self.plain(path, column), below(path, column)
            if isinstance(wanted, list):
                by_column[name or ""] = frozenset(self.texts(inner, wanted))
            elif (state := self.choice(inner, wanted, STATES)) is not None:
                by_column[name or ""] = state
        return Condition(by_column)

    def pattern(self, path: str, value: object, least_groups: int) -> re.Pattern[str] | None:
        """Reads a regular expression with groups."""
        try:
            pattern = re.compile(value) if isinstance(value, str) else None
        except (re.error, RecursionError, OverflowError):
            pattern = None
        if pattern is None or pattern.groups < least_groups:
            self.refuse(path, value, Text("must be a regular expression with a group for what counts"))
            return None
        return pattern

    def texts(self, path: str, value: object) -> list[str]:
        """Reads a list of texts; numbers as they are written."""
        entries = self.listing(path, value, MAX_LISTED)
        read = [self.plain(f"{path}[{index}]", entry) for index, entry in enumerate(entries)]
        return [text for text in read if text is not None]

    def plain(self, path: str, value: object) -> str | None:
        """Reads text, or a whole number as the text that it is in a file."""
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text(path, value)
