"""Heads and bodies are found however their bytes come, and what is none is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distrib.server.framing import BadFraming, ChunkedBody, SizedBody, take_head

LINE, HEAD = 100, 1_000
pieces = st.lists(st.binary(min_size=1, max_size=40), max_size=8)


def chunked(body: list[bytes]) -> bytes:
    """The pieces as chunks."""
    return b"".join(b"%X\r\n%b\r\n" % (len(piece), piece) for piece in body) + b"0\r\n\r\n"


@given(pieces, st.binary(max_size=20), st.integers(1, 9))
def test_a_body_in_chunks_is_the_same_however_its_bytes_come(body: list[bytes], follows: bytes, step: int) -> None:
    wire, read, sent = chunked(body) + follows, ChunkedBody(), bytearray()
    is_whole = False
    for start in range(0, len(wire), step):
        sent += wire[start : start + step]
        is_whole = is_whole or read.feed(sent)
    assert is_whole
    assert read.feed(sent)
    assert (read.content(), read.received, bytes(sent)) == (b"".join(body), len(b"".join(body)), follows)


@given(st.binary(max_size=100), st.binary(max_size=20), st.integers(1, 9))
def test_a_body_of_a_length_ends_there(body: bytes, follows: bytes, step: int) -> None:
    read, sent = SizedBody(len(body)), bytearray()
    is_whole = read.feed(sent)
    wire = body + follows
    for start in range(0, len(wire), step):
        sent += wire[start : start + step]
        is_whole = is_whole or read.feed(sent)
    assert is_whole
    assert (read.content(), bytes(sent)) == (body, follows)


@pytest.mark.parametrize(
    "sent",
    [
        b"none\r\n",
        b"-1\r\n",
        b"+1\r\n",
        b"0x1\r\n",
        b"1_0\r\n",
        b"\r\n",
        b"fffffffff\r\n",
        b"1\nA\r\n",
        b"1\r\nAB\r\n",
        b"1;" + b"a" * 300,
        b"0\r\nX: a\nY: b\r\n\r\n",
    ],
)
def test_what_is_no_chunk_is_refused(sent: bytes) -> None:
    with pytest.raises(BadFraming) as refused:
        ChunkedBody().feed(bytearray(sent))
    assert refused.value.code == "bad_request"


def test_chunks_that_are_hardly_more_than_their_framing_are_refused() -> None:
    read = ChunkedBody()
    few, many = bytearray(b"1\r\nA\r\n" * 10_000), bytearray(b"1\r\nA\r\n" * 40_000)
    assert not read.feed(few)
    with pytest.raises(BadFraming):
        read.feed(many)


def test_endless_trailers_are_refused() -> None:
    read, sent = ChunkedBody(), bytearray(b"0\r\n")
    assert not read.feed(sent)
    with pytest.raises(BadFraming) as refused:
        read.feed(bytearray(b"X: a\r\n" * 3_000))
    assert refused.value.code == "headers_too_large"


def test_a_head_is_taken_when_it_is_whole() -> None:
    sent = bytearray(b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r")
    assert take_head(sent, LINE, HEAD) is None
    sent += b"\nbody"
    assert take_head(sent, LINE, HEAD) == b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert sent == b"body"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"G" * (LINE + 2), "uri_too_long"),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 200, "headers_too_large"),
        (b"GET / HTTP/1.1\nHost: a\n\n", "bad_request"),
    ],
)
def test_a_head_without_an_end_is_refused(sent: bytes, code: str) -> None:
    with pytest.raises(BadFraming) as refused:
        take_head(bytearray(sent), LINE, HEAD)
    assert refused.value.code == code
