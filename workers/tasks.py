"""Makes the long calls that people have asked for and left. What a call does is the services' business."""

from __future__ import annotations

import threading

from distrib.api.calls.tasks import TaskRunner
from distrib.app import create_app
from distrib.bootstrap import Container
from distrib.services.tasks import forget_past_files, waiting_tasks

_building = threading.Lock()
_runners: dict[int, TaskRunner] = {}


def run_tasks(container: Container) -> None:
    """Makes the calls that wait, one after the other; the app whose calls they are is built for the first of them."""
    with container.begin() as conn:
        if not waiting_tasks(conn, 1):
            return
    runner_of(container).run_waiting()


def forget_task_files(container: Container) -> None:
    """Deletes files that are past their days."""
    with container.begin() as conn:
        forget_past_files(conn, container.now())


def runner_of(container: Container) -> TaskRunner:
    """Builds the runner of a container, once."""
    with _building:
        if id(container) not in _runners:
            _runners.clear()
            _runners[id(container)] = TaskRunner(create_app(container), container.begin)
        return _runners[id(container)]
