"""A text in two languages is split where its author joined it, whatever somebody else's words in it look like."""

from __future__ import annotations

import pytest

from distrib.domain.bilingual import of_description, of_problem
from distrib.domain.plans.document import check_plan


@pytest.mark.parametrize("written", ["a / b", "a / 中", "/ 中", " / 中 / 文 / ", "。 / 中"])
def test_what_somebody_wrote_stands_in_both_halves_of_a_problem(written: str) -> None:
    rule = {"id": "s", "pay": "seller", "rate": "1"}
    (problem,) = check_plan({"code": written, "currency": "CNY", "rules": [rule]})
    english, chinese = of_problem(problem.detail)
    assert english == f'must be 1 to 40 small letters, digits or hyphens, not "{written}"'
    assert chinese == f'须为 1 到 40 个小写字母、数字或连字符，而不是 "{written}"'


def test_a_text_in_one_language_is_the_same_in_both() -> None:
    assert of_problem("no Chinese / here") == ("no Chinese / here",) * 2
    assert of_description("Only English. And more.") == ("Only English. And more.",) * 2


def test_sentences_are_split_where_the_chinese_ones_begin() -> None:
    assert of_description("One. Two (二). 一。二. 三。") == ("One. Two (二).", "一。二. 三。")
