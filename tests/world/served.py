"""A whole service as somebody runs it: ``distrib serve`` on private servers, each of whose processes can be found."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from distrib.bootstrap import Container
from distrib.embedded import postgres, valkey
from distrib.embedded.place import Place, control_of, settle_place
from distrib.settings import REPOSITORY, Settings
from tests.world import audited
from tests.world.live import Client
from tests.world.processes import children_of, wait_until

_UNDER_WAY = (429, 503)
_AGAIN_S = 0.05
_WORKERS = "distrib-workers"
_OTHERS = ("postgres", "valkey", "redis", _WORKERS)
RUN = "from distrib.cli import main; main()"
"""The command line of whatever tree ``PYTHONPATH`` names."""
_pause = threading.Event()


@dataclass
class Served:
    """A service under ``var_dir``, and the process that keeps it."""

    var_dir: Path
    port: int
    place: Place
    process: subprocess.Popen[bytes]
    tree: Path = REPOSITORY
    """Whose code it runs."""
    statuses: set[int] = field(default_factory=set)
    """Every status that was ever answered."""

    @property
    def settings(self) -> Settings:
        """The settings that its own processes have."""
        return Settings(
            var_dir=self.var_dir,
            key_pepper=(self.var_dir / "secret").read_text("ascii").strip(),
            database_url=postgres.database_url(self.place),
            redis_url=valkey.redis_url(self.place),
        )

    @contextmanager
    def container(self) -> Iterator[Container]:
        """What the edges have, in this process, without a claim on the servers."""
        settings = self.settings
        container = Container(settings, str(settings.database_url), str(settings.redis_url))
        container.policies = audited.packs()
        try:
            yield container
        finally:
            container.close()

    # --- its processes ---

    def kept(self, name: str) -> int:
        """The process which the service keeps as its ``web`` or its ``workers``; 0 while there is none.

        The web is listed as its server likes, so it is whoever is nobody else.
        """
        named = {pid: _comm(pid) for pid in children_of(self.process.pid)}
        if name == "web":
            return next((pid for pid, comm in named.items() if not comm.startswith(_OTHERS)), 0)
        return next((pid for pid, comm in named.items() if comm == _WORKERS), 0)

    def parts(self, name: str) -> list[int]:
        """The processes of one that is kept."""
        kept = self.kept(name)
        return children_of(kept) if kept else []

    @property
    def postgres_pid(self) -> int:
        """PostgreSQL's first process; 0 while it does not run."""
        return postgres.postmaster(self.place)

    @property
    def valkey_pid(self) -> int:
        """Valkey; 0 while it does not run."""
        return valkey.listener(self.place)

    def is_whole(self) -> bool:
        """Whether it says that it is ready, and everything that belongs to it runs."""
        assert self.process.poll() is None, show(self)
        with suppress(OSError, http.client.HTTPException):
            answer = Client(self.port, "none").call("GET", "/readyz")
            return answer.status == 200 and bool(self.parts("web") and self.kept("workers") and self.valkey_pid)
        return False

    def wait_until_whole(self) -> None:
        """Waits until nobody would see that anything had happened."""
        wait_until(self.is_whole, "the service is whole again", 120)

    # --- what it is asked ---

    def call_until_done(
        self,
        key: str,
        method: str,
        path: str,
        body: object = None,
        seconds: float = 120,
        may_refuse: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """One call, sent again while nobody answers or the service says that it cannot just now; its answer.

        Args:
            may_refuse: whether a conflict is an answer too.
        """
        until = monotonic() + seconds
        while True:
            with suppress(OSError, http.client.HTTPException):
                answer = Client(self.port, key).call(method, path, body, **(headers or {}))
                self.statuses.add(answer.status)
                if answer.status not in _UNDER_WAY:
                    assert answer.status < 300 or (may_refuse and answer.status == 409), (answer.status, answer.text)
                    return answer.json
            if monotonic() > until:
                raise TimeoutError(f"not within {seconds} s: {method} {path}")
            _pause.wait(_AGAIN_S)

    def post(self, key: str, events: Sequence[Mapping[str, Any]]) -> None:
        """Posts events until they are accepted."""
        answer = self.call_until_done(key, "POST", "/v1/events", {"events": list(events)})
        assert answer["refused"] == 0, answer

    def wait_for_events(self, key: str, seconds: float = 120) -> None:
        """Waits until no event is pending."""
        until = monotonic() + seconds
        while self.call_until_done(key, "GET", "/v1/events?status=pending&limit=1")["data"]:
            if monotonic() > until:
                raise TimeoutError(f"not within {seconds} s: the backlog is empty")
            _pause.wait(_AGAIN_S)

    # --- its life ---

    def restart(self) -> None:
        """Ends it politely, as a deploy does, and starts it again."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0
        self.process = _start(self.var_dir, self.port, self.tree)


@contextmanager
def served(var_dir: Path, port: int, tree: Path = REPOSITORY) -> Iterator[Served]:
    """A service until the block ends, of this checkout or of the code in another tree."""
    var_dir.mkdir(parents=True, exist_ok=True)
    process = _start(var_dir, port, tree)
    service = Served(var_dir, port, settle_place(control_of(var_dir.resolve())), process, tree)
    try:
        service.wait_until_whole()
        yield service
    finally:
        service.process.terminate()
        service.process.wait(60)


def _start(var_dir: Path, port: int, tree: Path) -> subprocess.Popen[bytes]:
    own = {"DISTRIB_VAR_DIR": str(var_dir), "DISTRIB_LOG_LEVEL": "ERROR", "DISTRIB_DRAIN_BATCH_ORDERS": "50"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DISTRIB_")}
    own["PYTHONPATH"] = str(tree)
    command = [sys.executable, "-P", "-c", RUN, "serve", "--port", str(port)]
    log = (var_dir.parent / "serve.log").open("ab")
    with log:
        return subprocess.Popen(
            command,
            env=inherited | own,
            cwd=tree,
            start_new_session=True,
            stdout=log,
            stderr=log,
        )


def _comm(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text("utf-8").strip()
    except OSError:
        return ""


def show(service: Served) -> str:
    """The end of what it had to say, for a failure."""
    return json.dumps((service.var_dir.parent / "serve.log").read_text("utf-8", "replace")[-4_000:])
