"""What a compliance report's reader reads: words, money, shares and times in the reader's form."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from distrib.domain.policies import monitors
from distrib.domain.policies.figures import Measured, read_thresholds
from distrib.languages import render
from distrib.services.compliance.cases import DECISIONS, OPEN, STATES, DecisionView
from distrib.services.compliance.monitors import FINDING_SEVERITIES
from distrib.services.compliance.words import MEASURES, ReportWording

ZH = ReportWording("zh", "CNY", "Asia/Shanghai")
EN = ReportWording("en", "CNY", "Asia/Shanghai")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_every_measure_of_a_monitor_has_words_in_both_languages() -> None:
    measures = {measure for scope in monitors.MEASURES.values() for measure in scope}
    assert measures <= MEASURES.keys()
    assert all(CHINESE.search(render(text, "zh")) and not CHINESE.search(str(text)) for text in MEASURES.values())


@pytest.mark.parametrize(
    ("name", "codes"),
    [("severity", FINDING_SEVERITIES), ("state", (OPEN, *STATES.values())), ("on_excess", ("refuse", "detach"))],
)
def test_no_code_reaches_a_chinese_reader_as_it_is(name: str, codes: tuple[str, ...]) -> None:
    assert all(CHINESE.search(ZH.value(name, code)) for code in codes)


def test_every_decision_is_told_with_the_day_and_the_person() -> None:
    decided_at = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)
    texts = [
        ZH.value("decisions", [DecisionView(1, decision, decided_at, "韩梅梅", "核实", decided_at, "cli")])
        for decision in DECISIONS
    ]
    assert texts == [f"{word} 2026-03-02 00:30:00 韩梅梅: 核实" for word in ("冻结", "解冻", "冲回", "驳回")]


@pytest.mark.parametrize(
    ("name", "value", "zh", "en"),
    [
        ("persons", 1_000_000, "1,000,000", "1,000,000"),
        ("entry_minor", 250_000_000, "2,500,000.00", "2,500,000.00"),
        ("retail_share", "0.812599", "81.25 %", "81.25 %"),
        ("order_cap", None, "–", "–"),
        ("as_of", datetime(2026, 3, 1, 16, 0, 0, 5, tzinfo=UTC), *["2026-03-02 00:00:00.000005"] * 2),
        ("opened_at", datetime(2026, 3, 1, 16, 0, 0, 5, tzinfo=UTC), *["2026-03-02 00:00:00"] * 2),
        ("is_in_force", True, "是", "yes"),
        ("case_no", 1_234, "1234", "1234"),
        ("subject", "tree:s-1", "推荐树 s-1", "tree of s-1"),
        ("subject", "program", "整个分销计划", "the whole program"),
        ("figure", Measured({"persons": 119, "levels": 3}), "人数 119, 层级 3", "persons 119, levels 3"),
        (
            "threshold",
            read_thresholds("entry_minor ≥ 250000000"),
            "入门费用 ≥ 2,500,000.00",
            "entry takings ≥ 2,500,000.00",
        ),
        ("threshold", read_thresholds("retail_share < 0.8"), "零售占比 < 80.00 %", "retail share < 80.00 %"),
        (
            "threshold",
            read_thresholds("month_earners ≥ 1 (each: 10000000)"),
            "当月达到该收入的店铺 ≥ 1（每店 100,000.00）",
            "shops with that income in the month ≥ 1 (each: 100,000.00)",
        ),
        ("threshold", "> 0.30", "> 0.30", "> 0.30"),
        ("figure", "gold, silver", "gold, silver", "gold, silver"),
        ("source", "禁止传销条例 art. 7(2)", "《禁止传销条例》第七条第（二）项", "禁止传销条例 art. 7(2)"),
        ("source", "our lawyer, {2026}", "our lawyer, {2026}", "our lawyer, {2026}"),  # of an override
    ],
)
def test_a_value_is_told_as_its_reader_reads_it(name: str, value: object, zh: str, en: str) -> None:
    assert (ZH.value(name, value), EN.value(name, value)) == (zh, en)


def test_a_finding_speaks_the_readers_language() -> None:
    finding = {"detail_en": "Early warning.", "detail_zh": "预警。"}
    assert (ZH.cell(finding, "detail"), EN.cell(finding, "detail")) == ("预警。", "Early warning.")


@pytest.mark.parametrize(
    ("done", "zh", "en"),
    [
        ({"case_no": 12, "case_state": "frozen"}, "案件 12：已冻结", "case 12: frozen"),
        ({"signed_off_by": "Li Lei"}, "由 Li Lei 签署", "signed off by Li Lei"),
        ({}, "已列报", "reported"),
    ],
)
def test_what_was_done_about_a_finding_is_told(done: dict[str, object], zh: str, en: str) -> None:
    finding = {"case_no": None, "case_state": None, "signed_off_by": None, **done}
    assert (ZH.cell(finding, "done"), EN.cell(finding, "done")) == (zh, en)
