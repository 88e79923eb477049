"""The unit of work that a use-case takes, its program and actor, and the program's calendar."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from distrib.domain.payouts.withdrawals import WithdrawalRules
from distrib.domain.periods import next_period, to_period, year_and_month
from distrib.services.refusals import PeriodInvalid
from distrib.store.recorded import Recorded

_Place = TypeVar("_Place")
_PERIOD = re.compile(r"(?P<year>[0-9]{4})-(?P<month>0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Program:
    """One platform's distribution programme (分销计划): the tenant."""

    program_id: int
    code: str
    currency: str
    time_zone: str
    policy: str
    admission: str = "open"
    identity_required: bool = False
    withholding: str = "none"
    binding_rule: str = "first"
    protect_days: int | None = None
    expire_days: int | None = None
    title: str | None = None
    join_url: str | None = None
    withdrawal_least_minor: int | None = None
    withdrawal_most_minor: int | None = None
    withdrawals_per_day: int | None = None
    withdrawals_per_month: int | None = None
    withdrawal_fee_minor: int | None = None
    key_approval: str = "wait"
    key_wait_hours: int = 24
    payee_hold_days: int = 3

    @property
    def withdrawals(self) -> WithdrawalRules | None:
        """The rules of withdrawals; None where the program takes none."""
        if self.withdrawal_least_minor is None:
            return None
        return WithdrawalRules(
            self.withdrawal_least_minor,
            self.withdrawal_most_minor,
            self.withdrawals_per_day,
            self.withdrawals_per_month,
            self.withdrawal_fee_minor or 0,
        )

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that decides days and months."""
        return _zone(self.time_zone)

    def day_of(self, instant: datetime) -> date:
        """The local day an instant falls on."""
        return instant.astimezone(self.zone).date()

    def period_of(self, instant: datetime) -> int:
        """The local month an instant falls in, as 202603."""
        day = self.day_of(instant)
        return to_period(day.year, day.month)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the key behind a request; the command line acts as ``COMMAND_LINE``.

    Args:
        person: whom the key stands for (``services.programs.persons``).
        scopes: how far below its role the key reaches; None: all that the role may.
        last_used_at: when the key was last used before, to the minute; None: never.
        is_signed: whether what the key posts of events must be signed.
    """

    key_id: str
    name: str
    role: str
    shop_no: int | None = None
    shop_id: str | None = None
    person: str = ""
    scopes: frozenset[str] | None = None
    last_used_at: datetime | None = None
    is_signed: bool = False


COMMAND_LINE = Actor(key_id="cli", name="command line", role="admin", person="command line")
SERVICE = Actor(key_id="distrib", name="distrib", role="admin")
"""Who acts where nobody asks: what workers and other runs of the service do by themselves."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of work (工作单元): in which transaction, for which program, who acts, and which instant is now.

    Whoever opens the transaction makes it, once; a use-case takes it first and hands it on as it is. It is never
    without an actor: ``COMMAND_LINE`` acts for a command, ``SERVICE`` where nobody asks.
    """

    conn: Connection
    program: Program
    actor: Actor
    now: datetime

    @property
    def program_id(self) -> int:
        """The number of the program, by which the store knows it."""
        return self.program.program_id

    @property
    def recorded(self) -> Recorded:
        """What is recorded, is so now and by the actor's key."""
        return Recorded(self.now, self.actor.key_id)

    @property
    def day(self) -> date:
        """The program's local day."""
        return self.program.day_of(self.now)

    @property
    def period(self) -> int:
        """The program's local month, as 202603."""
        return self.program.period_of(self.now)

    def on(self, conn: Connection) -> Unit:
        """The same unit of work in another transaction, in which what is left of it is done."""
        return replace(self, conn=conn)

    def by(self, actor: Actor) -> Unit:
        """The same unit of work, done by somebody else."""
        return replace(self, actor=actor)

    def as_of(self, instant: datetime) -> Unit:
        """The same unit of work as of another instant."""
        return replace(self, now=instant)

    def of(self, program: Program) -> Unit:
        """The same unit of work with the program as it stands after a change, or as it stood."""
        return replace(self, program=program)


@dataclass(frozen=True, slots=True)
class ListPart(Generic[_Place]):
    """The part of a list that is asked for: after what it begins (None: at the first), and how many at the most."""

    after: _Place | None = None
    limit: int = 50


def parse_period(text: str) -> int:
    """Parses the month ``2026-03`` as 202603; raises ``period_invalid``."""
    match = _PERIOD.fullmatch(text)
    if match is None or match["year"] == "0000":
        raise PeriodInvalid(period=text)
    return to_period(int(match["year"]), int(match["month"]))


def format_period(period: int) -> str:
    """Formats the month 202603 as ``2026-03``."""
    year, month = year_and_month(period)
    return f"{year:04d}-{month:02d}"


def period_bounds(period: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant of a month and the first instant of the next, in ``zone``."""
    year, month = year_and_month(period)
    next_year, next_month = year_and_month(next_period(period))
    return datetime(year, month, 1, tzinfo=zone), datetime(next_year, next_month, 1, tzinfo=zone)


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
