"""Who asks, for which program, and how its calendar runs. No SQL and no framework may enter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from distrib.domain.errors import Refusal

_PERIOD = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


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

    @property
    def zone(self) -> ZoneInfo:
        """The zone that decides days and months."""
        return _zone(self.time_zone)

    def day_of(self, at: datetime) -> date:
        """The local day an instant falls on."""
        return at.astimezone(self.zone).date()

    def period_of(self, at: datetime) -> int:
        """The local month an instant falls in, as 202603."""
        local = at.astimezone(self.zone)
        return local.year * 100 + local.month


@dataclass(frozen=True, slots=True)
class Actor:
    """Whose key asks; the command line acts as ``COMMAND_LINE``."""

    key_id: str
    name: str
    role: str
    shop_no: int | None = None
    shop_id: str | None = None


COMMAND_LINE = Actor(key_id="cli", name="command line", role="admin")


def parse_period(text: str) -> int:
    """The month ``2026-03`` as 202603; raises ``period_invalid``."""
    match = _PERIOD.fullmatch(text)
    if match is None or match[1] == "0000":
        raise Refusal("period_invalid", period=text)
    return int(match[1]) * 100 + int(match[2])


def format_period(period: int) -> str:
    """202603 as ``2026-03``."""
    return f"{period // 100:04d}-{period % 100:02d}"


def period_bounds(period: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """First instant of the month and first instant of the next, in ``zone``."""
    year, month = divmod(period, 100)
    follows = (year, month + 1) if month < 12 else (year + 1, 1)
    return datetime(year, month, 1, tzinfo=zone), datetime(*follows, 1, tzinfo=zone)


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
