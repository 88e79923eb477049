"""Counts visits of invite links, without cookies and without keeping who came.

A visitor is a digest of address and browser under a salt that is drawn by lot for each program and day. Salt and
digests are gone when the day is over, so that nobody, we included, can tell whether two days' visitors are one person.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from distrib.domain.sharing import read_code
from distrib.services.programs.tenants import get_program
from distrib.store.database import enter_program
from distrib.store.network import shops
from distrib.store.sharing import codes
from distrib.store.sharing import visits as store
from distrib.store.sharing.visits import NewVisit

DIRECT, OTHER = "direct", "other"
SOURCES: Final = (
    DIRECT,
    "wechat",
    "moments",
    "group",
    "miniprogram",
    "poster",
    "qr",
    "weibo",
    "douyin",
    "xiaohongshu",
    "kuaishou",
    "qq",
    "sms",
    "email",
    "web",
    OTHER,
)
"""Where a visit came from, as the link says (``s`` or ``utm_source``): a list, so that nobody can fill the table."""
_SLOTS: Final = 16
_DROPPED_AT_ONCE: Final = 10_000
_BOTS: Final = re.compile(
    r"bot|crawl|spider|slurp|preview|facebookexternalhit|curl|wget|python-|headless", re.IGNORECASE
)


def source_of(given: str | None) -> str:
    """Resolves what a link says of its source to one of ``SOURCES``.

    >>> source_of(None), source_of(" WeChat "), source_of("my-campaign-7")
    ('direct', 'wechat', 'other')
    """
    word = (given or "").strip().lower()
    return DIRECT if not word else word if word in SOURCES else OTHER


def is_counted(user_agent: str) -> bool:
    """Whether a browser is one that a person sits before, as far as it says itself.

    >>> is_counted("Mozilla/5.0 (iPhone) MicroMessenger/8.0"), is_counted("Googlebot/2.1"), is_counted("")
    (True, False, False)
    """
    return bool(user_agent.strip()) and _BOTS.search(user_agent) is None


@dataclass(frozen=True, slots=True)
class LinkVisit:
    """A visit of an invite link: the code as typed, the source that the link names, whence and by what it came."""

    typed: str
    given_source: str | None
    address: str
    user_agent: str


def count_visit(conn: Connection, visit: LinkVisit, now: datetime) -> bool:
    """Counts a visit of an invite link once a visitor, shop and day; False where nothing is counted.

    A code that two programs have is no one shop's visit.
    """
    code = read_code(visit.typed)
    if code is None or not is_counted(visit.user_agent):
        return False
    store.be_impatient(conn)
    known = codes.shops_of_code(conn, code)
    if len(known) != 1:
        return False
    [(program_id, shop_id)] = known
    enter_program(conn, program_id)
    day = get_program(conn, program_id).day_of(now)
    shop_no = shops.by_ids(conn, program_id, [shop_id])[shop_id].shop_no
    salt = store.salt_of_day(conn, program_id, day, secrets.token_bytes(32))
    visitor = f"{visit.address}\0{visit.user_agent}".encode("utf-8", "backslashreplace")
    digest = hashlib.blake2b(visitor, key=salt, digest_size=16).digest()
    counted = NewVisit(day, source_of(visit.given_source), digest, digest[0] % _SLOTS)
    store.count_visit(conn, program_id, shop_no, counted)
    return True


def forget_visitors(conn: Connection, now: datetime) -> bool:
    """Deletes salts of days that are over, then some of their visitors; True while there may be more."""
    store.drop_salts(conn, now)
    return store.drop_visitors(conn, now, _DROPPED_AT_ONCE) == _DROPPED_AT_ONCE
