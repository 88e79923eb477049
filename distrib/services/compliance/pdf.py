"""Renders the compliance report as a PDF, in Chinese or English; the same report gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import cast
from xml.sax.saxutils import escape  # nosec B406  # writes, reads nothing

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    KeepTogether,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from distrib.domain.texts import Text
from distrib.languages import render
from distrib.languages.readers import Readership, reader_of
from distrib.services.compliance.by_name import by_name
from distrib.services.compliance.report import NOTICE
from distrib.services.compliance.report_views import ComplianceReport, ReportPaper
from distrib.services.compliance.tree_picture import TreePicture
from distrib.services.compliance.words import ReportWording
from distrib.services.numbered_paper import NumberedPaper
from distrib.services.typeface import (
    FONT,
    break_lines,
    on_paper,
    open_typeface,
    share_width,
    text_width,
    word_width,
)

_MARGIN = 36
_PAGE = landscape(A4)
_WIDTH = _PAGE[0] - 2 * _MARGIN
_SIZE, _SMALL = 8.0, 6.4
_MOST_NAME = 80
_FRAME = 6
"""Points that ReportLab leaves free within the margins."""
_INK, _GREY, _HAIRLINE, _SHADE, _ACCENT = map(HexColor, ("#1f2937", "#6b7280", "#d1d5db", "#f3f5f8", "#1d4e79"))
_BODY = ParagraphStyle("body", fontName=FONT, fontSize=_SIZE, leading=11, textColor=_INK)
_CELL_PADDING = 6.0
"""Points to the left and to the right of what stands in a cell."""
_HEAD = ParagraphStyle("head", parent=_BODY, fontSize=11, leading=20, spaceBefore=8, textColor=_ACCENT)
_TITLE = ParagraphStyle("title", parent=_BODY, fontSize=18, leading=28, textColor=_ACCENT)
_SIGNER = ParagraphStyle("signer", parent=_BODY, fontSize=9, leading=12)
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


def render_report(paper: ReportPaper, language: str = "zh") -> bytes:
    """Renders a compliance report as a PDF.

    Args:
        paper: what ``report_paper`` answers.
        language: ``zh``, ``en`` or ``both``: the report in Chinese, and behind it in English.
    """
    open_typeface()
    buffer = io.BytesIO()
    readership, report = reader_of(language), paper.report
    readers = [ReportWording(chosen, report.currency, report.time_zone) for chosen in readership.languages]
    document = SimpleDocTemplate(
        buffer,
        pagesize=_PAGE,
        title=readers[0].say("title", program=paper.platform),
        author=paper.platform,
        invariant=1,
        leftMargin=_MARGIN - _FRAME,
        rightMargin=_MARGIN - _FRAME,
        topMargin=_MARGIN + 18,
        bottomMargin=_MARGIN + 12,
    )
    story: list[Flowable] = []
    for place, reader in enumerate(readers):
        story += [*([PageBreak()] if place else []), *_story(paper, reader)]

    def draw_edges(canvas: Canvas, _: object) -> None:
        _edges(cast(NumberedPaper, canvas), paper, readership)

    document.build(story, onFirstPage=draw_edges, onLaterPages=draw_edges, canvasmaker=NumberedPaper)
    return buffer.getvalue()


def _edges(canvas: NumberedPaper, paper: ReportPaper, readership: Readership) -> None:
    """Draws head and foot of a page: whose report it is, its digest, and which page of how many."""
    left, right, top, foot = _MARGIN, _PAGE[0] - _MARGIN, _PAGE[1] - _MARGIN, _MARGIN - 6
    canvas.setFont(FONT, _SMALL)
    canvas.setFillColor(_GREY)
    canvas.setStrokeColor(_HAIRLINE)
    canvas.setLineWidth(0.5)
    canvas.drawString(left, top, on_paper(paper.platform)[:_MOST_NAME])
    canvas.drawRightString(right, top, on_paper(readership.line(Text("Compliance report"))))
    canvas.line(left, top - 5, right, top - 5)
    canvas.line(left, foot + 10, right, foot + 10)
    canvas.drawString(left, foot, f"SHA-256 {paper.report.digest}")
    canvas.draw_page_number(readership, right, foot, _SMALL)


def _story(paper: ReportPaper, reader: ReportWording) -> list[Flowable]:
    report = paper.report
    as_of = reader.value("as_of", report.as_of)
    head = reader.say("as_of", as_of=as_of, zone=report.time_zone, currency=report.currency, digest=report.digest)
    story: list[Flowable] = [
        _text(reader.say("title", program=paper.platform), _TITLE),
        _text(head, _BODY),
        _text(render(NOTICE, reader.language), _BODY),
    ]
    story += [*_headline("caps", reader), _pairs(by_name(report.caps), reader)]
    story += [*_headline("structure", reader), _pairs(report.structure, reader)]
    sections = _sections_of(report)
    for name, columns in _SECTIONS:
        story += [*_headline(name, reader), _rows(sections[name], columns, reader)]
        if name == "largest_trees" and paper.tree:
            story.append(_picture(paper, reader))
    return [*story, Spacer(1, 18), _signers(reader)]


def _sections_of(report: ComplianceReport) -> Mapping[str, Sequence[Mapping[str, object]]]:
    """The rows of each table of ``_SECTIONS``, each by the names of its columns."""
    return {
        "packs": list(map(by_name, report.packs)),
        "plans": list(map(by_name, report.plans)),
        "largest_trees": report.largest_trees,
        "organisers": report.organisers,
        "findings": list(map(by_name, report.findings)),
        "recorded": list(map(by_name, report.recorded)),
        "penalties": list(map(by_name, report.penalties)),
        "cases": list(map(by_name, report.cases)),
        "sign_offs": list(map(by_name, report.sign_offs)),
    }


def _picture(paper: ReportPaper, reader: ReportWording) -> Flowable:
    """Draws the largest tree under a line on how to read it, on one page."""
    tree = paper.tree
    words = reader.say("picture", shop=tree[0].shop_id, drawn=len(tree), persons=f"{tree[0].node.persons:,}")
    picture = TreePicture(tree, paper.report.caps.max_tree_levels, _WIDTH, reader.language)
    return KeepTogether([Spacer(1, 8), _text(words, _BODY), Spacer(1, 4), picture])


def _signers(reader: ReportWording) -> Flowable:
    """Draws the places where those who answer for the report sign."""
    titles = [reader.say(name) for name in ("prepared_by", "reviewed_by", "signed_for")]
    lines = [reader.say(name) for name in ("signer_name", "signature", "signed_on")]
    cells = [[_text(title, _SIGNER, _WIDTH / 3 - 12) for title in titles]]
    cells += [[_text(f"{line}{reader.say('colon')}", _BODY, _WIDTH / 3 - 12) for _ in titles] for line in lines]
    table = Table(cells, colWidths=[_WIDTH / 3] * 3, rowHeights=[20, 24, 34, 24], hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("BOX", (0, 0), (0, -1), 0.5, _GREY),
                ("BOX", (1, 0), (1, -1), 0.5, _GREY),
                ("BOX", (2, 0), (2, -1), 0.5, _GREY),
                ("BACKGROUND", (0, 0), (-1, 0), _SHADE),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ]
        )
    )
    return KeepTogether([_text(reader.say("signatures"), _HEAD), table])


def _headline(name: str, reader: ReportWording) -> list[Flowable]:
    """Renders a heading, on a new page where its first rows would not follow on this one."""
    return [CondPageBreak(_HEADING_AND_ROWS), _text(reader.say(_HEADINGS.get(name, name)), _HEAD)]


def _pairs(figures: Mapping[str, object], reader: ReportWording) -> Flowable:
    cells = [[reader.say(name), reader.value(name, figure)] for name, figure in figures.items()]
    return _table(cells, [_WIDTH / 3, _WIDTH / 6], has_heading=False)


def _rows(rows: Sequence[Mapping[str, object]], columns: Sequence[str], reader: ReportWording) -> Flowable:
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


def _table(cells: Sequence[Sequence[str]], widths: list[float], *, has_heading: bool = True) -> Table:
    paragraphs = [
        [_text(text, _BODY, width - 2 * _CELL_PADDING) for text, width in zip(row, widths, strict=True)]
        for row in cells
    ]
    table = Table(paragraphs, colWidths=widths, repeatRows=int(has_heading), hAlign="LEFT")
    looks = TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.4, _HAIRLINE), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    if has_heading:
        looks.add("BACKGROUND", (0, 0), (-1, 0), _SHADE)
        looks.add("LINEBELOW", (0, 0), (-1, 0), 0.8, _ACCENT)
    table.setStyle(looks)
    return table
