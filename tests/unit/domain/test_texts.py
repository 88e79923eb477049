"""Texts for people: messages with braces, which say the same however often and by whomever they are filled."""

from __future__ import annotations

import pytest

from distrib.domain.errors import CannotStart
from distrib.domain.texts import Text, fill


def test_a_text_says_itself_in_english_with_its_values() -> None:
    assert str(Text("from {least} to {most}", least=1, most=3)) == "from 1 to 3"
    assert str(Text("{what}", what=Text("inner {n}", n=2))) == "inner 2"
    assert str(Text("one of {all}", all=["a", Text("b {n}", n=1), 3])) == "one of a, b 1, 3"
    assert str(Text("one of {all}", all=("a", "b"))) == "one of a, b"
    assert str(Text("{n:,} of {f:>5}", n=1_000, f="x")) == "1,000 of     x"


def test_a_brace_without_a_value_stays_as_it_is_written() -> None:
    assert str(Text("{left} and {right:,}", left=1)) == "1 and {right:,}"
    assert fill("{a}{b}", {}, str) == "{a}{b}"


def test_what_stands_in_a_text_is_rendered_by_who_fills_it() -> None:
    inner = Text("inner")
    assert fill("{a}: {b}", {"a": inner, "b": [inner, "plain"]}, lambda text: text.message.upper()) == (
        "INNER: INNER, plain"
    )


def test_texts_are_equal_that_say_the_same_in_the_same_sense_with_the_same_values() -> None:
    text = Text("open", "door", n=1)
    assert text == Text("open", "door", n=1)
    assert hash(text) == hash(Text("open", "door", n=2))
    assert text not in (Text("open", n=1), Text("open", "door", n=2), Text("shut", "door", n=1))
    assert text != "open"
    assert len({text, Text("open", "door", n=1), Text("open", "shop", n=1)}) == 2


def test_new_values_leave_message_and_sense() -> None:
    other = Text("line {number}", "of an order", number=1).with_params(number=2)
    assert (other.message, other.context, dict(other.params)) == ("line {number}", "of an order", {"number": 2})


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (Text("open"), "Text('open')"),
        (Text("open", "door"), "Text('open', 'door')"),
        (Text("line {n}", n="1"), "Text('line {n}', n='1')"),
        (Text("line {n}", "x", n=1, m=2), "Text('line {n}', 'x', n=1, m=2)"),
    ],
)
def test_a_text_is_written_as_it_is_made(text: Text, written: str) -> None:
    assert repr(text) == written


def test_what_keeps_a_command_from_its_work_says_one_text() -> None:
    text = Text("there is no file {name}", name="x")
    refused = CannotStart(text)
    assert refused.text is text
    assert str(refused) == "there is no file x"
