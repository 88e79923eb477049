"""One shop's statement as a PDF: whose it is, its figures and its lines, in the reader's language or in both.

Drawn page by page in a typeface that every file brings along, so that nothing but the finished pages is in memory.
What the figures mean is the statements' business, where texts stand that of ``paper_layout``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from reportlab.lib.pagesizes import A4

from distrib.domain.amounts import show_amount, show_percent
from distrib.domain.identifiers import is_identifier
from distrib.domain.network.refusals import ShopUnknown
from distrib.domain.texts import Text, Wording
from distrib.languages.readers import Readership, reader_of
from distrib.services.context import Program, Unit, parse_period, period_bounds
from distrib.services.numbered_paper import NumberedPaper
from distrib.services.orders.commissions import CommissionView
from distrib.services.statements.columns import FIGURE_HEADINGS, KINDS
from distrib.services.statements.line_words import LineWords
from distrib.services.statements.months import ShopStatement, shop_statement
from distrib.services.statements.paper_layout import (
    ACCENT,
    GREY,
    INK,
    LEADING,
    LEFT,
    RED,
    RIGHT,
    SIZE,
    SMALL,
    TITLE,
    TOP,
    WIDTH,
    Layout,
    Letters,
    PaperColumn,
)
from distrib.services.typeface import break_lines, on_paper, open_typeface, text_width
from distrib.store.network import shops

LINES_CHUNK = 500
_CHUNK_BYTES = 64 * 1024
_PPM = 1_000_000
_STATUSES = {"open": Text("open", "paper"), "closed": Text("closed", "paper")}
_WIDEST_AMOUNT = "-10,000,000,000.00"
"""The most that one line of an order may be paid, taken back: no amount of a line is broken over two."""
_COLUMNS = (
    PaperColumn(Text("Time"), whole=("2026-03-01 10:00",)),
    PaperColumn(Text("Order and line"), part=5),
    PaperColumn(Text("What for"), part=4),
    PaperColumn(Text("Kind"), whole=tuple(KINDS.values())),
    PaperColumn(Text("Base"), whole=(_WIDEST_AMOUNT,), is_figure=True),
    PaperColumn(Text("Rate"), whole=("12.3456%",), is_figure=True),
    PaperColumn(Text("Amount"), whole=(_WIDEST_AMOUNT,), is_figure=True),
    PaperColumn(Text("Available", "from"), whole=("2026-03-08",), is_figure=True),
)
_BASE, _AMOUNT = 4, 6
_MOVEMENTS = ("opening_minor", "earned_minor", "reversed_minor", "adjusted_minor", "paid_minor", "tax_minor")
_PARTS = ("available_minor", "held_minor", "reserved_minor")
_TAKEN = ("paid_minor", "tax_minor")
"""What leaves the account: shown with a minus, so that the column adds up."""


def write_paper(unit: Unit, period: int, shop_id: str, language: str) -> Generator[bytes, None, None]:
    """Streams the PDF of one shop's month in ``zh``, ``en`` or ``both``; raises ``shop_unknown`` before it begins."""
    shop = shops.show(unit.conn, unit.program_id, shop_id, unit.now) if is_identifier(shop_id) else None
    if shop is None:
        raise ShopUnknown(id=shop_id)
    return _written(unit, period, shop, reader_of(language))


def _written(unit: Unit, period: int, shop: shops.ShopRow, readership: Readership) -> Generator[bytes, None, None]:
    open_typeface()
    view, follows = shop_statement(unit, period, shop.shop_no, None, LINES_CHUNK)
    words = LineWords(unit.conn, unit.program)
    with tempfile.TemporaryFile(prefix="distrib-") as file:
        canvas = NumberedPaper(file, pagesize=A4, invariant=1, pageCompression=1)
        paper = _StatementPaper(canvas, unit.program, view, shop.name or shop.shop_id, readership)
        paper.begin()
        for line in _lines(unit, period, shop.shop_no, view, follows):
            paper.add(line, words.purpose(line))
        paper.end()
        file.seek(0)
        while piece := file.read(_CHUNK_BYTES):
            yield piece


