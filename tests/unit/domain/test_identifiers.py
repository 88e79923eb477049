"""Ids, texts and instants as the contract has them."""

from datetime import UTC, date, datetime

import pytest

from distrib.domain.identifiers import is_identifier, is_storable_text, parse_day, parse_instant


@pytest.mark.parametrize("value", ["a", "x" * 64, "店铺-7", "a b", "...", "a.b", "😀", "A"])
def test_an_id_may_be(value: str) -> None:
    assert is_identifier(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x" * 65,
        "a/b",
        " a",
        "a ",
        ".",
        "..",
        "a\x00",
        "a\n",
        "\x7f",
        "\x85",
        "\ud800",
        "\u3000a",
        "a\xa0",
        7,
        None,
        b"a",
    ],
)
def test_an_id_may_not_be(value: object) -> None:
    assert not is_identifier(value)


def test_a_text_may_hold_what_the_database_can() -> None:
    assert is_storable_text("a\nb\t店" + "x" * 250)
    assert not any(map(is_storable_text, ["a\x00", "\udc80", "x" * 256, 7, None]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-09T10:00:00+08:00", datetime(2026, 3, 9, 2, tzinfo=UTC)),
        ("2026-03-09t02:00:00z", datetime(2026, 3, 9, 2, tzinfo=UTC)),
        ("2026-03-09 02:00:00.5Z", datetime(2026, 3, 9, 2, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-03-09T02:00:00.123456789Z", datetime(2026, 3, 9, 2, 0, 0, 123_456, tzinfo=UTC)),
    ],
)
def test_an_instant_has_an_offset_and_comes_in_utc(text: str, expected: datetime) -> None:
    instant = parse_instant(text)
    assert (instant, instant.tzinfo is UTC) == (expected, True)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-09",
        "2026-03-09T10:00:00",
        "2026-02-30T10:00:00Z",
        "2026-03-09T24:00:00Z",
        "20260309T100000Z",
        "2026-03-09T10:00:00+25:00",
        "2026-03-09T10:00Z",
        "0001-01-01T00:00:00+08:00",
        "٢٠٢٦-03-09T10:00:00Z",
        "",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_instant(text)


def test_why_an_instant_is_refused_is_said() -> None:
    with pytest.raises(ValueError, match=r"^not an RFC 3339 time with an offset$"):
        parse_instant("soon")
    with pytest.raises(ValueError, match=r"^outside the calendar$"):
        parse_instant("0001-01-01T00:00:00+08:00")


def test_a_day_is_written_in_full_and_lies_on_the_calendar() -> None:
    assert parse_day("2024-02-29") == date(2024, 2, 29)
    for text in ("2026-3-9", "20260309", "2026-W11-1", "2026-03-09T10:00:00Z", "٢٠٢٦-03-09", " 2026-03-09", ""):
        with pytest.raises(ValueError, match=r"^not a day such as 2026-03-09$"):
            parse_day(text)
    with pytest.raises(ValueError, match="day is out of range"):
        parse_day("2026-02-29")


def test_digits_of_a_second_are_filled_up_and_cut_at_the_microsecond() -> None:
    micros = [parse_instant(f"2026-03-09T02:00:00{part}Z").microsecond for part in ("", ".5", ".000001", ".1234569")]
    assert micros == [0, 500_000, 1, 123_456]


def test_a_text_may_be_as_long_as_its_limit() -> None:
    assert [is_storable_text("x" * length, 5) for length in (4, 5, 6)] == [True, True, False]
    assert [is_storable_text("x" * length) for length in (255, 256)] == [True, False]
