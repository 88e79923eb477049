"""Where a statement's texts stand on its pages: head, figures, lines under their headings, foot. No figure is made.

Everything is drawn from the top down; what does not fit begins a new page. A text in two languages stands on two lines,
the second one smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm

from distrib.domain.texts import Text, Wording
from distrib.languages.readers import Readership
from distrib.services.numbered_paper import NumberedPaper
from distrib.services.typeface import FONT, break_lines, on_paper, share_width, text_width, word_width

LEFT, RIGHT, TOP, BOTTOM = 15 * mm, A4[0] - 15 * mm, A4[1] - 15 * mm, 20 * mm
WIDTH = RIGHT - LEFT
SIZE, SMALL, TITLE = 7.5, 6.2, 16.0
LEADING, SMALL_LEADING = 10.0, 8.0
INK, GREY, HAIRLINE, SHADE, ACCENT, RED, WHITE = map(
    HexColor, ("#1f2937", "#6b7280", "#d1d5db", "#f3f5f8", "#1d4e79", "#b42318", "#ffffff")
)
_GAP, _ABOVE, _BELOW = 6.0, 4.5, 1.8
_BOLD = 0.022
"""How thick letters are drawn around, by their size: the typeface has one weight."""


class PaperColumn(NamedTuple):
    """A column of lines: its heading, its part of the width that is left, texts that it never breaks, figures."""

    heading: Text
    part: float = 0.0
    whole: Sequence[Wording] = ()
    is_figure: bool = False


class Letters(NamedTuple):
    """How a text is drawn: its size in points, its colour, and whether it is bold."""

    size: float = SIZE
    colour: Color = INK
    bold: bool = False


PLAIN, BESIDE = Letters(), Letters(SMALL, GREY)


class Cell(NamedTuple):
    """A text at its place: the first lines in ink, what follows from ``second`` on smaller and grey."""

    lines: Sequence[str]
    second: Sequence[str] = ()
    colour: Color = INK


class Layout:
    """Draws on the pages of one document from the top down."""

    def __init__(
        self, canvas: NumberedPaper, readership: Readership, columns: Sequence[PaperColumn], foot: str
    ) -> None:
        self.canvas, self.readership = canvas, readership
        self.y = TOP
        self._columns, self._foot = columns, foot
        self._widths = self._column_widths()
        self._has_headings = False
        self._draw_foot()

    def text(
        self,
        text: str,
        x: float,
        y: float,
        letters: Letters = PLAIN,
        *,
        right: bool = False,
    ) -> None:
        """Draws one line at a place, as far as ``right`` says ending there."""
        canvas, shown, size = self.canvas, on_paper(text), letters.size
        canvas.setFillColor(letters.colour)
        canvas.setStrokeColor(letters.colour)
        drawn = canvas.beginText(x - (text_width(shown, size) if right else 0), y)
        drawn.setFont(FONT, size)
        if letters.bold:
            canvas.setLineWidth(size * _BOLD)
        drawn.setTextRenderMode(2 if letters.bold else 0)
        drawn.textOut(shown)
        drawn.setTextRenderMode(0)
        canvas.drawText(drawn)

    def wrapped(self, text: str, x: float, width: float, size: float = SIZE, colour: Color = INK) -> None:
        """Draws a text over as many lines as it needs, and goes on below it."""
        for line in break_lines(on_paper(text), width, size):
            self.room(LEADING)
            self.text(line, x, self.y, Letters(size, colour))
            self.y -= LEADING

    def label(self, wording: Wording, x: float, y: float, size: float = SIZE, *, bold: bool = False) -> None:
        """Draws a text in the reader's languages beside each other, the second one smaller and grey."""
        first, *others = self.readership.lines(wording)
        self.text(first, x, y, Letters(size, bold=bold))
        for other in others:
            x += text_width(on_paper(first), size) + _GAP
            self.text(other, x, y, BESIDE)

    def rule(
        self, y: float, left: float = LEFT, right: float = RIGHT, colour: Color = HAIRLINE, width: float = 0.5
    ) -> None:
        """Draws a line across."""
        self.canvas.setStrokeColor(colour)
        self.canvas.setLineWidth(width)
        self.canvas.line(left, y, right, y)

    def shade(self, left: float, top: float, width: float, height: float) -> None:
        """Fills a box that hangs from ``top``."""
        self.canvas.setFillColor(SHADE)
        self.canvas.rect(left, top - height, width, height, stroke=0, fill=1)

    def headings(self) -> None:
        """Draws the headings of the lines, here and at the top of each page that follows."""
        self._has_headings = True
        cells = [self._heading(column, width) for column, width in zip(self._columns, self._widths, strict=True)]
        height = _height(cells) + _ABOVE + _BELOW
        self.room(height + 3 * LEADING)
        self.shade(LEFT, self.y, WIDTH, height)
        self.y -= _ABOVE
        self._row(cells, is_bold=True)
        self.y -= _BELOW
        self.rule(self.y, colour=ACCENT, width=0.8)

    def row(self, texts: Sequence[Wording], reds: Sequence[int] = (), *, bold: bool = False) -> None:
        """Draws one line under the headings; ``reds`` are the places of what was taken away."""
        cells = [
            self._cell(text, width, RED if place in reds else INK)
            for place, (text, width) in enumerate(zip(texts, self._widths, strict=True))
        ]
        self.room(_height(cells) + _ABOVE + _BELOW)
        self.y -= _ABOVE
        self._row(cells, is_bold=bold)
        self.y -= _BELOW
        self.rule(self.y)

    def note(self, text: str) -> None:
        """Draws a text below a line, from the second column on, and no rule between the two."""
        left = LEFT + self._widths[0]
        self.canvas.setFillColor(WHITE)
        self.canvas.rect(left, self.y - 1, RIGHT - left, 2, stroke=0, fill=1)
        self.y -= _ABOVE
        self.wrapped(text, left + _GAP / 2, RIGHT - left - _GAP, SMALL, GREY)
        self.rule(self.y)

    def end_of_lines(self) -> None:
        """Says that no page that follows needs the headings."""
        self._has_headings = False

    def room(self, height: float) -> None:
        """Begins a new page where so much does not fit on this one."""
        if self.y - height >= BOTTOM:
            return
        self.canvas.showPage()
        self.y = TOP
        self._draw_foot()
        if self._has_headings:
            self.headings()

    def _draw_foot(self) -> None:
        y = BOTTOM - 8 * mm
        self.rule(y + 3.5 * mm)
        left_out = RIGHT - LEFT - 60 * mm
        self.text(break_lines(on_paper(self._foot), left_out, SMALL)[0], LEFT, y, BESIDE)
        self.canvas.setFillColor(GREY)
        self.canvas.draw_page_number(self.readership, RIGHT, y, SMALL)

    def _heading(self, column: PaperColumn, width: float) -> Cell:
        return self._cell(column.heading, width)

    def _cell(self, wording: Wording, width: float, colour: Color = INK) -> Cell:
        first, *others = self.readership.lines(wording)
        second = [line for other in others for line in break_lines(on_paper(other), width - _GAP, SMALL)]
        return Cell(break_lines(on_paper(first), width - _GAP, SIZE) if first else [], second, colour)

    def _row(self, cells: Sequence[Cell], *, is_bold: bool) -> None:
        left, top = LEFT, self.y
        for cell, column, width in zip(cells, self._columns, self._widths, strict=True):
            x = left + width - _GAP / 2 if column.is_figure else left + _GAP / 2
            y = top - SIZE
            for line in cell.lines:
                self.text(line, x, y, Letters(SIZE, cell.colour, is_bold), right=column.is_figure)
                y -= LEADING
            y += LEADING - SMALL_LEADING
            for line in cell.second:
                self.text(line, x, y, BESIDE, right=column.is_figure)
                y -= SMALL_LEADING
            left += width
        self.y = top - _height(cells)

    def _column_widths(self) -> list[float]:
        """The widths of the columns, none narrower than its heading's words or the widest text that it never breaks."""
        least = []
        for column in self._columns:
            words = [self._width(column.heading, word_width), *(self._width(text, text_width) for text in column.whole)]
            least.append(max(words) + _GAP + 1)
        return share_width(WIDTH, least, [column.part or 0.01 for column in self._columns])

    def _width(self, wording: Wording, measure: Callable[[str, float], float]) -> float:
        """How wide a text is in the reader's languages, in points."""
        first, *others = map(on_paper, self.readership.lines(wording))
        return max(measure(first, SIZE), *(measure(other, SMALL) for other in others), 0.0)


def _height(cells: Sequence[Cell]) -> float:
    return max(len(cell.lines) * LEADING + len(cell.second) * SMALL_LEADING for cell in cells)
