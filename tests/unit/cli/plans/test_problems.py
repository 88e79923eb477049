"""What ``distrib plan check`` prints: the line, the path, what stands there, what would be right, in two languages."""

from __future__ import annotations

import pytest

from distrib.cli.plans.problems import show_findings, show_problems
from distrib.domain.document import MAX_PROBLEMS
from distrib.domain.plans.document import check_plan
from distrib.domain.plans.measures import PlanFigure, PlanThreshold
from distrib.domain.policies.policy import Finding
from distrib.services.yaml_documents import read_with_lines

SLIPS = """\
# a comment
code: My Shop
currency: CNY
hold_day: 7
rules:
  - id: seller
    pay: seller
    rate: {member: 0.1}
  - {id: up, pay: upline, rate: "0.1", tier: 7}
"""


def messages_of(text: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    document, lines = read_with_lines(text)
    show_problems("plan.yaml", check_plan(document), lines)
    return capsys.readouterr().out.splitlines()


def test_every_problem_is_told_in_the_order_of_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert [line for line in messages_of(SLIPS, capsys) if not line.startswith("    ")] == [
        "plan.yaml:2: code",
        "plan.yaml:4: hold_day",
        "plan.yaml:8: rules[0].rate.member",
        "plan.yaml:9: rules[1].tier",
        "4 problems. 共 4 处问题。",
    ]


def test_what_was_found_and_what_would_be_right_stand_below_in_english_and_chinese(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = messages_of(SLIPS, capsys)
    assert lines[1:3] == [
        '    must be 1 to 40 small letters, digits or hyphens, not "My Shop"',
        '    须为 1 到 40 个小写字母、数字或连字符，而不是 "My Shop"',
    ]
    assert lines[4].startswith("    unknown key; did you mean hold_days? known are code, title,")
    assert lines[5] == "    未知的键，是否想写 hold_days？"
    assert lines[7] == '    must be a decimal string such as "0.125", not 0.1'
    assert lines[10] == "    must be a whole number from 1 to 3, not 7"


def test_what_is_missing_is_told_at_the_line_where_it_should_stand(capsys: pytest.CaptureFixture[str]) -> None:
    assert messages_of("code: a\nrules:\n  - id: x\n    rate: '0.1'\n", capsys)[:6] == [
        "plan.yaml:1: currency",
        "    is required",
        "    必填",
        "plan.yaml:3: rules[0].pay",
        "    is required",
        "    必填",
    ]


@pytest.mark.parametrize("text", ["", "[]", "just words", "{}"])
def test_what_is_no_plan_is_told_without_a_path(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert messages_of(text, capsys)[0].startswith("plan.yaml")


@pytest.mark.parametrize(
    "value", ["x" * 100_000, "[" * 20 + "]" * 20, "9" * 4_000, '"\\u202e\\u0000"', '"a / b / c"', ".nan", "{a: 1}"]
)
def test_a_strange_value_is_shown_cut_and_escaped(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = messages_of(f"code: {value}\ncurrency: CNY\nrules: [{{id: x, pay: seller, rate: '0.1'}}]\n", capsys)
    assert lines[0] == "plan.yaml:1: code"
    assert all(len(line) < 300 and line.isprintable() for line in lines)


def test_a_document_of_a_hundred_thousand_slips_is_told_at_once_and_not_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    slips = {f"hold_day_{number}": 1 for number in range(100_000)}
    problems = check_plan(slips)
    assert len(problems) == MAX_PROBLEMS


def test_a_finding_is_told_with_its_figures_and_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    figure, threshold = PlanFigure("uplines_paid", 1), PlanThreshold("uplines_paid", "above", 0)
    show_findings(
        [Finding("CN-P04", "sign_off", figure, threshold, "art. 7(3)", "An upline is paid.", "上线获得佣金。")]
    )
    assert capsys.readouterr().out.splitlines() == [
        "sign_off 须签署 CN-P04: 1 (> 0)",
        "    An upline is paid.",
        "    上线获得佣金。",
        "    [art. 7(3)]",
    ]
