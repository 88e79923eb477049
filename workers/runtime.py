"""What a worker process holds while it lives: one container, one drainer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from distrib.bootstrap import Container
from distrib.drainer import Drainer
from workers.heartbeat import Heartbeat

_held: list[tuple[Container, Drainer]] = []
_beats: list[Heartbeat] = []


def install(container: Container, heartbeat: Heartbeat | None = None) -> None:
    """Sets this process's container, and where its work is told, before the first job."""
    _held[:] = [(container, make_drainer(container))]
    _beats[:] = [] if heartbeat is None else [heartbeat]


@contextmanager
def activity_shown(activity: str) -> Iterator[Heartbeat | None]:
    """Tells what this process is at while the block runs, where it tells of itself."""
    if not _beats:
        yield None
        return
    with _beats[0].engaged_in(activity):
        yield _beats[0]


def runtime() -> tuple[Container, Drainer]:
    """Returns this process's container and drainer."""
    return _held[0]


def make_drainer(container: Container) -> Drainer:
    """Creates a drainer on the container's worker connections."""
    return Drainer(container.worker_engine, container.policies, container.settings.drain_batch_orders, container.now)
