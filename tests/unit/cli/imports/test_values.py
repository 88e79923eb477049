"""Amounts, quantities and times of exports are read exactly or refused by name."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distrib.cli.imports.maps.values import ValueUnfit, read_moment, read_money, read_quantity
from distrib.domain.amounts import show_amount


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("19.99", 1999),
        ("1,299.00", 129900),
        ("¥19.99", 1999),
        ("￥19.9", 1990),
        ("CNY 5", 500),
        ("5 元", 500),
        ("19.990000", 1999),
        ("-¥3.00", -300),
        ("¥-3.00", -300),
        ("($3.00)", -300),
        ("0", 0),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, minor: int) -> None:
    assert read_money(text, "CNY") == minor


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("19.999", "has more decimals than CNY has (2)"),
        ("1,29", "is no amount of CNY"),
        ("1e3", "is no amount of CNY"),
        ("--5", "is no amount of CNY"),
        ("(-5)", "is no amount of CNY"),
        ("(5", "is no amount of CNY"),
        ("12 34", "is no amount of CNY"),
        ("", "is no amount of CNY"),
        ("USD 5", "is no amount of CNY"),
        ("NaN", "is no amount of CNY"),
        ("٣", "is no amount of CNY"),
    ],
)
def test_what_is_no_amount_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(ValueUnfit, match=re.escape(words)):
        read_money(text, "CNY")


def test_minor_units_have_no_decimals() -> None:
    assert read_money("1999", "CNY", "minor") == 1999
    with pytest.raises(ValueUnfit):
        read_money("1999.00", "CNY", "minor")


@given(st.integers(-(10**12), 10**12), st.sampled_from(["CNY", "JPY", "KWD"]))
def test_an_amount_is_read_back_as_it_was_written(amount: int, currency: str) -> None:
    written = show_amount(amount, currency)
    assert read_money(written, currency) == amount
    assert read_money(written.translate(str.maketrans(".,", ",.")), currency, decimal=",") == amount


def test_quantities_are_whole() -> None:
    assert [read_quantity(text) for text in ("2", " 2 ", "2.0", "-1")] == [2, 2, 2, -1]
    with pytest.raises(ValueUnfit):
        read_quantity("0.5")


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2026-03-01 09:30:00", "Asia/Shanghai", datetime(2026, 3, 1, 1, 30, tzinfo=UTC)),
        ("2026-07-01 09:30:00", "America/New_York", datetime(2026, 7, 1, 13, 30, tzinfo=UTC)),
        ("2026-11-01 01:30:00", "America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        ("2026-03-01 09:30:00 -0300", "Asia/Shanghai", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2026-03-01T09:30:00Z", None, datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
    ],
)
def test_times_are_those_of_their_zone(text: str, zone: str | None, instant: datetime) -> None:
    assert read_moment(text, ("%Y-%m-%d %H:%M:%S",), ZoneInfo(zone) if zone else None) == instant


@pytest.mark.parametrize(
    ("text", "words"),
    [("1 March", "is no time of the formats"), ("2026-03-01 09:30:00", "has no offset, and the map no times.zone")],
)
def test_what_is_no_time_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(ValueUnfit, match=words):
        read_moment(text, ("%Y-%m-%d %H:%M:%S",), None)
