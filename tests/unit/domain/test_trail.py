"""What stands in the trail of a call: listed names as they are, bounded; all else as digests; secrets not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from distrib.domain.trail import MOST_CHARACTERS, MOST_SHOWN, canonical, differing, shown

EAST = timezone(timedelta(hours=8))
NOON = datetime(2026, 3, 1, 20, 0, tzinfo=EAST)


def digest_of(text: str) -> str:
    """A digest that shows what it is of."""
    return f"<{text}>"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (True, True),
        (7, 7),
        ("店", "店"),
        ("x" * MOST_CHARACTERS, "x" * MOST_CHARACTERS),
        ("x" * (MOST_CHARACTERS + 1), f'digest <"{"x" * (MOST_CHARACTERS + 1)}">'),
        (NOON, "2026-03-01T12:00:00Z"),
        (date(2026, 3, 1), "2026-03-01"),
        (b"ab", "b'ab'"),
        (1.5, "1.5"),
        (["a", 1], ["a", 1]),
        ([1] * MOST_SHOWN, [1] * MOST_SHOWN),
        ([1] * (MOST_SHOWN + 1), f"{MOST_SHOWN + 1} entries, digest <{[1] * (MOST_SHOWN + 1)}>"),
        ([None], "1 entries, digest <[null]>"),
        ({"status": "active", "name": "Mei", "key": "k"}, {"status": "active", "name": 'digest <"Mei">'}),
    ],
)
def test_a_listed_name_is_shown_as_it_is_or_as_a_digest_where_it_is_long(value: Any, kept: Any) -> None:
    assert shown({"status": value}, digest_of) == {"status": kept}


def test_a_name_that_nobody_listed_is_hidden_and_nothing_stays_nothing() -> None:
    hidden = shown({"phone": "138", "fax": None, "since_when": NOON, "secret": "s"}, digest_of)
    assert hidden == {"phone": 'digest <"138">', "fax": None, "since_when": 'digest <"2026-03-01T12:00:00Z">'}


def test_the_text_under_a_digest_is_canonical() -> None:
    assert canonical({"b": "店", "a": [NOON, date(2026, 3, 2)]}) == (
        '{"a": ["2026-03-01T12:00:00Z", "2026-03-02"], "b": "店"}'
    )
    assert canonical(datetime(2026, 3, 1, tzinfo=UTC)) == '"2026-03-01T00:00:00Z"'


def test_of_two_states_what_both_have_and_differs_is_kept_and_one_alone_whole() -> None:
    before, after = {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 4, "d": 5}
    assert differing(before, after) == ({"b": 2}, {"b": 4})
    assert differing(None, after) == (None, after)
    assert differing(before, None) == (before, None)
    assert differing(None, None) == (None, None)
