"""The demo's client calls again where there was no answer, and stops where it is refused."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from distrib.cli.demo.facts import DemoFailed
from distrib.cli.demo.posting import poster
from distrib.cli.demo.posting.poster import Client, post_events, register_shops
from distrib.cli.demo.sources.recipe import Shop
from distrib.domain.texts import Text

Answers = list[tuple[int, Any] | None]


class Listening(HTTPServer):
    """Answers what it was told, in turn; None hangs up without an answer."""

    def __init__(self, answers: Answers) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.bodies: list[bytes] = []
        self.keys: set[str | None] = set()


class _Handler(BaseHTTPRequestHandler):
    server: Listening

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.keys.add(self.headers["Authorization"])
        answer = self.server.answers.pop(0)
        if answer is None:
            return
        body = json.dumps(answer[1]).encode()
        self.send_response(answer[0])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[Listening]:
    with Listening([]) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


@pytest.fixture
def client(server: Listening, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(poster, "PAUSE_S", 0)
    with closing(Client("127.0.0.1", server.server_port, "dk_1", lambda: None)) as opened:
        yield opened


def taken(accepted: int, duplicate: int = 0) -> tuple[int, Any]:
    return 202, {"accepted": accepted, "duplicate": duplicate, "refused": 0, "results": []}


def test_a_batch_without_an_answer_is_posted_again_as_it_was(server: Listening, client: Client) -> None:
    server.answers = [taken(2), None, (503, {}), taken(0, 2)]
    seen: list[int] = []
    posted = post_events(client, [[b"1", b"2"], [b"3", b"4"]], seen.append)
    assert server.bodies == [b"1\n2", b"3\n4", b"3\n4", b"3\n4"]
    assert (posted.accepted, posted.duplicate, posted.events, posted.calls) == (2, 2, 4, 2)
    assert seen == [2, 2]
    assert server.keys == {"Bearer dk_1"}


def test_a_refused_event_ends_the_demo_by_name(server: Listening, client: Client) -> None:
    result = {"id": "evt-1", "status": "refused", "code": "id_conflict"}
    server.answers = [(202, {"accepted": 0, "duplicate": 0, "refused": 1, "results": [result]})]
    with pytest.raises(DemoFailed, match="id_conflict"):
        post_events(client, [[b"1"]], lambda _: None)


def test_a_refused_shop_ends_the_demo_by_name(server: Listening, client: Client) -> None:
    server.answers = [(200, {"results": [{"id": "s-1", "status": "refused", "code": "sponsor_unknown"}]})]
    with pytest.raises(DemoFailed, match="sponsor_unknown"):
        register_shops(client, [Shop("s-1", "s-0", datetime(2026, 1, 1, tzinfo=UTC))])


def test_what_the_service_refuses_is_not_sent_again(server: Listening, client: Client) -> None:
    server.answers = [(422, {"code": "invalid"})]
    with pytest.raises(DemoFailed, match="422"):
        client.post("/v1/plans", {})
    assert len(server.bodies) == 1


def test_a_service_that_ended_by_itself_is_told_at_once() -> None:
    def ended() -> None:
        raise DemoFailed(Text("it ended"))

    with closing(Client("127.0.0.1", 9, "dk_1", ended)) as client, pytest.raises(DemoFailed, match="it ended"):
        client.get("/v1/plans")
