"""The life of the money computed a second time, from files and batches alone: nothing may be left unexplained.

For every shop and month: opening + earned + reversed + adjusted - paid - tax = closing = held + reserved + available,
opening = the closing before, what was earned, taken back and adjusted is what the lines say, and what was paid and
withheld is what the batches say. Reads what a stranger could: exported CSV files and answers. No HTTP may enter.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

MOVES = ("earned_minor", "reversed_minor", "adjusted_minor", "paid_minor", "tax_minor")
VIEWS = ("held_minor", "reserved_minor", "available_minor")
FIGURES = ("opening_minor", *MOVES, "closing_minor", *VIEWS)
_COLUMN_OF_KIND = {
    "earned": "earned_minor",
    "pool": "earned_minor",
    "reversed": "reversed_minor",
    "adjusted": "adjusted_minor",
}
_SIGN = {"paid_minor": -1, "tax_minor": -1}

Figures: TypeAlias = Mapping[str, int]
Rows: TypeAlias = Mapping[str, Figures]
"""A month's figures by shop."""
Moves: TypeAlias = Mapping[str, Mapping[str, int]]
"""What moved in a month by shop, in the columns of ``MOVES``; what is not there is 0."""


@dataclass(frozen=True, slots=True)
class MonthFiles:
    """A month as downloaded: both CSV files, and the digest it was closed with (None while it is open)."""

    period: str
    shops: bytes
    lines: bytes
    digest: str | None


@dataclass(frozen=True, slots=True)
class Proved:
    """A month's totals and how many minor units of it, over all shops, are not explained."""

    period: str
    is_closed: bool
    shops: int
    totals: Figures
    unexplained_minor: int
    digest_holds: bool


def prove(months: Iterable[MonthFiles], paid: Mapping[str, Moves]) -> list[Proved]:
    """Every month against its lines, its batches and the month before, in their sequence.

    Args:
        months: no movement lies between two that follow each other here; the openings show it.
        paid: what batches paid and withheld, by month and shop.
    """
    proved: list[Proved] = []
    before: Rows = {}
    for month in months:
        rows = shop_rows(month.shops)
        moved = moves_of_lines(month.lines)
        for shop, figures in paid.get(month.period, {}).items():
            moved[shop].update(figures)
        is_closed = month.digest is not None
        holds = not is_closed or hashlib.sha256(month.shops).hexdigest() == month.digest
        proved.append(
            Proved(month.period, is_closed, len(rows), _totals(rows), unexplained(before, rows, moved), holds)
        )
        before = rows
    return proved


def unexplained(before: Rows, rows: Rows, moved: Moves) -> int:
    """The minor units of a month that are not explained: the sum of all differences, each taken as positive.

    >>> row = dict.fromkeys(FIGURES, 0) | {"earned_minor": 5, "closing_minor": 5, "held_minor": 5}
    >>> unexplained({}, {"s": row}, {"s": {"earned_minor": 5}}), unexplained({}, {"s": row}, {})
    (0, 5)
    """
    nothing = dict.fromkeys(FIGURES, 0)
    shops = {*before, *rows, *moved}
    return sum(
        abs(gap)
        for shop in shops
        for gap in _gaps(before.get(shop, nothing), rows.get(shop, nothing), moved.get(shop, {}))
    )


def _gaps(before: Figures, row: Figures, moved: Mapping[str, int]) -> Iterator[int]:
    yield row["opening_minor"] - before["closing_minor"]
    yield row["closing_minor"] - row["opening_minor"] - sum(_SIGN.get(name, 1) * row[name] for name in MOVES)
    yield row["closing_minor"] - sum(row[name] for name in VIEWS)
    for name in MOVES:
        yield row[name] - moved.get(name, 0)


def shop_rows(file: bytes) -> Rows:
    """The rows of a shops.csv by shop."""
    return {row["shop_id"]: {name: int(row[name]) for name in FIGURES} for row in _read(file)}


def moves_of_lines(file: bytes) -> dict[str, Counter[str]]:
    """What the rows of a lines.csv add up to, by shop and column."""
    moved: dict[str, Counter[str]] = defaultdict(Counter)
    for row in _read(file):
        moved[row["shop_id"]][_COLUMN_OF_KIND[row["kind"]]] += int(row["amount_minor"])
    return moved


def came_late(file: bytes) -> tuple[int, int, int]:
    """The rows of a lines.csv: how many, how many name a closed month that they belong to, what those come to."""
    rows = list(_read(file))
    marked = [row for row in rows if row["belongs_to_period"]]
    return len(rows), len(marked), sum(int(row["amount_minor"]) for row in marked)


def totals_of_all(proved: Sequence[Proved]) -> dict[str, int]:
    """All months in one row: the first opening, what moved in all of them, what the last one ends with."""
    moved = {name: sum(month.totals[name] for month in proved) for name in MOVES}
    last = proved[-1].totals
    return {
        "opening_minor": proved[0].totals["opening_minor"],
        **moved,
        **{name: last[name] for name in ("closing_minor", *VIEWS)},
    }


def whole_gap(proved: Sequence[Proved]) -> int:
    """What of all months together is not explained, from their totals."""
    whole = totals_of_all(proved)
    return sum(abs(gap) for gap in list(_gaps({"closing_minor": 0}, whole, {}))[:3])


def _totals(rows: Rows) -> Figures:
    return {name: sum(row[name] for row in rows.values()) for name in FIGURES}


def _read(file: bytes) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(file.decode("utf-8"), newline=""))
