"""``distrib serve``: API and console, with a worker beside them on the embedded default, all of them kept alive."""

from __future__ import annotations

import importlib
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click

from distrib.bootstrap import Container, open_container
from distrib.cli.output import in_both
from distrib.cli.service.keeping import Kept, KeptModule
from distrib.cli.service.local import is_ready, reachable
from distrib.domain.texts import Text
from distrib.failures import WRONG_USE, check_address
from distrib.loading import loading
from distrib.logs import configure_logs
from distrib.metrics_directory import provide_directory
from distrib.services.plans.drafts import load_samples
from distrib.settings import read_settings

_API_FIRST_S = 15.0
"""How long workers wait for the API to come up, at the most."""
_LOOK_S = 0.2
_IMPORTED = ("distrib.app", "distrib.server.worker", "gunicorn.app.wsgiapp", "rq")
_WEB_GIVES_UP = 4
"""The exit status of gunicorn where ``distrib.wsgi`` says that it cannot be started as it is set."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65_535), help="Port.")
def serve(host: str, port: int) -> None:
    """Serve the API and the console."""
    check_address(host, port)
    with ExitStack() as stack:
        metrics = provide_directory()
        if metrics is not None:
            stack.callback(metrics.remove)
        settings = read_settings()
        configure_logs(settings.log_level, settings.log_format)
        container = stack.enter_context(open_container(settings, tell=_tell))
        container.must_be_served()
        _check_files(container)
        _import_all()
        container.disconnect()  # processes are forked from here
        web = Kept(
            "web",
            KeptModule("gunicorn", _web(container, host, port), container.web_environment()),
            gives_up=[_WEB_GIVES_UP],
            is_fresh=container.settings.worker_database_url is not None,  # the web is never to learn of that login
        )
        workers = None
        if container.servers is not None:
            workers = Kept("workers", KeptModule("workers", [], container.joining_environment()), gives_up=[WRONG_USE])
        _tell(Text("Starting the service …"))
        status = _watch(web, workers, partial(is_ready, port, reachable(host)), f"http://{host}:{port}/")
    _tell(Text("Stopped."))
    sys.exit(status)


def _tell(text: Text) -> None:
    """Says what is done, on standard output: standard error is for the log."""
    click.echo(in_both(text))


def _import_all() -> None:
    """Imports what the processes need, so that one that is started again has it.

    Whoever counts for ``/metrics`` reads when it is imported where the figures are to lie: that is known by now.
    """
    with loading():
        for name in _IMPORTED:
            importlib.import_module(name)


def _check_files(container: Container) -> None:
    """Reads what the service is configured by, so that a mistake is said once, before any process starts."""
    _ = container.policies, container.channels
    load_samples(container.settings.config_dir)


def _web(container: Container, host: str, port: int) -> list[str]:
    config = Path(container.settings.config_dir) / "gunicorn.conf.py"
    return ["--config", str(config), "--bind", f"{host}:{port}", "distrib.wsgi:app"]


def _watch(web: Kept, workers: Kept | None, is_up: Callable[[], bool], address: str) -> int:
    """Keeps the processes alive until a signal comes, then ends them.

    Workers are started when the API is up: while it comes up, it has the processors to itself. Then it is said where.

    Returns:
        0 when asked to stop, else the status of whichever gave up.
    """
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    kept, latest, status, is_listening = [web], time.monotonic() + _API_FIRST_S, None, False
    while status is None and not asked.is_set():
        status = next((given for process in kept if (given := process.keep()) is not None), None)
        if not is_listening and is_up():
            _tell(
                Text(
                    "Listening at {address} (documentation: {address}docs, console: {address}console)", address=address
                )
            )
            is_listening = True
        if workers is not None and (is_listening or time.monotonic() > latest):
            kept.append(workers)
            workers = None
        asked.wait(_LOOK_S)
    _tell(Text("Stopping …"))
    for process in reversed(kept):
        process.stop()
    return status or 0
