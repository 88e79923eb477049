"""Invite codes and links: what is a code, where a link leads, what a page for joining may be."""

from __future__ import annotations

import pytest

from distrib.domain.sharing import (
    CODE_LENGTH,
    CODE_LETTERS,
    JOIN_URL_PROBLEMS,
    invite_link,
    join_link,
    join_url_problem,
    read_code,
    without_claims,
)
from distrib.languages import LANGUAGES, render

CODE = "ABCDEFGH23"


def test_codes_hold_nothing_that_looks_like_something_else() -> None:
    assert (len(set(CODE_LETTERS)), CODE_LENGTH) == (31, 10)
    assert not set(CODE_LETTERS) & set("0O1IL")


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (CODE, CODE),
        (CODE.lower(), CODE),
        (CODE[:9], None),
        (CODE + "4", None),
        ("ABCDEFGH20", None),
        ("", None),
        ("ABCDEFGH2I", None),
        ("ſBCDEFGH23", None),
        ("ABCDEFGH2３", None),
        (" ABCDEFGH2", None),
    ],
)
def test_a_code_is_read_whatever_its_case_and_nothing_else_is(typed: str, code: str | None) -> None:
    assert read_code(typed) == code


@pytest.mark.parametrize("base", ["https://fx.example", "https://fx.example/", "https://fx.example//"])
def test_a_link_is_base_and_code(base: str) -> None:
    assert invite_link(base, CODE) == f"https://fx.example/r/{CODE}"
    assert invite_link("https://fx.example/X/", CODE) == f"https://fx.example/X/r/{CODE}"


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://a.example", f"https://a.example?invite_code={CODE}"),
        ("https://a.example/j", f"https://a.example/j?invite_code={CODE}"),
        ("https://a.example/j?", f"https://a.example/j?invite_code={CODE}"),
        ("https://a.example/j?x=1", f"https://a.example/j?x=1&invite_code={CODE}"),
        ("https://a.example/j?x=1&", f"https://a.example/j?x=1&invite_code={CODE}"),
    ],
)
def test_a_page_for_joining_gets_the_code_beside_the_parameters_it_has(url: str, link: str) -> None:
    assert join_url_problem(url) is None
    assert join_link(url, CODE) == link


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://a.example", "scheme"),
        ("javascript:alert(1)", "url"),
        ("https://", "url"),
        ("", "url"),
        ("https://a b", "url"),
        ("https://u:p@a.example", "extras"),
        ("https://a.example/#x", "extras"),
        ("https://10.0.0.1/", "address"),
        ("https://localhost/", "address"),
        ("https://a.example/?invite_code=", "code"),
        ("https://a.example/?x=1&invite_code=2", "code"),
        ("https://a.example/?invite%5Fcode=2", "code"),
    ],
)
def test_a_page_for_joining_that_is_none_says_why_in_both_languages(url: str, problem: str) -> None:
    assert join_url_problem(url) == problem
    english, chinese = (render(JOIN_URL_PROBLEMS[problem], language) for language in LANGUAGES)
    assert english.isascii()
    assert not chinese.isascii()


def test_another_parameter_of_a_similar_name_is_no_problem() -> None:
    assert join_url_problem("https://a.example/?my_invite_code=2&code=3") is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("喆记小店", "喆记小店"),
        ("来这里躺赚", None),
        ("GUARANTEED Income Club", None),
        ("  ", None),
        ("", None),
        (None, None),
    ],
)
def test_a_name_that_promises_earnings_is_no_name(text: str | None, shown: str | None) -> None:
    assert without_claims(text, ["躺赚", "Guaranteed income"]) == shown


def test_where_no_word_is_watched_every_name_stands() -> None:
    assert without_claims("来这里躺赚", []) == "来这里躺赚"
