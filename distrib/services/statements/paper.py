"""One shop's statement as a PDF: figures and lines, headings in Chinese and English, amounts as people read them.

Drawn page by page in a typeface that every file brings along, so that nothing but the finished pages is in memory.
What the figures mean is the statements' business.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from sqlalchemy import Connection

from distrib.domain.amounts import show_amount
from distrib.domain.errors import Refusal
from distrib.domain.texts import Text
from distrib.languages import CHINESE, ENGLISH, render
from distrib.services.context import Program
from distrib.services.statements.columns import FIGURE_HEADINGS, KINDS
from distrib.services.statements.months import shop_statement
from distrib.services.typeface import FONT, Paper, break_lines, on_paper, open_typeface, share_width, text_width
from distrib.store.network.shops import by_ids

LINES_CHUNK = 500
_CHUNK_BYTES = 64 * 1024
_SIZE, _LEADING = 8.0, 11.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 15 * mm, A4[0] - 15 * mm, A4[1] - 18 * mm, 18 * mm
_STATUSES = {"open": Text("open", "paper"), "closed": Text("closed", "paper")}
# Heading, its part of the width beyond what the headings need, whether it holds figures.
_COLUMNS: tuple[tuple[Text, int, bool], ...] = (
    (Text("Time"), 27, False),
    (Text("Order"), 36, False),
    (Text("Line"), 15, False),
    (Text("Rule"), 23, False),
    (Text("Kind"), 19, False),
    (Text("Base"), 22, True),
    (Text("Rate"), 17, True),
    (Text("Amount"), 21, True),
)
_GAP = 4.0
"""Points between a text and the next column."""
_WIDEST_AMOUNT = "-10,000,000,000.00"
"""The most that one line of an order may be paid, taken back: no amount of a line is broken over two."""


def write_paper(
    conn: Connection, program: Program, period: int, shop_id: str, now: datetime
) -> Generator[bytes, None, None]:
    """Streams the PDF of one shop's month; raises ``shop_unknown`` before the first piece."""
    shop = by_ids(conn, program.program_id, [shop_id]).get(shop_id)
    if shop is None:
        raise Refusal("shop_unknown", id=shop_id)
    return _written(conn, program, period, shop.shop_no, now)


def _written(
    conn: Connection, program: Program, period: int, shop_no: int, now: datetime
) -> Generator[bytes, None, None]:
    open_typeface()
    view, follows = shop_statement(conn, program, period, shop_no, None, LINES_CHUNK, now)
    with tempfile.TemporaryFile(prefix="distrib-") as file:
        paper = _Pages(Paper(file, pagesize=A4, invariant=1, pageCompression=1), program, view)
        paper.begin()
        for line in _lines(conn, program, period, shop_no, now, view, follows):
            paper.add(line)
        paper.end()
        file.seek(0)
        while piece := file.read(_CHUNK_BYTES):
            yield piece


def _lines(
    conn: Connection,
    program: Program,
    period: int,
    shop_no: int,
    now: datetime,
    view: Mapping[str, Any],
    follows: tuple[int, int] | None,
) -> Iterator[Mapping[str, Any]]:
    yield from view["lines"]
    while follows is not None:
        page, follows = shop_statement(conn, program, period, shop_no, follows, LINES_CHUNK, now)
        yield from page["lines"]


