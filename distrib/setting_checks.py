"""Checks of one setting each: what they refuse, in English and Chinese. No message repeats a value: some are secret."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from marshmallow import ValidationError, validate

from distrib.domain.texts import Text
from distrib.failpoints import is_failpoint
from distrib.languages import render_both

SHORTEST_PEPPER = 16
FEWEST_CHARACTERS = 8
"""Characters that differ in a secret: 16 drawn by lot have fewer once in a billion times."""
PLACEHOLDERS = ("changeme", "changethis", "replaceme", "placeholder", "yoursecret", "yourpepper", "example", "insecure")
KNOWN_PASSWORDS = ("postgres", "password", "secret", "distrib", "redis", "valkey", "admin", "root", "test", "123456")
DATA_KEY = re.compile(r"[A-Za-z0-9_-]{43}=?")
LONGEST_PUBLIC_URL = 200
Check: TypeAlias = Callable[[str], object]


class SettingsError(ValueError):
    """The environment is not usable; `mistakes` has every reason, in English and Chinese."""

    def __init__(self, mistakes: list[str]) -> None:
        """Put all mistakes into one text."""
        self.mistakes = mistakes
        super().__init__(
            "\n".join([f"{render_both(Text('The settings are not usable'))}:", *(f"  {text}" for text in mistakes)])
        )


def unless_empty(check: Check) -> Check:
    """The check, which an empty text passes: it counts as not given."""
    return lambda text: check(text) if text else None


def any_of(choices: Sequence[str]) -> Check:
    """A check that refuses all but these."""
    listed = ", ".join(choices)
    return validate.OneOf(choices, error=render_both(Text("must be one of {choices}", "document", choices=listed)))


def anything(text: str) -> None:
    """Refuse nothing."""


def whole_number(low: int, high: int) -> Check:
    """A check that refuses all but digits for a number within bounds."""

    def check(text: str) -> None:
        if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
            raise ValidationError(render_both(Text("must be a whole number from {low} to {high}", low=low, high=high)))

    return check


def has_scheme(schemes: Sequence[str]) -> Check:
    """A check that refuses addresses of another kind."""
    listed = ", ".join(f"{scheme}://" for scheme in schemes)

    def check(url: str) -> None:
        if urlsplit(url).scheme not in schemes:
            raise ValidationError(render_both(Text("must begin with one of {choices}", choices=listed)))

    return check


def base_of_links(url: str) -> None:
    """Refuse what a link cannot begin with."""
    try:
        parts = urlsplit(url)
        has_host = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    is_plain = url.isascii() and url.isprintable() and not set(url) & set(' "<>\\?#@')
    if not has_host or not is_plain or len(url) > LONGEST_PUBLIC_URL:
        raise ValidationError(render_both(Text("must be like https://fx.example.com, without query, fragment or user")))


def scopes_of_openid(given: str) -> None:
    """Refuse what is no list of scopes, or one without which a provider says nothing of who somebody is."""
    if "openid" not in given.split() or not (given.isascii() and given.isprintable()):
        raise ValidationError(render_both(Text("must be words parted by spaces, openid among them")))


def networks(given: str) -> None:
    """Refuse what is no list of addresses and networks."""
    try:
        for part in given.split(","):
            ipaddress.ip_network(part.strip())
    except ValueError:
        raise ValidationError(render_both(Text("must be addresses or networks, parted by commas"))) from None


def long_enough(secret: str) -> None:
    """Refuse a secret that can be guessed."""
    if len(secret) < SHORTEST_PEPPER:
        raise ValidationError(render_both(Text("must have at least {least} characters", least=SHORTEST_PEPPER)))
    not_a_default(secret)


def not_a_default(secret: str) -> None:
    """Refuse what stands in examples, and what is hardly more than one character."""
    if is_default(secret):
        raise ValidationError(render_both(Text("is a secret that others know: make one of your own")))


def is_default(secret: str) -> bool:
    """Whether a secret is a placeholder, or of too few characters that differ.

    >>> is_default("ChangeMe-ChangeMe"), is_default("a" * 40), is_default("kF3v9-Qm2xW7p_Zt4bR8")
    (True, True, False)
    """
    plain = re.sub("[^a-z0-9]", "", secret.casefold())
    return len(set(secret)) < FEWEST_CHARACTERS or any(word in plain for word in PLACEHOLDERS)


def keys_of_data(given: str) -> None:
    """Refuse what is no list of keys."""
    if not all(DATA_KEY.fullmatch(part.strip()) for part in given.split(",")):
        raise ValidationError(render_both(Text("must be 32 bytes in urlsafe base64, or several of these with commas")))
    for part in given.split(","):
        not_a_default(part.strip())


def names_failpoint(text: str) -> None:
    """Refuse what is no point, or not what can be done there."""
    if not is_failpoint(text):
        raise ValidationError(render_both(Text("must be like drain.written:kill")))


def must_exist(path: str) -> None:
    """Refuse what is not a directory."""
    if not Path(path).expanduser().is_dir():
        raise ValidationError(render_both(Text("is not a directory")))


def is_known_password(password: str) -> bool:
    """Whether a password of a server stands in examples.

    >>> is_known_password("postgres"), is_known_password("s3Kf-9xQ2")
    (True, False)
    """
    plain = re.sub("[^a-z0-9]", "", password.casefold())
    return not plain or plain in KNOWN_PASSWORDS or any(word in plain for word in PLACEHOLDERS)
