"""Real processes for tests: workers that can be killed, and waiting for what they do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from distrib.bootstrap import Container
from distrib.settings import REPOSITORY

_pause = threading.Event()


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Waits for something that real processes bring about; fails by name after ``seconds``."""
    until = monotonic() + seconds
    while not is_so():
        if monotonic() > until:
            raise TimeoutError(f"not within {seconds} s: {what}")
        _pause.wait(0.05)


@contextmanager
def running_workers(container: Container, processes: int) -> Iterator[subprocess.Popen[bytes]]:
    """A supervisor with its workers, ended with whatever it started."""
    command = [sys.executable, "-m", "workers", "--processes", str(processes)]
    environment = {**os.environ, **container.environment(), "DISTRIB_LOG_LEVEL": "ERROR"}
    supervisor = subprocess.Popen(command, env=environment, cwd=REPOSITORY, start_new_session=True)
    try:
        yield supervisor
    finally:
        supervisor.terminate()
        supervisor.wait(30)


def children_of(pid: int) -> list[int]:
    """The processes that a process started and that still run."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text("ascii").split()]


def kill(pid: int) -> None:
    """Ends a process without a chance to clean up."""
    os.kill(pid, signal.SIGKILL)