class _Pages:
    """Draws the pages of one statement from the top down."""

    def __init__(self, canvas: Paper, program: Program, view: Mapping[str, Any]) -> None:
        self._canvas = canvas
        self._program = program
        self._view = view
        self._widths = _column_widths()
        self._y = 0.0
        self._page = 0

    def begin(self) -> None:
        """Draws whose statement it is, and its figures."""
        view = self._view
        self._canvas.setTitle(f"{view['program']} {view['period']} {view['shop_id']}")
        self._turn()
        heading = [
            f"{_worded(Text('Program'))}: {view['program']}",
            f"{_worded(Text('Shop'))}: {view['shop_id']}",
            f"{_worded(Text('Period'))}: {view['period']}    {_worded(Text('Currency', 'paper'))}: {view['currency']}",
            f"{_worded(Text('Status'))}: {_worded(_STATUSES[view['status']])}"
            f"    {_worded(Text('As of'))}: {self._time(view['as_of'])}",
        ]
        if view["digest"] is not None:
            heading.append(f"{_worded(Text('SHA-256'))}: {view['digest']}")
        for words in heading:
            self._row([(words, _LEFT, _RIGHT - _LEFT, False)])
        self._y -= _LEADING
        for name, text in FIGURE_HEADINGS.items():
            shown = show_amount(view[name], view["currency"]) if name.endswith("_minor") else f"{view[name]:,}"
            self._figure(_worded(text), shown)
        self._y -= _LEADING
        self._headings()

    def add(self, line: Mapping[str, Any]) -> None:
        """Draws one commission."""
        currency = self._view["currency"]
        self._cells(
            [
                self._time(line["occurred_at"]),
                line["order_id"] or "",
                line["line_id"] or "",
                line["rule"] or "",
                _worded(KINDS[line["kind"]]),
                show_amount(line["base_minor"], currency),
                line["rate"] or "",
                show_amount(line["amount_minor"], currency),
            ]
        )
        if line["adjustment_id"] is not None:
            self._cause(f"{_worded(Text('Adjustment'))} {line['adjustment_id']}: {line['reason']}")
        if line["withdrawal_id"] is not None:
            self._cause(f"{_worded(Text('Withdrawal fee'))} {line['withdrawal_id']}")

    def end(self) -> None:
        """Closes the last page and the file."""
        self._canvas.showPage()
        self._canvas.save()

    def _time(self, instant: datetime) -> str:
        return instant.astimezone(self._program.zone).strftime("%Y-%m-%d %H:%M")

    def _figure(self, words: str, amount: str) -> None:
        self._row([(words, _LEFT, 60 * mm, False), (amount, _LEFT + 60 * mm, 45 * mm, True)])

    def _cause(self, words: str) -> None:
        """Draws why the line above is there, beside its time."""
        left = _LEFT + self._widths[0]
        self._turn_where_full(len(_wrapped(words, _RIGHT - left)))
        self._row([(words, left, _RIGHT - left, False)])

    def _headings(self) -> None:
        self._cells([_worded(heading) for heading, _, _ in _COLUMNS])
        self._canvas.line(_LEFT, self._y + _LEADING - 3, _RIGHT, self._y + _LEADING - 3)
        self._y -= 2

    def _cells(self, texts: Sequence[str]) -> None:
        left = _LEFT
        cells = []
        for text, width, (_, _, is_figure) in zip(texts, self._widths, _COLUMNS, strict=True):
            cells.append((text, left, width, is_figure))
            left += width
        self._turn_where_full(max(len(_wrapped(text, width)) for text, _, width, _ in cells))
        self._row(cells)

    def _turn_where_full(self, deepest: int) -> None:
        """Begins a new page, its headings first, where so many lines do not fit on this one."""
        if self._y - _LEADING * deepest < _BOTTOM:
            self._canvas.showPage()
            self._turn()
            self._headings()

    def _row(self, cells: Sequence[tuple[str, float, float, bool]]) -> None:
        """Draws texts at their places, broken where they are too long; figures end at the right."""
        deepest = 1
        for text, left, width, is_figure in cells:
            pieces = _wrapped(text, width)
            deepest = max(deepest, len(pieces))
            for depth, piece in enumerate(pieces):
                y = self._y - depth * _LEADING
                if is_figure:
                    self._canvas.drawRightString(left + width - _GAP, y, piece)
                else:
                    self._canvas.drawString(left, y, piece)
        self._y -= deepest * _LEADING

    def _turn(self) -> None:
        """Begins a new page with its heading and number."""
        self._page += 1
        self._canvas.setFont(FONT, 12)
        self._canvas.drawString(_LEFT, _TOP, _worded(Text("Statement")))
        self._canvas.setFont(FONT, _SIZE)
        footing = f"{self._view['shop_id']}  {self._view['period']}  {self._page}"
        self._canvas.drawRightString(_RIGHT, _BOTTOM - 2 * _LEADING, on_paper(footing))
        self._y = _TOP - 2 * _LEADING


def _worded(text: Text) -> str:
    """The Chinese text and the English one after it."""
    return f"{render(text, CHINESE)} {render(text, ENGLISH)}"


def _column_widths() -> list[float]:
    """The widths of the columns, none narrower than its heading in both languages, a line's kind or its amounts."""
    kinds = {Text("Kind"): list(KINDS.values())}
    amount = text_width(_WIDEST_AMOUNT, _SIZE)
    amounts = {Text("Base"): amount, Text("Amount"): amount}
    least = [
        max(amounts.get(heading, 0.0), *map(_width, [heading, *kinds.get(heading, [])])) + _GAP
        for heading, _, _ in _COLUMNS
    ]
    return share_width(_RIGHT - _LEFT, least, [part for _, part, _ in _COLUMNS])


def _width(text: Text) -> float:
    return text_width(on_paper(_worded(text)), _SIZE)


def _wrapped(text: str, width: float) -> list[str]:
    """Breaks a text into as many lines as its column needs."""
    return break_lines(on_paper(text), width - _GAP, _SIZE)
