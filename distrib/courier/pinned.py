"""One POST to an address that was looked up once and checked, within a bound of time.

A name is resolved once and the connection goes to the very address that was found fit, so that a name server that
answers differently a moment later gains nothing (DNS rebinding). Redirects are answers like any other and are not
followed. What is sent to whom, and by which rules, may not enter.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as PoolTimeoutError

from distrib.domain.webhooks import host_and_port, is_public, url_problem

TIMEOUT_S = 15.0
"""For the whole of an attempt, the lookup apart; the specification asks for 15 to 30 seconds."""

Resolve = Callable[[str, int], list[str]]


class Unreachable(Exception):
    """Raised where there was no answer; its text is one word for the log of deliveries."""


class Place(NamedTuple):
    """Where a connection goes: the host as it is named, its one address, the port."""

    host: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Sender:
    """Makes single attempts to deliver.

    Args:
        allows_private: for development: to private addresses and without TLS too.
        trust: who vouches for servers; the system's authorities where it is None.
        resolve: the addresses of a name.
    """

    allows_private: bool = False
    trust: ssl.SSLContext | None = None
    timeout_s: float = TIMEOUT_S
    resolve: Resolve | None = None

    def post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        """Sends one POST and returns the status of the answer; the answer's body is not read.

        Raises:
            Unreachable: there was none.
        """
        if url_problem(url, allows_private=self.allows_private) is not None:
            raise Unreachable("url_refused")
        host, port = host_and_port(url)
        place = Place(host, self._address(host, port), port)
        try:
            return self._post(url, place, headers, body)
        except NewConnectionError:
            raise Unreachable("connection") from None
        except (TimeoutError, PoolTimeoutError):
            raise Unreachable("timeout") from None
        except ssl.SSLError:
            raise Unreachable("tls") from None
        except (OSError, HTTPError):
            raise Unreachable("connection") from None
        except (HTTPException, ValueError):
            raise Unreachable("no_http") from None

    def _address(self, host: str, port: int) -> str:
        """Resolves the host to the one address to connect to; all of a name's addresses must be fit."""
        addresses = (self.resolve or _resolved)(host, port)
        if not addresses:
            raise Unreachable("name_unknown")
        if not self.allows_private and not all(is_public(ip_address(address)) for address in addresses):
            raise Unreachable("address_refused")
        return addresses[0]

    def _post(self, url: str, place: Place, headers: dict[str, str], body: bytes) -> int:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = self._connection(parts.scheme, place)
        guard = _Guard(connection)
        timer = threading.Timer(self.timeout_s, guard.cut)
        timer.daemon = True
        timer.start()
        try:
            connection.request("POST", target, body, {"Host": parts.netloc, **headers}, preload_content=False)
            return connection.getresponse().status
        finally:
            timer.cancel()
            connection.close()
            if guard.has_cut:  # whatever else it then looks like
                raise TimeoutError

    def _connection(self, scheme: str, place: Place) -> HTTPConnection:
        if scheme == "http":
            return HTTPConnection(place.address, place.port, timeout=self.timeout_s)
        return HTTPSConnection(
            place.address,
            place.port,
            timeout=self.timeout_s,
            ssl_context=self.trust or _system_trust(),
            server_hostname=place.host,
        )


def _resolved(host: str, port: int) -> list[str]:
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    socket_addresses = [socket_address for _, _, _, _, socket_address in entries]
    addresses = [str(address) for address, *_ in socket_addresses]
    return [address.partition("%")[0] for address in addresses]


class _Guard:
    """Ends a connection that drips on: every single byte may be in time, the whole is not."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection
        self.has_cut = False

    def cut(self) -> None:
        """Shuts the socket, so that whoever reads from it stops."""
        self.has_cut = True
        if isinstance(self._connection.sock, socket.socket):
            with suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)


@cache
def _system_trust() -> ssl.SSLContext:
    return ssl.create_default_context()
