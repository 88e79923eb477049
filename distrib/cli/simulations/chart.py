"""Cost by month, then and under each plan, as a picture: bars of one drawing, written as SVG or painted as PNG.

Lengths are only to be looked at; every bar's amount stands beside it as a text. Nothing but places is worked out.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from xml.sax.saxutils import escape  # nosec B406  # writes, reads nothing

from PIL import Image, ImageDraw

from distrib.domain.amounts import show_amount
from distrib.services.sharing.drawing import font

SVG, PNG = FORMATS = ("svg", "png")
_COLOURS: Final = ("#9CA3AF", "#2563EB", "#D97706", "#059669", "#7C3AED", "#DB2777")
"""As it was, then the candidates in their order."""
_INK: Final = "#1F2937"
_WIDTH, _LEFT, _BAR, _GAP, _HEAD, _SIZE = 1_000, 110, 16, 12, 64, 13
_LENGTH: Final = 640


class _Bar(NamedTuple):
    """A bar from one place to another, and the amount that stands to the right of it."""

    x: int
    y: int
    width: int
    colour: str
    words: str

    @property
    def words_x(self) -> int:
        """Where the amount begins."""
        return self.x + self.width + 6


class _Label(NamedTuple):
    """A text at a place."""

    x: int
    y: int
    words: str
    colour: str = _INK


class _Drawing(NamedTuple):
    """Everything on the picture; ``axis_x`` is where no amount is."""

    height: int
    axis_x: int
    bars: Sequence[_Bar]
    labels: Sequence[_Label]


def chart_of(result: Mapping[str, Any], names: Sequence[str], title: str, file_format: str) -> bytes:
    """The picture of a result: month by month, a bar as it was and one for each candidate.

    Args:
        names: what the bars are of, that of the ledger first.
    """
    drawing = _drawn(result, names, title)
    return _svg(drawing, title) if file_format == SVG else _png(drawing)


def _drawn(result: Mapping[str, Any], names: Sequence[str], title: str) -> _Drawing:
    months, amounts = _months(result)
    every = [0, *(amount for row in amounts.values() for amount in row)]
    most = max(1, max(every) - min(every))
    below = -min(every) * _LENGTH // most
    axis = _LEFT + below
    bars: list[_Bar] = []
    labels = [_Label(_LEFT, 24, title)]
    labels += [
        _Label(_LEFT + place * 170, 48, name, _COLOURS[place]) for place, name in enumerate(names[: len(_COLOURS)])
    ]
    y = _HEAD
    for month in months:
        labels.append(_Label(12, y + _BAR - 3, month))
        for place, amount in enumerate(amounts[month]):
            words = show_amount(amount, result["currency"])
            width = abs(amount) * _LENGTH // most
            bars.append(_Bar(axis - width if amount < 0 else axis, y, width, _COLOURS[place % len(_COLOURS)], words))
            y += _BAR + 2
        y += _GAP
    return _Drawing(y + _GAP, axis, bars, labels)


def _months(result: Mapping[str, Any]) -> tuple[list[str], dict[str, list[int]]]:
    """The months, and by month the cost as it was and under each candidate."""
    candidates = result["candidates"]
    months = sorted({row["month"] for candidate in candidates for row in candidate["by_month"]})
    amounts: dict[str, list[int]] = {month: [0] * (len(candidates) + 1) for month in months}
    for place, candidate in enumerate(candidates, 1):
        for row in candidate["by_month"]:
            amounts[row["month"]][0], amounts[row["month"]][place] = row["then_minor"], row["now_minor"]
    return months, amounts


def _svg(drawing: _Drawing, title: str) -> bytes:
    return "\n".join(_svg_lines(drawing, title)).encode()


def _svg_lines(drawing: _Drawing, title: str) -> Iterator[str]:
    size = f'width="{_WIDTH}" height="{drawing.height}" viewBox="0 0 {_WIDTH} {drawing.height}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="{_SIZE}" role="img">'
    yield f"<title>{escape(title)}</title>"
    yield f'<rect width="{_WIDTH}" height="{drawing.height}" fill="#FFFFFF"/>'
    for bar in drawing.bars:
        yield f'<rect x="{bar.x}" y="{bar.y}" width="{bar.width}" height="{_BAR}" fill="{bar.colour}"/>'
        yield f'<text x="{bar.words_x}" y="{bar.y + _BAR - 3}" fill="{_INK}">{escape(bar.words)}</text>'
    yield f'<rect x="{drawing.axis_x}" y="{_HEAD}" width="1" height="{drawing.height - _HEAD - _GAP}" fill="{_INK}"/>'
    for label in drawing.labels:
        yield f'<text x="{label.x}" y="{label.y}" fill="{label.colour}">{escape(label.words)}</text>'
    yield "</svg>"


def _png(drawing: _Drawing) -> bytes:
    picture = Image.new("RGB", (_WIDTH, drawing.height), "#FFFFFF")
    pen, typeface = ImageDraw.Draw(picture), font(_SIZE)
    for bar in drawing.bars:
        pen.rectangle((bar.x, bar.y, bar.x + bar.width, bar.y + _BAR - 1), fill=bar.colour)
        pen.text((bar.words_x, bar.y + _BAR - 3), bar.words, fill=_INK, font=typeface, anchor="ls")
    pen.rectangle((drawing.axis_x, _HEAD, drawing.axis_x, drawing.height - _GAP - 1), fill=_INK)
    for label in drawing.labels:
        pen.text((label.x, label.y), label.words, fill=label.colour, font=typeface, anchor="ls")
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()
