"""The callers of one process: what each has sent, what it waits for and until when. No thread and no app may enter."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from distrib.server.asking import Admission
from distrib.server.framing import Body

Peer = tuple[Any, ...] | str | bytes
"""As a socket names who is at its other end: an address with a port, or the path of a unix socket."""
_SHARED_BITS = 64
"""Of an IPv6 address, those that one caller's network has; it may make up the rest as it likes (RFC 4291, 2.5.4)."""


class ConnectionPhase(Enum):
    """What a connection waits for."""

    HEAD = "head"
    BODY = "body"
    ROOM = "room"
    ANSWER = "answer"
    END = "end"


WAITS_FOR_CALLER = frozenset({ConnectionPhase.HEAD, ConnectionPhase.BODY, ConnectionPhase.END})


@dataclass(slots=True, eq=False)
class Connection:
    """One caller. Times are readings of the monotonic clock in seconds."""

    sock: socket.socket
    peer: Peer
    server: Peer
    address: str | None
    """Under what the connections of one address are counted; None where they are not."""
    since: float
    """When it began to wait for what it waits for."""
    deadline: float
    phase: ConnectionPhase = ConnectionPhase.HEAD
    has_begun: bool = False
    """Whether a byte of the head is there."""
    sent: bytearray = field(default_factory=bytearray)
    """What has come and is not read yet."""
    request: Any = None
    """The head, as gunicorn parsed it."""
    body: Body | None = None
    most_bytes: int = 0
    """How long the body may be."""
    admission: Admission | None = None
    """What the app said about the body, if it was asked."""
    counted: int = 0
    """How many of the bytes that the admission counts have come."""
    awaits_word: bool = False
    """Whether its caller sends the body when it was told to (``Expect: 100-continue``)."""
    queue: BodyQueue | None = None
    """Where the body has its place, if it is no small one."""
    requests: int = 0
    last_admission: Admission = field(default_factory=Admission)
    """The last that said yes, for whom it did, and how long that holds."""
    admitted: tuple[str, ...] = ()
    admitted_until: float = 0.0
    discarded: int = 0

    def remember(self, admission: Admission, seconds: float) -> None:
        """Keeps what the app said: a caller who posts one batch after another is not asked about for each."""
        self.last_admission, self.admitted = admission, _wish_of(self.request)
        self.admitted_until = time.monotonic() + seconds

    def is_asked_again(self) -> bool:
        """Whether the app said a moment ago that such a body is welcome from this caller, with this key."""
        return self.admitted == _wish_of(self.request) and time.monotonic() < self.admitted_until

    def wait_for(self, phase: ConnectionPhase, now: float, seconds: float) -> None:
        """Has it wait for that from now on, for so long."""
        self.phase, self.since, self.deadline = phase, now, now + seconds


def _wish_of(request: Any) -> tuple[str, ...]:
    """What the app decides by: the method, the path and who asks."""
    return (request.method, request.uri, *(value for name, value in request.headers if name == "AUTHORIZATION"))


class BodyQueue:
    """The bodies of one size: so many are read and worked on at a time, the others wait in the order they came."""

    def __init__(self, places: int) -> None:
        self._places = places
        self.holders: set[Connection] = set()
        self.waiting: deque[Connection] = deque()

    def enter(self, connection: Connection) -> bool:
        """Gives a connection a place, or puts it last among those that wait; True where it has the place."""
        connection.queue = self
        if len(self.holders) >= self._places:
            self.waiting.append(connection)
            return False
        self.holders.add(connection)
        return True

    def leave(self, connection: Connection) -> Connection | None:
        """Takes a connection out; returns the one that has its place now."""
        connection.queue = None
        if connection not in self.holders:
            self.waiting.remove(connection)
            return None
        self.holders.remove(connection)
        if not self.waiting:
            return None
        follower = self.waiting.popleft()
        self.holders.add(follower)
        return follower


class Connections:
    """All connections of a process, counted by address."""

    def __init__(self) -> None:
        self._all: set[Connection] = set()
        self._by_address: dict[str, set[Connection]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._all))

    def of_address(self, address: str) -> set[Connection]:
        """The connections of one address."""
        return self._by_address.get(address, set())

    def everyone(self) -> set[Connection]:
        """All of them."""
        return self._all

    def add(self, connection: Connection) -> None:
        """One more."""
        self._all.add(connection)
        if connection.address is not None:
            self._by_address.setdefault(connection.address, set()).add(connection)

    def remove(self, connection: Connection) -> bool:
        """One less; False where it was none of them any more."""
        if connection not in self._all:
            return False
        self._all.remove(connection)
        if connection.address is not None:
            left = self._by_address[connection.address]
            left.remove(connection)
            if not left:
                del self._by_address[connection.address]
        return True


def longest_waiting(connections: set[Connection]) -> Connection | None:
    """Of these, the connection that has waited longest for its caller; None where none waits for one."""
    waiting = (connection for connection in connections if connection.phase in WAITS_FOR_CALLER)
    return min(waiting, key=lambda connection: connection.since, default=None)


def network_of(host: str) -> str:
    """Under what the connections of an address are counted: itself, or of IPv6 the network it stands in.

    >>> network_of("203.0.113.9"), network_of("2001:db8:1:2:3::4"), network_of("::ffff:203.0.113.9")
    ('203.0.113.9', '2001:db8:1:2::', '203.0.113.9')
    """
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _SHARED_BITS), strict=False).network_address)
