"""Amounts are shown with the minor units of their currency, whatever digits people of its country write."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from distrib.console.reader import PageReader


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("currency", "shown"),
    [("CNY", "10.75"), ("RSD", "10.75"), ("LAK", "10.75"), ("IQD", "1.075"), ("JPY", "1,075"), ("CLF", "0.1075")],
)
def test_no_minor_unit_of_an_amount_is_left_out(language: str, currency: str, shown: str) -> None:
    reader = PageReader(language, currency, ZoneInfo("UTC"))
    assert (reader.money(1_075), reader.money(-1_075)) == (shown, f"−{shown}")
