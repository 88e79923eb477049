"""``distrib serve``: API and console, with a worker beside them on the embedded default."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from distrib.bootstrap import Container, open_container
from distrib.cli.output import in_both
from distrib.cli.service.local import is_ready, reachable
from distrib.domain.texts import Text
from distrib.failures import check_address
from distrib.services.plans.drafts import load_samples
from distrib.settings import REPOSITORY

_STOP_WAIT_S = 25.0
_API_FIRST_S = 15.0
"""How long workers wait for the API to come up, at the most."""
_LOOK_S = 0.2
_PR_SET_PDEATHSIG = 1  # prctl(2)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65_535), help="Port.")
def serve(host: str, port: int) -> None:
    """Serve the API and the console."""
    check_address(host, port)
    with open_container() as container:
        _check_files(container)
        started = [_start(_web(container, host, port), container.web_environment())]
        workers = None
        if container.servers is not None:
            workers = partial(_start, [sys.executable, "-m", "workers"], container.joining_environment())
        click.echo(f"http://{host}:{port}/ ({in_both(Text('docs'))}: /docs)", err=True)
        status = _watch(started, workers, partial(is_ready, port, reachable(host)))
    sys.exit(status)


def _check_files(container: Container) -> None:
    """Reads what the service is configured by, so that a mistake is said once, before any process starts."""
    _ = container.policies, container.channels
    load_samples(container.settings.config_dir)


def _web(container: Container, host: str, port: int) -> list[str]:
    config = Path(container.settings.config_dir) / "gunicorn.conf.py"
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        str(config),
        "--chdir",
        str(REPOSITORY),
        "--bind",
        f"{host}:{port}",
        "wsgi:app",
    ]


def _start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env={**os.environ, **environment},
        cwd=REPOSITORY,
        start_new_session=True,
        preexec_fn=_tied_to(os.getpid()),  # noqa: PLW1509 - before any thread of ours
    )


def _tied_to(parent: int) -> Callable[[], None]:
    """Makes a child end when ``parent`` does, ``kill -9`` included: an orphan would keep the port and its code."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux alone has it

    def tie() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return tie


def _watch(
    children: list[subprocess.Popen[bytes]],
    start_workers: Callable[[], subprocess.Popen[bytes]] | None,
    is_up: Callable[[], bool],
) -> int:
    """Waits until one child ends or a signal comes, then ends the others.

    Workers are started when the API is up: while it comes up, it has the processors to itself.

    Returns:
        0 when asked to stop, else the status of whichever ended first.
    """
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    latest = time.monotonic() + _API_FIRST_S
    while not asked.wait(_LOOK_S):
        if start_workers is not None and (is_up() or time.monotonic() > latest):
            children.append(start_workers())
            start_workers = None
        if any(child.poll() is not None for child in children):
            break
    status = 0 if asked.is_set() else next(child.returncode for child in children if child.poll() is not None)
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(_STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    return status
