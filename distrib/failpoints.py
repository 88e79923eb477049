"""Points on the way of money at which a test lets a process die, an error come up, or an answer get lost.

All of them stand in ``POINTS``; each is reached at one place of the code, in the middle of what must happen whole or
not at all. Nothing is armed unless a test arms it, or ``DISTRIB_FAILPOINT`` names a point, which production refuses;
then reaching a point costs one look at an empty mapping. No rule may enter.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Final

POINTS: Final = {
    "event.recorded": "events and their places in the queue are written",
    "request.committed": "what a request did is committed and not yet answered",
    "import.committed": "a batch of a file is committed and not yet counted",
    "drain.claimed": "orders are taken off the queue",
    "drain.posted": "their transfers are written, what became of their events is not",
    "drain.written": "all that a batch came to is written",
    "drain.committed": "a batch is committed and not yet counted",
    "promotion.written": "promotions of a day are written",
    "close.figured": "the figures of a month are worked out and kept",
    "close.proposed": "the proposal is written",
    "close.lined": "the lines of a month are worked out for its close",
    "close.written": "the closed month is written, its books are still open",
    "close.sealed": "the books are closed",
    "payout.created": "a batch is written without its lines",
    "payout.reserved": "its lines are written, and with them the money is reserved",
    "payout.decided": "its approval is written",
    "payout.resulted": "results of lines are written, the ledger knows nothing of them",
    "payout.posted": "what was paid is posted",
    "evaluation.judged": "all shops are judged",
    "evaluation.changed": "changes of rank are written",
    "evaluation.written": "the evaluation itself is written",
    "history.written": "a file of history stands, the manifest does not name it",
    "history.month": "a month is worked out by a process that has not told of it",
}
"""Every point, with what has been done when it is reached."""

HOWS: Final = ("kill", "raise")


class Interrupted(Exception):
    """The error that an armed point raises; nobody expects it."""


_armed: dict[str, Callable[[], None]] = {}


def reach(point: str) -> None:
    """Does what is armed for the point; nothing otherwise."""
    if _armed and point in _armed:
        _armed.pop(point)()


def arm(point: str, act: Callable[[], None]) -> None:
    """Lets the next one who reaches the point do something, once.

    Raises:
        KeyError: there is no such point.
    """
    POINTS[point]
    _armed[point] = act


def disarm() -> list[str]:
    """Arms nothing any more; returns the points that nobody has reached."""
    left = sorted(_armed)
    _armed.clear()
    return left


def arm_named(named: str) -> None:
    """Arms what a setting says: ``POINT:kill`` ends the process without a chance to clean up, ``POINT:raise`` raises.

    >>> arm_named("drain.written:raise")
    >>> disarm()
    ['drain.written']
    """
    point, _, how = named.partition(":")
    arm(point, {"kill": _kill, "raise": _raise}[how])


def is_failpoint(named: str) -> bool:
    """Whether a setting names a point and what is to happen there.

    >>> is_failpoint("drain.written:kill"), is_failpoint("drain.written"), is_failpoint("nowhere:kill")
    (True, False, False)
    """
    point, _, how = named.partition(":")
    return point in POINTS and how in HOWS


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _raise() -> None:
    raise Interrupted
