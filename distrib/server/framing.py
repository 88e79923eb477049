"""Where a head ends and a body ends (RFC 9112): fed with what has come so far, without a socket or a clock.

Heads are split here and parsed by gunicorn; of bodies only the framing is read.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final, Protocol

_END: Final = b"\r\n"
_END_OF_HEAD: Final = b"\r\n\r\n"
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
_LONGEST_SIZE_LINE: Final = 256
_MOST_SIZE_DIGITS: Final = 8
_MOST_TRAILER_BYTES: Final = 8 * 1024
_MOST_FRAMING: Final = 4
"""Bytes of framing for each of the body, past the first of them: a byte a chunk has five."""
_FREE_FRAMING_BYTES: Final = 64 * 1024


class BadFraming(ValueError):
    """What came is no request; ``code`` is the code of the refusal."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Body(Protocol):
    """A body that comes in pieces."""

    length: int | None
    """How long it will be, in bytes; None where that is not known before its end."""
    received: int
    """How many of its bytes have come."""

    def feed(self, sent: bytearray) -> bool:
        """Takes what belongs to the body off the front of ``sent``; True when it is whole."""

    def content(self) -> bytes:
        """The whole body, given away; it was never copied as a whole."""


def take_head(sent: bytearray, most_line: int, most_bytes: int) -> bytes | None:
    r"""Takes a whole head off the front of what was sent, without blank lines before it; None where it is not whole.

    Raises:
        BadFraming: ``uri_too_long`` or ``headers_too_large`` past ``most_line`` and ``most_bytes``; ``bad_request``
            where lines end in a bare line feed, so that no end would be found.

    >>> sent = bytearray(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest")
    >>> take_head(sent, 100, 1000), bytes(sent), take_head(sent, 100, 1000)
    (b'GET / HTTP/1.1\r\nHost: a\r\n\r\n', b'rest', None)
    """
    while sent.startswith(_END):
        del sent[: len(_END)]
    end_of_line = sent.find(_END, 0, most_line + len(_END))
    if end_of_line < 0 and len(sent) >= most_line + len(_END):
        raise BadFraming("uri_too_long")
    end = sent.find(_END_OF_HEAD, 0, most_bytes)
    if end < 0:
        if len(sent) >= most_bytes:
            raise BadFraming("headers_too_large")
        if b"\n\n" in sent:
            raise BadFraming("bad_request")
        return None
    head = bytes(sent[: end + len(_END_OF_HEAD)])
    del sent[: len(head)]
    return head


class SizedBody:
    """A body of a length that its head names."""

    __slots__ = ("_kept", "length", "received")

    def __init__(self, length: int) -> None:
        self.length: int | None = length
        self.received = 0
        self._kept = io.BytesIO()

    def feed(self, sent: bytearray) -> bool:
        """As ``Body.feed``."""
        missing = (self.length or 0) - self.received
        if len(sent) <= missing:
            self._kept.write(sent)
            self.received += len(sent)
            sent.clear()
        else:
            self._kept.write(sent[:missing])
            self.received += missing
            del sent[:missing]
        return self.received == self.length

    def content(self) -> bytes:
        """As ``Body.content``."""
        content, self._kept = self._kept.getvalue(), io.BytesIO()
        return content


class ChunkedBody:
    r"""A body in chunks (RFC 9112, 7.1). Extensions and trailers are read over: nothing here depends on them.

    >>> body = ChunkedBody()
    >>> body.feed(bytearray(b"4\r\nabcd\r\n1")), body.feed(bytearray(b"0\r\n"))
    (False, False)
    """

    __slots__ = ("_kept", "_left", "_read", "_rest", "_trailer_bytes", "_wire_bytes", "length", "received")

    def __init__(self) -> None:
        self.length: int | None = None
        self.received = 0
        self._kept = io.BytesIO()
        self._rest = bytearray()
        self._left = 0
        self._wire_bytes = 0
        self._trailer_bytes = 0
        self._read: Callable[[int], int | None] = self._read_size

    def feed(self, sent: bytearray) -> bool:
        """As ``Body.feed``.

        Raises:
            BadFraming: ``bad_request`` where these are no chunks, or hardly anything but framing.
        """
        if self._is_whole():
            return True
        self._rest += sent
        self._wire_bytes += len(sent)
        sent.clear()
        position = 0
        while True:
            after = self._read(position)
            if after is None:
                break
            position = after
            if self._is_whole():
                sent += self._rest[position:]
                self._rest.clear()
                return True
        del self._rest[:position]
        if self._wire_bytes - len(self._rest) > _MOST_FRAMING * self.received + _FREE_FRAMING_BYTES:
            raise BadFraming("bad_request")
        return False

    def content(self) -> bytes:
        """As ``Body.content``."""
        content, self._kept = self._kept.getvalue(), io.BytesIO()
        return content

    def _is_whole(self) -> bool:
        return self._read == self._read_nothing

    def _line(self, position: int, most: int) -> bytes | None:
        """The line at ``position`` without its end; None where it is not whole yet."""
        end = self._rest.find(_END, position, position + most)
        if end < 0:
            if len(self._rest) - position >= most:
                raise BadFraming("bad_request")
            return None
        line = bytes(self._rest[position:end])
        if b"\n" in line or b"\r" in line:
            raise BadFraming("bad_request")
        return line

    def _read_size(self, position: int) -> int | None:
        line = self._line(position, _LONGEST_SIZE_LINE)
        if line is None:
            return None
        digits = line.partition(b";")[0].strip(b" \t")
        if not 1 <= len(digits) <= _MOST_SIZE_DIGITS or not _HEX.issuperset(digits):
            raise BadFraming("bad_request")
        self._left = int(digits, 16)
        self._read = self._read_data if self._left else self._read_trailer
        return position + len(line) + len(_END)

    def _read_data(self, position: int) -> int | None:
        here = min(self._left, len(self._rest) - position)
        if here == 0:
            return None
        with memoryview(self._rest) as rest:
            self._kept.write(rest[position : position + here])
        self._left -= here
        self.received += here
        if self._left == 0:
            self._read = self._read_end_of_data
        return position + here

    def _read_end_of_data(self, position: int) -> int | None:
        if len(self._rest) - position < len(_END):
            return None
        if self._rest[position : position + len(_END)] != _END:
            raise BadFraming("bad_request")
        self._read = self._read_size
        return position + len(_END)

    def _read_trailer(self, position: int) -> int | None:
        line = self._line(position, _MOST_TRAILER_BYTES)
        if line is None:
            return None
        self._trailer_bytes += len(line)
        if self._trailer_bytes > _MOST_TRAILER_BYTES:
            raise BadFraming("headers_too_large")
        if not line:
            self._read = self._read_nothing
        return position + len(line) + len(_END)

    def _read_nothing(self, _position: int) -> int | None:
        return None
