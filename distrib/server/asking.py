"""What the server asks the app, through the environ of a request that has no body yet. No socket may enter.

A header can set none of these names: those that come from outside begin with ``HTTP_``.
"""

from __future__ import annotations

from dataclasses import dataclass

EXTENSION = "distrib.server"
"""Under this name the app's extensions hold ``ServerLimits`` where the app answers what is asked here."""
ADMISSION = "distrib.admission"
"""An ``Admission``: may the body of this request be read? The app runs nothing else for it."""
REFUSAL = "distrib.refusal"
"""A ``ServerRefusal``: the app is to refuse what the server cannot read as a request, or will not."""
WHOLE = "distrib.whole"
"""Set where ``wsgi.input`` is an ``io.BytesIO`` of the body and nothing else: it may be taken without a copy."""

KIB = 1024
MIB = 1024 * KIB


@dataclass(slots=True)
class Admission:
    """The answer to whether a body may be read: ``most_bytes`` of it; None while refused, with what the app answers.

    ``is_known`` is whether its sender has a good key: the bodies of others are read apart from those. Of the bytes in
    ``counted`` it may hold ``most_counted`` in all; past them it is refused by that code, and read no further.
    """

    most_bytes: int | None = None
    is_known: bool = False
    counted: bytes = b""
    most_counted: int = 0
    refusal: str = "too_large"


@dataclass(frozen=True, slots=True)
class ServerRefusal:
    """Why: a code of the app's, and how long the body might have been."""

    code: str
    most_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """How long callers may take and how much of theirs is kept. Times in seconds, sizes in bytes, all per process."""

    head_s: float = 10.0
    """From the first byte of a head to its last."""
    body_s: float = 20.0
    """For a body, and a second more for each ``body_rate`` of it."""
    body_rate: int = 64 * KIB
    send_s: float = 30.0
    """For an answer to be taken, and a second more for each ``send_rate`` of it."""
    send_rate: int = 16 * KIB
    linger_s: float = 5.0
    """How long what a refused caller still sends is thrown away, so that the answer is not lost (RFC 9112, 9.6)."""
    linger_bytes: int = 32 * MIB
    """Of that: twice the longest body there may be, so that one a little longer is sent to its end."""
    room_s: float = 30.0
    """How long a body waits for its turn to be read."""
    request_line: int = 8_190
    """As gunicorn's ``limit_request_line``; longer is 414."""
    head_bytes: int = 32 * KIB
    """All of a head; longer is 431."""
    asked_again_s: float = 30.0
    """How long what the app said of a body holds for the next one of the same connection, path and key."""
    unasked_bytes: int = 64 * KIB
    """A body that is read before the app was asked: who sends it needs no key yet."""
    moderate_bytes: int = 1 * MIB
    """Above it, bodies are read and worked on singly."""
    huge_bytes: int = 4 * MIB
    """Above it, singly by all processes of the service together."""
    moderate_bodies: int = 64
    """Bodies above ``unasked_bytes`` that are read at a time."""
    strangers_bodies: int = 8
    """Of them, those whose sender is not known; they have places of their own."""
    gives_way_s: float = 5.0
    """How long such a body may be on its way while another waits for its place."""
    connections_per_address: int = 64
    """Past it the connection of that address which has waited longest for its caller is closed for the new one."""
