"""A text is rendered in the reader's language, with whatever stands in its braces."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from distrib.domain.plans.document import check_plan
from distrib.domain.texts import Text
from distrib.languages import render, render_both


def test_a_text_within_a_text_is_rendered_in_the_same_language() -> None:
    text = Text("{right}, not {value}", right=Text("must be a list"), value=7)
    assert (render(text, "en"), render(text, "zh")) == ("must be a list, not 7", "必须是列表，而不是 7")
    assert render_both(text) == "must be a list, not 7 / 必须是列表，而不是 7"


def test_a_context_tells_apart_what_reads_the_same_in_english() -> None:
    assert (render(Text("must be a list"), "zh"), render(Text("must be a list", "api"), "zh")) == (
        "必须是列表",
        "必须是数组",
    )


def test_what_the_catalogues_do_not_know_is_said_as_it_is_and_once() -> None:
    assert render_both(Text("no such message {left}", right=1)) == "no such message {left}"
    assert render_both("a plain text / 中") == "a plain text / 中"
    assert (render(Text(""), "zh"), render(Text("is required"), "fr")) == ("", "is required")


@pytest.mark.parametrize(("values", "shown"), [(["a", "b"], "a, b"), (("a", Text("yes")), "a, 是"), ([], "")])
def test_a_list_of_values_is_shown_with_commas(values: Sequence[object], shown: str) -> None:
    assert render(Text("must be one of {choices}", "document", choices=values), "zh") == f"须为 {shown} 之一"


def test_a_value_is_shown_in_the_form_that_the_message_asks_for() -> None:
    text = Text("is larger than {most:,} bytes", most=1_000_000)
    assert (render(text, "en"), render(text, "zh")) == ("is larger than 1,000,000 bytes", "文件超过 1,000,000 字节")
    assert str(Text("{count:,} of {all:>3}")) == "{count:,} of {all:>3}"


def test_texts_are_values() -> None:
    line = Text("line {number}", number=3)
    assert line == Text("line {number}").with_params(number=3)
    assert line != Text("line {number}", number=4)
    assert line != Text("line {number}", "page", number=3)
    assert line != "line 3"
    assert len({line, Text("line {number}", number=[3])}) == 2
    assert repr(Text("a {b}", "c", b="d")) == "Text('a {b}', 'c', b='d')"
    assert repr(Text("a")) == "Text('a')"


@pytest.mark.parametrize("sent", ["a / b", "a / 中", "/ 中", " / 中 / 文 / ", "。 / 中", "{right}", "{", "{0}"])
def test_what_somebody_wrote_stands_in_both_languages_as_it_was_written(sent: str) -> None:
    rule = {"id": "s", "pay": "seller", "rate": "1"}
    (problem,) = check_plan({"code": sent, "currency": "CNY", "rules": [rule]})
    assert render(problem.detail, "en") == f'must be 1 to 40 small letters, digits or hyphens, not "{sent}"'
    assert render(problem.detail, "zh") == f'须为 1 到 40 个小写字母、数字或连字符，而不是 "{sent}"'
