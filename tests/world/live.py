"""A live service for tests: gunicorn and RQ workers as real processes, and a plain HTTP client."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from distrib.bootstrap import Container
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.programs import keys, tenants
from distrib.services.programs.keys import KeyDraft
from distrib.services.programs.tenants import ProgramDraft
from distrib.settings import REPOSITORY
from tests.world.processes import running_workers, wait_until


@dataclass(frozen=True)
class Answer:
    """What the service said."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.text)


@dataclass(frozen=True)
class Client:
    """Speaks for one key."""

    port: int
    key: str

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """One request; a body that is not text or bytes goes as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Authorization": f"Bearer {self.key}"}
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = body if isinstance(body, str | bytes) else json.dumps(body)
        try:
            connection.request(method, path, body, sent | headers)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The JSON of a GET that must succeed."""
        return self._good(self.call("GET", path)).json

    def post(self, path: str, body: object) -> Any:
        """The JSON of a POST that must succeed."""
        return self._good(self.call("POST", path, body)).json

    def put(self, path: str, body: object) -> Any:
        """The JSON of a PUT that must succeed."""
        return self._good(self.call("PUT", path, body)).json

    def wait_for_events(self) -> None:
        """Waits until no event of the program is pending."""
        wait_until(lambda: self.get("/v1/events?status=pending&limit=1")["data"] == [], "all events are processed")

    @staticmethod
    def _good(answer: Answer) -> Answer:
        assert answer.status < 300, (answer.status, answer.text)
        return answer


@dataclass(frozen=True)
class Live:
    """A running service."""

    container: Container
    port: int
    web_pid: int

    def open_program(
        self, code: str, policy: str = "open", currency: str = "CNY", time_zone: str = "Asia/Shanghai"
    ) -> Program:
        """A new program, in Shanghai's time if no other is given."""
        container = self.container
        with container.begin() as conn:
            return tenants.create_program(
                conn, ProgramDraft(code, currency, time_zone, policy), container.now(), container.policies
            )

    def client(self, program: Program, role: str = "admin", shop_id: str | None = None) -> Client:
        """A client with a new key of that role."""
        container = self.container
        with container.begin() as conn:
            key = keys.create_key(
                Unit(conn, program, COMMAND_LINE, container.now()), KeyDraft(role, role, shop_id), container.pepper
            )
        return Client(self.port, key)


@contextmanager
def live_service(container: Container, workers: int = 1) -> Iterator[Live]:
    """The API on a port of its own with workers beside it, until the block ends."""
    with served_api(container) as live, running_workers(container, workers):
        yield live


@contextmanager
def served_api(container: Container, processes: int = 1, app: str = "wsgi:app") -> Iterator[Live]:
    """The API alone on a port of its own, until the block ends."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        "config/gunicorn.conf.py",
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        str(processes),
        "--log-level",
        "warning",
        app,
    ]
    environment = {**os.environ, **container.environment(), "DISTRIB_LOG_LEVEL": "ERROR"}
    web = subprocess.Popen(command, env=environment, cwd=REPOSITORY, start_new_session=True)
    try:
        wait_until(lambda: _answers(port), "the service answers", 30)
        yield Live(container, port, web.pid)
    finally:
        web.terminate()
        web.wait(30)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        return Client(port, "none").call("GET", "/readyz").status == 200
    except OSError:
        return False
