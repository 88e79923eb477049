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
        "read_on": "now",
        "returns": "no",
        "states": {"paid": ["S"], "open": ["S"]},
        "notes": [{"en": "e"}],
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
        "channels[0].read_on",
        "channels[0].returns",
        "channels[0].states",
        "channels[0].notes",
        "channels[1]",
    }
    nothings: tuple[object, ...] = ({}, None, {"channels": []})
    for nothing in nothings:
        with pytest.raises(Refusal):
            channels_from_document(nothing)


@pytest.mark.parametrize(
    ("key", "value", "fits"),
    [
        ("report_infos", [["t" * 15, "c" * 32]], True),
        ("report_infos", [["t" * 16, "c"]], False),
        ("report_infos", [["t", "c" * 33]], False),
        ("report_infos", [["", "c"]], False),
        ("report_infos", [["t", "c", "x"]], False),
        ("report_infos", "tc", False),
        ("report_infos", ["tc"], False),
        ("states", {"paid": ["S"], "failed": ["F", "C"], "open": []}, True),
        ("states", {"paid": ["S", "S"]}, False),
        ("states", {"lost": ["S"]}, False),
        ("states", {"paid": "S"}, False),
        ("states", ["S"], False),
        ("notes", [{"en": "e", "zh": "z"}], True),
        ("notes", [{"en": "e", "zh": ""}], False),
        ("notes", [{"en": "e", "zh": "z", "fr": "f"}], False),
        ("notes", ["e"], False),
        ("notes", {"en": "e", "zh": "z"}, False),
        ("returns", False, True),
        ("returns", None, False),
        ("read_on", "2026-11-29", True),
        ("read_on", None, False),
    ],
)
def test_what_a_channel_says_of_itself_has_a_shape(key: str, value: object, fits: bool) -> None:
    entry = {"name": "csv", "valid_from": "2026-01-01", "source": "s", "lines_a_file": 1, key: value}
    if fits:
        [channel] = channels_from_document({"channels": [entry]})
        assert channel.name == "csv"
    else:
        with pytest.raises(Refusal) as caught:
            channels_from_document({"channels": [entry]})
        assert [problem.pointer for problem in caught.value.problems] == [f"channels[0].{key}"]


def test_a_channels_own_words_have_a_meaning_or_none() -> None:
    states = {"paid": ["SUCCESS"], "failed": ["FAIL", "CANCELLED"], "open": ["WAIT_USER_CONFIRM"]}
    entry = {"name": "wechat", "valid_from": "2026-01-01", "source": "s", "lines_a_file": 1, "states": states}
    [channel] = channels_from_document({"channels": [entry]})
    words = ("SUCCESS", "CANCELLED", "WAIT_USER_CONFIRM", "success", "paid")
    assert [channel.status_of(word) for word in words] == ["paid", "failed", "open", None, None]


@pytest.mark.parametrize(("name", "returns"), [("csv", True), ("wechat", False), ("alipay", False)])
def test_every_channel_says_when_its_source_was_read_and_whether_money_comes_back(name: str, returns: bool) -> None:
    channel = channel_on(load_channels(REPOSITORY / "config"), name, DAY)
    assert channel.returns is returns
    assert channel.read_on is not None
    assert channel.valid_from != date(2020, 1, 1)


def test_wechat_pays_once_the_receiver_has_confirmed() -> None:
    channel = channel_on(load_channels(REPOSITORY / "config"), "wechat", DAY)
    assert channel.states["paid"] == ("SUCCESS",)
    assert "WAIT_USER_CONFIRM" in channel.states["open"]


def test_alipay_has_the_transfer_scene() -> None:
    channel = channel_on(load_channels(REPOSITORY / "config"), "alipay", DAY)
    assert (channel.scene_name, channel.report_infos) == ("佣金报酬", (("佣金报酬说明", "推广佣金"),))
