"""What a worker process holds while it lives: one container, one drainer."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.drainer import Drainer

_held: list[tuple[Container, Drainer]] = []


def install(container: Container) -> None:
    """Sets this process's container, before the first job."""
    _held[:] = [(container, make_drainer(container))]


def runtime() -> tuple[Container, Drainer]:
    """Returns this process's container and drainer."""
    return _held[0]


def make_drainer(container: Container) -> Drainer:
    """Creates a drainer on the container's worker connections."""
    return Drainer(container.worker_engine, container.policies, container.settings.drain_batch_orders, container.now)
