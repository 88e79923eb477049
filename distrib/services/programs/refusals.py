"""What is refused of programs, their settings and keys, and of who may confirm what."""

from __future__ import annotations

from collections.abc import Sequence

from distrib.domain.errors import NamedRefusal, Problem, Said, called


class ProgramExists(NamedRefusal, code="program_exists", status=409):
    """A program is opened once, with its settings."""

    said = Said("The program {code} exists with other settings.", "分销计划 {code} 已存在且设置不同。")
    program: int | str = called(alias="code")


class ProgramUnknown(NamedRefusal, code="program_unknown", status=404):
    """There is no program of that code."""

    said = Said("There is no program {code}.", "没有分销计划 {code}。")
    program: int | str = called(alias="code")


class ProgramNotNamed(NamedRefusal, code="program_not_named", status=422):
    """There are several programs, and none is named."""

    said = Said("Name one program with --program: {programs}.", "请用 --program 指定分销计划：{programs}。")
    programs: str


class NoProgram(NamedRefusal, code="no_program", status=404):
    """There is no program yet."""

    said = Said(
        "There is no program yet; open one with `distrib program create`.",
        "还没有分销计划，请先运行 distrib program create。",
    )


class TimeZoneUnknown(NamedRefusal, code="time_zone_unknown", status=422):
    """There is no time zone of that name."""

    said = Said("There is no time zone {time_zone}.", "没有时区 {time_zone}。")
    time_zone: str


class TimeZoneFixed(NamedRefusal, code="time_zone_fixed", status=409):
    """Days and months have been counted by the time zone."""

    said = Said("The time zone is fixed once there are events.", "已有事件，时区不能再更改。")


class CurrencyUnknown(NamedRefusal, code="currency_unknown", status=422):
    """There is no currency of that code."""

    said = Said("{currency} is not an ISO 4217 currency.", "{currency} 不是 ISO 4217 货币。")
    currency: str


class KeyApprovalLoosened(NamedRefusal, code="key_approval_loosened", status=409):
    """A key would let keys confirm money sooner, or with fewer people."""

    said = Said(
        "Only the command line lets keys confirm money sooner or with fewer people.",
        "只有命令行可以让密钥更早、或由更少的人批准后确认资金操作。",
    )


class OwnKey(NamedRefusal, code="own_key", status=409):
    """Whoever holds a key does not decide what it may."""

    said = Said(
        "A key cannot change what it is itself; another admin has to.", "密钥不能更改自身；须由另一位管理员更改。"
    )


class LastAdmin(NamedRefusal, code="last_admin", status=409):
    """Somebody has to be able to make keys."""

    said = Said(
        "{id} is the last admin who can make keys: let in another first.",
        "{id} 是最后一位可以签发密钥的管理员：请先加入另一位。",
    )
    id: str


class KeyIsSeat(NamedRefusal, code="key_is_seat", status=409):
    """What a person may who signs in is changed as a seat."""

    said = Said(
        "{id} is what a person may who signs in: it has no secret, and its owner is the person.",
        "{id} 是登录人员的席位：它没有密钥，所有者就是本人。",
    )
    id: str


class KeyEnded(NamedRefusal, code="key_ended", status=409):
    """The key has ended, for ever."""

    said = Said("The key {id} has ended.", "密钥 {id} 已失效。")
    id: str


class RotationOpen(NamedRefusal, code="rotation_open", status=409):
    """A key has two secrets at most."""

    said = Said(
        "The key {id} has two secrets until {until}; finish that rotation first.",
        "密钥 {id} 在 {until} 之前有两个密文；请先完成该次轮换。",
    )
    id: str
    until: str


class SameKey(NamedRefusal, code="same_key", status=409):
    """What moves money takes a second key."""

    said = Said("A second person's key is needed.", "需要另一人的密钥。")


class SamePerson(NamedRefusal, code="same_person", status=409):
    """What moves money takes a second person."""

    said = Said(
        "A second person is needed: both keys are of one, or one of them made the other.",
        "需要另一个人：两个密钥属于同一个人，或其中一个创建了另一个。",
    )


class ProposerRevoked(NamedRefusal, code="proposer_revoked", status=409):
    """Whoever proposed it can answer for it no more."""

    said = Said(
        "The key that proposed this has ended; it has to be proposed again.", "提出此项的密钥已失效；须重新提出。"
    )


class KeyNotApproved(NamedRefusal, code="key_not_approved", status=409):
    """A key made over HTTP waits before it may confirm money."""

    said = Said(
        "The key was made over the API and may not confirm money yet.", "该密钥经 API 创建，尚不能确认资金操作。"
    )
    problems: Sequence[Problem]
