"""What is no request, or one that is refused for its head, is answered at once as a problem, and read no further."""

from __future__ import annotations

import pytest

from tests.integration.server.conftest import Served
from tests.world.callers import OUTSIDER, raw_caller

HOST = "Host: a"
MIB = 1024 * 1024
UNUSABLE = {
    b"nonsense\r\n\r\n": (400, "bad_request"),
    b"GET / HTTP/9.9\r\n\r\n": (400, "bad_request"),
    b"GET / HTTP/1.1\r\nNo colon\r\n\r\n": (400, "bad_request"),
    b"GET / HTTP/1.1\nHost: a\n\n": (400, "bad_request"),
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n": (400, "bad_request"),
    b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n": (400, "bad_request"),
    b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n": (400, "bad_request"),
    b"POST /v1/events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\n": (400, "bad_request"),
    b"GET / HTTP/1.1\r\nExpect: the worst\r\n\r\n": (400, "bad_request"),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n": (400, "bad_request"),
    b"GET /" + b"a" * 8_190 + b" HTTP/1.1\r\n\r\n": (414, "uri_too_long"),
    b"GET /" + b"a" * 100_000: (414, "uri_too_long"),
    b"GET / HTTP/1.1\r\nX-A: " + b"a" * 9_000 + b"\r\n\r\n": (431, "headers_too_large"),
    b"GET / HTTP/1.1\r\n" + b"X-A: a\r\n" * 101 + b"\r\n": (431, "headers_too_large"),
    b"GET / HTTP/1.1\r\n" + b"X-A: a\r\n" * 10_000: (431, "headers_too_large"),
}


@pytest.mark.parametrize("sent", UNUSABLE, ids=range(len(UNUSABLE)))
def test_what_is_no_request_is_a_problem(usual: Served, sent: bytes) -> None:
    with raw_caller(usual.port) as caller:
        assert caller.send_bytes(sent).refusal() == UNUSABLE[sent]


def test_a_refusal_by_the_server_is_in_the_callers_language(hasty: Served) -> None:
    with raw_caller(hasty.port) as caller:
        caller.send("POST /v1/events HTTP/1.1", HOST, "Accept-Language: zh", "Content-Length: 5")
        answer = caller.answer()
    assert (answer.status, answer.json["title"]) == (408, "请求超时")
    assert answer.headers["Content-Language"] == "zh"


@pytest.mark.parametrize(
    ("method", "path", "key", "length", "refusal"),
    [
        ("POST", "/v1/events", "good", 16 * MIB + 1, (413, "too_large")),
        ("POST", "/v1/shops", "good", 64 * 1024 + 1, (413, "too_large")),
        ("PATCH", "/v1/program", "good", 64 * 1024 + 1, (413, "too_large")),
        ("POST", "/v1/plans", "good", MIB + 1, (413, "too_large")),
        ("POST", "/v1/payouts", "good", MIB + 1, (413, "too_large")),
        ("POST", "/v1/events", "bad", MIB, (401, "unauthorized")),
        ("POST", "/v1/events", None, MIB, (401, "unauthorized")),
        ("POST", "/v1/nowhere", "good", MIB, (404, "not_found")),
        ("DELETE", "/v1/events", "good", MIB, (405, "method_not_allowed")),
    ],
)
def test_a_body_that_is_not_welcome_is_refused_by_its_head(
    usual: Served, method: str, path: str, key: str | None, length: int, refusal: tuple[int, str]
) -> None:
    keys = {"good": usual.client().key, "bad": f"dk_{'0' * 16}_{'x' * 43}"}
    authorization = [] if key is None else [f"Authorization: Bearer {keys[key]}"]
    with raw_caller(usual.port) as caller:
        head = (f"{method} {path} HTTP/1.1", HOST, "Content-Type: application/json", f"Content-Length: {length}")
        assert caller.send(*head, *authorization).refusal() == refusal


def test_a_body_in_chunks_that_grows_too_long_is_413(usual: Served) -> None:
    head = ("POST /v1/shops HTTP/1.1", HOST, "Transfer-Encoding: chunked", "Content-Type: application/json")
    with raw_caller(usual.port) as caller:
        caller.send(*head, f"Authorization: Bearer {usual.client().key}")
        caller.send_bytes(b"10001\r\n" + b" " * 0x10001 + b"\r\n")
        assert caller.refusal() == (413, "too_large")


def test_no_answer_names_the_server(usual: Served) -> None:
    with raw_caller(usual.port) as caller:
        assert "Server" not in caller.send("GET /healthz HTTP/1.1", HOST).answer().headers
        assert "Server" not in caller.send_bytes(b"nonsense\r\n\r\n").answer().headers


def test_over_tls_the_browser_is_told_to_stay_there_if_a_trusted_proxy_says_so(usual: Served) -> None:
    named = {}
    for source in ("127.0.0.1", OUTSIDER):
        for scheme in ("https", "http"):
            with raw_caller(usual.port, source) as caller:
                answer = caller.send("GET /healthz HTTP/1.1", HOST, f"X-Forwarded-Proto: {scheme}").answer()
                named[source, scheme] = answer.headers.get("Strict-Transport-Security")
    assert named.pop(("127.0.0.1", "https")) == "max-age=31536000"
    assert set(named.values()) == {None}
