"""YAML is read strictly: what it would decide silently is refused."""

from __future__ import annotations

import pytest

from distrib.domain.errors import Refusal
from distrib.services.yaml_documents import read_yaml


def test_plain_yaml_and_json_are_read() -> None:
    assert read_yaml('code: a\nrules: [{id: "s"}]') == {"code": "a", "rules": [{"id": "s"}]}
    assert read_yaml('{"code": "a", "tiers": 1}') == {"code": "a", "tiers": 1}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("code: a\ncode: b", "stands twice"),
        ("a: {x: 1, x: 2}", "stands twice"),
        ("a: &x {b: *x}", "aliases are not allowed"),
        ("a: &x [1]\nb: *x", "aliases are not allowed"),
        ("[" * 60 + "]" * 60, "nested too deeply"),
        ("a: [", "expected"),
        ("a: !!python/object:os.system {}", "could not determine a constructor"),
        ("{[1]: 2}", "unhashable"),
        ("a: 1\n---\nb: 2", "expected a single document|but found another document"),
        ("a: \x00", "special characters are not allowed"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_yaml(text)
    (problem,) = refused.value.problems
    assert any(word in str(problem.detail) for word in words.split("|"))


@pytest.mark.parametrize(
    "written",
    ["1:30", "12:30.5", "007", "010", "0x1f", "0b11", "1_000", "2026-01-01", "2026-13-45", "=", "9" * 101],
)
def test_what_yaml_would_make_another_number_of_stays_the_text_that_was_written(written: str) -> None:
    assert read_yaml(f"a: {written}") == {"a": written}


def test_plain_numbers_are_numbers() -> None:
    assert read_yaml("[0, 7, -3, +4, 0.5, 1.5e+3]") == [0, 7, -3, 4, 0.5, 1500.0]


def test_a_text_without_end_is_not_even_parsed() -> None:
    with pytest.raises(Refusal, match="larger than"):
        read_yaml(" " * 1_000_001)
