"""Starts the service for the demo as anybody would: ``distrib serve``, and ``distrib worker`` where that is apart.

Both are processes of their own and write to a log. Nothing that knows what is posted may enter.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from distrib.cli.demo.facts import DemoFailed
from distrib.cli.service.local import HOST, free_port, is_ready
from distrib.domain.texts import Text
from distrib.settings import Settings

STARTS_WITHIN_S = 180
ENDS_WITHIN_S = 30
LOG_TAIL = 15


@dataclass(frozen=True, slots=True)
class Service:
    """Where the service listens, and what it consists of."""

    port: int
    log: Path
    processes: Sequence[subprocess.Popen[bytes]]

    def must_live(self) -> None:
        """Raises ``DemoFailed`` with the end of the log where a process has ended by itself."""
        if any(process.poll() is not None for process in self.processes):
            raise DemoFailed(Text("the service ended by itself"), log=last_lines(self.log))


@contextmanager
def running_service(settings: Settings, log: Path) -> Iterator[Service]:
    """The API with its workers, ready to be called; ends with the block.

    Args:
        settings: with servers of one's own, workers are started apart, as in production.
        log: where both write.

    Raises:
        DemoFailed: it does not come up; the end of the log says why.
    """
    port = free_port()
    commands = [["serve", "--host", HOST, "--port", str(port)]]
    if not settings.is_embedded:
        commands.append(["worker", "--processes", str(settings.worker_processes)])
    with ExitStack() as stack:
        output = stack.enter_context(log.open("ab"))
        processes = [_start(command, output.fileno()) for command in commands]
        stack.callback(_end, processes)
        service = Service(port, log, processes)
        _wait_until_ready(service)
        yield service


def last_lines(log: Path) -> str:
    """The end of the log."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL:])
    except OSError as error:
        return str(error)


def _start(command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
    whole = [sys.executable, "-m", "distrib.cli.demo.posting.child", str(os.getpid()), *command]
    return subprocess.Popen(
        whole, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
    )  # a session of its own: a Ctrl-C is for the demo, which then ends the service in order


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(service: Service) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while not is_ready(service.port):
        service.must_live()
        if time.monotonic() > deadline:
            raise DemoFailed(Text("the service does not come up"), log=last_lines(service.log))
        time.sleep(0.1)
