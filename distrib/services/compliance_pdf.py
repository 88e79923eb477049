"""The compliance report on paper, in Chinese or English; the same report gives the same bytes.

Only lays out what ``compliance_report`` says; no figure is worked out here.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from distrib.services.typeface import FONT, Paper, on_paper, open_typeface

LANGUAGES = ("zh", "en")
_MARGIN = 36
_WIDTH = landscape(A4)[0] - 2 * _MARGIN
_BODY = ParagraphStyle("body", fontName=FONT, fontSize=8, leading=11, wordWrap="CJK")
_HEAD = ParagraphStyle("head", parent=_BODY, fontSize=11, leading=18, spaceBefore=8)
_TITLE = ParagraphStyle("title", parent=_BODY, fontSize=16, leading=24)
_WORDS: dict[str, tuple[str, str]] = {
    "title": ("Compliance report of {program}", "{program} 合规报告"),
    "as_of": ("As of {as_of}. Digest {digest}", "截至 {as_of}。摘要 {digest}"),
    "packs": ("Policy packs", "合规策略"),
    "caps": ("Caps in force", "生效的上限"),
    "plans": ("Plans", "佣金方案"),
    "structure": ("Structure", "推荐关系结构"),
    "largest_trees": ("Largest trees", "最大的树"),
    "organisers": ("Organisers with several trees", "组织者名下多棵树合并"),
    "findings": ("Findings", "发现"),
    "recorded": ("Findings recorded until then", "截至该时点的记录"),
    "penalties": ("Penalties in force", "计入的处罚"),
    "cases": ("Cases and decisions", "案件与决定"),
    "sign_offs": ("Sign-offs of local overrides", "本地策略放宽的签署"),
    "none": ("None.", "无。"),
    "version": ("version", "版本"), "source": ("source", "依据"), "code": ("plan", "方案"),
    "effective_from": ("in force from", "生效时间"), "is_in_force": ("in force", "当前生效"),
    "signed_off_by": ("signed off by", "签署人"), "tiers": ("uplines paid", "付佣上线数"),
    "order_cap": ("order cap", "订单佣金上限"), "hold_days": ("hold days", "冻结天数"),
    "max_tiers": ("most uplines", "上线数上限"), "max_tree_levels": ("most levels", "层级上限"),
    "on_excess": ("beyond it", "超出时"), "figure": ("figure", "数值"), "threshold": ("threshold", "阈值"),
    "id": ("id", "编号"), "severity": ("severity", "严重程度"), "subject": ("subject", "对象"),
    "detail": ("what it says", "说明"), "done": ("what was done", "处理情况"), "times": ("times", "次数"),
    "first_at": ("first", "首次"), "last_at": ("last", "最近"), "case_no": ("case", "案件"),
    "state": ("state", "状态"), "opened_at": ("opened", "立案时间"),
    "frozen_minor": ("held, minor units", "冻结金额（最小货币单位）"),
    "decisions": ("decisions", "决定"), "pack": ("pack", "策略"), "reason": ("reason", "理由"),
    "kind": ("kind", "类别"), "decided_on": ("decided on", "决定日期"), "lapses_on": ("lapses on", "失效日"),
    "administrative": ("administrative", "行政处罚"), "criminal": ("criminal", "刑事处罚"),
    "authority": ("authority", "决定机关"), "reference": ("reference", "文号"), "shop_id": ("shop", "店铺"),
    "persons": ("persons", "人数"), "levels": ("levels", "层级"), "trees": ("trees", "树"),
    "buyers": ("buyers", "消费者"), "levels_with_buyers": ("levels with buyers", "含消费者层级"),
    "entry_minor": ("entry takings", "入门费用"), "retail_share": ("retail share", "零售占比"),
    "indirect_share": ("indirect share", "间接佣金占比"), "deepest_level": ("deepest level", "最深层级"),
    "deep_trees": ("trees of 3 levels and more", "三级及以上的树"), "deep_share": ("shops in them", "其中店铺占比"),
    "entry_share": ("entry share", "入门商品占比"), "persons_with_buyers": ("persons with buyers", "含消费者人数"),
    "deepest_level_with_buyers": ("deepest level with buyers", "含消费者最深层级"),
    "sales_minor": ("sales, 12 months", "十二个月销售额"), "retail_minor": ("retail sales", "零售销售额"),
    "recent_entry_minor": ("entry takings, 12 months", "十二个月入门费用"),
    "direct_minor": ("direct pay", "直接佣金"), "indirect_minor": ("indirect pay", "间接佣金"),
    "loosened": ("loosened", "放宽内容"), "recorded_at": ("recorded", "记录时间"),
}  # fmt: skip
_SHARES = ("deep_share", "retail_share", "indirect_share", "entry_share")
_TREE_COLUMNS = ("subject", "persons", "levels", "buyers", "levels_with_buyers", "entry_minor", "retail_share",
                 "indirect_share")  # fmt: skip
_SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("packs", ("version", "max_tiers", "max_tree_levels", "on_excess", "order_cap", "source")),
    ("plans", ("code", "version", "effective_from", "is_in_force", "tiers", "order_cap", "hold_days", "signed_off_by")),
    ("largest_trees", _TREE_COLUMNS),
    ("organisers", _TREE_COLUMNS),
    ("findings", ("id", "severity", "subject", "detail", "figure", "threshold", "source", "done")),
    ("recorded", ("id", "severity", "times", "first_at", "last_at", "detail", "threshold", "source")),
    ("penalties", ("id", "shop_id", "subject", "kind", "decided_on", "lapses_on", "authority", "reference", "reason",
                   "persons", "levels", "trees")),
    ("cases", ("case_no", "subject", "state", "opened_at", "frozen_minor", "reason", "decisions")),
    ("sign_offs", ("pack", "signed_off_by", "reason", "loosened", "recorded_at")),
)
_WIDE = {"source": 3, "detail": 4, "reason": 3, "decisions": 4, "threshold": 3, "figure": 3, "loosened": 3,
         "subject": 2, "done": 2, "version": 2, "decided_on": 2, "lapses_on": 2, "authority": 2,
         "reference": 2}  # fmt: skip


def render_report(report: Mapping[str, Any], language: str = "zh") -> bytes:
    """The report as a PDF.

    Args:
        report: what ``compliance_report`` answers.
        language: ``zh`` or ``en``.
    """
    open_typeface()
    buffer = io.BytesIO()
    title = _say("title", language).format(program=report["program"])
    document = SimpleDocTemplate(
        buffer, pagesize=landscape(A4), title=title, author="distrib", invariant=1, leftMargin=_MARGIN,
        rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=_MARGIN,
    )  # fmt: skip
    document.build(list(_story(report, language, title)), canvasmaker=Paper)
    return buffer.getvalue()


def _story(report: Mapping[str, Any], language: str, title: str) -> list[Flowable]:
    head = _say("as_of", language).format(as_of=_shown("as_of", report["as_of"]), digest=report["digest"])
    story: list[Flowable] = [_text(title, _TITLE), _text(head, _BODY)]
    story.append(_text(report["notice_zh" if language == "zh" else "notice_en"], _BODY))
    for name in ("caps", "structure"):
        story += [_headline(name, language), _pairs(report[name], language)]
    for name, columns in _SECTIONS:
        story += [_headline(name, language), _rows(report[name], columns, language)]
    return [*story, Spacer(1, 12)]


def _headline(name: str, language: str) -> Paragraph:
    return _text(_say(name, language), _HEAD)


def _pairs(figures: Mapping[str, Any], language: str) -> Flowable:
    cells = [[_cell(_say(name, language)), _cell(_shown(name, figure))] for name, figure in figures.items()]
    return _table(cells, [_WIDTH / 3, _WIDTH / 3])


def _rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], language: str) -> Flowable:
    if not rows:
        return _text(_say("none", language), _BODY)
    cells = [[_cell(_say(name, language)) for name in columns]]
    cells += [[_cell(_value(row, name, language)) for name in columns] for row in rows]
    parts = [_WIDE.get(name, 1) for name in columns]
    return _table(cells, [_WIDTH * part / sum(parts) for part in parts])


def _value(row: Mapping[str, Any], name: str, language: str) -> str:
    if name == "detail":
        return str(row["detail_zh" if language == "zh" else "detail_en"])
    if name == "decisions":
        return "; ".join(_decision(decision) for decision in row["decisions"])
    if name == "kind":
        return _say(row["kind"], language)
    if name == "loosened":
        return "; ".join(row["loosened"])
    return _shown(name, row[name])


def _decision(decision: Mapping[str, Any]) -> str:
    at = _shown("recorded_at", decision["recorded_at"])
    return f"{decision['decision']} {at} {decision['decided_by']}: {decision['reason']}"


def _shown(name: str, value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if name in _SHARES and isinstance(value, str):
        return f"{(Decimal(value) * 100).quantize(Decimal('0.01'), ROUND_DOWN)} %"
    return str(value)


def _say(word: str, language: str) -> str:
    english, chinese = _WORDS[word]
    return chinese if language == "zh" else english


def _cell(text: str) -> Paragraph:
    return _text(text, _BODY)


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(on_paper(text)), style)


def _table(cells: list[list[Paragraph]], widths: list[float]) -> Table:
    table = Table(cells, colWidths=widths, repeatRows=1, hAlign="LEFT")
    table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.3, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    return table
