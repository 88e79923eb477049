"""Charts: what is drawn, as data in the page, with the same figures as a table for who reads tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from distrib.console.reader import PageReader
from distrib.domain.currencies import decimals_of


@dataclass(frozen=True, slots=True)
class Series:
    """A row of amounts in minor units, drawn as ``bar`` or ``line``; None where nobody knows."""

    name: str
    kind: str
    amounts_minor: Sequence[int | None]

    def drawn(self, reader: PageReader) -> dict[str, Any]:
        """What the script draws of it: amounts in major units, only to be drawn."""
        decimals = decimals_of(reader.currency)
        values = [None if amount is None else str(Decimal(amount).scaleb(-decimals)) for amount in self.amounts_minor]
        return {"name": self.name, "kind": self.kind, "values": values}

    def words(self, reader: PageReader) -> list[str]:
        """The same as the reader reads it."""
        return [reader.money(amount) or "–" for amount in self.amounts_minor]


@dataclass(frozen=True, slots=True)
class RateSeries:
    """A row of rates as decimal texts, drawn as a line against an axis of its own at the right."""

    name: str
    rates: Sequence[str | None]

    def drawn(self, reader: PageReader) -> dict[str, Any]:
        """What the script draws of it: percents."""
        values = [None if rate is None else str(Decimal(rate) * 100) for rate in self.rates]
        return {"name": self.name, "kind": "line", "values": values, "unit": "%"}

    def words(self, reader: PageReader) -> list[str]:
        """The same as the reader reads it."""
        return [reader.percent(rate) or "–" for rate in self.rates]


ChartSeries: TypeAlias = Series | RateSeries


@dataclass(frozen=True, slots=True)
class Chart:
    """Series over names, in the program's currency; ``links``: where each name leads, in the table under it."""

    title: str
    names: Sequence[str]
    series: Sequence[ChartSeries]
    reader: PageReader
    links: Sequence[str] = ()

    @property
    def drawn(self) -> str:
        """What the script draws, as JSON."""
        shown = [row.drawn(self.reader) for row in self.series]
        return json.dumps({"names": list(self.names), "series": shown}, ensure_ascii=False)

    @property
    def rows(self) -> list[tuple[str, str, list[str]]]:
        """The same as a table: each name with where it leads and what stands beside it."""
        columns = [row.words(self.reader) for row in self.series]
        links = self.links or [""] * len(self.names)
        return [
            (name, link, [column[place] for column in columns])
            for place, (name, link) in enumerate(zip(self.names, links, strict=True))
        ]