def _lines(
    unit: Unit, period: int, shop_no: int, view: ShopStatement, follows: tuple[int, int] | None
) -> Iterator[CommissionView]:
    yield from view.lines
    while follows is not None:
        page, follows = shop_statement(unit, period, shop_no, follows, LINES_CHUNK)
        yield from page.lines


class _StatementPaper:
    """Draws one statement."""

    def __init__(
        self,
        canvas: NumberedPaper,
        program: Program,
        view: ShopStatement,
        name: str,
        readership: Readership,
    ) -> None:
        self._program, self._view = program, view
        self._platform, self._name = program.title or program.code, name
        canvas.setTitle(f"{self._platform} · {view.period} · {self._name}")
        self._canvas, self._readership = canvas, readership
        foot = " · ".join(dict.fromkeys([view.shop_id, view.period, self._name, self._platform]))
        self._layout = Layout(canvas, readership, _COLUMNS, foot)
        self._total_minor = self._count = 0

    def begin(self) -> None:
        """Draws whose statement it is, and its figures."""
        self._draw_head()
        self._draw_shop()
        self._draw_figures()
        self._layout.label(Text("Commissions of the month"), LEFT, self._layout.y, 10.0, bold=True)
        self._layout.y -= 1.4 * LEADING
        if self._view.lines:
            self._layout.headings()

    def add(self, line: CommissionView, purpose: Wording) -> None:
        """Draws one commission, and why it is there where it came of no order."""
        amount_minor, currency = line.amount_minor, self._view.currency
        self._layout.row(
            [
                self._time(line.occurred_at),
                " / ".join(part for part in (line.order_id, line.line_id) if part),
                purpose,
                KINDS[line.kind],
                show_amount(line.base_minor, currency),
                "" if line.rate is None else show_percent(int(Decimal(line.rate) * _PPM)),
                show_amount(amount_minor, currency),
                self._day(line.available_at),
            ],
            [place for place, minor in ((_BASE, line.base_minor), (_AMOUNT, amount_minor)) if minor and minor < 0],
        )
        if line.adjustment_id is not None:
            self._layout.note(f"{self._readership.line(Text('Adjustment'))} {line.adjustment_id}: {line.reason}")
        if line.withdrawal_id is not None:
            self._layout.note(f"{self._readership.line(Text('Withdrawal fee'))} {line.withdrawal_id}")
        self._total_minor += amount_minor
        self._count += 1

    def end(self) -> None:
        """Draws the total and the seal, closes the last page and the file."""
        layout = self._layout
        if self._count:
            total = show_amount(self._total_minor, self._view.currency)
            count = Text("Lines: {count}", count=f"{self._count:,}")
            layout.row([Text("Total"), count, "", "", "", "", total, ""], bold=True)
        else:
            layout.wrapped(self._readership.line(Text("No commissions in this month.")), LEFT, WIDTH, SIZE, GREY)
        layout.end_of_lines()
        self._draw_seal()
        self._canvas.save()

    def _draw_head(self) -> None:
        layout = self._layout
        first, *others = self._readership.lines(Text("Statement"))
        y = TOP - TITLE
        right = RIGHT
        for other in reversed(others):
            layout.text(other, right, y, Letters(9.0, GREY), right=True)
            right -= text_width(on_paper(other), 9.0) + 6
        layout.text(first, right, y, Letters(TITLE, ACCENT, bold=True), right=True)
        room = right - text_width(on_paper(first), TITLE) - LEFT - 12
        for line in break_lines(on_paper(self._platform), room, 14.0)[:2]:
            layout.text(line, LEFT, y, Letters(14.0, bold=True))
            y -= 18
        layout.y = y + 8
        layout.rule(layout.y, colour=ACCENT, width=1.2)
        layout.y -= 20

    def _draw_shop(self) -> None:
        """Draws the shop at the left and what its statement is of at the right."""
        layout, view, top = self._layout, self._view, self._layout.y
        middle = LEFT + WIDTH * 0.5
        layout.label(Text("Shop"), LEFT, top, SMALL)
        layout.y = top - 14
        for line in break_lines(on_paper(self._name), WIDTH * 0.5 - 20, 11.0)[:3]:
            layout.text(line, LEFT, layout.y, Letters(11.0, bold=True))
            layout.y -= 14
        if self._name != view.shop_id:
            layout.wrapped(view.shop_id, LEFT, WIDTH * 0.5 - 20, SIZE, GREY)
        left_y, layout.y = layout.y, top
        start, end = period_bounds(parse_period(view.period), self._program.zone)
        days = f"{start:%Y-%m-%d} – {end - timedelta(days=1):%Y-%m-%d}"
        facts: tuple[tuple[Text, Wording], ...] = (
            (Text("Period"), days),
            (Text("Currency", "paper"), view.currency),
            (Text("State", "month"), _STATUSES[view.status]),
            (Text("As of"), self._time(view.as_of)),
            (Text("Time zone"), self._program.time_zone),
        )
        for name, fact in facts:
            layout.label(name, middle, layout.y)
            layout.text(self._readership.line(fact), RIGHT, layout.y, right=True)
            layout.y -= 4
            layout.rule(layout.y, middle)
            layout.y -= LEADING
        layout.y = min(left_y, layout.y) - 12

    def _draw_figures(self) -> None:
        """Draws how the closing came about at the left, and what it is made of at the right."""
        layout, view = self._layout, self._view
        top, half = layout.y, WIDTH / 2 - 10
        layout.shade(LEFT, top + LEADING, half, 9 * 15.0 - 10)
        layout.shade(RIGHT - half, top + LEADING, half, 9 * 15.0 - 10)
        layout.label(Text("How the month went"), LEFT + 8, top - 2, 9.0, bold=True)
        layout.y = top - 18
        for name in _MOVEMENTS:
            self._figure(name, LEFT + 8, half - 16, -getattr(view, name) if name in _TAKEN else getattr(view, name))
        self._closing(LEFT + 8, half - 16)
        bottom, layout.y = layout.y, top - 18
        left = RIGHT - half + 8
        layout.label(Text("What the closing is made of"), left, top - 2, 9.0, bold=True)
        for name in _PARTS:
            self._figure(name, left, half - 16, getattr(view, name))
        self._closing(left, half - 16)
        layout.y -= 4
        for name in ("orders", "refunds"):
            layout.label(FIGURE_HEADINGS[name], left, layout.y)
            layout.text(f"{getattr(view, name):,}", left + half - 16, layout.y, right=True)
            layout.y -= 15
        layout.y = bottom - 14

    def _figure(self, name: str, left: float, width: float, amount_minor: int) -> None:
        layout, shown = self._layout, show_amount(amount_minor, self._view.currency)
        layout.label(FIGURE_HEADINGS[name], left, layout.y)
        layout.text(shown, left + width, layout.y, Letters(colour=RED if amount_minor < 0 else INK), right=True)
        layout.y -= 15

    def _closing(self, left: float, width: float) -> None:
        layout = self._layout
        layout.rule(layout.y + 10, left, left + width, ACCENT, 0.8)
        layout.label(FIGURE_HEADINGS["closing_minor"], left, layout.y, 9.0, bold=True)
        shown = show_amount(self._view.closing_minor, self._view.currency)
        layout.text(shown, left + width, layout.y, Letters(9.0, bold=True), right=True)
        layout.y -= 15

    def _draw_seal(self) -> None:
        """Draws what fixes the figures: of a closed month its digest; an open one says that they still move."""
        layout, view = self._layout, self._view
        layout.room(6 * LEADING)
        layout.y -= 2 * LEADING
        if view.digest is None:
            text = Text("The month is open: its figures move until it is closed.") if view.status == "open" else None
        else:
            text = Text(
                "The month was closed on {closed_at}; its figures never change. SHA-256 of the month: {digest}",
                closed_at=self._time(view.closed_at),
                digest=view.digest,
            )
        for line in self._readership.lines(text) if text is not None else []:
            layout.wrapped(line, LEFT, WIDTH, SMALL, GREY)

    def _time(self, instant: datetime | None) -> str:
        return "" if instant is None else instant.astimezone(self._program.zone).strftime("%Y-%m-%d %H:%M")

    def _day(self, instant: datetime | None) -> str:
        return "" if instant is None else self._program.day_of(instant).isoformat()
