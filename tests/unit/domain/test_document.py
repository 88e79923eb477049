"""Reading what people wrote: what passes at each bound, and how a strange value is shown."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from itertools import count

import pytest

from distrib.domain.document import MAX_LISTED, MAX_PROBLEMS, MAX_SHOWN, Report, below, first_of, kind, shown
from distrib.domain.texts import Text
from distrib.languages import render_both

Check = Callable[[Report], object]


def worded(report: Report) -> list[tuple[str, str]]:
    """The problems of a report in both languages."""
    return [(problem.pointer, render_both(problem.detail)) for problem in report.problems]


def refused(check: Check) -> bool:
    """Whether a reader answers None, as it does for what it told a problem of."""
    report = Report()
    answer = check(report)
    assert (answer is None) == (len(report.problems) == 1), (answer, report.problems)
    return answer is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        ("", '""'),
        ("x" * MAX_SHOWN, f'"{"x" * 60}"'),
        ("x" * (MAX_SHOWN + 1), f'"{"x" * 60}…"'),
        ("a\nb\u202e", r'"a\nb\u202e"'),
        (-7, "-7"),
        (10**18 - 1, "999999999999999999"),
        (1 - 10**18, "-999999999999999999"),
        (10**18, "about 10^18"),
        (-(10**18), "about 10^18"),
        (2**1000, "about 10^301"),
        (0.5, "0.5"),
        (float("nan"), "nan"),
        (Decimal("0.10"), "0.10"),
        (Decimal("1" * 61), "1" * 60 + "…"),
        ([1], "[…]"),
        ([], "[]"),
        ((1,), "[…]"),
        ((), "[]"),
        ({1: 2}, "{…}"),
        ({}, "{}"),
        (datetime.date(2026, 1, 1), "<date>"),
        (b"x", "<bytes>"),
    ],
)
def test_what_was_found_is_shown_in_a_few_characters(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_kind_is_named_as_a_reader_would() -> None:
    values: list[object] = [None, True, 7, 0.5, "x", [1], {}, b"x"]
    kinds = ["nothing", "true/false", "a number", "a float", "text", "a list", "a mapping", "bytes"]
    assert [kind(value) for value in values] == kinds


def test_a_path_goes_down_key_by_key_and_a_strange_key_is_shown_cut() -> None:
    assert (below("", "code"), below("rules[0]", "id")) == ("code", "rules[0].id")
    assert (below("a", None), below("", 7)) == ("a.<nothing>", "<a number>")
    assert below("a", "x" * 61) == f"a.{'x' * 60}…"
    assert below("a", "\x00") == r"a.\x00"


def test_of_many_names_the_first_twelve_are_told() -> None:
    names = [str(number) for number in range(MAX_LISTED + 1)]
    assert first_of(names[:-1]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11"
    assert first_of(names) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …"
    assert first_of([]) == ""
    assert first_of([7, "x" * 61]) == f"7, {'x' * 60}…"


def test_of_names_without_end_only_one_more_than_is_told_is_read() -> None:
    names = count()
    assert first_of(names).endswith("10, 11, …")
    assert next(names) == MAX_LISTED + 1


def test_how_long_a_number_is_is_right_to_the_digit_up_to_the_longest_that_can_be_read() -> None:
    texts = {shown(10**power): f"about 10^{power}" for power in range(18, 4_300)}
    assert list(texts) == list(texts.values())
    assert shown(2**14_283) == "about 10^4299"


@pytest.mark.parametrize(
    ("value", "is_refused"),
    [(2, False), (5, False), (1, True), (6, True), (True, True), (3.0, True), ("3", True), (None, True)],
)
def test_a_whole_number_lies_within_its_bounds_both_included(value: object, is_refused: bool) -> None:
    assert refused(lambda report: report.whole("at", value, 2, 5)) is is_refused


@pytest.mark.parametrize(
    ("value", "is_refused"),
    [
        ("x", False),
        ("x" * 5, False),
        ("x" * 6, True),
        ("", True),
        (" ", True),
        ("a\x00", True),
        ("\ud800", True),
        (7, True),
    ],
)
def test_a_text_has_one_character_that_is_no_space_and_a_most(value: object, is_refused: bool) -> None:
    assert refused(lambda report: report.text("at", value, 5)) is is_refused


def test_a_text_has_at_most_255_characters_where_nothing_else_is_said() -> None:
    assert not refused(lambda report: report.text("at", "x" * 255))
    assert refused(lambda report: report.text("at", "x" * 256))


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (Report.name, "a-1", ["a_1", "A", "", 7, "é"]),
        (Report.sku, "A 1", [" A", "a/b", 7, ""]),
        (Report.truth, True, [1, "true", None]),
        (Report.currency, "CNY", ["cny", "ABC", 7]),
    ],
)
def test_a_reader_answers_what_is_usable_and_nothing_else(
    check: Callable[[Report, str, object], object], right: object, wrong: list[object]
) -> None:
    assert check(Report(), "at", right) == right
    assert all(refused(lambda report, value=value: check(report, "at", value)) for value in wrong)  # type: ignore[misc]


def test_false_is_a_truth_and_a_ratio_is_read_in_millionths() -> None:
    report = Report()
    assert (report.truth("at", False), report.ratio("at", "0.125"), report.ratio("at", "0")) == (False, 125_000, 0)
    assert report.choice("at", "b", ("a", "b")) == "b"
    assert report.problems == []


def test_a_list_has_one_to_so_many_entries_and_is_no_text() -> None:
    report = Report()
    assert [report.listing("at", value, 2) for value in ([1], (1, 2))] == [[1], (1, 2)]
    assert list(report.listing("at", [], 2, 0)) == list(report.listing("at", (), 2, at_least=0)) == []
    assert report.problems == []
    wrong: list[object] = [[], [1, 2, 3], "ab", b"ab", bytearray(b"a"), {}, 7]
    for value in wrong:
        assert list(report.listing("at", value, 2)) == []
    assert [str(problem.detail) for problem in report.problems] == [
        "must have 1 to 2 entries, not 0",
        "must have 1 to 2 entries, not 3",
        'must be a list, not "ab"',
        "must be a list, not <bytes>",
        "must be a list, not <bytearray>",
        "must be a list, not {}",
        "must be a list, not 7",
    ]


def test_every_entry_of_a_list_is_checked_under_its_own_path() -> None:
    seen: list[tuple[str, object]] = []
    report = Report()
    report.each("at", ["a", "b"], 2, lambda path, entry: seen.append((path, entry)))
    report.each("at", [], 2, lambda path, entry: seen.append((path, entry)), 0)
    assert (seen, report.problems) == ([("at[0]", "a"), ("at[1]", "b")], [])
    report.each("at", [], 2, lambda path, entry: seen.append((path, entry)))
    assert worded(report) == [("at", "must have 1 to 2 entries, not 0 / 须有 1 到 2 项，而不是 0")]


def test_a_mapping_answers_the_known_keys_that_are_given_and_null_is_not_given() -> None:
    report = Report()
    assert report.mapping("", {"a": 1, "b": None, "x": 2, 7: 3}, ("a", "b", "c"), ("a", "c")) == {"a": 1}
    assert worded(report) == [
        ("x", "unknown key; known are a, b, c / 未知的键"),
        ("<a number>", "unknown key; known are a, b, c / 未知的键"),
        ("c", "is required / 必填"),
    ]
    assert report.required("at", {"a": 1}, "a") == 1
    assert len(report.problems) == 3


def test_past_the_most_problems_nothing_is_noted() -> None:
    report = Report()
    for number in range(MAX_PROBLEMS + 1):
        report.say("", Text("{number}", number=number))
    assert [str(problem.detail) for problem in report.problems] == [str(number) for number in range(MAX_PROBLEMS)]
    report.mapping("", {"x": 1}, ())
    assert len(report.problems) == MAX_PROBLEMS
