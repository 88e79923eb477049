"""What a refused call still sends is read and dropped, so that its answer can be read.

A server that closes a connection on which bytes lie unread resets it, and many callers then lose the answer (RFC 9112,
9.6): a body that is too large would look like a broken network and not like a 413.
"""

from __future__ import annotations

from typing import IO

MOST_DROPPED = 64 * 1024 * 1024
_AT_ONCE = 64 * 1024


def drop_unread(stream: IO[bytes], most: int = MOST_DROPPED) -> int:
    """Reads on to the end, or until ``most`` bytes are dropped: who sends without end is cut off. Returns how many.

    >>> import io
    >>> drop_unread(io.BytesIO(b"x" * 100_000)), drop_unread(io.BytesIO(b""))
    (100000, 0)
    """
    dropped = 0
    try:
        while dropped < most and (chunk := stream.read(_AT_ONCE)):
            dropped += len(chunk)
    except OSError:  # the caller has gone, or its chunks are none; there is nobody left to answer
        return dropped
    return dropped
