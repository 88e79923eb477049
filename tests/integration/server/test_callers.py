"""Callers who are slow, hung, in a hurry or odd hold memory for a while, and never a thread."""

from __future__ import annotations

import json
from contextlib import ExitStack

from tests.integration.server.conftest import Served
from tests.world.callers import OUTSIDER, raw_caller, raw_callers
from tests.world.documents import line, settled

DAWDLERS = 100
THREADS = 8
LARGE_FILE = "/console/static/vendor/echarts/echarts.min.js"


def post_head(key: str, length: int, *more: str, path: str = "/v1/events") -> tuple[str, ...]:
    """The head of a post of so many bytes."""
    return (
        f"POST {path} HTTP/1.1",
        "Host: a",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
        *more,
    )


def test_a_hundred_callers_who_dawdle_with_head_or_body_leave_the_others_answered(patient: Served) -> None:
    good, orders = patient.client(), patient.client("orders")
    with raw_callers(patient.port, DAWDLERS) as dawdlers:
        for dawdler in dawdlers[::2]:
            dawdler.send_bytes(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        for dawdler in dawdlers[1::4]:
            dawdler.send(*post_head(orders.key, 1_000), body=b'{"id": ')
        for dawdler in dawdlers[3::4]:
            dawdler.send(*post_head(orders.key, 100_000), body=b'{"events": [')
        for number in range(THREADS * 2):
            assert good.call("GET", "/healthz").status == 200
            assert good.get("/v1/program")["code"] == "patient"
            for dawdler in dawdlers:
                dawdler.send_bytes(b" ")
            assert orders.post("/v1/events", settled(f"e{number}", f"o{number}", "s", line(1)))["accepted"] == 1
        assert all(dawdler.is_held() for dawdler in dawdlers)


def test_who_does_not_finish_in_time_is_refused(hasty: Served) -> None:
    key = hasty.client("orders").key
    with raw_callers(hasty.port, 5) as [head, body, large, chunked, idle]:
        head.send_bytes(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        body.send(*post_head(key, 1_000), body=b"{")
        large.send(*post_head(key, 10_000_000), body=b"{")
        chunked.send(*post_head(key, 0)[:-1], "Transfer-Encoding: chunked", body=b"5\r\n{")
        for caller in (head, body, large, chunked):
            assert caller.refusal() == (408, "request_timeout")
        assert idle.has_ended()


def test_who_does_not_take_its_answer_is_given_up(hasty: Served) -> None:
    wanted = (f"GET {LARGE_FILE} HTTP/1.1", "Host: a")
    with raw_callers(hasty.port, 2 * THREADS, receive_buffer=4_096) as hung:
        for caller in hung:
            for _ in range(8):
                caller.send(*wanted)
        for _ in range(2 * THREADS):
            assert hasty.client().call("GET", "/healthz").status == 200


def test_a_large_body_that_comes_slowly_gives_way_to_one_that_waits(hasty: Served) -> None:
    key = hasty.client("orders").key
    good = (
        b'{"events": [' + json.dumps(settled("large", "large", "s", line(1))).encode() + b"]" + b" " * 2_000_000 + b"}"
    )
    with raw_callers(hasty.port, 2) as [slow, other]:
        slow.send(*post_head(key, 10_000_000), "Expect: 100-continue")
        assert slow.sock.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        other.send(*post_head(key, len(good)), body=good)
        assert other.answer().status == 202
        assert slow.refusal() == (408, "request_timeout")


def test_an_address_has_its_share_of_connections_and_who_waited_longest_makes_way(hasty: Served) -> None:
    with ExitStack() as stack:
        callers = [stack.enter_context(raw_caller(hasty.port, OUTSIDER)) for _ in range(5)]
        assert callers[0].has_ended()
        for caller in callers[1:]:
            assert caller.send("GET /healthz HTTP/1.1", "Host: a").answer().status == 200
        proxied = stack.enter_context(raw_callers(hasty.port, 10))
        for caller in proxied:
            assert caller.send("GET /healthz HTTP/1.1", "Host: a").answer().status == 200


def test_requests_that_come_at_once_are_answered_in_their_order(usual: Served) -> None:
    client = usual.client("orders")
    bodies = [json.dumps(settled(f"p{number}", f"p{number}", "s", line(1))).encode() for number in range(3)]
    with raw_caller(usual.port) as caller:
        heads = ["\r\n".join((*post_head(client.key, len(body)), "", "")).encode() for body in bodies]
        caller.send_bytes(b"".join(head + body for head, body in zip(heads, bodies, strict=True)))
        answers = [json.loads(caller.answer().text)["results"][0]["id"] for _ in bodies]
    assert answers == ["p0", "p1", "p2"]


def test_a_caller_who_has_ended_its_side_gets_its_answer(usual: Served) -> None:
    with raw_caller(usual.port) as caller:
        caller.send("GET /healthz HTTP/1.1", "Host: a").sock.shutdown(1)
        assert caller.answer().status == 200
        assert caller.has_ended()
    with raw_caller(usual.port) as caller:
        caller.send_bytes(b"GET /healthz HTTP/1.1\r\nHost").sock.shutdown(1)
        assert caller.has_ended()


def test_a_body_that_waits_for_the_word_is_called_for_when_it_is_welcome(usual: Served) -> None:
    client = usual.client("orders")
    small = json.dumps(settled("w1", "w1", "s", line(1))).encode()
    large = small.replace(b"w1", b"w2") + b" " * 100_000
    for body in (small, large):
        with raw_caller(usual.port) as caller:
            caller.send(*post_head(client.key, len(body)), "Expect: 100-continue")
            assert caller.sock.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            assert caller.send_bytes(body).answer().status == 202
    with raw_caller(usual.port) as caller:
        caller.send(*post_head("dk_no", len(large)), "Expect: 100-continue")
        assert caller.refusal() == (401, "unauthorized")


def test_a_body_in_chunks_is_one_body(usual: Served) -> None:
    client = usual.client("orders")
    for number, padding in enumerate((0, 200_000, 2_000_000)):
        body = json.dumps(settled(f"c{number}", f"c{number}", "s", line(1))).encode() + b" " * padding
        with raw_caller(usual.port) as caller:
            caller.send(*post_head(client.key, 0)[:-1], "Transfer-Encoding: chunked")
            for start in range(0, len(body), 50_000):
                piece = body[start : start + 50_000]
                caller.send_bytes(b"%x;name=value\r\n%b\r\n" % (len(piece), piece))
            caller.send_bytes(b"0\r\nX-Trailer: a\r\n\r\n")
            assert caller.answer().status == 202
            assert caller.send("GET /healthz HTTP/1.1", "Host: a").answer().status == 200


def test_a_connection_is_kept_for_the_next_request_unless_its_caller_asks_otherwise(usual: Served) -> None:
    with raw_caller(usual.port) as caller:
        for _ in range(3):
            answer = caller.send("GET /healthz HTTP/1.1", "Host: a").answer()
            assert (answer.status, answer.headers["Connection"]) == (200, "keep-alive")
        assert caller.send("HEAD /healthz HTTP/1.1", "Host: a").answer("HEAD").text == ""
        assert caller.send("GET /healthz HTTP/1.1", "Host: a", "Connection: close").answer().status == 200
        assert caller.has_ended()
    with raw_caller(usual.port) as caller:
        assert caller.send("GET /healthz HTTP/1.0").answer().status == 200
        assert caller.has_ended()
