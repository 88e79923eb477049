"""What a payout channel takes: limits by date, and what of a line does not fit.

The figures are data (``config/channels.yaml``), each with its source; here is only what they mean.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from distrib.domain.errors import Problem, Refusal
from distrib.domain.payouts.refusals import AboveChannelMaximum, AccountMissing, BelowChannelMinimum, ChannelUnknown
from distrib.domain.payouts.withholding import KINDS
from distrib.domain.texts import Text

CSV: Final = "csv"
WECHAT: Final = "wechat"
ALIPAY: Final = "alipay"
CHANNELS: Final = (CSV, WECHAT, ALIPAY)
INFO_TYPE_CHARACTERS: Final = 15
INFO_CONTENT_CHARACTERS: Final = 32
"""Of ``transfer_scene_report_infos`` (WeChat Pay, https://pay.weixin.qq.com/doc/v3/merchant/4014399371)."""
_TEXTS: Final = ("source", "remark", "scene_id", "scene_name", "product_code", "biz_scene")
_WHOLES: Final = ("min_minor", "name_from_minor", "lines_a_file")
_KEYS: Final = {
    "name",
    "valid_from",
    "read_on",
    "currency",
    "account",
    "max_minor",
    "returns",
    "states",
    "notes",
    "report_infos",
    *_TEXTS,
    *_WHOLES,
}
_LANGUAGES: Final = ("en", "zh")
STATES: Final = ("paid", "failed", "open")


@dataclass(frozen=True, slots=True)
class Channel:
    """The limits of one payout channel from a day on.

    ``currency`` and ``account`` are None where any will do. ``max_minor`` is by kind of payee; a kind that is not in
    it has no limit. ``scene_id``, ``scene_name``, ``report_infos``, ``product_code`` and ``biz_scene`` go into the file
    as they are. ``returns`` is whether what was paid may come back; ``states`` are the channel's own words for a line,
    by what they mean: paid, failed, open (neither yet). ``notes`` say, by language, what who sends has to know;
    ``read_on`` is when the ``source`` was read.
    """

    name: str
    valid_from: date
    source: str
    currency: str | None
    account: str | None
    min_minor: int
    max_minor: Mapping[str, int]
    name_from_minor: int
    lines_a_file: int
    remark: str
    scene_id: str
    report_infos: tuple[tuple[str, str], ...]
    product_code: str
    biz_scene: str
    scene_name: str = ""
    returns: bool = True
    states: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[Mapping[str, str], ...] = ()
    read_on: date | None = None

    def status_of(self, state: str) -> str | None:
        """What the channel's own word for a line means: paid, failed or open; None where it is none of its words."""
        return next((status for status, words in self.states.items() if state in words), None)


def channel_on(channels: Sequence[Channel], name: str, day: date) -> Channel:
    """Finds a channel by name as it is on a day: the newest entry not later than it.

    Raises:
        Refusal: ``channel_unknown`` where there is none yet.
    """
    candidates = [channel for channel in channels if channel.name == name and channel.valid_from <= day]
    if not candidates:
        raise ChannelUnknown(channel=name)
    return max(candidates, key=lambda channel: channel.valid_from)


def takes_currency(channels: Sequence[Channel], name: str, day: date, currency: str) -> bool:
    """Whether there is a channel of that name on a day, and a batch in that currency can go through it."""
    if not any(channel.name == name and channel.valid_from <= day for channel in channels):
        return False
    return channel_on(channels, name, day).currency in (None, currency)


def misfit(channel: Channel, kind: str, net_minor: int, accounts: Collection[str]) -> str | None:
    """Checks a payee's line against a channel; the code why it cannot go through, None where it can."""
    if channel.account is not None and channel.account not in accounts:
        return AccountMissing.code
    if net_minor < channel.min_minor:
        return BelowChannelMinimum.code
    most = channel.max_minor.get(kind)
    return AboveChannelMaximum.code if most is not None and net_minor > most else None


def channels_from_document(document: object) -> list[Channel]:
    """Reads the channels of a parsed configuration document.

    Raises:
        Refusal: ``invalid`` with everything that is wrong.
    """
    entries = document.get("channels") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise Refusal("invalid", [Problem("channels", Text("must be a list"))])
    problems = [problem for place, entry in enumerate(entries) for problem in _problems(f"channels[{place}]", entry)]
    if problems:
        raise Refusal("invalid", problems)
    return [_channel(entry) for entry in entries]


def _channel(entry: Mapping[str, Any]) -> Channel:
    return Channel(
        name=entry["name"],
        valid_from=date.fromisoformat(entry["valid_from"]),
        source=entry["source"],
        currency=entry.get("currency"),
        account=entry.get("account"),
        min_minor=entry.get("min_minor", 1),
        max_minor=dict(entry.get("max_minor", {})),
        name_from_minor=entry.get("name_from_minor", 0),
        lines_a_file=entry["lines_a_file"],
        remark=entry.get("remark", ""),
        scene_id=entry.get("scene_id", ""),
        report_infos=tuple((kind, content) for kind, content in entry.get("report_infos", ())),
        product_code=entry.get("product_code", ""),
        biz_scene=entry.get("biz_scene", ""),
        scene_name=entry.get("scene_name", ""),
        returns=entry.get("returns", True),
        states={status: tuple(words) for status, words in entry.get("states", {}).items()},
        notes=tuple(dict(note) for note in entry.get("notes", ())),
        read_on=date.fromisoformat(entry["read_on"]) if "read_on" in entry else None,
    )


def _problems(pointer: str, entry: object) -> list[Problem]:
    if not isinstance(entry, dict):
        return [Problem(pointer, Text("must be a map"))]
    checks = {
        **{name: isinstance(entry[name], str) for name in _TEXTS if name in entry},
        **{name: _is_amount(entry[name]) for name in _WHOLES if name in entry},
        "name": entry.get("name") in CHANNELS,
        "valid_from": _is_day(entry.get("valid_from")),
        "source": isinstance(entry.get("source"), str) and bool(entry["source"]),
        "currency": entry.get("currency") is None or isinstance(entry["currency"], str),
        "account": entry.get("account") in (None, WECHAT, ALIPAY),
        "max_minor": _is_limits(entry.get("max_minor", {})),
        "lines_a_file": _is_amount(entry.get("lines_a_file")) and entry["lines_a_file"] in range(1, 1_001),
        "report_infos": _is_infos(entry.get("report_infos", [])),
        "read_on": "read_on" not in entry or _is_day(entry["read_on"]),
        "returns": isinstance(entry.get("returns", True), bool),
        "states": _is_states(entry.get("states", {})),
        "notes": _is_notes(entry.get("notes", [])),
    }
    wrong = [name for name, fits in checks.items() if not fits]
    problems = [Problem(f"{pointer}.{name}", Text("is missing or does not fit")) for name in wrong]
    return problems + [Problem(f"{pointer}.{name}", Text("is not a known key")) for name in entry if name not in _KEYS]


def _is_day(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _is_amount(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_limits(value: object) -> bool:
    return isinstance(value, dict) and all(kind in KINDS and _is_amount(most) for kind, most in value.items())


def _is_infos(value: object) -> bool:
    """Whether it is a list of pairs of type and content, each as long as the channel takes it."""
    return isinstance(value, list) and all(
        isinstance(pair, list)
        and len(pair) == 2
        and _is_texts(pair)
        and len(pair[0]) <= INFO_TYPE_CHARACTERS
        and len(pair[1]) <= INFO_CONTENT_CHARACTERS
        for pair in value
    )


def _is_states(value: object) -> bool:
    """Whether it is lists of words by what they mean, no word twice."""
    if not isinstance(value, dict) or not all(status in STATES and _is_texts(words) for status, words in value.items()):
        return False
    words = [word for listed in value.values() for word in listed]
    return len(words) == len(set(words))


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) and bool(text) for text in value)


def _is_notes(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(note, dict) and set(note) == set(_LANGUAGES) and _is_texts(list(note.values())) for note in value
    )
