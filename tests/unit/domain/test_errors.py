"""Refusals speak both languages, and no message is lost to a missing value."""

from __future__ import annotations

import re

import pytest

from distrib.domain.errors import CODES, Problem, Refusal, title_of
from distrib.domain.ledger import ACCOUNT_NAMES, account_name
from distrib.domain.texts import Text
from distrib.languages import LANGUAGES, render


def test_a_refusal_has_its_code_its_status_and_both_texts() -> None:
    refusal = Refusal("id_conflict", [Problem("/id", "x")], id="o-1")
    assert (refusal.code, refusal.status, refusal.params) == ("id_conflict", 409, {"id": "o-1"})
    assert refusal.problems == (Problem("/id", "x"),)
    assert render(refusal.text, "en") == str(refusal) == "The id o-1 is known with other content."
    assert render(refusal.text, "zh") == "编号 o-1 已存在且内容不同。"
    assert render(refusal.text, "fr") == str(refusal)


def test_a_refusal_without_problems_or_values_has_none_and_its_braces_stay() -> None:
    refusal = Refusal("id_conflict")
    assert (refusal.problems, refusal.params) == ((), {})
    assert str(refusal) == "The id {id} is known with other content."


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_status_and_texts_with_the_same_values(code: str) -> None:
    entry = CODES[code]
    assert entry.status == 202 if code.startswith("waits_for_") else 400 <= entry.status <= 599
    english, chinese = (render(Text(entry.message), language) for language in LANGUAGES)
    assert english.isascii()
    assert not chinese.isascii()
    assert sorted(re.findall(r"{\w+}", english)) == sorted(re.findall(r"{\w+}", chinese))
    assert not render(title_of(code), "zh").isascii()


def test_an_account_above_zero_is_a_shops_and_the_programs_own_have_names() -> None:
    assert [account_name(number) for number in (1, 7, -1, -2, -3)] == [
        "payable",
        "payable",
        "expense",
        "clearing",
        "tax",
    ]
    with pytest.raises(KeyError):
        account_name(0)
    assert sorted(ACCOUNT_NAMES) == [-3, -2, -1]
