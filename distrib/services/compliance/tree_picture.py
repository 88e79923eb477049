"""Draws the largest tree from left to right: a column for each level, a line from each shop to who brought it in.

Levels beyond the cap of the packs stand on red ground. Which shops are drawn is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reportlab.lib.colors import Color, HexColor
from reportlab.platypus import Flowable

from distrib.domain.texts import Text
from distrib.languages import render
from distrib.services.compliance.report_views import DrawnShop
from distrib.services.typeface import FONT, on_paper, text_width

_ROW, _HEAD, _SIZE, _SMALL = 12.0, 16.0, 6.6, 5.8
_MOST_COLUMN, _RADIUS_LEAST, _RADIUS_MOST = 220.0, 1.6, 4.6
_INK, _GREY, _LINE, _DOT, _BEYOND, _BEYOND_INK = map(
    HexColor, ("#1f2937", "#6b7280", "#9ca3af", "#1d4e79", "#fdecea", "#b42318")
)
_LEVEL, _BEYOND_CAP = Text("Level {level}"), Text("Level {level}, beyond the cap")
_MORE = Text("+ {count} more")


class _Place(NamedTuple):
    """Where a shop stands: the row of its dot, and that of what is left out below it, where something is."""

    row: float
    more_row: float | None


class TreePicture(Flowable):
    """The picture of one tree.

    Args:
        shops: its shops, the root first, each after who stands above it.
        most_levels: the cap on levels; None without one.
        width: in points.
    """

    def __init__(self, shops: Sequence[DrawnShop], most_levels: int | None, width: float, language: str) -> None:
        super().__init__()
        self._shops, self._most_levels, self._language = shops, most_levels, language
        self._places, self._rows = _places_of(shops)
        self._levels = max(shop.node.level for shop in shops)
        columns = self._levels + any(shop.node.more and shop.node.level == self._levels for shop in shops)
        self._column = min(width / columns, _MOST_COLUMN)
        self.width, self.height = width, self._rows * _ROW + _HEAD

    def wrap(self, *_: float) -> tuple[float, float]:
        """The room that the picture takes, in points."""
        return self.width, self.height

    def draw(self) -> None:
        """Draws levels, lines, shops."""
        self._draw_levels()
        for place, shop in zip(self._places, self._shops, strict=True):
            if shop.node.above >= 0:
                self._connect(self._places[shop.node.above], place.row, shop.node.level)
            if place.more_row is not None and place.more_row != place.row:
                self._connect(place, place.more_row, shop.node.level + 1)
        for place, shop in zip(self._places, self._shops, strict=True):
            self._draw_shop(shop, place)

    def _draw_levels(self) -> None:
        for level in range(1, self._levels + 1):
            is_beyond = self._most_levels is not None and level > self._most_levels
            left = (level - 1) * self._column
            if is_beyond:
                self.canv.setFillColor(_BEYOND)
                self.canv.rect(left, 0, self._column, self.height, stroke=0, fill=1)
            words = render((_BEYOND_CAP if is_beyond else _LEVEL).with_params(level=level), self._language)
            self._write(
                self._cut(words, self._column - 8), left + 6, self.height - 9, _BEYOND_INK if is_beyond else _GREY
            )

    def _connect(self, above: _Place, row: float, level: int) -> None:
        """Draws an elbow from a shop to one of the level below it."""
        middle = (level - 1) * self._column - 4
        x, y = self._dot(level - 1, above.row)
        end_x, end_y = self._dot(level, row)
        self.canv.setStrokeColor(_LINE)
        self.canv.setLineWidth(0.5)
        path = self.canv.beginPath()
        path.moveTo(x, y)
        path.lineTo(middle, y)
        path.lineTo(middle, end_y)
        path.lineTo(end_x, end_y)
        self.canv.drawPath(path, stroke=1, fill=0)

    def _draw_shop(self, shop: DrawnShop, place: _Place) -> None:
        node = shop.node
        x, y = self._dot(node.level, place.row)
        share = (node.persons / self._shops[0].node.persons) ** 0.5
        radius = _RADIUS_LEAST + (_RADIUS_MOST - _RADIUS_LEAST) * share
        self.canv.setFillColor(_DOT)
        self.canv.circle(x, y, radius, stroke=0, fill=1)
        more = render(_MORE.with_params(count=f"{node.more:,}"), self._language) if node.more else ""
        is_beside = place.more_row == place.row
        label = f"{shop.shop_id} · {node.persons:,}" if node.persons > 1 else shop.shop_id
        room = self._column - 18
        shown = self._cut(on_paper(label), room)
        left = x + radius + 3
        self.canv.setFillColor(HexColor("#ffffff"))
        self.canv.rect(left - 1, y - 3, text_width(shown, _SIZE) + 2, 7, stroke=0, fill=1)
        self._write(shown, left, y - 2.3, _INK)
        if more and place.more_row is not None:
            more_x, more_y = self._dot(node.level + 1, place.more_row)
            if is_beside:
                more_x = left + text_width(shown, _SIZE) + 5
            self._write(on_paper(more), more_x + 2, more_y - 2.3, _GREY, _SMALL)

    def _dot(self, level: int, row: float) -> tuple[float, float]:
        return (level - 1) * self._column + 8, self.height - _HEAD - (row + 0.5) * _ROW

    def _write(self, text: str, x: float, y: float, colour: Color, size: float = _SIZE) -> None:
        self.canv.setFont(FONT, size)
        self.canv.setFillColor(colour)
        self.canv.drawString(x, y, text)

    def _cut(self, text: str, width: float) -> str:
        if text_width(text, _SIZE) <= width:
            return text
        while text and text_width(f"{text}…", _SIZE) > width:
            text = text[:-1]
        return f"{text}…"


def _places_of(shops: Sequence[DrawnShop]) -> tuple[list[_Place], int]:
    """Computes a row for every shop without one below it, and for what is left out; others stand amid those below."""
    below: list[list[int]] = [[] for _ in shops]
    for place, shop in enumerate(shops):
        if shop.node.above >= 0:
            below[shop.node.above].append(place)
    rows: list[float] = [0.0] * len(shops)
    more_rows: list[float | None] = [None] * len(shops)
    next_row, waiting = 0, [(0, False)]
    while waiting:
        place, is_after = waiting.pop()
        if is_after:
            if shops[place].node.more:
                more_rows[place] = float(next_row)
                next_row += 1
            last = more_rows[place] if more_rows[place] is not None else rows[below[place][-1]]
            rows[place] = (rows[below[place][0]] + (last or 0.0)) / 2
        elif below[place]:
            waiting.append((place, True))
            waiting.extend((child, False) for child in reversed(below[place]))
        else:
            rows[place] = float(next_row)
            more_rows[place] = float(next_row) if shops[place].node.more else None
            next_row += 1
    return [_Place(row, more_row) for row, more_row in zip(rows, more_rows, strict=True)], next_row
