"""Charts: what is drawn, as data in the page, with the same figures as a table for who reads tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from distrib.console.reader import PageReader
from distrib.domain.currencies import decimals_of


@dataclass(frozen=True, slots=True)
class Series:
    """A row of amounts in minor units, drawn as ``bar`` or ``line``."""

    name: str
    kind: str
    amounts_minor: Sequence[int]


@dataclass(frozen=True, slots=True)
class Chart:
    """Series over names, in the program's currency."""

    title: str
    names: Sequence[str]
    series: Sequence[Series]
    reader: PageReader

    @property
    def drawn(self) -> str:
        """What the script draws, as JSON: amounts in major units, only to be drawn, and the words that show them."""
        decimals = decimals_of(self.reader.currency)
        shown: list[dict[str, Any]] = [
            {
                "name": row.name,
                "kind": row.kind,
                "values": [str(Decimal(amount).scaleb(-decimals)) for amount in row.amounts_minor],
                "words": [self.reader.money(amount) for amount in row.amounts_minor],
            }
            for row in self.series
        ]
        return json.dumps({"names": list(self.names), "series": shown}, ensure_ascii=False)

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The same as a table: each name with its amounts."""
        return [
            (name, [self.reader.money(row.amounts_minor[place]) for row in self.series])
            for place, name in enumerate(self.names)
        ]
