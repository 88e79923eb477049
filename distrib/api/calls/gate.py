"""Who may call how often: each key, and before a key is known each address; bad keys are counted apart.

A key that was good a while ago is known by its digest, so that calls of it are counted, and refused, without a look
into the database, and so that who guesses keys from an address does not shut out the good ones that call from there.
Whether a key is good is decided anew at every call, elsewhere.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple, TypeAlias

from flask import Request
from sqlalchemy import Connection

from distrib.api.http.refusals import TooManyBadKeys, TooManyRequests
from distrib.rates import Rate, Rates, Standing
from distrib.services.programs.limits import ProgramLimits, read_limits

KNOWN_FOR_S: Final = 300.0
MOST_KNOWN: Final = 20_000
MOST_PROXIES: Final = 8
Network: TypeAlias = IPv4Network | IPv6Network
READ_AGAIN_S: Final = 5.0
"""How old the limits of a program may be: what whoever runs the service sets holds so many seconds later."""
_SITE_BITS: Final = 64  # what one subscriber of IPv6 has


@dataclass(frozen=True, slots=True)
class Allowed:
    """Calls a minute, as the settings say: of a key, of an address without a known key, and bad keys of an address."""

    calls_per_key: int = 60_000
    calls_per_address: int = 3_000
    bad_keys_per_address: int = 60


class KnownKey(NamedTuple):
    """A key that was good when it was last looked at."""

    program_id: int
    key_id: str
    rate: Rate
    until: float


@dataclass(slots=True)
class Gate:
    """Counts calls by key and by address and refuses what is too many.

    Args:
        rates: the counters.
        allowed: the limits of who has none of its own.
        trusted: the proxies whose word is taken for where a call comes from.
        clock: seconds that only grow.
    """

    rates: Rates
    allowed: Allowed
    trusted: Sequence[Network] = ()
    clock: Callable[[], float] = time.monotonic
    _known: dict[bytes, KnownKey] = field(default_factory=dict)
    _limits: dict[int, tuple[float, ProgramLimits]] = field(default_factory=dict)
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self, presented: str | None, address: str | None, *, is_asked: bool = False) -> Standing:
        """Counts a call before anything else is done for it, and says where its caller stands; see ``is_over``.

        Args:
            presented: the key, good or not; None without one.
            address: where the call comes from, as far as it is known.
            is_asked: whether the call itself is still to come, and to be counted.
        """
        count = self.rates.look if is_asked else self.rates.take
        known = None if presented is None else self.known(presented)
        if known is not None:
            return count(known.rate, known.key_id)
        site = site_of(address)
        if presented is not None:
            guesses = self.rates.look(self._bad_keys(), site)
            if guesses.is_over:
                return guesses
        return count(Rate("address", self.allowed.calls_per_address), site)

    def address_of(self, request: Request) -> str | None:
        """Where a call comes from: its peer, or what the proxies that are trusted say, from the nearest one on."""
        return _beyond(self.trusted, request.remote_addr, request.headers.get("X-Forwarded-For"))

    def known(self, presented: str) -> KnownKey | None:
        """What is remembered of a key, for five minutes after it was good."""
        known = self._known.get(self._digest(presented))
        return known if known is not None and known.until > self.clock() else None

    def recognise(self, conn: Connection, presented: str, program_id: int, key_id: str) -> ProgramLimits:
        """Remembers a key that is good, with its rate, and returns the limits of its program."""
        limits = self._limits_of(conn, program_id)
        rate = Rate("key", limits.calls_of(key_id, self.allowed.calls_per_key))
        digest = self._digest(presented)
        with self._lock:
            self._known.pop(digest, None)
            if len(self._known) >= MOST_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[digest] = KnownKey(program_id, key_id, rate, self.clock() + KNOWN_FOR_S)
        return limits

    def note_bad_key(self, presented: str, address: str | None) -> None:
        """Counts a key that is not good, or no longer, against where it came from."""
        with self._lock:
            self._known.pop(self._digest(presented), None)
        self.rates.take(self._bad_keys(), site_of(address))

    def _bad_keys(self) -> Rate:
        return Rate("bad_keys", self.allowed.bad_keys_per_address)

    def _limits_of(self, conn: Connection, program_id: int) -> ProgramLimits:
        now = self.clock()
        read_at, limits = self._limits.get(program_id, (-READ_AGAIN_S, None))
        if limits is None or now - read_at >= READ_AGAIN_S:
            limits = read_limits(conn, program_id)
            self._limits[program_id] = now, limits
        return limits

    def _digest(self, presented: str) -> bytes:
        """Under a secret of the process: what lies in its memory is no use elsewhere."""
        return hashlib.blake2b(presented.encode(), key=self._secret, digest_size=16).digest()


def check(standing: Standing) -> None:
    """Refuses a call that is one too many.

    Raises:
        Refusal: ``too_many_requests``, or ``too_many_bad_keys``, with the seconds until the next may come.
    """
    if standing.is_over:
        kind = TooManyBadKeys if standing.rate.name == "bad_keys" else TooManyRequests
        raise kind(seconds=standing.ends_in_s)


def networks_of(listed: str) -> tuple[Network, ...]:
    """The networks of a list that ``DISTRIB_TRUSTED_PROXIES`` holds.

    >>> networks_of("127.0.0.1, 10.0.0.0/8")
    (IPv4Network('127.0.0.1/32'), IPv4Network('10.0.0.0/8'))
    """
    return tuple(ip_network(part.strip()) for part in listed.split(","))


def _beyond(trusted: Sequence[Network], peer: str | None, forwarded: str | None) -> str | None:
    """The nearest address that is no trusted proxy's; each entry of ``X-Forwarded-For`` was added by the one after it.

    >>> proxies = networks_of("127.0.0.1,10.0.0.0/8")
    >>> [_beyond(proxies, "127.0.0.1", "6.6.6.6, 192.0.2.1, 10.1.1.1"), _beyond(proxies, "192.0.2.2", "6.6.6.6")]
    ['192.0.2.1', '192.0.2.2']
    """
    address = peer
    for entry in reversed((forwarded or "").split(",")[-MOST_PROXIES:]):
        if not entry.strip() or not _is_among(trusted, address):
            break
        address = entry.strip()
    return address


def _is_among(networks: Sequence[Network], address: str | None) -> bool:
    """Whether an address lies in one of the networks; a socket in the file system has none: it is this machine."""
    if not address:
        return True
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def site_of(address: str | None) -> str:
    """Where a call comes from, as it is counted: an address of IPv4, the first half of one of IPv6.

    >>> site_of("192.0.2.7"), site_of("::ffff:192.0.2.7"), site_of("2001:db8:1:2:3:4:5:6"), site_of(None)
    ('192.0.2.7', '192.0.2.7', '2001:db8:1:2::', '')
    """
    if address is None or ":" not in address:
        return address or ""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, _SITE_BITS), strict=False).network_address)
