"""Runs the simulations that people have asked for and left. What one comes to is the services' business."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.simulator import Simulator


def run_simulations(container: Container) -> None:
    """Runs the simulations that wait, of all programs, one after the other."""
    Simulator(container.worker_engine.begin, container.policies, container.now).run_waiting()
