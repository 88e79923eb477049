"""Refusals speak both languages, and no message is lost to a missing value."""

from __future__ import annotations

import pickle
import re
from typing import Any

import pytest

from distrib.api.http.codes import CODES
from distrib.domain.errors import NamedRefusal, Problem, Refusal, Said, title_of
from distrib.domain.ledger import ACCOUNT_NAMES, account_name
from distrib.domain.orders.refusals import RefundExceeds
from distrib.domain.plans.refusals import PlanInvalid, PlanUnknown
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


def test_a_refusal_of_a_class_says_what_its_code_says() -> None:
    refusal = RefundExceeds(line="1", amount=9, left=7)
    assert (refusal.code, refusal.status, refusal.amount) == ("refund_exceeds", 422, 9)
    assert (refusal.params, refusal.problems) == ({"line": "1", "amount": 9, "left": 7}, ())
    by_code = Refusal(refusal.code, (), **refusal.params)
    assert (by_code.text, by_code.status) == (refusal.text, refusal.status)
    assert render(RefundExceeds(amount=9, left=7).text, "zh") == "9 超过订单剩余的 7。"


def test_a_value_is_given_by_the_name_that_its_brace_has() -> None:
    refusal = PlanUnknown(code="gold", version=2)
    assert (refusal.code, refusal.plan, refusal.params) == ("plan_unknown", "gold", {"code": "gold", "version": 2})
    assert str(refusal) == "There is no plan gold version 2."


def test_a_refusal_lists_what_is_wrong() -> None:
    problems = [Problem("/a", "x")]
    assert PlanInvalid(problems=problems).problems == tuple(problems)
    assert PlanInvalid(problems=problems).params == {}
    assert RefundExceeds(amount=9, left=7).listing(problems).problems == tuple(problems)


@pytest.mark.parametrize("given", [{}, {"amount": 9}, {"amount": 9, "left": 7, "lin": "1"}])
def test_a_value_forgotten_or_misspelt_is_an_error_of_types(given: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"RefundExceeds takes \['amount', 'left', 'line'\]"):
        RefundExceeds(**given)


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal("invalid", [Problem("/a", Text("must be {right}", right=1))]),
        Refusal("not_found"),
        RefundExceeds(line="1", amount=3, left=2),
        RefundExceeds(amount=3, left=2).listing([Problem("/lines/0", "too much")]),
    ],
)
def test_a_refusal_comes_whole_from_another_process(refusal: Refusal) -> None:
    come = pickle.loads(pickle.dumps(refusal))
    assert type(come) is type(refusal)
    assert (str(come), vars(come)) == (str(refusal), vars(refusal))


def test_a_code_belongs_to_one_class() -> None:
    with pytest.raises(TypeError, match="refund_exceeds is the code of two refusals"):
        type("Twice", (NamedRefusal,), {"said": Said("x", "x")}, code="refund_exceeds", status=409)
    assert CODES["refund_exceeds"].status == 422


@pytest.mark.parametrize("said", [Said("{a}", "{b}"), Said("{a}", "一"), Said("{a} {b}", "{a} {b}")])
def test_a_class_whose_texts_and_fields_differ_does_not_come_to_be(said: Said) -> None:
    with pytest.raises(TypeError, match="the texts do not name the same fields"):
        type("Wrong", (NamedRefusal,), {"said": said, "__annotations__": {"a": "str"}}, code="wrong", status=409)
    assert "wrong" not in CODES


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
