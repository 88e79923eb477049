"""Webhooks: which there are, how they are signed, when they are tried again, where they may go; and posts signed alike.

Standard Webhooks 1.0.0 (github.com/standard-webhooks/standard-webhooks, spec). No clock may enter.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from distrib.domain.texts import Text

EVENT_TYPES = (
    "commission.earned",
    "commission.reversed",
    "rank.changed",
    "statement.closed",
    "payout.settled",
    "payout.returned",
    "withdrawal.changed",
    "close.proposed",
    "payout.proposed",
    "adjustment.proposed",
    "withdrawal.requested",
    "shop.pending",
    "event.failed",
    "finding.opened",
    "question.asked",
)

PING = "ping"
"""The type of a message that only tries an endpoint; none asks for it."""

SCHEDULE = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long after the attempt before it each attempt is made; the example schedule of the specification."""
JITTER_PERCENT = 10
"""A wait is longer by up to so much, so that what failed together does not come back together."""
KEEPS_FORMER_SECRET = timedelta(hours=24)
"""How long the secret before a rotation signs as well."""
MOST_PAYLOAD_BYTES = 20_000
TOLERANCE = timedelta(minutes=5)
"""How far the timestamp of what is signed may lie from now, either way."""
SIGNED_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
MOST_SIGNATURES = 8
"""Signatures of one message that are looked at: a sender that changes its secret has two."""
_TIMESTAMP = re.compile(r"[1-9][0-9]{0,11}")
MOST_URL = 2_000

SECRET_PREFIX = "whsec_"  # noqa: S105  # nosec B105  # what a secret begins with, no secret
_LOCAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa")
# Set aside by IANA for protocols and relays, wholly: some addresses of theirs count as global.
_NEVER = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
# Ranges of IPv6 that carry an address of IPv4 within them, and where in it.
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


def wait_after(tries: int, seed: str) -> timedelta | None:
    """Computes how long to wait after so many tries without success; None where the schedule is at its end.

    The jitter follows from ``seed``, so that a wait computed again is the same.

    >>> wait_after(1, "m") >= timedelta(seconds=5), wait_after(10, "m")
    (True, None)
    """
    if tries >= len(SCHEDULE):
        return None
    wait = SCHEDULE[tries]
    share = int.from_bytes(hashlib.sha256(f"{seed} {tries}".encode()).digest()[:4], "big")
    return wait + timedelta(microseconds=wait // timedelta(microseconds=1) * JITTER_PERCENT * share // (100 * 2**32))


def secret_text(secret: bytes) -> str:
    """Encodes a secret as its receiver keeps it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def secret_bytes(text: str) -> bytes:
    """Decodes the secret that ``secret_text`` encoded; raises ValueError for anything else."""
    try:
        return base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("not a secret") from error


def signature(secrets: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """Computes the header ``webhook-signature``: one signature a secret, so that a receiver may change over in peace.

    The vector that the specification's libraries test with:

    >>> secret = secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    >>> signature([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = [hmac.digest(secret, signed, "sha256") for secret in secrets]
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


class SignedHeaders(NamedTuple):
    """The headers ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``, as they were sent."""

    message_id: str
    timestamp: str
    signatures: str


def signature_fault(secrets: Sequence[bytes], sent: SignedHeaders, body: bytes, now: datetime) -> str | None:
    """Checks what somebody signed as ``signature`` does; the code of what is wrong with it, else None.

    Args:
        secrets: those that may have signed.
        body: the very bytes that were sent.

    >>> now = datetime.fromisoformat("2021-02-25T15:02:10Z")
    >>> secret = secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    >>> signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    >>> sent = SignedHeaders("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", signature)
    >>> signature_fault([secret], sent, b'{"test": 2432232314}', now)
    >>> signature_fault([secret], sent, b'{"test": 2432232315}', now)
    'signature_wrong'
    >>> signature_fault([secret], sent, b'{"test": 2432232314}', now + timedelta(minutes=6))
    'signature_expired'
    """
    message_id, timestamp, signatures = sent
    if _TIMESTAMP.fullmatch(timestamp) is None:
        return "signature_expired"
    if abs(int(now.timestamp()) - int(timestamp)) > TOLERANCE.total_seconds():
        return "signature_expired"
    if not message_id.isascii() or not signatures.isascii():
        return "signature_wrong"
    good = [signature([secret], message_id, int(timestamp), body) for secret in secrets]
    offered = signatures.split(" ")[:MOST_SIGNATURES]
    # Every pair is compared, so that the time it takes says nothing about which was near.
    matches = [hmac.compare_digest(right, given) for right in good for given in offered]
    return None if any(matches) else "signature_wrong"


def message_id(program_id: int, message_no: int) -> str:
    """The id of a message: the same over all attempts and endpoints.

    >>> message_id(7, 4711)
    'msg_7_4711'
    """
    return f"msg_{program_id}_{message_no}"


def message_body(kind: str, occurred_at: datetime, data: str) -> bytes:
    """Encodes the body of a message, the same bytes at every attempt; ``data`` is JSON already."""
    timestamp = occurred_at.isoformat().replace("+00:00", "Z")
    return f'{{"type":"{kind}","timestamp":"{timestamp}","data":{data}}}'.encode()


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address lies in the public Internet, and nothing hides in it that does not.

    >>> [is_public(ip_address(a)) for a in ("8.8.8.8", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1")]
    [True, False, False, False, False]
    """
    if isinstance(address, IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    elif any(address in network for network in _NEVER):
        return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_unspecified
    )


def _inner(address: IPv6Address) -> IPv4Address | None:
    """Decodes the IPv4 address within one of IPv6 that is only another way to write or reach it; None without one."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        _, client = address.teredo
        return client
    if any(address in network for network in _NAT64) or int(address) < 2**32:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def url_problem(url: str, *, allows_private: bool) -> str | None:
    """Checks the URL of a webhook; a key of ``URL_PROBLEMS`` where it cannot be one, else None.

    A name is held against its addresses when it is called; here is refused what can be seen to be wrong.

    Args:
        allows_private: for development: without TLS and to private addresses too.

    >>> [url_problem(u, allows_private=False) for u in ("https://a.example/x", "http://a.example", "https://2130706433/")]
    [None, 'scheme', 'address']
    """
    parts = _parts(url)
    if parts is None or not parts.hostname or len(url) > MOST_URL:
        return "url"
    if parts.scheme != "https" and not (allows_private and parts.scheme == "http"):
        return "scheme"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "extras"
    return None if allows_private else _host_problem(parts.hostname)


def host_and_port(url: str) -> tuple[str, int]:
    """The host and port that a URL which ``url_problem`` let pass leads to."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _parts(url: str) -> SplitResult | None:
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else None
    except ValueError:
        return None


def _host_problem(host: str) -> str | None:
    try:
        address = ip_address(host)
    except ValueError:
        return _name_problem(host)
    return None if is_public(address) else "address"


def _name_problem(host: str) -> str | None:
    """Checks a host name: names of the inside, and numbers that some read as addresses (0x7f.1, 2130706433)."""
    labels = host.rstrip(".").split(".")
    if labels[-1][:1].isdigit():
        return "address"
    return "address" if len(labels) < 2 or labels[-1] in _LOCAL_NAMES else None


URL_PROBLEMS = {
    "url": Text("is not a usable URL"),
    "scheme": Text("must begin with https://"),
    "extras": Text("must have no user, password or fragment"),
    "address": Text("must not lead to a private, local or reserved address"),
}
