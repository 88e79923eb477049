"""Every line that a service, its workers and its migration log is one JSON object, whoever logs it."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from distrib.bootstrap import Container
from distrib.logs import configure_logs
from distrib.settings import Settings
from distrib.worker_health import NAME
from tests.world.databases import Desk, older_database
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.live import Client, free_port
from tests.world.processes import wait_until
from tests.world.world import World, chain

COMMAND = [sys.executable, "-c", "from distrib.cli import main; main()"]


def lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a log, each of which has to be one object with time, level and words."""
    parsed = [json.loads(text) for text in path.read_text("utf-8").splitlines()]
    assert all({"timestamp", "level", "event"} <= entry.keys() for entry in parsed), parsed
    return parsed


def test_a_service_and_its_workers_log_json_and_nothing_else(world: World, tmp_path: Path) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("a"))
    port, web_log, worker_log = free_port(), tmp_path / "web", tmp_path / "worker"
    environment = {**os.environ, **world.container.environment(), "DISTRIB_LOG_LEVEL": "INFO"}
    web = started(
        ["-m", "gunicorn", "--config", "config/gunicorn.conf.py", "--bind", f"127.0.0.1:{port}", "wsgi:app"],
        environment,
        web_log,
    )
    worker = started(["-m", "workers", "--processes", "1"], environment, worker_log)
    try:
        wait_until(lambda: is_answered(port), "the service answers", 30)
        health = Path(environment["DISTRIB_VAR_DIR"]) / NAME
        wait_until(lambda: health.exists() and json.loads(health.read_text())["database"] == "up", "workers work", 30)
        assert health_told(environment) == 0
        world.post(settled("e", "o", "a", line(1_000)))
        wait_until(lambda: world.outcome("e")[0] == "done", "the event is done", 30)
        os.killpg(worker.pid, signal.SIGTERM)
    finally:
        for process in (web, worker):
            process.terminate()
            process.wait(30)
    assert health_told(environment) == 1
    assert any(entry.get("logger") == "gunicorn.error" for entry in lines(web_log))
    assert any(entry["event"] == "request" for entry in lines(web_log))
    lines(worker_log)


def started(words: list[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """A process whose standard error is kept."""
    with log.open("wb") as output:
        return subprocess.Popen([sys.executable, *words], env=environment, stderr=output, start_new_session=True)


def is_answered(port: int) -> bool:
    """Whether a service answers there."""
    try:
        return Client(port, "none").call("GET", "/v1/shops").status == 401
    except OSError:
        return False


def health_told(environment: Mapping[str, str]) -> int:
    """With what ``distrib worker --health`` ends."""
    return subprocess.run([*COMMAND, "worker", "--health"], env=environment, check=False, timeout=30).returncode


def test_a_migration_logs_what_alembic_says_as_json(desk: Desk, settings: Settings, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.sql"
    nothing.write_text("SELECT 1")
    with older_database(desk, "0001", nothing) as url, (tmp_path / "log").open("wb") as log:
        environment = Container(settings, url, str(settings.redis_url)).environment()
        subprocess.run([*COMMAND, "migrate"], env={**os.environ, **environment}, stderr=log, check=True, timeout=60)
    logged = {entry.get("logger") for entry in lines(tmp_path / "log")}
    assert "alembic.runtime.migration" in logged


def test_what_libraries_warn_of_and_what_ends_a_thread_are_lines_as_any_other(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    logging.captureWarnings(False)  # a command that ran in this process before has them captured still
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    level, shape = root.level, structlog.get_config()
    try:
        configure_logs("INFO")
        logging.getLogger("rq.worker").warning("Worker %s: %s", "w-1", "stopped")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old", DeprecationWarning, stacklevel=1)
        thread = threading.Thread(target=lambda: 1 // 0, name="job")
        thread.start()
        thread.join()
    finally:
        logging.captureWarnings(False)
        structlog.configure(**shape)
        root.setLevel(level)
    told = [json.loads(text) for text in capfd.readouterr().err.splitlines()]
    assert [entry["event"] for entry in (told[0], told[2])] == ["Worker w-1: stopped", "thread_ended"]
    assert "DeprecationWarning: old" in told[1]["event"]
    assert (told[0]["logger"], told[1]["logger"], told[2]["thread"]) == ("rq.worker", "py.warnings", "job")
    assert "ZeroDivisionError" in told[2]["exception"]
