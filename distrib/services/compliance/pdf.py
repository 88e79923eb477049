"""Renders the compliance report as a PDF, in Chinese or English; the same report gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape  # nosec B406  # writes, reads nothing

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import CondPageBreak, Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from distrib.services.compliance.words import ReportWording
from distrib.services.typeface import (
    FONT,
    Paper,
    break_lines,
    on_paper,
    open_typeface,
    share_width,
    text_width,
    word_width,
)

_MARGIN = 36
_WIDTH = landscape(A4)[0] - 2 * _MARGIN
_SIZE = 8.0
_BODY = ParagraphStyle("body", fontName=FONT, fontSize=_SIZE, leading=11)
_CELL_PADDING = 6.0
"""Points to the left and to the right of what stands in a cell."""
_HEAD = ParagraphStyle("head", parent=_BODY, fontSize=11, leading=18, spaceBefore=8)
_TITLE = ParagraphStyle("title", parent=_BODY, fontSize=16, leading=24)
_TREE_COLUMNS = (
    "subject",
    "persons",
    "levels",
    "buyers",
    "levels_with_buyers",
    "entry_minor",
    "retail_share",
    "indirect_share",
)
_SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("packs", ("version", "max_tiers", "max_tree_levels", "on_excess", "order_cap", "source")),
    ("plans", ("code", "version", "effective_from", "is_in_force", "tiers", "order_cap", "hold_days", "signed_off_by")),
    ("largest_trees", _TREE_COLUMNS),
    ("organisers", _TREE_COLUMNS),
    ("findings", ("id", "severity", "subject", "detail", "figure", "threshold", "source", "done")),
    ("recorded", ("id", "severity", "times", "first_at", "last_at", "detail", "threshold", "source")),
    (
        "penalties",
        (
            "id",
            "shop_id",
            "subject",
            "kind",
            "decided_on",
            "lapses_on",
            "authority",
            "reference",
            "reason",
            "persons",
            "levels",
            "trees",
        ),
    ),
    ("cases", ("case_no", "subject", "state", "opened_at", "frozen_minor", "reason", "decisions")),
    ("sign_offs", ("pack", "signed_off_by", "reason", "loosened", "recorded_at")),
)
_HEADINGS = {"penalties": "penalties_in_force"}
_WIDE = {
    "id": 3,
    "subject": 4,
    "source": 6,
    "detail": 8,
    "reason": 6,
    "decisions": 8,
    "threshold": 6,
    "figure": 6,
    "loosened": 6,
    "done": 4,
    "version": 4,
    "decided_on": 4,
    "lapses_on": 4,
    "authority": 4,
    "reference": 4,
    "first_at": 3,
    "last_at": 3,
    "effective_from": 4,
    "opened_at": 4,
    "recorded_at": 4,
}
_USUAL_WIDTH = 2
_HEADING_AND_ROWS = 80
"""Points that must be left on a page for a heading to begin there: its first rows fit, too."""


def render_report(report: Mapping[str, Any], language: str = "zh") -> bytes:
    """Renders a compliance report as a PDF.

    Args:
        report: what ``compliance_report`` answers.
        language: ``zh`` or ``en``.
    """
    open_typeface()
    buffer = io.BytesIO()
    reader = ReportWording(language, report["currency"], report["time_zone"])
    title = reader.say("title", program=report["program"])
    document = SimpleDocTemplate(
        buffer,
        pagesize=landscape(A4),
        title=title,
        author="distrib",
        invariant=1,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
    )
    notice = report["notice_zh" if language == "zh" else "notice_en"]
    document.build(_story(report, reader, title, notice), canvasmaker=Paper)
    return buffer.getvalue()


def _story(report: Mapping[str, Any], reader: ReportWording, title: str, notice: str) -> list[Flowable]:
    as_of = reader.value("as_of", report["as_of"])
    head = reader.say(
        "as_of", as_of=as_of, zone=report["time_zone"], currency=report["currency"], digest=report["digest"]
    )
    story: list[Flowable] = [_text(title, _TITLE), _text(head, _BODY), _text(notice, _BODY)]
    for name in ("caps", "structure"):
        story += [*_headline(name, reader), _pairs(report[name], reader)]
    for name, columns in _SECTIONS:
        story += [*_headline(name, reader), _rows(report[name], columns, reader)]
    return [*story, Spacer(1, 12)]


def _headline(name: str, reader: ReportWording) -> list[Flowable]:
    """Renders a heading, on a new page where its first rows would not follow on this one."""
    return [CondPageBreak(_HEADING_AND_ROWS), _text(reader.say(_HEADINGS.get(name, name)), _HEAD)]


def _pairs(figures: Mapping[str, Any], reader: ReportWording) -> Flowable:
    cells = [[reader.say(name), reader.value(name, figure)] for name, figure in figures.items()]
    return _table(cells, [_WIDTH / 3, _WIDTH / 3])


def _rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], reader: ReportWording) -> Flowable:
    if not rows:
        return _text(reader.say("none"), _BODY)
    cells = [[reader.say(name) for name in columns], *([reader.cell(row, name) for name in columns] for row in rows)]
    return _table(cells, _column_widths(cells, [_WIDE.get(name, _USUAL_WIDTH) for name in columns]))


def _column_widths(cells: Sequence[Sequence[str]], parts: Sequence[int]) -> list[float]:
    """The widths of a table's columns by weight: none narrower than its heading, nor than a word of a usual length."""
    columns = [[on_paper(cell) for cell in column] for column in zip(*cells, strict=True)]
    usual = _WIDTH / len(columns)
    words = [max(min(word_width(cell, _SIZE), usual) for cell in column) for column in columns]
    whole = [max(text_width(column[0], _SIZE), width) for column, width in zip(columns, words, strict=True)]
    least = whole if sum(map(_room, whole)) <= _WIDTH else words
    return share_width(_WIDTH, list(map(_room, least)), parts)


def _room(width: float) -> float:
    return width + 2 * _CELL_PADDING + 1


def _text(text: str, style: ParagraphStyle, width: float = _WIDTH) -> Paragraph:
    """Renders a text in lines of our own breaking: ReportLab's begin some with a full-width comma."""
    return Paragraph("<br/>".join(map(escape, break_lines(on_paper(text), width, style.fontSize))), style)


def _table(cells: Sequence[Sequence[str]], widths: list[float]) -> Table:
    paragraphs = [
        [_text(text, _BODY, width - 2 * _CELL_PADDING) for text, width in zip(row, widths, strict=True)]
        for row in cells
    ]
    table = Table(paragraphs, colWidths=widths, repeatRows=1, hAlign="LEFT")
    table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.3, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    return table
