"""Payout channels: the file in config holds the published limits, and a bad file is told whole."""

from __future__ import annotations

from datetime import date

import pytest

from distrib.domain.errors import Refusal
from distrib.domain.payouts.channels import channel_on, channels_from_document, misfit
from distrib.services.payouts.channels import load_channels
from distrib.settings import REPOSITORY

DAY = date(2026, 4, 1)


@pytest.mark.parametrize(
    ("name", "kind", "net_minor", "code"),
    [
        ("wechat", "person", 9, "below_channel_minimum"),
        ("wechat", "person", 10, None),
        ("wechat", "person", 20_000, None),
        ("wechat", "person", 20_001, "above_channel_maximum"),
        ("alipay", "person", 5_000_000, None),
        ("alipay", "sole_trader", 5_000_001, "above_channel_maximum"),
        ("alipay", "company", 10_000_000, None),
        ("alipay", "company", 10_000_001, "above_channel_maximum"),
        ("csv", "person", 10**12, None),
        ("csv", "person", 0, "below_channel_minimum"),
    ],
)
def test_a_line_fits_its_channel_up_to_the_published_limits(
    name: str, kind: str, net_minor: int, code: str | None
) -> None:
    channel = channel_on(load_channels(REPOSITORY / "config"), name, DAY)
    assert channel.source
    assert misfit(channel, kind, net_minor, [name]) == code


def test_a_line_without_an_account_at_the_channel_does_not_fit() -> None:
    channels = load_channels(REPOSITORY / "config")
    assert misfit(channel_on(channels, "wechat", DAY), "person", 100, ["bank"]) == "account_missing"
    assert misfit(channel_on(channels, "csv", DAY), "person", 100, []) is None


def test_the_newest_entry_that_is_in_force_decides() -> None:
    entry = {"name": "csv", "source": "s", "lines_a_file": 1_000}
    document = {
        "channels": [entry | {"valid_from": "2020-01-01"}, entry | {"valid_from": "2026-05-01", "lines_a_file": 10}]
    }
    channels = channels_from_document(document)
    assert channel_on(channels, "csv", DAY).lines_a_file == 1_000
    assert channel_on(channels, "csv", date(2026, 5, 1)).lines_a_file == 10
    for name, day in (("csv", date(2019, 1, 1)), ("alipay", DAY)):
        with pytest.raises(Refusal) as caught:
            channel_on(channels, name, day)
        assert (caught.value.code, caught.value.params) == ("channel_unknown", {"channel": name})


def test_everything_wrong_with_the_file_is_told_at_once() -> None:
    bad = {
        "name": "cash",
        "valid_from": "soon",
        "source": "",
        "lines_a_file": 0,
        "max_minor": {"cat": 1},
        "x": 1,
        "min_minor": "1",
        "report_infos": [["a"]],
    }
    with pytest.raises(Refusal) as caught:
        channels_from_document({"channels": [bad, 7]})
    assert {problem.pointer for problem in caught.value.problems} == {
        "channels[0].name",
        "channels[0].valid_from",
        "channels[0].source",
        "channels[0].lines_a_file",
        "channels[0].max_minor",
        "channels[0].x",
        "channels[0].min_minor",
        "channels[0].report_infos",
        "channels[1]",
    }
    nothings: tuple[object, ...] = ({}, None, {"channels": []})
    for nothing in nothings:
        with pytest.raises(Refusal):
            channels_from_document(nothing)
